"""Choice of the most variable features."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted


class TopVariance(TransformerMixin, BaseEstimator):
    """Keep the most variable features of the training patients.

    Parameters
    ----------
    n_features : int
        Maximum number to keep.
    exclude_prefix : str, optional
        Features with this prefix are never kept.

    Attributes
    ----------
    features_ : ndarray of str
        Kept features, in the order of the training table, without constant ones.
    """

    def __init__(self, n_features: int, exclude_prefix: str | None = None) -> None:
        self.n_features = n_features
        self.exclude_prefix = exclude_prefix

    def fit(self, table: pd.DataFrame, y: Any = None) -> TopVariance:
        """Rank the features of a normalised table without missing values (patients × features)."""
        names = table.columns.astype(str)
        variance = table.to_numpy(dtype=float).var(axis=0)
        if self.exclude_prefix:
            variance = np.where(names.str.startswith(self.exclude_prefix), 0, variance)
        ranked = np.argsort(-variance, kind="stable")[: self.n_features]
        kept = np.sort(ranked[variance[ranked] > 0])
        self.features_ = np.asarray(names[kept], dtype=str)
        return self

    def transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the kept columns."""
        check_is_fitted(self)
        return table[list(self.features_)]

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the kept features."""
        check_is_fitted(self)
        return np.asarray(self.features_, dtype=object)
