"""The sample sheet: read as text, checked row by row, typed column by column."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from trdomics.cohort.config import nearest, sheet_settings, text_columns
from trdomics.errors import InputError

# Fields that mean "not known". "None" is not among them: it is a medication class of its own.
MISSING = ("", "NA", "N/A", "NaN", "nan")
EXCLUDE, REASON = "exclude", "exclude_reason"


def read_samples(config: Mapping[str, Any]) -> pd.DataFrame:
    """Return the patients that take part.

    Parameters
    ----------
    config : mapping
        A resolved config.

    Returns
    -------
    DataFrame, shape (n_patients, n_named_columns)
        Indexed by `patient_id` (text, in the order of the sheet), with every column that the
        config names under its own name: float64 where all of its values are numbers, text
        (object, NaN for what is missing) otherwise or where the config says so.

    Raises
    ------
    InputError
        Naming file, line and column of what cannot be used.
    """
    settings = sheet_settings(config)
    sheet = read_sheet(settings)
    return sheet.loc[~sheet[EXCLUDE], typed_names(settings)]


def typed_names(settings: Mapping[str, Any]) -> list[str]:
    """Return the columns of a sheet that the config names, without the patients' ids."""
    return [column for column in settings["columns"] if column != settings["samples"]["patient_id"]]


def read_sheet(settings: Mapping[str, Any]) -> pd.DataFrame:
    """Return the whole sheet with the excluded patients in it.

    Parameters
    ----------
    settings : mapping
        What :func:`trdomics.cohort.config.sheet_settings` returns.

    Returns
    -------
    DataFrame
        As :func:`read_samples`, with `exclude` (bool), `exclude_reason` (text) and `line`, the
        line of the file that the patient stands in.
    """
    file = settings["samples"]["file"]
    header, rows, lines = _read_fields(file)
    for column, key in settings["columns"].items():
        if column not in header:
            raise InputError(
                file, f"no column `{column}`, which `{key}` names", nearest(column, header)
            )
        if header.count(column) > 1:
            raise InputError(file, f"column `{column}` stands twice", "rename one of them")
    table = pd.DataFrame(rows, columns=header, dtype=object)
    line = pd.Series(lines, dtype=int)
    ids = table[settings["samples"]["patient_id"]].astype(str)
    _check_ids(ids, line, file, settings["samples"]["patient_id"])

    names = text_columns(settings)
    typed = {
        column: _typed(table[column], line, file, column, column in names)
        for column in typed_names(settings)
    }
    sheet = pd.DataFrame(typed, index=table.index)
    sheet[EXCLUDE] = _flags(table, line, file)
    reasons = table[REASON].str.strip() if REASON in table else pd.Series("", index=table.index)
    sheet[REASON] = reasons.where(reasons != "", "marked `exclude` in the sheet")
    sheet["line"] = line
    sheet.index = pd.Index(ids, name="patient_id", dtype=object)
    _check_layer_names(sheet, settings, file)
    return sheet


def sheet_digest(settings: Mapping[str, Any]) -> str:
    """Return a digest of what :func:`read_sheet` returns, but for the lines of the file."""
    sheet = read_sheet(settings).drop(columns="line")
    return hashlib.sha256(sheet.to_csv().encode()).hexdigest()[:16]


def _read_fields(file: str) -> tuple[list[str], list[list[str]], list[int]]:
    """Return header, rows and their line numbers; every row is as long as the header."""
    comma = file.lower().endswith(".csv")
    if not comma and not file.lower().endswith((".tsv", ".txt", ".tab")):
        raise InputError(file, "not a .tsv or .csv file", "save the sheet as tab-separated text")
    try:
        # utf-8-sig: spreadsheets put a byte-order mark before the first column's name
        with open(file, encoding="utf-8-sig", newline="") as handle:
            reader = csv.reader(handle, delimiter="," if comma else "\t", strict=True)
            fields = [(reader.line_num, row) for row in reader if any(map(str.strip, row))]
    except FileNotFoundError as error:
        raise InputError(file, "no such file", "correct `samples.file`") from error
    except OSError as error:
        raise InputError(file, f"cannot be read ({error.strerror})", "check the file") from error
    except UnicodeDecodeError as error:
        raise InputError(file, "not UTF-8 text", "save it as text in UTF-8") from error
    except csv.Error as error:
        raise InputError(file, f"cannot be read ({error})", "look for a stray quote") from error
    if not fields:
        raise InputError(file, "empty", "give a header and one row per patient")
    header = [name.strip() for name in fields[0][1]]
    other = ";" if comma else ","
    if len(header) == 1 and other in header[0]:
        wanted = "commas" if comma else "tabs"
        raise InputError(
            file, f"its columns are not separated by {wanted}", "save it as .tsv with tabs"
        )
    for number, row in fields[1:]:
        if len(row) != len(header):
            raise InputError(
                f"{file} line {number}",
                f"{len(row)} fields where the header has {len(header)}",
                "add or remove separators",
            )
    if len(fields) == 1:
        raise InputError(file, "no patient in it", "give one row per patient")
    return header, [row for _, row in fields[1:]], [number for number, _ in fields[1:]]


def _check_ids(ids: pd.Series, line: pd.Series, file: str, column: str) -> None:
    for value, number in zip(ids, line, strict=True):
        if value.strip() in MISSING:
            raise InputError(f"{file} line {number}", f"no `{column}`", "give every patient an id")
        if value != value.strip():
            raise InputError(
                f"{file} line {number}",
                f"`{column}` {value!r} has blanks around it",
                "remove them",
            )
    twice = ids[ids.duplicated()]
    if len(twice):
        value = twice.iloc[0]
        where = " and ".join(str(n) for n in line[ids == value][:2])
        raise InputError(
            f"{file} lines {where}",
            f"patient `{value}` stands twice",
            "keep one row per patient",
        )


def _typed(values: pd.Series, line: pd.Series, file: str, column: str, is_text: bool) -> pd.Series:
    """Return a column as numbers if all of it are, as text otherwise."""
    text = values.astype(str).str.strip().astype(object)
    text = text.where(~text.isin(MISSING), np.nan)
    if is_text:
        return text.astype(object)
    numbers = pd.to_numeric(text, errors="coerce").astype(float)
    known = text.notna()
    odd = known & (numbers.isna() | np.isinf(numbers))
    if not odd.any():
        return numbers
    if odd.equals(known):
        return text.astype(object)
    # Neither reading is safe: one "unknown" would turn an age into sixty categories.
    row = int(np.argmax(odd.to_numpy()))
    raise InputError(
        f"{file} line {line.iloc[row]}",
        f"column `{column}` holds numbers, but here `{text.iloc[row]}`",
        "correct it, leave it empty if it is not known, or list the column in "
        "`samples.categorical`",
    )


def _flags(table: pd.DataFrame, line: pd.Series, file: str) -> pd.Series:
    """Return the column `exclude` as bool; without it nobody is excluded."""
    if EXCLUDE not in table:
        return pd.Series(False, index=table.index)
    text = table[EXCLUDE].str.strip()
    odd = ~text.isin([*MISSING, "0", "1"])
    if odd.any():
        row = int(np.argmax(odd.to_numpy()))
        raise InputError(
            f"{file} line {line.iloc[row]}",
            f"`{EXCLUDE}` is `{text.iloc[row]}`",
            "write 1 to leave the patient out, 0 or nothing to keep",
        )
    return text == "1"


def _check_layer_names(sheet: pd.DataFrame, settings: Mapping[str, Any], file: str) -> None:
    for column in {layer["id_column"]: None for layer in settings["layers"].values()}:
        if column == settings["samples"]["patient_id"]:
            continue
        names = sheet[column].dropna()
        twice = names[names.duplicated(keep=False)]
        if len(twice):
            name = twice.iloc[0]
            patients = list(twice.index[twice == name])
            raise InputError(
                f"{file} lines {sheet.loc[patients[0], 'line']} and "
                f"{sheet.loc[patients[1], 'line']}",
                f"`{column}` is `{name}` for both {patients[0]} and {patients[1]}",
                "give each patient the sample that is theirs",
            )


def sample_names(sheet: pd.DataFrame, layer: Mapping[str, Any], patient_id: str) -> pd.Series:
    """Return what each patient is called in a layer: patient_id → name, NaN for no name.

    Parameters
    ----------
    sheet : DataFrame
        Indexed by patient, with the layer's `id_column` unless that is the patients' own.
    layer : mapping
        The layer's settings.
    patient_id : str
        The sheet's column of patients' ids.
    """
    if layer["id_column"] == patient_id:
        return pd.Series(sheet.index, index=sheet.index, dtype=object)
    return sheet[layer["id_column"]].astype(object)


def labels(sheet: pd.DataFrame, label: Mapping[str, Any]) -> pd.Series:
    """Return the label of each patient: 1, 0, or NaN for any other value.

    Numbers are compared as numbers: ``1`` of the config is ``1.0`` of a sheet that passed
    through a program which knows no missing integers.
    """
    result = pd.Series(np.nan, index=sheet.index, name="label")
    if label["column"] is None:
        return result
    values = sheet[label["column"]].map(_canonical, na_action="ignore")
    result[values == _canonical(label["positive"])] = 1.0
    result[values == _canonical(label["negative"])] = 0.0
    return result


def _canonical(value: str) -> str:
    return value.split(".")[0] if re.fullmatch(r"-?\d+\.0+", value) else value


def quoted_ids(names: Iterable[object], count: int = 3) -> str:
    """Return the first few ids for an error message."""
    shown = list(names)
    return ", ".join(map(str, shown[:count])) + (", …" if len(shown) > count else "")
