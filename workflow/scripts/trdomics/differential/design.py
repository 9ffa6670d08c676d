"""The design matrix of a differential test, and the patients in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from trdomics.cohort.formula import design_columns
from trdomics.columns import as_text, is_quantity
from trdomics.errors import InputError

INTERCEPT = "Intercept"
DESIGN_KEY = "config differential.design"
WARN_SHARE = 0.1
# A sum of columns: expanded without formulaic, which takes half a second to import.
PLAIN = re.compile(r"\s*~\s*[A-Za-z_]\w*(\s*\+\s*[A-Za-z_]\w*)*\s*")
FUNCTIONS = (
    *("np.log10", "np.log1p", "np.log2", "np.log", "np.sqrt", "np.exp"),
    *("C", "I", "poly", "bs", "cr", "cs", "scale", "center", "log10", "log1p", "log", "exp"),
)


@dataclass(frozen=True)
class Design:
    """A design matrix in which one coefficient is the contrast.

    Attributes
    ----------
    matrix : DataFrame, shape (n_patients, n_coefficients)
        Full rank, with an intercept; covariates are centred and scaled, which does not change the
        coefficient of the contrast (with an intercept, the column space is the same) but helps
        optimisers converge with covariates such as age in years.
    coefficient : str
        The column of the matrix that is the contrast: tested against reference level.
    contrast : tuple of (column, tested level, reference level)
    positive : ndarray of bool, shape (n_patients,)
        Patients with the tested level.
    left_out : dict
        Column of the sheet to the number of patients who lack a value there. A patient with several
        missing values is counted for each.
    n_left_out : int
        Patients of the compared groups that are left out, each counted once.
    """

    matrix: pd.DataFrame
    coefficient: str
    formula: str
    contrast: tuple[str, str, str]
    positive: np.ndarray
    left_out: dict[str, int] = field(default_factory=dict)
    n_left_out: int = 0

    @property
    def contrast_vector(self) -> np.ndarray:
        """The contrast as weights of the coefficients, shape (n_coefficients,)."""
        return (self.matrix.columns == self.coefficient).astype(float)

    def summary(self) -> dict[str, Any]:
        """Return who was compared and who was left out, for the stage's summary."""
        n_patients = len(self.matrix)
        warning = None
        if self.n_left_out > WARN_SHARE * (n_patients + self.n_left_out):
            columns = ", ".join(f"{name} ({count})" for name, count in self.left_out.items())
            warning = (
                f"{self.n_left_out} of {n_patients + self.n_left_out} patients are left out "
                f"because a covariate of the design is missing: {columns}"
            )
        return {
            "design": self.formula,
            "contrast": list(self.contrast),
            "n_patients": n_patients,
            "n_positive": int(self.positive.sum()),
            "n_negative": int((~self.positive).sum()),
            "n_left_out": self.n_left_out,
            "left_out": self.left_out,
            "left_out_warning": warning,
        }


def build_design(
    patients: pd.DataFrame, formula: str, contrast: Sequence[str], key: str = DESIGN_KEY
) -> Design:
    """Build the design matrix of the patients who are in the contrast.

    Parameters
    ----------
    patients : DataFrame
        Columns of the sheet, indexed by patient: those who have the layer. Numeric columns are
        quantities, others categories.
    formula : str
        A formulaic formula with an intercept, in which the contrast's column is a separate term.
    contrast : (column, tested level, reference level)
        Patients with another value or none in this column are excluded.
    key : str
        The config key named in errors.

    Raises
    ------
    InputError
        If the formula cannot be parsed, names an unknown column, lacks the contrast, has a constant
        column, or is rank deficient in these patients.
    """
    column, tested, reference = (str(part) for part in contrast)
    needed = required_columns(formula, key)
    if column not in needed:
        raise InputError(key, f"the contrast's column {column!r} is not in it", f"add '+ {column}'")
    for name in needed:
        if name not in patients.columns:
            raise InputError(key, f"there is no column {name!r} in the sheet", "correct the name")
    groups = as_text(patients[column])
    compared = patients.loc[groups.isin([tested, reference]), needed].copy()
    compared[column] = pd.Categorical(groups.loc[compared.index], categories=[reference, tested])
    for name in needed:
        if name != column and not is_quantity(compared[name]):
            compared[name] = as_text(compared[name])

    missing = compared.isna()
    complete = compared.loc[~missing.any(axis=1)]
    counts = missing.sum()
    _check_groups(complete, column, (tested, reference), len(compared), key)
    _check_variation(complete, key)
    matrix, coefficient = _matrix(formula, complete, column, key)
    _check_rank(matrix, coefficient, key)
    return Design(
        matrix=_standardise(matrix, coefficient),
        coefficient=coefficient,
        formula=formula,
        contrast=(column, tested, reference),
        positive=(complete[column] == tested).to_numpy(),
        left_out={str(name): int(count) for name, count in counts.items() if count},
        n_left_out=int(missing.any(axis=1).sum()),
    )


def required_columns(formula: str, key: str = DESIGN_KEY) -> list[str]:
    """Return the columns of the sheet that a formula uses, sorted."""
    if PLAIN.fullmatch(formula):
        return sorted(design_columns(formula))
    from formulaic import Formula
    from formulaic.errors import FormulaicError

    _check_harmless(formula, key)
    try:
        Formula(formula)
    except (FormulaicError, SyntaxError) as error:
        # formulaic colours the place of the error
        reason = re.sub(r"\x1b\[[\d;]*m", "", str(error))
        raise InputError(
            key, f"{formula!r} cannot be read ({reason})", "write it like '~ age + response'"
        ) from error
    return sorted(design_columns(formula))


def _check_harmless(formula: str, key: str) -> None:
    """Refuse formulas that could run as code.

    formulaic evaluates the parts of a formula as Python, and configs are passed between sites.
    """
    text = re.sub(r"`[^`]*`", "column", formula)
    calls = {call for call in re.findall(r"([A-Za-z_][\w.]*)\s*\(", text) if call not in FUNCTIONS}
    rest = re.sub(r"\bnp\.(?=[a-z0-9]+\s*\()", "", text)
    if calls or re.search(r"[{}\[\]'\";\\]|__|[A-Za-z_)]\.|\.[A-Za-z_]|\)\s*\(", rest):
        what = f"the function {min(calls)}" if calls else "something other than a formula"
        raise InputError(
            key,
            f"{formula!r} holds {what}, which could run as code",
            f"use columns and the functions {', '.join(FUNCTIONS)}",
        )


def _check_groups(
    complete: pd.DataFrame, column: str, levels: tuple[str, str], n_compared: int, key: str
) -> None:
    sizes = complete[column].value_counts()
    for level in levels:
        if sizes[level] < 2:
            raise InputError(
                key,
                f"only {sizes[level]} of the {n_compared} patients to compare have "
                f"{column} = {level} and no missing covariate",
                "remove covariates with many missing values from the design",
            )


def _check_variation(complete: pd.DataFrame, key: str) -> None:
    for name in complete.columns:
        if complete[name].nunique() < 2:
            raise InputError(
                key,
                f"{name!r} has the same value in all {len(complete)} patients compared",
                "remove it from the design",
            )


def _matrix(
    formula: str, complete: pd.DataFrame, column: str, key: str
) -> tuple[pd.DataFrame, str]:
    """Expand the formula, and find the coefficient of the contrast."""
    reference, tested = complete[column].cat.categories
    if PLAIN.fullmatch(formula):
        return plain_matrix(complete[design_columns(formula)]), f"{column}[T.{tested}]"
    from formulaic import model_matrix

    try:
        expanded = model_matrix(formula, complete, na_action="raise", context={})
    except Exception as error:  # a formula may call any function, which may fail in any way
        raise InputError(
            key, f"{formula!r} cannot be evaluated ({error})", "correct the formula"
        ) from error
    spec = expanded.model_spec
    # The same patients once with the reference level and once with the tested one: the two matrices
    # differ in the contrast, however the formula writes the column.
    moved = [
        spec.get_model_matrix(
            complete.assign(
                **{column: pd.Categorical([level] * len(complete), [reference, tested])}
            )
        )
        for level in (reference, tested)
    ]
    matrix = pd.DataFrame(expanded).astype(float)
    difference = pd.DataFrame(moved[1]).to_numpy(float) - pd.DataFrame(moved[0]).to_numpy(float)
    moves = np.abs(difference).max(axis=0) > 0
    coefficients = matrix.columns[moves]
    alone = len(coefficients) == 1 and bool((difference[:, moves] == 1).all())
    if INTERCEPT not in matrix.columns or not alone:
        raise InputError(
            key,
            f"{column!r} is not a separate term beside an intercept",
            f"write '+ {column}', without 0 and without interactions of it",
        )
    return matrix, str(coefficients[0])


def plain_matrix(columns: pd.DataFrame) -> pd.DataFrame:
    """Return formulaic's matrix of a sum of these columns with an intercept."""
    parts: list[pd.Series | pd.DataFrame] = [pd.Series(1.0, columns.index, name=INTERCEPT)]
    for name, values in columns.items():
        if is_quantity(values):
            parts.append(values.astype(float))
        else:
            coded = pd.get_dummies(values, drop_first=True, dtype=float)
            parts.append(coded.set_axis([f"{name}[T.{level}]" for level in coded], axis=1))
    return pd.concat(parts, axis=1)


def _check_rank(matrix: pd.DataFrame, coefficient: str, key: str) -> None:
    """Name the collinear coefficients, considering the contrast last."""
    order = [*matrix.columns.drop(coefficient), coefficient]
    if len(matrix) <= len(order):
        raise InputError(
            key,
            f"{len(order)} coefficients for {len(matrix)} patients",
            "remove covariates from the design",
        )
    scaled = matrix[order] / np.linalg.norm(matrix[order], axis=0)
    rank = np.linalg.matrix_rank(scaled)
    if rank == len(order):
        return
    triangle = np.abs(np.diag(np.linalg.qr(scaled.to_numpy(), mode="r")))
    redundant = [name for name, size in zip(order, triangle, strict=False) if size < 1e-9]
    raise InputError(
        key,
        f"rank deficient among the {len(matrix)} patients compared: the other coefficients "
        f"determine {', '.join(redundant or order)}",
        "remove one of the redundant columns from the design",
    )


def _standardise(matrix: pd.DataFrame, coefficient: str) -> pd.DataFrame:
    """Centre and scale all columns except the contrast and 0/1 indicators."""
    standardised = matrix.copy()
    for name in matrix.columns.drop([INTERCEPT, coefficient]):
        values = matrix[name]
        if not values.isin([0.0, 1.0]).all():
            standardised[name] = (values - values.mean()) / values.std(ddof=0)
    return standardised
