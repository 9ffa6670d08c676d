"""The tables of an audit: predictions, the sheet's columns, training patients, features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trdomics.config_types import AuditColumns, AuditConfig
from trdomics.errors import InputError
from trdomics.inputs.text_table import MISSING, TextTable, raise_all, read_text_table, readable
from trdomics.schema import did_you_mean

FORMAT = "name it .tsv or .csv (both also .gz)"
# Fold and repeat of predictions that name none.
ONE = "1"


@dataclass(frozen=True)
class Predictions:
    """Predictions as they were read.

    Attributes
    ----------
    rows : DataFrame
        A row per prediction: ``patient_id``, ``sample``, ``repeat``, ``fold`` (texts) and
        ``probability``. Without a column of samples, a patient is its sample.
    labels : Series
        1 or 0 by patient id, in the order of the file.
    sheet : DataFrame
        Site and confounders by patient id: numbers, or texts where a column has any.
    notes : list of str
        What was left out or put together.
    """

    rows: pd.DataFrame
    labels: pd.Series
    sheet: pd.DataFrame
    notes: list[str]


def read_predictions(audit: AuditConfig) -> Predictions:
    """Read the predictions and what the sheet says of their patients.

    Raises
    ------
    InputError
        Naming file, line and column of what cannot be used.
    """
    file, columns = audit["predictions"], audit["columns"]
    text = _read(file, "audit.predictions", "prediction")
    wanted = _named(columns)
    table = _table(text, file, wanted)
    rows = prediction_rows(table, columns, file)
    labels, unlabelled = _labels(table, rows, audit)
    notes = []
    if unlabelled:
        notes.append(f"{unlabelled} rows without a label were left out")
    rows = rows[rows["patient_id"].isin(labels.index)]
    if labels.nunique() < 2:
        raise InputError(
            file,
            "all patients are of one class",
            "give patients of both, or correct `audit.label`",
        )
    return Predictions(rows.drop(columns="line"), labels, _sheet(audit, text, labels, notes), notes)


def prediction_rows(table: pd.DataFrame, columns: AuditColumns, file: str) -> pd.DataFrame:
    """Return the rows of a table of predictions under names of our own.

    Parameters
    ----------
    table : DataFrame
        Texts, with `line`.
    file : str
        For errors.

    Returns
    -------
    DataFrame
        ``patient_id``, ``sample``, ``repeat``, ``fold``, ``probability`` and ``line``.
    """
    named = {key: columns[key] for key in ("patient", "sample", "repeat", "fold") if columns[key]}
    raise_all(
        [
            InputError(f"{file} line {line}", f"no `{name}`", "fill it in")
            for name in named.values()
            for line in table.loc[table[name].isin(MISSING), "line"]
        ],
        file,
    )
    sources = {"patient_id": columns["patient"], "sample": named.get("sample", columns["patient"])}
    rows = pd.DataFrame({key: table[name] for key, name in sources.items()})
    for key in ("repeat", "fold"):
        rows[key] = table[named[key]] if key in named else ONE
    rows["line"] = table["line"]
    rows["probability"] = pd.to_numeric(table[columns["probability"]], errors="coerce")
    # written so that a missing one fails too
    odd = ~rows["probability"].between(0, 1)
    raise_all(
        [
            InputError(
                f"{file} line {rows['line'][row]}",
                f"`{columns['probability']}` is `{table[columns['probability']][row]}`",
                "give the probability of the positive class, from 0 to 1",
            )
            for row in rows.index[odd]
        ],
        file,
    )
    twice = rows.duplicated(["sample", "repeat", "fold"])
    raise_all(
        [
            InputError(
                f"{file} line {rows['line'][row]}",
                f"`{rows['sample'][row]}` was predicted before in this fold",
                "give one row per sample and fold; name samples in `audit.columns.sample` where a "
                "patient has several, and repeats in `audit.columns.repeat`",
            )
            for row in rows.index[twice]
        ],
        file,
    )
    return rows


def read_refit(path: str, columns: AuditColumns) -> pd.DataFrame:
    """Read the predictions that a refit command wrote; they need no label."""
    text = _read(path, "audit.refit", "prediction")
    wanted = _named(columns)
    del wanted["audit.columns.label"]
    return prediction_rows(_table(text, path, wanted), columns, path).drop(columns="line")


def _named(columns: AuditColumns) -> dict[str, str]:
    """Return the columns of the predictions by the key that names them."""
    return {f"audit.columns.{key}": str(name) for key, name in columns.items() if name is not None}


def per_patient(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one prediction per patient and repeat: the mean of the patient's rows.

    A patient who was tested in several folds of a repeat counts in the first.
    """
    grouped = rows.groupby(["repeat", "patient_id"], sort=False)
    return grouped.agg(probability=("probability", "mean"), fold=("fold", "first")).reset_index()


def read_training(audit: AuditConfig) -> pd.DataFrame | None:
    """Return the training patients of every fold: ``repeat``, ``fold``, ``patient_id``.

    None where the config names no table.
    """
    file, columns = audit["training"], audit["columns"]
    if file is None:
        return None
    text = _read(file, "audit.training", "training patient")
    named = {"patient": columns["patient"], "fold": columns["fold"], "repeat": columns["repeat"]}
    wanted = {f"audit.columns.{key}": name for key, name in named.items() if name is not None}
    table = _table(text, file, wanted)
    training = pd.DataFrame({"patient_id": table[columns["patient"]]})
    for key in ("fold", "repeat"):
        training[key] = table[named[key]] if named[key] else ONE
    return training


def read_features(audit: AuditConfig) -> pd.DataFrame | None:
    """Return the features as texts, indexed by sample; None where the config names no table.

    Raises
    ------
    InputError
        If it lacks the column of samples, repeats one, or has no sample of the predictions.
    """
    file, columns = audit["features"], audit["columns"]
    if file is None:
        return None
    text = _read(file, "audit.features", "row of features")
    key = columns["sample"] or columns["patient"]
    table = _table(text, file, {"audit.columns": key}).drop(columns="line").set_index(key)
    if not table.index.is_unique:
        twice = table.index[table.index.duplicated()][0]
        raise InputError(
            file, f"`{twice}` is duplicated", "give one row per patient, or name `columns.sample`"
        )
    return table


def feature_values(features: pd.DataFrame, file: str) -> pd.DataFrame:
    """Return features as numbers, NaN for what is missing.

    Raises
    ------
    InputError
        At the first column that holds something else.
    """
    known = features.mask(features.isin(MISSING), "nan")
    try:
        values = known.to_numpy(dtype=float)
    except ValueError:
        for name, column in known.items():
            odd = column[pd.to_numeric(column, errors="coerce").isna() & (column != "nan")]
            if len(odd):
                raise InputError(
                    file,
                    f"column `{name}` holds `{odd.iloc[0]}`",
                    "give features as numbers, or leave the column out",
                ) from None
        raise
    return pd.DataFrame(values, features.index, features.columns)


def _read(file: str, key: str, row: str) -> TextTable:
    with readable(file, file, f"correct `{key}`", row):
        text = read_text_table(file, file, FORMAT)
    if text is None or not text.rows:
        raise InputError(file, f"no {row} in it", f"give a header and one row per {row}")
    return text


def _table(text: TextTable, file: str, wanted: Mapping[str, str]) -> pd.DataFrame:
    """Return a table of texts with the columns that the config names, and `line`."""
    errors = []
    for key, name in wanted.items():
        if name not in text.header:
            fix = did_you_mean(name, text.header, "its columns are")
            errors.append(InputError(file, f"no column `{name}`, which `{key}` names", fix))
        elif text.header.count(name) > 1:
            errors.append(InputError(file, f"column `{name}` is duplicated", "rename one of them"))
    raise_all(errors, file)
    rows = [[field.strip() for field in row] for row in text.rows]
    table = pd.DataFrame(rows, columns=text.header, dtype=str)
    return pd.concat([table, pd.Series(text.lines, name="line", dtype=int)], axis=1)


def _labels(table: pd.DataFrame, rows: pd.DataFrame, audit: AuditConfig) -> tuple[pd.Series, int]:
    """Return the label of every labelled patient, and how many rows have none."""
    column, file = audit["columns"]["label"], audit["predictions"]
    values = {audit["label"]["negative"]: 0, audit["label"]["positive"]: 1}
    known = ~table[column].isin(MISSING)
    odd = known & ~table[column].isin(values)
    raise_all(
        [
            InputError(
                f"{file} line {table['line'][row]}",
                f"`{column}` is `{table[column][row]}`",
                f"it must be {' or '.join(f'`{value}`' for value in values)}; `audit.label` "
                "names them",
            )
            for row in table.index[odd]
        ],
        file,
    )
    labels = table.loc[known, column].map(values)
    by_patient = labels.groupby(rows.loc[known, "patient_id"], sort=False)
    mixed = by_patient.nunique()
    if (mixed > 1).any():
        name = mixed.index[mixed > 1][0]
        raise InputError(file, f"patient `{name}` has both labels", "give each patient one")
    return by_patient.first(), int((~known).sum())


def _sheet(
    audit: AuditConfig, text: TextTable, labels: pd.Series, notes: list[str]
) -> pd.DataFrame:
    """Return site and confounders of the labelled patients."""
    wanted = {f"audit.confounders[{i}]": name for i, name in enumerate(audit["confounders"])}
    if audit["site"] is not None:
        wanted = {"audit.site": audit["site"], **wanted}
    file = audit["sheet"] or audit["predictions"]
    key = audit["columns"]["patient"]
    if not wanted:
        return pd.DataFrame(index=labels.index)
    if audit["sheet"] is not None:
        text = _read(file, "audit.sheet", "patient")
    names = list(dict.fromkeys(wanted.values()))
    table = _table(text, file, {"audit.columns.patient": key, **wanted})[[key, *names, "line"]]
    by_patient = table.drop_duplicates([key, *names])
    if by_patient[key].duplicated().any():
        line = by_patient.loc[by_patient[key].duplicated(), "line"].iloc[0]
        raise InputError(
            f"{file} line {line}",
            "the patient has other values than in an earlier row",
            "give each patient one value per column",
        )
    sheet = by_patient.set_index(key)[names]
    missing = labels.index.difference(sheet.index)
    if len(missing):
        notes.append(f"{len(missing)} patients are not in {file}: their columns are missing")
    sheet = sheet.reindex(labels.index)
    lines = by_patient.set_index(key)["line"].reindex(labels.index)
    texts = [*audit["categorical"], audit["site"]]
    return pd.DataFrame({name: _typed(sheet[name], lines, file, texts) for name in names})


def _typed(
    values: pd.Series, lines: pd.Series, file: str, texts: Sequence[str | None]
) -> pd.Series:
    """Return a column as numbers if all of it are, as text if none is."""
    known = values.mask(values.isin(MISSING))
    if not known.notna().any():
        raise InputError(file, f"column `{values.name}` is empty", "fill it in or leave it out")
    numbers = pd.to_numeric(known, errors="coerce")
    if values.name in texts or numbers.isna().all():
        return known.astype(object).where(known.notna(), np.nan)
    odd = known.index[numbers.isna() & known.notna()]
    if len(odd):
        raise InputError(
            f"{file} line {lines[odd[0]]}",
            f"column `{values.name}` holds numbers, but here `{known[odd[0]]}`",
            "correct it, leave it empty, or list the column in `audit.categorical`",
        )
    return numbers.astype(float)
