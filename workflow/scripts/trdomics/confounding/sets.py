"""The design matrix of a set of covariates with any columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trdomics.columns import as_text, is_quantity

# With fewer residual degrees of freedom, no variance can be estimated.
MIN_FREEDOM = 10
MIN_GROUP = 3
INDEPENDENT = 1e-6


def compared_patients(
    patients: pd.DataFrame, contrast: Sequence[str], sets: Mapping[str, Sequence[str]]
) -> tuple[pd.Index, NDArray[np.bool_], dict[str, int]]:
    """Return the patients complete in every set, so that sets differ only in covariates.

    Parameters
    ----------
    patients : DataFrame
        Those who have the layer.
    contrast : (column, tested level, reference level)

    Returns
    -------
    complete : Index
    positive : ndarray of bool, shape (n_complete,)
    left_out : dict
        Column to the number of compared patients who lack a value there.
    """
    column, tested, reference = (str(part) for part in contrast)
    groups = as_text(patients[column])
    compared = patients[groups.isin([tested, reference])]
    columns = list(dict.fromkeys(name for names in sets.values() for name in names))
    missing = compared[columns].isna()
    complete = compared.index[~missing.any(axis=1)]
    counts = missing.sum()
    positive = (groups.loc[complete] == tested).to_numpy(bool)
    return complete, positive, {str(k): int(n) for k, n in counts.items() if n}


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
        Coefficients that are collinear with earlier ones.
    reason : str or None
        Why the label cannot be tested in this set.
    """

    matrix: NDArray[np.float64]
    names: list[str]
    owner: list[str]
    dropped: list[str]
    reason: str | None


def coded(values: pd.Series) -> dict[str, NDArray[np.float64]]:
    """Return a column as coefficients: standardised, or indicators of all but the commonest level.

    Constant columns have none.
    """
    if is_quantity(values):
        spread = float(values.std(ddof=0))
        if not spread > 0:
            return {}
        return {str(values.name): ((values - values.mean()) / spread).to_numpy(float)}
    text = as_text(values)
    levels = text.value_counts()
    ordered = sorted(levels.index, key=lambda level: (-levels[level], level))
    return {f"{values.name}={level}": (text == level).to_numpy(float) for level in ordered[1:]}


def set_design(
    patients: pd.DataFrame, positive: NDArray[np.bool_], columns: Sequence[str]
) -> SetDesign:
    """Build the design matrix of a set with any columns.

    Coefficients that are collinear with earlier ones (a site that is one batch) are dropped and
    named; the adjusted space is the same without them.

    Parameters
    ----------
    patients : DataFrame
        Without missing values in `columns`.
    positive : ndarray of bool, shape (n_patients,)
    """
    if min(positive.sum(), (~positive).sum()) < MIN_GROUP:
        nothing = np.column_stack([np.ones(len(patients)), positive.astype(float)])
        few = f"fewer than {MIN_GROUP} patients of a group have a value in every set"
        return SetDesign(nothing, ["intercept", "label"], ["", ""], [], few)
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
        reason = "the columns of the set determine the label"
    elif len(patients) - len(parts) - 1 < MIN_FREEDOM:
        reason = f"{len(parts) + 1} coefficients for {len(patients)} patients"
    matrix = np.column_stack([parts[0], label, *parts[1:]])
    return SetDesign(matrix, ["intercept", "label", *names[1:]], ["", *owner], dropped, reason)


def _beyond(
    values: NDArray[np.float64], basis: Sequence[NDArray[np.float64]]
) -> NDArray[np.float64] | None:
    """Return the normalised residual of a vector from a basis, or None."""
    rest = values / max(float(np.linalg.norm(values)), 1e-300)
    for _ in range(2):  # one pass is not orthogonal enough
        for vector in basis:
            rest = rest - vector * float(vector @ rest)
    size = float(np.linalg.norm(rest))
    return rest / size if size > INDEPENDENT else None
