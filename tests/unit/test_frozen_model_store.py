"""Frozen models on disk: the same numbers in any process, without scikit-learn or a patient."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from classification_data import PATIENTS, N, cohort, config
from model_files import (
    LABELS,
    MODELS,
    TABLES,
    TRUTH,
    copied,
    described,
    frozen_model,
    opened,
    representations,
    searched,
    written,
)

import trdomics
from trdomics.classification.feature_blocks import DenseBlocks
from trdomics.classification.run_split import nested_search
from trdomics.errors import InputError
from trdomics.frozen_model.freeze import freeze, manifest
from trdomics.frozen_model.half_samples import HalfSampleReplicates
from trdomics.frozen_model.store import MANIFEST, MODEL, dumps, load_model, loads, save_model
from trdomics.tables import LayerTables

NEW, _ = cohort(n=15, seed=4, prefix="new-")
COHORTS = {
    "whole": NEW,
    "without a layer": LayerTables({k: v for k, v in NEW.items() if k != "rna"}, NEW.patients),
    "the sheet only": LayerTables({"clinical": NEW["clinical"]}, NEW.patients),
    "fewer features": NEW.replace(
        rna=NEW["rna"].iloc[:, :33], protein=NEW["protein"].iloc[:, ::-1].iloc[:, :20]
    ),
    "other categories": NEW.replace(
        clinical=NEW["clinical"].assign(site="elsewhere", sex="unknown", batch=np.nan)
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return written("stack", tmp_path_factory.mktemp("model"))


def longest_lists(node):
    """Yield the lengths of all lists in parsed JSON."""
    if isinstance(node, list):
        yield len(node)
    values = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
    for value in values:
        yield from longest_lists(value)


@pytest.mark.parametrize("name", MODELS)
def test_a_stored_model_predicts_as_the_fitted_estimators(name):
    restored = loads(dumps(frozen_model(name)), "memory")
    for what, tables in COHORTS.items():
        np.testing.assert_allclose(
            restored.risk.predict_proba(tables),
            searched(name).predict_proba(tables),
            rtol=0,
            atol=1e-12,
            err_msg=what,
        )


@pytest.mark.parametrize("name", MODELS)
def test_stored_replicates_say_what_the_fitted_ones_do(name):
    search, fitted, curves = searched(name), [], []

    def remembered(blocks, labels):
        fitted.append(search.refit(blocks, labels))
        return fitted[-1]

    replicates = HalfSampleReplicates(2, seed=search.seed)
    replicates.fit(representations().blocks, TRUTH, remembered)
    restored = loads(dumps(frozen_model(name)), "memory")
    curves = restored.replicates.models_
    for tables in COHORTS.values():
        blocks = DenseBlocks.of(restored.representation.transform(tables))
        decisions = np.column_stack([model.decision_function(blocks) for model in fitted])
        found = curves.calibrated_log_odds(blocks)
        expected = decisions * replicates.models_.slopes + replicates.models_.offsets
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("name", MODELS)
def test_no_patient_in_any_file(name, tmp_path):
    written(name, tmp_path)
    tree, arrays = opened((tmp_path / MODEL).read_bytes())
    sizes = {N, *(len(TABLES[layer]) for layer in TABLES)}
    nodes = {array for array in arrays if "/models/" in array}
    assert not [k for k, v in arrays.items() if sizes & set(v.shape) and k not in nodes]
    text = (tmp_path / MANIFEST).read_text(encoding="utf-8")
    for part in (tree, json.loads(text)):
        assert not sizes & set(longest_lists(part))
    text += json.dumps(tree)
    assert not [patient for patient in PATIENTS if patient in text]
    assert "rna.tsv" not in text


def test_the_manifest_says_what_the_model_is(folder):
    frozen, told = load_model(folder)
    assert told["feature_set"] == "late_fusion_mofa"
    assert told["n_training"] == N
    assert told["prevalence"] == pytest.approx(LABELS.mean())
    assert told["label"] == {"column": "outcome", "positive": "yes", "negative": "no"}
    assert {k: v["type"] for k, v in told["layers"].items()} == frozen.risk.representation.types
    assert set(told["predictors"]) == {"age", "sex", "site"}


def test_no_file_names_a_named_variant_of_few_carriers(tmp_path):
    """Neither as a feature nor as what the config asked for."""
    options = config(inner_folds=2)
    options["layers"]["dna"]["dosages"] = ["rsFEW", "rsMANY"]
    few, many = (TABLES["dna"].iloc[:, [0]].copy() * 0 for _ in range(2))
    few.iloc[0], many.iloc[:30] = 1, 1
    named = [
        dosage.set_axis(
            pd.MultiIndex.from_tuples([(name, "", "other")], names=dosage.columns.names), axis=1
        )
        for name, dosage in (("rsFEW", few), ("rsMANY", many))
    ]
    tables = TABLES.replace(dna=pd.concat([TABLES["dna"], *named], axis=1))
    search = nested_search(options)
    search.feature_sets = [f for f in search.feature_sets if f.name == "early"]
    found = search.representations(tables, TRUTH)
    search.fit_from(found, TRUTH)
    model = freeze(search, found, tables, TRUTH, pairs=1)
    told = manifest(search, model, labels=LABELS, label=options["label"])
    save_model(model, told, tmp_path / MODEL, tmp_path / MANIFEST)
    text = json.dumps(opened((tmp_path / MODEL).read_bytes())[0])
    text += (tmp_path / MANIFEST).read_text(encoding="utf-8")
    assert "rsMANY" in text
    assert "rsFEW" not in text
    restored, _ = load_model(tmp_path)
    np.testing.assert_allclose(
        restored.risk.predict_proba(tables), search.predict_proba(tables), rtol=0, atol=1e-12
    )


def test_the_same_model_is_the_same_bytes(folder):
    assert dumps(frozen_model("stack")) == (folder / MODEL).read_bytes()
    assert dumps(load_model(folder)[0]) == (folder / MODEL).read_bytes()


def test_a_changed_file_is_refused(folder, tmp_path):
    changed = copied(folder, tmp_path)
    with (changed / MODEL).open("ab") as file:
        file.write(b"x")
    with pytest.raises(InputError, match="is not the file its manifest describes"):
        load_model(changed)


def test_another_format_is_refused(folder, tmp_path):
    with pytest.raises(InputError, match="has format 99"):
        load_model(copied(folder, tmp_path, format=99))


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match=r"model\.safetensors: no such file"):
        load_model(tmp_path)


def test_a_model_of_an_earlier_version_is_to_be_fitted_again(tmp_path):
    (tmp_path / "model.skops").write_bytes(b"PK")
    (tmp_path / MANIFEST).write_text("{}")
    with pytest.raises(InputError, match=r"model\.skops: .*; refit the model$"):
        load_model(tmp_path)


def test_the_manifest_of_each_model_fits_its_schema(tmp_path):
    for name in ("linear", "boosting"):
        assert load_model(written(name, tmp_path))[1]["model"] == described(name)["model"]


APART = """
import ast, importlib, sys
from pathlib import Path
import numpy as np
scripts, folder, cohort = sys.argv[1:]
sys.path.insert(0, scripts)
for node in ast.parse(Path(scripts, "scoring_apply.py").read_text("utf-8")).body:
    if isinstance(node, ast.ImportFrom):
        importlib.import_module(node.module)
import pandas as pd
from trdomics.classification.feature_blocks import DenseBlocks
from trdomics.frozen_model.store import load_model
from trdomics.scoring.out_of_distribution import assess
from trdomics.tables import LayerTables
new = LayerTables(*pd.read_pickle(cohort))
frozen, _ = load_model(folder)
probability = frozen.risk.predict_proba(new)[:, 1]
blocks = DenseBlocks.of(frozen.representation.transform(new))
lower, upper = frozen.replicates.interval(blocks, probability, [[]] * len(new))
patients, _ = assess(frozen, new)
learning = {"sklearn", "pydeseq2", "mofapy2"} & set(sys.modules)
assert not learning, learning
rows = np.column_stack([probability, lower, upper, patients["factor_distance"]])
sys.stdout.write(rows.tobytes().hex())
"""


def scored_apart(folder, tmp_path, **environment):
    """Return what a process of its own predicts, which may import what the scoring script does."""
    pd.to_pickle(({name: NEW[name] for name in NEW}, NEW.patients), tmp_path / "new.pkl")
    scripts = str(Path(trdomics.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", APART, scripts, str(folder), str(tmp_path / "new.pkl")],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return np.frombuffer(bytes.fromhex(done.stdout)).reshape(len(NEW), 4)


def test_scoring_needs_no_scikit_learn_and_gives_the_same_numbers_in_any_process(folder, tmp_path):
    """Fresh processes that differ in BLAS threads and hash seed agree to the last bit."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    first, second = (
        scored_apart(folder, tmp_path, PYTHONHASHSEED=seed, **dict.fromkeys(names, threads))
        for threads, seed in (("1", "0"), ("2", "12345"))
    )
    np.testing.assert_array_equal(first, second)
    expected = searched("stack").predict_proba(NEW)[:, 1]
    np.testing.assert_allclose(first[:, 0], expected, rtol=0, atol=1e-12)
