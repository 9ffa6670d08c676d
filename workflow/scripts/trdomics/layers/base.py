"""Base class of the layer normalisers as estimators."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from trdomics.errors import InputError


class LayerNormaliser(TransformerMixin, BaseEstimator):
    """First base class of a normaliser; the second is its fitted transform.

    See :class:`trdomics.layers.transforms.LayerTransform`: the kept features are decided once, in
    ``fit``.
    """

    features_: Any
    means_: Any

    def transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the normalised values without missing ones (patients × kept features)."""
        check_is_fitted(self)
        return super().transform(table)  # type: ignore[misc]

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
