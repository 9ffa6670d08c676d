"""Checks of feature names, and of the values allowed by each layer type."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import comb

import numpy as np
import pandas as pd

from trdomics.errors import InputError
from trdomics.inputs.estimates import (
    digits_lost,
    look_like_counts,
    same_sizes,
    thousands_separated,
    why_not_counts,
)
from trdomics.inputs.text_table import check_printable, raise_all
from trdomics.inputs.value_rules import ValueRules

# Groups that a label may join in its negative class, and the number of features below which none is
# expected to agree with it by chance.
CODES, UNLIKELY = 4, 1e-3
# Ratio of a sample's median to the others' that shows another unit.
SCALES = 10
# Share of patients in whom a feature has the number of a column of its name, but for corrections.
MOST = 0.9
# Gene symbols converted to dates by a spreadsheet (MARCH1, SEPT2), in English and German.
_MONTH = r"(Jan|Feb|Mar|Mrz|Apr|May|Mai|Jun|Jul|Aug|Sept?|Oct|Okt|Nov|Dec|Dez)"
DATE = re.compile(
    rf"\d{{1,2}}[-. ]+{_MONTH}([-. ]\d+)?|{_MONTH}[-. ]+\d{{1,4}}"
    r"|\d{4}-\d{2}-\d{2}( 00:00:00)?|\d{1,2}[./]\d{1,2}[./]\d{2,4}",
    re.IGNORECASE,
)


def check_not_clinical(values: pd.DataFrame, sheet: pd.DataFrame, where: str) -> None:
    """Check that no feature is a column of the sheet: it could predict the label, as a covariate.

    Parameters
    ----------
    values : DataFrame, shape (n_patients, n_features)
    sheet : DataFrame of str
        The patients' columns.

    Raises
    ------
    InputError
        If a feature has the name of a column, and the same number in most patients or one for
        each of the column's few levels.
    """
    columns = {str(name).casefold(): name for name in sheet.columns}
    for feature in values.columns:
        column = columns.get(str(feature).casefold())
        if column is None:
            continue
        both = pd.DataFrame({"own": values[feature], "text": sheet[column].reindex(values.index)})
        both = both.dropna()
        numbers = pd.to_numeric(both["text"], errors="coerce")
        n_levels = both["text"].nunique()
        same = n_levels > 1 and np.isclose(numbers, both["own"]).mean() > MOST
        coded = n_levels == both["own"].nunique() == len(both.drop_duplicates())
        if same or (1 < n_levels < len(both) and n_levels <= CODES + 1 and coded):
            raise InputError(
                where,
                f"feature `{feature}` is the column `{column}` of the sample sheet",
                "remove the patients' clinical data from the table",
            )


def check_not_label(values: pd.DataFrame, label: pd.Series, named: str, where: str) -> None:
    """Check that no feature is the label, such as a row of groups below the header.

    A feature is the label if it has one value in the positive class and up to `CODES` others in
    the negative, which may join several groups, and if chance explains that in no feature. A
    marker that separates the classes by a threshold varies within them.

    Parameters
    ----------
    values : DataFrame, shape (n_patients, n_features)
    label : Series
        1, 0 or missing by patient.
    named : str
        The sheet's column of the label. A feature with its name is the label, corrected or not,
        if it has no more than the label's two values and `CODES` - 1 others.

    Raises
    ------
    InputError
        Naming the first of them.
    """
    known = label.reindex(values.index).dropna()
    numbers = values.loc[known.index].to_numpy(float)
    positive = (known == 1).to_numpy()
    found = [
        str(name)
        for name in values.columns[values.columns.astype(str).str.casefold() == named.casefold()]
        if 1 < values.loc[known.index, name].nunique() <= min(CODES + 1, len(known) - 1)
    ]
    for i in _constant(numbers[positive]):
        cases, others = (
            part[~np.isnan(part)] for part in (numbers[positive, i], numbers[~positive, i])
        )
        codes = set(others)
        if not codes or cases[0] in codes or len(codes) > CODES:
            continue
        if values.shape[1] / comb(len(cases) + len(others), len(cases)) < UNLIKELY:
            found.append(str(values.columns[i]))
    if found:
        raise InputError(
            where,
            f"feature `{found[0]}` is the label `{named}`: it separates the classes exactly, "
            "or has its name and few values",
            "remove its row, and any other that the label was derived from",
        )


def _constant(numbers: np.ndarray) -> np.ndarray:
    """Return the columns with one value besides missing ones."""
    low = np.where(np.isnan(numbers), np.inf, numbers).min(axis=0, initial=np.inf)
    high = np.where(np.isnan(numbers), -np.inf, numbers).max(axis=0, initial=-np.inf)
    return np.flatnonzero(low == high)


def check_features(features: list[str], where: str) -> None:
    """Check that every feature has a name and that no two have the same."""
    seen: dict[str, int] = {}
    errors = []
    for row, name in enumerate(features, start=1):
        if not name:
            errors.append(
                InputError(where, f"row {row} has no feature name", "name it or remove the row")
            )
        elif name in seen:
            errors.append(
                InputError(
                    where,
                    f"feature `{name}` is duplicated (rows {seen[name]} and {row} below the "
                    "header)",
                    "a spreadsheet converted gene symbols to dates: use the original table"
                    if DATE.fullmatch(name)
                    else "sum the rows, or give each a name of its own",
                )
            )
        seen.setdefault(name, row)
    raise_all(errors, where)
    check_printable(features, where, "feature")


def checked_values(
    values: np.ndarray,
    features: list[str],
    samples: list[str],
    rules: ValueRules,
    where: str,
    notes: list[str],
) -> np.ndarray:
    """Return the values if the rules allow them, counts rounded and as integers.

    The first value of each kind of error is named.
    """
    errors: list[InputError] = []

    def forbid(wrong: np.ndarray, problem: str, fix: str) -> None:
        if not wrong.any():
            return
        row, column = divmod(int(np.argmax(wrong)), len(samples))
        value = values[row, column]
        shown = "missing" if np.isnan(value) else f"{value:.10g}"
        more = int(wrong.sum()) - 1
        errors.append(
            InputError(
                where,
                f"feature `{features[row]}`, sample `{samples[column]}`: {shown}{problem}"
                + (f" (and {more:,} more like it)" if more else ""),
                fix,
            )
        )

    forbid(np.isinf(values), " is not finite", "correct the value")
    for rule in rules.forbidden:
        forbid(rule.wrong(values), rule.problem, rule.fix)
    if thousands_separated(values):
        problem = "points or commas separate thousands: no value is above 999.999, those below "
        problem += "1,000 are whole, all others have three decimals"
        errors.append(InputError(where, problem, "save it without separators of thousands"))
    if rules.are_counts and not errors:
        values = _counts(values, forbid, notes)
    if rules.take_log2 and not errors and look_like_counts(values):
        notes.append(
            "its values look like counts of reads: `type: counts` corrects for library size, "
            "`log2` does not"
        )
    empty = ((values == 0) if rules.are_counts else np.isnan(values)).all(axis=0)
    what = "no counts at all" if rules.are_counts else "no value at all"
    empties = [
        InputError(
            where,
            f"sample `{samples[i]}` has {what}",
            "remove its column, or set `exclude` to 1 for the patient in the sheet",
        )
        for i in np.flatnonzero(empty)
    ]
    raise_all(errors, where)
    raise_all(empties, where)
    return values.astype(np.int64) if rules.are_counts else values


def _counts(
    values: np.ndarray, forbid: Callable[[np.ndarray, str, str], None], notes: list[str]
) -> np.ndarray:
    """Return counts, with estimated ones rounded; refuse normalised values."""
    changed = values != np.floor(values)
    reason = why_not_counts(values, changed)
    if reason is not None:
        wrong = changed if changed.any() else np.ones_like(changed)
        what = " is a fractional count" if changed.any() else " is not a read count"
        logged = "" if "log scale" in reason else " with `log2: true`"
        forbid(
            wrong,
            f"{what}: {reason}",
            f"give raw counts, or `type: continuous`{logged} for values that are normalised",
        )
        return values
    if digits_lost(values):
        notes.append(
            "all values of 100,000 and more have three digits, as a spreadsheet writes them "
            "(1.23E+05): use the original table"
        )
    elif not changed.any() and same_sizes(values):
        notes.append(
            "all samples have the same size, as after normalisation and rounding, or after "
            "downsampling: give raw counts"
        )
    if changed.any():
        notes.append(
            f"estimated counts: {int(changed.sum()):,} of {values.size:,} values were rounded "
            "to whole numbers"
        )
        return np.rint(values)
    return values


def other_scale(values: np.ndarray) -> np.ndarray:
    """Return which samples have values on another scale than the others.

    The median of their absolute values but 0 is over ten times that of the middle sample or below
    a tenth of it, as in percent instead of shares, or raw instead of logged.

    Parameters
    ----------
    values : ndarray, shape (n_features, n_samples)
    """
    sizes = pd.DataFrame(np.abs(values)).replace(0, np.nan).median()
    middle = sizes.median()
    return ((sizes > SCALES * middle) | (sizes < middle / SCALES)).to_numpy()


def check_varies(values: np.ndarray, where: str) -> None:
    """Check that a feature differs between several patients; values are patients × features."""
    known = ~np.isnan(values)
    low = np.where(known, values, np.inf).min(axis=0)
    high = np.where(known, values, -np.inf).max(axis=0)
    if len(values) > 1 and (high <= low).all():
        raise InputError(
            where,
            "constant: each feature has the same value in all patients",
            "correct the file, or remove the layer",
        )
