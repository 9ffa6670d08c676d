"""The sample sheet: read as text, checked row by row, typed column by column."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

from trdomics.cohort.config import text_columns
from trdomics.config_types import LabelConfig, LayerConfig, SexConfig, SheetConfig
from trdomics.errors import InputError
from trdomics.inputs.numbers import DECIMAL_COMMAS
from trdomics.inputs.text_table import (
    CONTROL,
    FLOATED,
    MISSING,
    SEPARATORS,
    TextTable,
    raise_all,
    read_text_table,
    readable,
)
from trdomics.schema import did_you_mean

EXCLUDE, REASON = "exclude", "exclude_reason"
# A number except for a decimal comma, a thousands separator, a percent sign or a printer's minus.
ALMOST_NUMBER = re.compile(r"[-+\u2212\u2013]?(\d{1,3}([., ']\d{3})+|\d+)([.,]\d+)?\s*%?")
# A number with a unit.
WITH_UNIT = re.compile(r"[-+]?\d+(?:[.,]\d+)?\s*([a-zA-Zµ]{2,}\.?)")
DECIMAL_COMMA = re.compile(r"^([-+]?\d+),(\d+)$")
# Columns that identify the patient of a row, in lower case.
PERSON = {"patient", "patient_id", "patientid", "subject", "subject_id", "participant"} | {
    *("participant_id", "donor", "donor_id", "individual", "individual_id", "case_id")
}
FEMALE = ("f", "female", "w", "woman", "weiblich", "frau", "fem", "femme", "femenino", "mujer")
MALE = ("m", "male", "man", "männlich", "mann", "masc", "masculin", "homme", "masculino", "hombre")


def typed_names(settings: SheetConfig) -> list[str]:
    """Return the columns of a sheet that the config names, without the patients' ids."""
    return [column for column in settings["columns"] if column != settings["samples"]["patient_id"]]


def read_sheet(settings: SheetConfig) -> pd.DataFrame:
    """Return the whole sheet with the excluded patients in it.

    `settings` is of :func:`trdomics.cohort.config.sheet_settings`.

    Returns
    -------
    DataFrame
        Indexed by `patient_id` (text, in the order of the sheet), with every column named in the
        config: float64 if all of its values are numbers, otherwise, or if the config says so, text
        (object, NaN if missing). Also `exclude` (bool), `exclude_reason` (text) and `line`, the
        line of the patient in the file.

    Raises
    ------
    InputError
        Naming file, line and column of the invalid value.
    """
    file = settings["samples"]["file"]
    text = _read_text(file)
    header = text.header
    _check_header(header, settings, file)
    table = pd.DataFrame(text.rows, columns=header, dtype=object)
    line = pd.Series(text.lines, dtype=int)
    patient_id = settings["samples"]["patient_id"]
    ids = _unfloated(table[patient_id].astype(str))
    _check_ids(ids, line, file, patient_id)
    _check_persons(table, ids, file, patient_id)

    names = text_columns(settings)
    typed, errors = {}, []
    for column in typed_names(settings):
        try:
            values = with_points(table[column]) if text.separator == ";" else table[column]
            typed[column] = _typed(values, line, file, column, column in names)
        except InputError as error:
            errors.append(error)
    raise_all(errors, file)
    sheet = pd.DataFrame(typed, index=table.index)
    _name_classes(sheet, settings["label"])
    _name_sexes(sheet, settings["samples"]["sex"], file)
    sheet[EXCLUDE] = _flags(table, line, file)
    reasons = table[REASON].str.strip() if REASON in table else pd.Series("", index=table.index)
    sheet[REASON] = reasons.where(reasons != "", "marked `exclude` in the sheet")
    sheet["line"] = line
    sheet.index = pd.Index(ids, name="patient_id", dtype=object)
    _check_layer_names(sheet, settings, file)
    return sheet


def sheet_digest(sheet: pd.DataFrame) -> str:
    """Return a digest of the result of :func:`read_sheet`, except line numbers."""
    return hashlib.sha256(sheet.drop(columns="line").to_csv().encode()).hexdigest()[:16]


def _read_text(file: str) -> TextTable:
    fix = "save the sheet as tab-separated text"
    if not file.lower().endswith(tuple(SEPARATORS)):
        raise InputError(file, "not a .tsv or .csv file", fix)
    with readable(file, file, "correct `samples.file`", "patient"):
        text = read_text_table(file, file, fix)
    if text is None:
        raise InputError(file, "empty", "give a header and one row per patient")
    if not text.rows:
        raise InputError(file, "it has no patients", "give one row per patient")
    return text


def _check_header(header: list[str], settings: SheetConfig, file: str) -> None:
    """Check that each column named in the config occurs once, and the spelling of `exclude`."""
    errors = [
        InputError(
            file,
            f"no column `{column}`, which `{key}` names",
            did_you_mean(column, header, "its columns are"),
        )
        for column, key in settings["columns"].items()
        if column not in header
    ]
    errors += [
        InputError(file, f"column `{column}` is duplicated", "rename one of them")
        for column in (*settings["columns"], EXCLUDE, REASON)
        if header.count(column) > 1
    ]
    for name in header:
        meant = re.sub(r"[\s.-]+", "_", name.casefold())
        if meant in (EXCLUDE, REASON) and name != meant and name not in settings["columns"]:
            errors.append(
                InputError(file, f"column `{name}` is not read", f"did you mean `{meant}`?")
            )
    raise_all(errors, file)


def _check_ids(ids: pd.Series, line: pd.Series, file: str, column: str) -> None:
    errors = []
    for value, number in zip(ids, line, strict=True):
        where = f"{file} line {number}"
        if value.strip() in MISSING:
            errors.append(InputError(where, f"no `{column}`", "give every patient an id"))
        elif value != value.strip():
            errors.append(
                InputError(
                    where, f"`{column}` {value!r} has leading or trailing spaces", "remove them"
                )
            )
        if CONTROL.search(value):
            errors.append(
                InputError(where, f"`{column}` {value!r} holds a control character", "remove it")
            )
    for value in ids[ids.duplicated() & ~ids.str.strip().isin(MISSING)].unique():
        numbers = line[ids == value]
        where = " and ".join(map(str, numbers)) if len(numbers) == 2 else quoted_ids(numbers, 5)
        errors.append(
            InputError(
                f"{file} lines {where}",
                f"patient `{value}` is duplicated",
                "keep one row per patient: with several samples of one patient, models would be "
                "tested on their own training patients",
            )
        )
    raise_all(errors, file)


def _check_persons(table: pd.DataFrame, ids: pd.Series, file: str, patient_id: str) -> None:
    """Refuse several rows (samples) of one patient, if another column reveals them."""
    for column in table.columns:
        if column == patient_id or column.lower() not in PERSON:
            continue
        person = table[column].str.strip()
        person = person[~person.isin(MISSING)]
        # few values, many times each, are groups of patients, not ids
        if person.duplicated().any() and person.nunique() > len(person) / 4:
            name = person[person.duplicated()].iloc[0]
            several = ids[person.index[person == name]]
            raise InputError(
                f"{file} column `{column}`",
                f"patient `{name}` has {len(several)} rows ({quoted_ids(several)})",
                "keep one sample per patient: models would be tested on their own training "
                "patients",
            )


def _unfloated(values: pd.Series) -> pd.Series:
    """Return names that are all like 12.0 as 12: a program has converted them to floats."""
    if values.str.fullmatch(FLOATED).all():
        return values.str.replace(FLOATED, r"\1", regex=True)
    return values


def with_points(values: pd.Series) -> pd.Series:
    """Return a column of a semicolon-separated file, with decimal points if all are numbers."""
    pointed = values.str.strip().str.replace(DECIMAL_COMMA, r"\1.\2", regex=True)
    known = ~pointed.isin(MISSING)
    return pointed if pd.to_numeric(pointed[known], errors="coerce").notna().all() else values


def sheet_notes(settings: SheetConfig) -> list[str]:
    """Return notes on how a sheet was read, if that is not obvious."""
    file = settings["samples"]["file"]
    text = _read_text(file)
    return [f"{file}: {DECIMAL_COMMAS}"] if text.separator == ";" else []


def _typed(values: pd.Series, line: pd.Series, file: str, column: str, is_text: bool) -> pd.Series:
    """Return a column as numbers if all values are numbers, otherwise as text."""
    text = values.astype(str).str.strip().astype(object)
    text = text.where(~text.isin(MISSING), np.nan)
    known = text.notna()
    odd = text.str.contains(CONTROL, na=False)
    raise_all(
        [
            InputError(
                f"{file} line {line[row]}",
                f"column `{column}` holds a control character: {text[row]!r}",
                "remove it",
            )
            for row in text.index[odd]
        ],
        file,
    )
    if is_text:
        return text.where(~known, _unfloated(text[known]))
    numbers = pd.to_numeric(text, errors="coerce").astype(float)
    odd = known & (numbers.isna() | np.isinf(numbers))
    if not odd.any():
        return numbers
    row = odd.index[odd][0]
    if text[odd].str.fullmatch(ALMOST_NUMBER).all() and odd.sum() > 1:
        raise InputError(
            f"{file} column `{column}`",
            f"{odd.sum()} values are numbers except for a comma, mark or sign, such as "
            f"`{text[row]}` (line {line[row]})",
            "use decimal points and hyphens only, or list the column in `samples.categorical` if "
            "the values are names",
        )
    if odd.equals(known):
        units = set(text[known].str.extract(rf"^{WITH_UNIT.pattern}$", expand=False))
        if len(units) == 1 and text[known].nunique() > 2 and not units & {np.nan}:
            raise InputError(
                f"{file} column `{column}`",
                f"its values are numbers with a unit, such as `{text[row]}` (line {line[row]})",
                "write the numbers alone, or list the column in `samples.categorical`",
            )
        return text.astype(object)
    # Neither interpretation is safe: one "unknown" would turn an age into sixty categories.
    raise_all(
        [
            InputError(
                f"{file} line {line[row]}",
                f"column `{column}` holds numbers, but here `{text[row]}`",
                "correct it, leave it empty if it is unknown, or list the column in "
                "`samples.categorical`",
            )
            for row in odd.index[odd]
        ],
        file,
    )
    return text


def _name_classes(sheet: pd.DataFrame, label: LabelConfig) -> None:
    """Translate label values to those of the config: ``1.0`` is ``1``, several may be joined."""
    if label["column"] is None:
        return
    names = {_canonical(label[key]): label[key] for key in ("positive", "negative")}
    names |= {_canonical(value): label["negative"] for value in label.get("negative_values", [])}
    values = sheet[label["column"]]
    found = values.map(lambda value: names.get(_canonical(value), value), na_action="ignore")
    sheet[label["column"]] = found.astype(object)


def _name_sexes(sheet: pd.DataFrame, sex: SexConfig | None, file: str) -> None:
    """Translate the sheet's words for the sexes to those of the config."""
    if sex is None:
        return
    own = [str(sex["female"]), str(sex["male"])]
    words = dict.fromkeys(FEMALE, own[0]) | dict.fromkeys(MALE, own[1]) | {o: o for o in own}
    values = sheet[sex["column"]]
    text = values.map(lambda v: f"{v:g}" if isinstance(v, float) else str(v), na_action="ignore")
    letters = set(text.dropna().str.casefold())
    if "h" in letters:
        # hombre or homme; with it, in Spanish, an M is a mujer
        words = words | {"h": own[1]}
        if not letters & {"f", "w"}:
            words = words | {"m": own[0]}
        # the config's own words take precedence
        words = words | {word: word for word in own}
    named = text.map(lambda v: words.get(v, words.get(v.casefold())), na_action="ignore")
    if text.notna().any() and named.isna().all():
        shown = ", ".join(f"`{v}` ({n})" for v, n in text.value_counts().head(5).items())
        raise InputError(
            f"{file} column `{sex['column']}`",
            f"no value is `{own[0]}` or `{own[1]}`: its values are {shown}",
            "set `samples.sex.female` and `samples.sex.male`",
        )
    if not pd.api.types.is_numeric_dtype(values):
        sheet[sex["column"]] = named.where(named.notna(), values)


def _flags(table: pd.DataFrame, line: pd.Series, file: str) -> pd.Series:
    """Return the column `exclude` as bool; without it no patient is excluded."""
    if EXCLUDE not in table:
        return pd.Series(False, index=table.index)
    text = table[EXCLUDE].str.strip().str.replace(FLOATED, r"\1", regex=True)
    odd = ~text.isin([*MISSING, "0", "1"])
    raise_all(
        [
            InputError(
                f"{file} line {line[row]}",
                f"`{EXCLUDE}` is `{text[row]}`",
                "write 1 to exclude the patient, 0 or nothing to keep",
            )
            for row in text.index[odd]
        ],
        file,
    )
    return text == "1"


def _check_layer_names(sheet: pd.DataFrame, settings: SheetConfig, file: str) -> None:
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
                "assign each sample to one patient only",
            )


def sample_names(sheet: pd.DataFrame, layer: LayerConfig, patient_id: str) -> pd.Series:
    """Return each patient's sample name in a layer: patient_id → name, NaN for none."""
    if layer["id_column"] == patient_id:
        return pd.Series(sheet.index, index=sheet.index, dtype=object)
    return sheet[layer["id_column"]].astype(object)


def labels(sheet: pd.DataFrame, label: LabelConfig) -> pd.Series:
    """Return the label of each patient: 1, 0, or NaN for any other value.

    Numbers are compared as numbers: ``1`` in the config equals ``1.0`` in a sheet from a program
    without missing integers.
    """
    result = pd.Series(np.nan, index=sheet.index, name="label")
    if label["column"] is None:
        return result
    values = sheet[label["column"]].map(_canonical, na_action="ignore")
    result[values == _canonical(label["positive"])] = 1.0
    result[values == _canonical(label["negative"])] = 0.0
    return result


def _canonical(value: str) -> str:
    return FLOATED.sub(r"\1", value) if FLOATED.fullmatch(value) else value


def quoted_ids(names: Iterable[object], count: int = 3) -> str:
    """Return the first few ids for an error message."""
    shown = list(names)
    return ", ".join(map(str, shown[:count])) + (", …" if len(shown) > count else "")
