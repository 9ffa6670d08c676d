"""Bad input is told in one line, before any job starts and with nothing left behind."""

from __future__ import annotations

import copy

import pandas as pd
import pytest
from conftest import lay_out
from running import run


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
