"""Values of the sheet that may be codes for missing, and labels outside both classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from trdomics.cohort.samples import labels, typed_names
from trdomics.config_types import LabelConfig, SheetConfig

# In lower case, without brackets. "None" is not among them: it is a medication class.
UNKNOWN = {
    *("n/a", "n.a.", "na", "nan", "null", "nil", "-", "--", "---", ".", "..", "?", "#n/a", "n/d"),
    *("nd", "n.d.", "unknown", "unk", "missing", "not available", "not applicable", "not known"),
    *("not reported", "not evaluated", "not done", "unbekannt", "k.a.", "k. a.", "inconnu"),
    *("#value!", "#ref!", "#div/0!", "#name?", "tbd", "-9", "-99", "-999", "-9999", "999", "9999"),
}
BELOW = (-9, -99, -999, -9999, -1, -8, -88, -888)
ABOVE = (9, 99, 999, 9999, 99999, 88, 888, 99.9, 999.9)
# Share of distinct values among patients above which a column is not a category.
MANY_LEVELS = 0.2
SHOWN = 6


def value_warnings(sheet: pd.DataFrame, settings: SheetConfig, categorical: list[str]) -> list[str]:
    """Say which values of the columns that the config names may not be meant as they are read.

    Parameters
    ----------
    categorical : list of str
        Columns with intentionally many levels: ids, sites, and those listed in the config.
    """
    message = []
    for column in typed_names(settings):
        values = sheet[column].dropna()
        if pd.api.types.is_numeric_dtype(values):
            suspect = _number_codes(values)
            what = "look like codes"
        else:
            bare = values.str.casefold().str.strip("[]<>() ")
            suspect = {str(k): int(n) for k, n in values[bare.isin(UNKNOWN)].value_counts().items()}
            what = "count as values"
        if suspect:
            message.append(
                f"column {column}: {_counted(suspect)} {what}: leave the field empty if the "
                "value is unknown"
            )
        if not pd.api.types.is_numeric_dtype(values):
            message += [
                f"column {column}: {pair} differ in case or blanks alone" for pair in _alike(values)
            ]
        levels = values.nunique()
        if (
            not pd.api.types.is_numeric_dtype(values)
            and column not in categorical
            and levels > max(10, MANY_LEVELS * len(values))
        ):
            message.append(
                f"column {column}: {levels} distinct texts in {len(values)} patients are its "
                f"categories, such as {', '.join(map(repr, values.unique()[:3]))}"
            )
    return message


def id_warnings(sheet: pd.DataFrame) -> list[str]:
    """Say which patients' ids may be the same one, written in two ways."""
    ids = pd.Series(sheet.index, dtype=object)
    return [
        f"patients {pair} differ in case or blanks alone: is it one patient?"
        for pair in _alike(ids)
    ]


def _alike(values: pd.Series) -> list[str]:
    """Return texts that are the same but for case and blanks."""
    texts = pd.Series(values.astype(str).unique(), dtype=object)
    groups = texts.groupby(texts.str.casefold().str.replace(r"\s+", "", regex=True), sort=False)
    same = [" and ".join(f"`{text}`" for text in group) for _, group in groups if len(group) > 1]
    return same[:SHOWN]


def _number_codes(values: pd.Series) -> dict[str, int]:
    """Return codes such as -9 and 999 that are far from all other values, with counts."""
    codes = values.isin([*BELOW, *ABOVE])
    rest = values[~codes]
    if not codes.any() or rest.empty:
        return {}
    low, high = float(rest.min()), float(rest.max())
    apart = {}
    for code, count in values[codes].value_counts().items():
        number = float(str(code))
        # 9 is a code only if the others are few whole numbers, such as 0 and 1
        small = number == 9 and not (rest % 1 == 0).all()
        below = number < 0 <= low
        above = number > 2 * high and high >= 0 and not small
        if below or above:
            apart[f"{number:g}"] = int(count)
    return apart


def label_warnings(sheet: pd.DataFrame, label: LabelConfig) -> list[str]:
    """List the values of the label column that are neither class, with counts."""
    if label["column"] is None:
        return []
    values = sheet[label["column"]]
    other = values[values.notna() & labels(sheet, label).isna()]
    if other.empty:
        return []
    return [
        f"label {label['column']}: {len(other)} patients have other values and count as without a "
        f"label: {_counted(other.value_counts().to_dict())}; `label.negative` may list several"
    ]


def _counted(counts: Mapping[Any, int]) -> str:
    shown = [f"`{value}` ({n})" for value, n in list(counts.items())[:SHOWN]]
    return ", ".join(shown) + (", …" if len(counts) > SHOWN else "")
