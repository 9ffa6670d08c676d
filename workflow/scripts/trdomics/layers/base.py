"""What all layer normalisers share: frozen features, filling of missing ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from trdomics.errors import InputError


class LayerNormaliser(TransformerMixin, BaseEstimator):
    """Base of the normalisers: what is kept is decided in ``fit`` and never again.

    A table that is transformed may have its columns in any order, columns that the model does
    not know (dropped) and may lack some that it knows (filled with the training mean, listed by
    :meth:`missing_features`). A patient's result never depends on the other rows.

    Attributes
    ----------
    features_ : ndarray of str, shape (n_kept,)
        Kept features, in the order of the training table.
    means_ : ndarray, shape (n_kept,)
        Training means of the transformed features.
    """

    features_: np.ndarray
    means_: np.ndarray

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the columns that ``transform`` gives, shape (n_kept,)."""
        check_is_fitted(self)
        return np.asarray(self.features_, dtype=object)

    def missing_features(self, table: pd.DataFrame) -> list[str]:
        """Return the kept features that `table` lacks, in the order of the model."""
        check_is_fitted(self)
        return [str(name) for name in self.features_[~self._present(table)]]

    def _present(self, table: pd.DataFrame) -> np.ndarray:
        return np.asarray(pd.Index(self.features_).isin(table.columns))

    def _keep(self, table: pd.DataFrame, kept: np.ndarray, rule: str) -> np.ndarray:
        """Freeze the kept features and return their values as float, shape (n, n_kept)."""
        if not kept.any():
            raise InputError(
                "layer table",
                f"none of its {table.shape[1]} features passes the filter ({rule})",
                "relax the layer's filter in the config",
            )
        self.features_ = np.asarray(table.columns[kept], dtype=str)
        return table.to_numpy(dtype=float)[:, kept]

    def _values(self, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return (values of the features that are there, mask of those over ``features_``)."""
        check_is_fitted(self)
        present = self._present(table)
        return table[list(self.features_[present])].to_numpy(dtype=float), present

    def _filled(
        self, values: np.ndarray, present: np.ndarray, fill: np.ndarray, index: pd.Index
    ) -> pd.DataFrame:
        """Return the full table: `values` where the features are there, else `fill`."""
        result = np.tile(fill, (len(index), 1))
        result[:, present] = np.where(np.isnan(values), result[:, present], values)
        return pd.DataFrame(result, index=index, columns=list(self.features_))
