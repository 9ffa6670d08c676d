"""The sample sheet of the simulated cohort, and a check of a given sheet against it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trdomics.errors import InputError
from trdomics.simulation.cohort import Cohort

FIRST_COLUMNS = ["response", "site", "mrna_id", "small_rna_id"]
BLOOD_COUNT = ["neutrophils", "lymphocytes", "monocytes"]
# Proportions of values missing at random.
MISSING = {
    "bmi": 0.035,
    "rin": 0.02,
    "medication": 0.01,
    "psychotic_symptoms": 0.01,
    "suicidal_risk": 0.02,
    "anxiety_disorder": 0.02,
    "previous_antidepressants": 0.015,
    "current_madrs": 0.01,
}
# Columns recalled by patients: missing more often in older ones.
REMEMBERED = {"onset_age": 0.04, "episode_weeks": 0.04, "episodes": 0.03}
BLOOD_COUNT_MISSING = 0.025
# The columns from which molecular data were drawn (one patient's sex is wrong in the sheet).
DRIVERS = ["site", "sex", "age", "neutrophils", "medication", "mrna_id", "small_rna_id"]


def make_sheet(cohort: Cohort, seed: int) -> pd.DataFrame:
    """Return the sample sheet of a cohort, with missing values and one wrong sex.

    Label, site and sample names are complete. Blood counts are missing as a whole, recalled columns
    more often with age, everything else at random.
    """
    rng = np.random.default_rng([seed, 1])
    sheet = cohort.patients.assign(sex=cohort.recorded_sex)
    n = len(sheet)
    for column, share in MISSING.items():
        _leave_out(sheet, [column], rng.random(n) < share)
    age = sheet["age"] / sheet["age"].mean()
    for column, share in REMEMBERED.items():
        _leave_out(sheet, [column], rng.random(n) < share * age**2)
    _leave_out(sheet, BLOOD_COUNT, rng.random(n) < BLOOD_COUNT_MISSING)
    rest = [column for column in sheet if column not in FIRST_COLUMNS]
    return sheet[FIRST_COLUMNS + rest].reset_index()


def _leave_out(sheet: pd.DataFrame, columns: list[str], gap: np.ndarray | pd.Series) -> None:
    for column in columns:
        if pd.api.types.is_integer_dtype(sheet[column]):
            sheet[column] = sheet[column].astype("Int64")
        sheet.loc[np.asarray(gap), column] = pd.NA


# Every how many patients libraries were loaded on two lanes.
_TWO_LANES_EVERY = 7


def make_units(cohort: Cohort, folder: str) -> dict[str, pd.DataFrame]:
    """Return the tables of units of a raw cohort: `mrna`, `small_rna` and `mutations`."""
    names = cohort.patients[["mrna_id", "small_rna_id"]].assign(dna=cohort.patients.index)
    tables = {}
    for layer, column in zip(("mrna", "small_rna", "mutations"), names, strict=True):
        rows = []
        for number, sample in enumerate(names[column]):
            for lane in ("L1", "L2") if number % _TWO_LANES_EVERY == 0 else ("L1",):
                stem = f"{folder}/{layer}/{sample}_{lane}"
                pair = [f"{stem}_R1.fastq.gz", f"{stem}_R2.fastq.gz"]
                rows.append([sample, lane, *(pair[:1] if layer == "small_rna" else pair)])
        columns = ["sample", "lane", "fq1", "fq2"]
        tables[layer] = pd.DataFrame(rows, columns=columns[: len(rows[0])])
    return tables


def check_sheet(sheet: pd.DataFrame, cohort: Cohort, where: str) -> None:
    """Check that a sheet has the patients that the cohort was drawn with.

    The label and the clinical columns may be changed: molecular data follow the draw, not the
    sheet. The columns from which they were drawn must be unchanged, or differences between patients
    would have no cause in the sheet.

    Raises
    ------
    InputError
        If patients, sample names or one of the driving columns differ.
    """
    fix = (
        "draw a sheet with `python workflow/scripts/simulation_samples.py --patients "
        f"{len(cohort.patients)} --output {where}`, or remove `simulation` and name your matrices"
    )
    missing = [name for name in ["patient_id", *DRIVERS] if name not in sheet]
    if missing:
        raise InputError(where, f"the simulated cohort needs the column {missing[0]}", fix)
    strange = sheet.loc[~sheet["patient_id"].isin(cohort.patients.index), "patient_id"]
    if len(strange):
        raise InputError(where, f"patient {strange.iloc[0]} was not simulated", fix)
    sheet_patients = cohort.patients.assign(sex=cohort.recorded_sex)
    drawn = sheet_patients.loc[sheet["patient_id"], DRIVERS].reset_index(drop=True)
    shown = sheet[DRIVERS].reset_index(drop=True)
    for column in DRIVERS:
        other = shown[column].notna() & (shown[column] != drawn[column])
        if other.any():
            row = int(np.flatnonzero(other)[0])
            problem = (
                f"{column} of {sheet['patient_id'].iloc[row]} is {shown[column][row]}, "
                f"but {drawn[column][row]} was simulated"
            )
            raise InputError(where, problem, fix)
