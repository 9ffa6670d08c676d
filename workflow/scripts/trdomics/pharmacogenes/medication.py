"""Drugs that patients took, and when: from a separate table, or from columns of the sheet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from trdomics.columns import as_text
from trdomics.errors import InputError
from trdomics.inputs.text_table import MISSING, read_user_table

REQUIRED, OPTIONAL = ("patient", "drug"), ("start", "stop", "dose")
MEDICATION = ["patient_id", "drug", "start", "stop", "dose"]
KEY = "pharmacogenes.medication"
FIX = "give a row per patient and drug: patient, drug, and optionally start, stop, dose"


@dataclass(frozen=True)
class Medication:
    """The drugs taken by each patient.

    Attributes
    ----------
    drugs : DataFrame
        ``patient_id``, ``drug`` (lower case), ``start``, ``stop`` (NaT: open), ``dose`` (text).
    strangers : list of str
        Patients of the table who are not in the cohort; their rows are left out.
    """

    drugs: pd.DataFrame
    strangers: list[str]


def read_medication(path: str, patients: Iterable[str]) -> Medication:
    """Read a table with the columns ``patient`` and ``drug``, maybe ``start``, ``stop``, ``dose``.

    Parameters
    ----------
    path : path
        TSV or CSV, one row per patient and drug. Dates are written 2024-05-31.

    Raises
    ------
    InputError
        If it cannot be read, lacks a column, a drug has no name, a date is invalid, or a drug ends
        before it starts.
    """
    where = f"{path} ({KEY})"
    rows = read_user_table(path, KEY, REQUIRED, FIX)
    rows = rows.mask(rows.isin(MISSING)).reindex(columns=[*REQUIRED, *OPTIONAL])
    for name in REQUIRED:
        if rows[name].isna().any():
            line = rows.index[rows[name].isna()][0]
            raise InputError(f"{where} line {line}", f"`{name}` is empty", "fill it in")
    for name in ("start", "stop"):
        dates = pd.to_datetime(rows[name], format="%Y-%m-%d", errors="coerce")
        wrong = dates.isna() & rows[name].notna()
        if wrong.any():
            raise InputError(
                f"{where} line {rows.index[wrong][0]}",
                f"`{name}` is {rows.loc[wrong, name].iloc[0]!r}",
                "write dates as 2024-05-31",
            )
        rows[name] = dates
    backwards = rows["stop"] < rows["start"]
    if backwards.any():
        line = rows.index[backwards][0]
        raise InputError(f"{where} line {line}", "the drug ends before it starts", "correct it")
    known = set(patients)
    strangers = sorted(set(rows["patient"]) - known)
    kept = rows[rows["patient"].isin(known)].rename(columns={"patient": "patient_id"})
    kept["drug"] = kept["drug"].str.lower()
    return Medication(kept[MEDICATION].reset_index(drop=True), strangers)


def drugs_of_sheet(sheet: pd.DataFrame, columns: Sequence[str]) -> Medication:
    """Read the drugs from columns of the sheet; several in one field are separated by ``;``."""
    parts = [
        as_text(sheet[column]).dropna().str.split(";").explode().str.strip().str.lower()
        for column in columns
    ]
    drugs = pd.concat(parts).rename("drug").rename_axis("patient_id").reset_index()
    drugs = drugs[~drugs["drug"].isin(["", "none"])].drop_duplicates()
    return Medication(drugs.reindex(columns=MEDICATION).reset_index(drop=True), [])


def together(one: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """Return every drug of `one` with the concurrent drugs of `others`.

    A missing date means an open interval on that side.

    Returns
    -------
    DataFrame
        Columns of `one`, and ``other``: the other drug.
    """
    columns = list(one.columns)
    pairs = one.merge(others, on="patient_id", suffixes=("", "_other"))
    pairs = pairs[pairs["drug"] != pairs["drug_other"]]
    apart = (pairs["stop_other"] < pairs["start"]) | (pairs["stop"] < pairs["start_other"])
    return pairs[~apart].rename(columns={"drug_other": "other"})[[*columns, "other"]]
