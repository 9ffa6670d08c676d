"""Blocks of a classifier's input, and how fitted blocks transform patients' tables.

A block is one layer, the factors or a group of the sheet's columns. The estimators in
`block_estimators` inherit from these classes and add ``fit``; a frozen model holds only these
classes, so nothing here needs scikit-learn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trdomics.columns import as_text
from trdomics.errors import InputError
from trdomics.layers.transforms import CovariateEffects
from trdomics.parts import NAMES, array, mapping, optional, part, stored
from trdomics.tables import LayerTables

Floats = NDArray[np.float64]
# A separate category, since missingness can be informative.
UNKNOWN = "missing"
# Each becomes a column.
MAX_LEVELS = 10_000


class DenseBlocks:
    """Blocks as arrays over all patients, with indicators of which patients have them.

    Parameters
    ----------
    values : mapping of str to array, shape (n_patients, n_features)
        Standardised on the training patients; zero, the training mean, for patients who lack it.
    present : mapping of str to array of bool, shape (n_patients,)
        Which patients have the block.
    """

    def __init__(
        self, values: Mapping[str, Floats], present: Mapping[str, NDArray[np.bool_]]
    ) -> None:
        self.values, self.present = dict(values), dict(present)

    @classmethod
    def of(cls, tables: LayerTables | DenseBlocks) -> DenseBlocks:
        """Return the blocks of a representation as arrays; arrays are returned unchanged."""
        if isinstance(tables, DenseBlocks):
            return tables
        values = {name: tables.aligned(name).fillna(0.0).to_numpy(dtype=float) for name in tables}
        return cls(values, {name: tables.profiled(name) for name in tables})

    def __len__(self) -> int:
        return len(next(iter(self.present.values())))

    def take(self, rows: NDArray[Any]) -> DenseBlocks:
        """Return some patients, by position or mask."""
        return DenseBlocks(
            {name: values[rows] for name, values in self.values.items()},
            {name: present[rows] for name, present in self.present.items()},
        )

    def widths(self, names: Iterable[str]) -> list[int]:
        """Return the numbers of features of the blocks that :meth:`joined` concatenates."""
        return [self.values[name].shape[1] for name in names if name in self.values]

    def joined(self, names: Iterable[str]) -> tuple[Floats, NDArray[np.bool_]]:
        """Return concatenated blocks, and which patients have at least one of them.

        Absent blocks (no training patient had them) are left out.
        """
        known = [name for name in names if name in self.values]
        has = np.zeros(len(self), dtype=bool)
        for name in known:
            has |= self.present[name]
        return np.hstack([np.zeros((len(self), 0)), *(self.values[name] for name in known)]), has


@dataclass(eq=False, repr=False)
class FittedView:
    """Some features of a normalised layer, adjusted for covariates; one of MOFA's views.

    Attributes
    ----------
    features_ : sequence of str
    effects_ : CovariateEffects or None
        Effects regressed out of them.
    """

    features_: Sequence[str] = stored(NAMES)
    effects_: CovariateEffects | None = stored(optional(part(CovariateEffects)))

    def check(self) -> None:
        """Raise ValueError if the effects are of other features."""
        if self.effects_ is not None and list(self.effects_.features_) != list(self.features_):
            raise ValueError("its covariates' effects are on other features")

    def transform(self, table: pd.DataFrame, covariates: Any = None) -> pd.DataFrame:
        """Return the features of a table's patients, without those that the table lacks."""
        at_hand = [name for name in self.features_ if name in table.columns]
        if self.effects_ is None:
            return table[at_hand]
        whole = len(at_hand) == len(self.features_)
        effects = self.effects_ if whole else self.effects_.of(at_hand)
        return effects.transform(table[at_hand], covariates)


@dataclass(eq=False, repr=False)
class FittedLayerBlock(FittedView):
    """Most variable features of a normalised layer, adjusted for covariates and standardised.

    Attributes
    ----------
    means_, scales_ : array, shape (n_features,)
        Of the training patients, after adjustment.
    """

    means_: Floats = stored(array("features_"))
    scales_: Floats = stored(array("features_"))

    def check(self) -> None:
        """Raise ValueError if the effects are of other features, or a scale is invalid."""
        super().check()
        if not (self.scales_ > 0).all():
            raise ValueError("a scale is not above 0")

    def transform(self, table: pd.DataFrame, covariates: Any = None) -> pd.DataFrame:
        """Return the block of the patients of a normalised table without missing values."""
        cleaned = super().transform(table, covariates)
        scaled = (cleaned.to_numpy(dtype=float) - self.means_) / self.scales_
        return pd.DataFrame(scaled, index=cleaned.index, columns=cleaned.columns)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Return the features of the block."""
        return np.asarray(self.features_, dtype=object)


@dataclass(eq=False, repr=False)
class FittedColumnBlock:
    """Columns of the sheet: numbers imputed and standardised, categories one-hot encoded.

    A missing number is imputed by the training median, taken as the mean of the values around it. A
    missing category is a separate category; a category not seen in training belongs to none of the
    known ones. A column that a cohort lacks counts as missing in all its patients.

    Attributes
    ----------
    numeric_ : list of str
        Columns that are numbers.
    medians_, means_, scales_ : array, shape (n_numeric,)
        Of the training patients; means and scales after imputation.
    levels_ : dict of str to list of str
        Categories seen in training, by column.
    """

    numeric_: list[str] = stored(NAMES)
    medians_: Floats = stored(array("numeric_"))
    means_: Floats = stored(array("numeric_"))
    scales_: Floats = stored(array("numeric_"))
    levels_: dict[str, list[str]] = stored(mapping(NAMES))

    def check(self) -> None:
        """Raise ValueError if there are too many categories, or a scale is invalid."""
        if sum(map(len, self.levels_.values())) > MAX_LEVELS:
            raise ValueError(f"it has more than {MAX_LEVELS} categories")
        if not (self.scales_ > 0).all():
            raise ValueError("a scale is not above 0")

    def transform(self, sheet: pd.DataFrame) -> pd.DataFrame:
        """Return the block: numeric columns, then an indicator ``column=category`` each."""
        numbers = sheet_numbers(sheet, self.numeric_)
        scaled = (np.where(np.isnan(numbers), self.medians_, numbers) - self.means_) / self.scales_
        indicators = [
            sheet_categories(sheet, name)[:, None] == np.asarray(levels, dtype=object)
            for name, levels in self.levels_.items()
        ]
        return pd.DataFrame(
            np.hstack([scaled, *indicators]).astype(float),
            index=sheet.index,
            columns=self.get_feature_names_out(),
        )

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Return the names of the block's columns."""
        names = list(self.numeric_)
        for column, levels in self.levels_.items():
            names += [f"{column}={level}" for level in levels]
        return np.asarray(names, dtype=object)


def _column(sheet: pd.DataFrame, name: str) -> pd.Series:
    return sheet[name] if name in sheet else pd.Series(np.nan, index=sheet.index)


def sheet_numbers(sheet: pd.DataFrame, names: Sequence[str]) -> Floats:
    """Return columns of the sheet as numbers, shape (n_patients, n_names), NaN where missing.

    Raises
    ------
    InputError
        If a value is not a number.
    """
    values = np.zeros((len(sheet), len(names)))
    for position, name in enumerate(names):
        column = _column(sheet, name)
        numbers = pd.to_numeric(column, errors="coerce")
        if (numbers.isna() & column.notna()).any():
            found = column[numbers.isna() & column.notna()].iloc[0]
            raise InputError(
                f"sample sheet column `{name}`",
                f"`{found}` is not a number, unlike in the model's training data",
                "code the column as in the training cohort",
            )
        values[:, position] = numbers
    return values


def sheet_categories(sheet: pd.DataFrame, name: str) -> NDArray[Any]:
    """Return a column of the sheet as text, shape (n_patients,), with ``missing`` for no value."""
    return as_text(_column(sheet, name)).fillna(UNKNOWN).to_numpy(dtype=object)
