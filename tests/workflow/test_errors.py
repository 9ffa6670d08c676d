"""Bad input is one line: before any job where headers show it, else from the job that reads it."""

from __future__ import annotations

import copy
import re

import numpy as np
import pandas as pd
import pytest
from conftest import lay_out
from running import run, write_config


def misspelt_key(settings, sheet):
    settings["classification"]["fold"] = 3
    return "`classification.fold`", "folds"


def duplicate_patient(settings, sheet):
    sheet.loc[1, "patient_id"] = sheet.loc[0, "patient_id"]
    return sheet.loc[0, "patient_id"], "samples.tsv"


def one_class(settings, sheet):
    sheet["response"] = "TRD"
    return "response", "samples.tsv"


def missing_file(settings, sheet):
    settings["layers"]["mrna"]["file"] = "nowhere.tsv"
    return "nowhere.tsv", "mrna"


def constant_covariate(settings, sheet):
    sheet["age"] = 40
    return "age", "constant"


FAULTS = [misspelt_key, duplicate_patient, one_class, missing_file, constant_covariate]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_one_line_and_no_job(fault, small_config, sheet, tmp_path):
    settings, changed = copy.deepcopy(small_config), sheet.copy().astype({"age": object})
    expected = fault(settings, changed)
    cohort = lay_out(tmp_path / "bad", settings, pd.DataFrame(changed))
    done = run(cohort.folder, cohort.config)
    told = done.stdout + done.stderr
    assert done.returncode != 0
    lines = [line for line in told.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, told[-3000:]
    assert all(part in lines[0] for part in expected), lines[0]
    assert "Traceback" not in told
    assert not cohort.results.exists()


PATIENTS = [f"p{i:02}" for i in range(40)]


@pytest.fixture
def tiny(tmp_path):
    """Return the folder and the config of a cohort with two small matrices, both sound."""
    rng = np.random.default_rng(3)
    sheet = pd.DataFrame({"patient_id": PATIENTS, "response": ["yes", "no"] * 20})
    sheet.to_csv(tmp_path / "sheet.tsv", sep="\t", index=False)
    layers = {}
    for name, kind, rows in (("rna", "counts", 25), ("protein", "continuous", 7)):
        values = rng.poisson(20, (rows, len(PATIENTS)))
        table = pd.DataFrame(values, [f"{name}{i}" for i in range(rows)], PATIENTS)
        table.to_csv(tmp_path / f"{name}.tsv", sep="\t", index_label="feature")
        layers[name] = {"type": kind, "file": f"{name}.tsv"}
    config = {
        "cohort": "tiny",
        "samples": {"file": "sheet.tsv"},
        "label": {"column": "response", "positive": "yes", "negative": "no"},
        "layers": layers,
    }
    return tmp_path, write_config(tmp_path, config)


def test_check_prints_the_plan_whenever_it_is_asked(tiny):
    for _ in range(2):
        done = run(*tiny, "check")
        assert done.returncode == 0, done.stderr[-3000:]
        assert "patients: 40 take part of 40 in the sheet" in done.stdout
        assert "layer rna: counts, 40 patients, 25 features" in done.stdout
    written = {path.name for path in (tiny[0] / "results" / "tiny").iterdir()}
    assert written == {"cohort", "layers", "provenance.json", "ro-crate-metadata.json"}


def test_a_model_is_fitted_without_cross_validation(tiny):
    planned = run(*tiny, "model", "--dry-run", "--quiet", "rules").stdout
    assert "classification_final_model" in planned
    assert "classification_fit_split" not in planned


def test_check_says_what_is_wrong_in_every_layer(tiny):
    folder, config = tiny
    for name, wrong in (("rna", "-1"), ("protein", "seven")):
        lines = (folder / f"{name}.tsv").read_text().splitlines()
        feature, _, *others = lines[3].split("\t")
        lines[3] = "\t".join([feature, wrong, *others])
        (folder / f"{name}.tsv").write_text("\n".join(lines) + "\n")
    done = run(folder, config, "check")
    assert done.returncode != 0
    found = set(re.findall(r"^ *(error: .*)$", done.stderr, re.MULTILINE))
    assert len(found) == 2, done.stderr[-4000:]
    said = " ".join(found)
    assert "rna.tsv (layer rna): feature `rna2`, sample `p00`: -1 is a negative count" in said
    assert "protein.tsv (layer protein): feature `protein2`, sample `p00`: 'seven'" in said
    assert "Traceback" not in done.stderr
