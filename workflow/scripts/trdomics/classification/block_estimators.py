"""Estimators that learn a block of a classifier's input from training patients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from trdomics.classification.feature_blocks import (
    FittedColumnBlock,
    FittedLayerBlock,
    Floats,
    sheet_categories,
    sheet_numbers,
)
from trdomics.columns import is_quantity
from trdomics.layers.residualise import CovariateResidualiser
from trdomics.layers.top_variance import TopVariance
from trdomics.quantiles import NEIGHBOURS, neighbour_quantiles


class LayerBlock(TransformerMixin, BaseEstimator, FittedLayerBlock):
    """Most variable features of a normalised layer, adjusted for covariates and standardised.

    Parameters
    ----------
    n_features : int
        Number of most variable features to keep.

    Attributes
    ----------
    As :class:`trdomics.classification.feature_blocks.FittedLayerBlock`.
    """

    def __init__(
        self, n_features: int = 1000, regress_out: Sequence[str] = (), categorical: Any = ()
    ) -> None:
        self.n_features = n_features
        self.regress_out = regress_out
        self.categorical = categorical

    def fit(self, table: pd.DataFrame, covariates: Any = None) -> Self:
        """Fit on a normalised table without missing values.

        Parameters
        ----------
        table : DataFrame, shape (n_patients, n_features)
        covariates : DataFrame, optional
            The sheet; needed with `regress_out`.
        """
        table = TopVariance(self.n_features).fit_transform(table)
        self.effects_ = None
        if len(self.regress_out) and table.shape[1]:
            residualiser = CovariateResidualiser(list(self.regress_out), list(self.categorical))
            self.effects_ = residualiser.fit(table, covariates)
            table = residualiser.transform(table, covariates)
        self.features_ = [str(name) for name in table.columns]
        self.means_, self.scales_ = standard_scale(table.to_numpy())
        return self

    def transform(self, table: pd.DataFrame, covariates: Any = None) -> pd.DataFrame:
        """Return the block of the patients of `table`."""
        check_is_fitted(self, "means_")
        return super().transform(table, covariates)


class ColumnBlock(TransformerMixin, BaseEstimator, FittedColumnBlock):
    """Columns of the sheet: numbers imputed and standardised, categories one-hot encoded.

    Attributes
    ----------
    As :class:`trdomics.classification.feature_blocks.FittedColumnBlock`.
    """

    def __init__(self, columns: Sequence[str] = (), categorical: Sequence[str] = ()) -> None:
        self.columns = columns
        self.categorical = categorical

    def fit(self, sheet: pd.DataFrame, y: Any = None) -> Self:
        """Learn medians, scales and categories from the sheet's rows of training patients."""
        self.numeric_ = [
            name for name in self.columns if is_quantity(sheet[name], self.categorical)
        ]
        numbers = sheet_numbers(sheet, self.numeric_)
        known = ~np.isnan(numbers)
        self.medians_ = np.array([middle(column) for column in numbers.T])
        self.means_, self.scales_ = standard_scale(np.where(known, numbers, self.medians_))
        self.levels_ = {
            name: sorted(set(sheet_categories(sheet, name)))
            for name in self.columns
            if name not in self.numeric_
        }
        return self

    def transform(self, sheet: pd.DataFrame) -> pd.DataFrame:
        """Return the block: numeric columns, then an indicator ``column=category`` each."""
        check_is_fitted(self, "levels_")
        return super().transform(sheet)


def middle(values: Floats) -> float:
    """Return the median as the mean of the values around it; of few values, their mean, or 0.

    It is stored in a frozen model, and an exact median is one patient's value.
    """
    known = values[~np.isnan(values)]
    if len(known) < NEIGHBOURS:
        return float(known.mean()) if len(known) else 0.0
    return float(neighbour_quantiles(known, [0.5])[0])


def standard_scale(values: Floats) -> tuple[Floats, Floats]:
    """Return means and standard deviations of columns as scikit-learn does; 1 instead of 0."""
    if not values.shape[1]:
        return np.zeros(0), np.zeros(0)
    scaler = StandardScaler().fit(values)
    return scaler.mean_, scaler.scale_
