"""Which covariates are adjusted for, one set after the other, and their design matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from trdomics.cohort.config import ESTIMATED_CELLS, design_columns

MINIMAL = "minimal"
# Fewer residual degrees of freedom than this and no variance of a feature is known.
MIN_FREEDOM = 10
INDEPENDENT = 1e-6


def adjustment_sets(config: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return what each set adds to the one before it.

    Parameters
    ----------
    config : mapping
        A resolved config. Its ``differential.adjustment_sets``, or where that is null sets made
        of ``samples.site`` and ``clinical.technical``, of the cells, of the other confounders and
        of what else ``differential.design`` has, those that are empty left out.

    Returns
    -------
    dict
        Name to columns, in order; the first is ``minimal`` and adjusts for nothing.
    """
    given = config["differential"]["adjustment_sets"]
    if given is not None:
        return {MINIMAL: [], **{name: list(columns) for name, columns in given.items()}}
    clinical, cells = config["clinical"], config["cells"]
    site = [config["samples"]["site"]] if config["samples"]["site"] is not None else []
    measured = list((cells["columns"] or {}).values())
    estimated = [ESTIMATED_CELLS] if not measured and cells["signature"] is not None else []
    candidates = {
        "technical": [*site, *clinical["technical"]],
        "cells": [*measured, *estimated],
        "confounders": clinical["confounders"],
        "all": design_columns(config["differential"]["design"]),
    }
    taken = {config["label"]["column"], config["differential"]["contrast"][0]}
    taken |= set(clinical["circular"])
    sets: dict[str, list[str]] = {MINIMAL: []}
    for name, columns in candidates.items():
        new = [column for column in dict.fromkeys(columns) if column not in taken]
        # the cells' set comes first only to those columns that are not technical ones
        if name == "technical":
            new = [column for column in new if column not in measured]
        taken |= set(new)
        if new:
            sets[name] = new
    return sets


def cumulative(sets: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return all columns that each set adjusts for: its own and those of the sets before it."""
    so_far: list[str] = []
    result = {}
    for name, columns in sets.items():
        so_far = list(dict.fromkeys([*so_far, *columns]))
        result[name] = so_far
    return result


def with_estimated(sets: Mapping[str, Sequence[str]], names: Sequence[str]) -> dict[str, list[str]]:
    """Put the estimated fractions' columns where ``estimated_cells`` stands; none, if empty."""
    return {
        name: [
            column for entry in columns for column in (names if entry == ESTIMATED_CELLS else [entry])
        ]
        for name, columns in sets.items()
    }


@dataclass(frozen=True)
class SetDesign:
    """The design matrix of a set.

    Attributes
    ----------
    matrix : ndarray, shape (n_patients, n_coefficients)
        Intercept, label (column 1), covariates; of full rank.
    names : list of str
        Of the coefficients; ``column=level`` for categories.
    owner : list of str
        The sheet's column that each coefficient comes from; ``""`` of the first two.
    dropped : list of str
        Coefficients that those before them determine.
    reason : str or None
        Why the label cannot be tested in this set.
    """

    matrix: NDArray[np.float64]
    names: list[str]
    owner: list[str]
    dropped: list[str]
    reason: str | None


def is_quantity(values: pd.Series) -> bool:
    """Say whether a column of the sheet is a number rather than a name."""
    return is_numeric_dtype(values) and not is_bool_dtype(values)


def coded(values: pd.Series) -> dict[str, NDArray[np.float64]]:
    """Return a column as coefficients: standardised, or an indicator per level but the commonest.

    Constant columns have none.
    """
    if is_quantity(values):
        spread = float(values.std(ddof=0))
        if not spread > 0:
            return {}
        return {str(values.name): ((values - values.mean()) / spread).to_numpy(float)}
    text = values.astype(str)
    levels = text.value_counts()
    ordered = sorted(levels.index, key=lambda level: (-levels[level], level))
    return {f"{values.name}={level}": (text == level).to_numpy(float) for level in ordered[1:]}


def set_design(
    patients: pd.DataFrame, positive: NDArray[np.bool_], columns: Sequence[str]
) -> SetDesign:
    """Build the matrix of a set, whatever its columns are.

    Coefficients that earlier ones determine (a source site that is one batch) are dropped and
    named, because the space that is adjusted for stays the same without them.

    Parameters
    ----------
    patients : DataFrame
        Without missing values in `columns`.
    positive : ndarray of bool, shape (n_patients,)
    columns : sequence of str
    """
    basis = [np.ones(len(patients)) / np.sqrt(len(patients))]
    parts, names, owner, dropped = [np.ones(len(patients))], ["intercept"], [""], []
    for column in columns:
        for name, values in coded(patients[column]).items():
            new = _beyond(values, basis)
            if new is None:
                dropped.append(name)
                continue
            basis.append(new)
            parts.append(values)
            names.append(name)
            owner.append(column)
    reason = None
    label = positive.astype(float)
    if _beyond(label, basis) is None:
        reason = "the columns of the set tell the label by themselves"
    elif len(patients) - len(parts) - 1 < MIN_FREEDOM:
        reason = f"{len(parts) + 1} coefficients for {len(patients)} patients"
    matrix = np.column_stack([parts[0], label, *parts[1:]])
    return SetDesign(
        matrix, ["intercept", "label", *names[1:]], ["", *owner], dropped, reason
    )


def _beyond(
    values: NDArray[np.float64], basis: Sequence[NDArray[np.float64]]
) -> NDArray[np.float64] | None:
    """Return the unit vector of what the basis does not span, or None."""
    rest = values / max(float(np.linalg.norm(values)), 1e-300)
    for _ in range(2):  # once is not orthogonal enough
        for vector in basis:
            rest = rest - vector * float(vector @ rest)
    size = float(np.linalg.norm(rest))
    return rest / size if size > INDEPENDENT else None
