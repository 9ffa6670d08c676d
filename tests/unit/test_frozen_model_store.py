import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from classification_data import PATIENTS, N, cohort, config
from model_files import copied, signed
from sklearn.linear_model import LinearRegression

import trdomics
from trdomics.classification.feature_blocks import DenseBlocks
from trdomics.classification.outer_split import nested_search
from trdomics.errors import InputError
from trdomics.frozen_model.freeze import freeze
from trdomics.frozen_model.frozen import check_parts
from trdomics.frozen_model.store import (
    MANIFEST,
    MODEL,
    anonymous,
    dumps,
    load_model,
    loads,
    manifest,
    save_model,
)

KINDS = ["elastic_net", "random_forest", "gradient_boosting"]
CONFIG = config(inner_folds=2, regress_out=["age"])
# 71 patients, 65 of them in each layer: no block or feature set has as many features
TABLES, LABELS = cohort(lacking=6)
NEW, _ = cohort(n=15, seed=4, prefix="new-")


@pytest.fixture(scope="module")
def representations():
    return nested_search(CONFIG).representations(TABLES, LABELS.to_numpy())


@pytest.fixture(scope="module")
def search(representations):
    return nested_search(CONFIG).fit_from(representations, LABELS.to_numpy(dtype=int))


@pytest.fixture(scope="module")
def frozen(search, representations):
    return freeze(search, representations, TABLES, LABELS.to_numpy(dtype=int))


@pytest.fixture(scope="module", params=KINDS)
def search_of_kind(request, representations):
    options = config(models=[request.param], inner_folds=2, regress_out=["age"])
    return nested_search(options).fit_from(representations, LABELS.to_numpy(dtype=int))


@pytest.fixture(scope="module")
def folder(search, frozen, tmp_path_factory):
    path = tmp_path_factory.mktemp("model")
    description = manifest(search, frozen.risk, labels=LABELS, label=CONFIG["label"])
    save_model(frozen, description, path / MODEL, path / MANIFEST)
    return path


class Foreign(LinearRegression):
    """A type that no model of the workflow has."""


def arrays_and_texts(content):
    """Return shapes of all arrays and all text of a skops file."""
    shapes, texts = [], []
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            if name.endswith(".npy"):
                array = np.load(io.BytesIO(archive.read(name)), allow_pickle=False)
                shapes.append(array.shape)
                if array.dtype.kind in "US":
                    texts += [str(value) for value in array.ravel()]
            else:
                texts.append(archive.read(name).decode("utf-8", errors="replace"))
    return shapes, "\n".join(texts)


def longest_lists(node):
    """Yield the lengths of all lists in parsed JSON."""
    if isinstance(node, list):
        yield len(node)
    values = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
    for value in values:
        yield from longest_lists(value)


def test_a_stored_model_predicts_as_it_did(search, folder):
    frozen, description = load_model(folder)
    model = frozen.risk
    np.testing.assert_array_equal(model.predict_proba(NEW), search.predict_proba(NEW))
    assert description["feature_set"] == search.winner_
    assert description["n_training"] == N
    assert description["prevalence"] == pytest.approx(LABELS.mean())
    assert description["label"] == {"column": "outcome", "positive": "yes", "negative": "no"}
    assert set(description["layers"]) == set(model.representation.normalisers_)


@pytest.mark.parametrize("feature_set", ["late_fusion_mofa", "mofa_clinical", "early"])
def test_no_patient_in_any_file(search_of_kind, representations, feature_set):
    search_of_kind.winner_ = feature_set
    kind = search_of_kind.best_[feature_set].kind
    for row in search_of_kind.candidates_:
        row["chosen"] = int(row["feature_set"] == feature_set and row["model"] == kind)
    fitted = freeze(search_of_kind, representations, TABLES, LABELS.to_numpy(dtype=int), pairs=1)
    content = dumps(fitted)
    shapes, text = arrays_and_texts(content)
    assert shapes
    assert not [shape for shape in shapes if N in shape]
    training_parts = {len(TABLES[layer]) for layer in TABLES}
    assert not [shape for shape in shapes if training_parts & set(shape)]
    assert not [patient for patient in PATIENTS if patient in text]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        schema = json.loads(archive.read("schema.json"))
    assert not {N, *training_parts} & set(longest_lists(schema))
    restored = loads(content, "memory")
    expected = fitted.risk.predict_proba(NEW)
    np.testing.assert_array_equal(restored.risk.predict_proba(NEW), expected)
    check_parts(restored)
    blocks = DenseBlocks.of(restored.representation.transform(NEW))
    lacking = [[] for _ in range(len(NEW))]
    for bound, again in zip(
        fitted.replicates.interval(blocks, expected[:, 1], lacking),
        restored.replicates.interval(blocks, expected[:, 1], lacking),
        strict=True,
    ):
        np.testing.assert_array_equal(bound, again)


def test_the_manifest_holds_no_patient_and_no_path(folder):
    text = (folder / MANIFEST).read_text(encoding="utf-8")
    assert not [patient for patient in PATIENTS if patient in text]
    assert N not in set(longest_lists(json.loads(text)))
    assert "rna.tsv" not in text
    _, stored = arrays_and_texts((folder / MODEL).read_bytes())
    assert "rna.tsv" not in stored


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
    truth = LABELS.to_numpy(dtype=int)
    search = nested_search(options)
    representations = search.representations(tables, truth)
    search.fit_from(representations, truth)
    search.winner_ = "early"
    for row in search.candidates_:
        row["chosen"] = int(row["feature_set"] == search.winner_)
    model = freeze(search, representations, tables, truth, pairs=1)
    description = manifest(search, model.risk, labels=LABELS, label=options["label"])
    save_model(model, description, tmp_path / MODEL, tmp_path / MANIFEST)
    _, text = arrays_and_texts((tmp_path / MODEL).read_bytes())
    text += (tmp_path / MANIFEST).read_text(encoding="utf-8")
    assert "rsMANY" in text
    assert "rsFEW" not in text
    restored, _ = load_model(tmp_path)
    given = model.risk.predict_proba(tables)
    np.testing.assert_array_equal(restored.risk.predict_proba(tables), given)


def test_the_same_model_is_the_same_bytes(frozen, folder):
    assert dumps(anonymous(frozen)) == (folder / MODEL).read_bytes()


def test_other_types_are_refused():
    with pytest.raises(InputError, match=r"not trusted: .*Foreign"):
        loads(dumps(Foreign()), "model.skops")


def test_what_is_no_model_is_refused(tmp_path, folder):
    with pytest.raises(InputError, match="is no archive, or damaged"):
        loads(b"no archive at all", "model.skops")
    with pytest.raises(InputError, match="holds a dict, no model"):
        load_model(signed(folder, tmp_path, dumps({"a": 1})))


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
    with pytest.raises(InputError, match=r"model\.skops: no such file"):
        load_model(tmp_path)


APART = """
import sys
import numpy as np
sys.path[:0] = {paths!r}
from classification_data import cohort
from trdomics.classification.feature_blocks import DenseBlocks
from trdomics.frozen_model.store import load_model
from trdomics.scoring.shift import judge
frozen, _ = load_model({folder!r})
new, _ = cohort(n=15, seed=4, prefix="new-")
probability = frozen.risk.predict_proba(new)[:, 1]
blocks = DenseBlocks.of(frozen.representation.transform(new))
lower, upper = frozen.replicates.interval(blocks, probability, [[]] * 15)
patients, _ = judge(frozen, new)
rows = np.column_stack([probability, lower, upper, patients["factor_distance"]])
sys.stdout.write(rows.tobytes().hex())
"""


def test_the_same_file_gives_the_same_numbers_in_any_process(folder):
    """Fresh processes that differ in BLAS threads, hash seed and locale agree to the last bit."""
    paths = [str(Path(trdomics.__file__).parents[1]), str(Path(__file__).parent)]
    script = APART.format(paths=paths, folder=str(folder))
    said = []
    for threads, seed in (("1", "0"), ("2", "12345")):
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        environment = {**os.environ, **dict.fromkeys(names, threads), "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            env=environment,
            check=True,
        )
        said.append(done.stdout)
    assert len(said[0]) == 15 * 4 * 8 * 2
    assert said[0] == said[1]
