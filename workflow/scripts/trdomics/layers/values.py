"""Normalisers of layers that are already normalised, or binary."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from trdomics.layers.base import LayerNormaliser
from trdomics.layers.transforms import BinaryTransform, ContinuousTransform


class ContinuousNormaliser(LayerNormaliser, ContinuousTransform):
    """Optional log2(x + 1), a filter for missing values, imputation with the training mean.

    Features that are constant in the training patients are also dropped.

    Parameters
    ----------
    log2 : bool
        Whether to apply log2(x + 1) first; the values must then be non-negative.
    max_missing : float
        Largest share of training patients with a missing value.
    """

    def __init__(self, log2: bool = False, max_missing: float = 0.2) -> None:
        self.log2 = log2
        self.max_missing = max_missing

    def fit(self, table: pd.DataFrame, y: Any = None) -> ContinuousNormaliser:
        """Learn the kept features and their means from training values."""
        values = self._logged(table.to_numpy(dtype=float))
        known = ~np.isnan(values)
        low = np.where(known, values, np.inf).min(axis=0)
        high = np.where(known, values, -np.inf).max(axis=0)
        kept = ((~known).mean(axis=0) <= self.max_missing) & (high > low)
        self._keep(table, kept, f"missing in at most {self.max_missing:.0%}, not constant")
        self.means_ = np.nanmean(values[:, kept], axis=0)
        return self


class BinaryNormaliser(LayerNormaliser, BinaryTransform):
    """A prevalence filter; missing values are imputed by the more common value.

    Parameters
    ----------
    min_prevalence : float
        A feature is kept if both values occur in at least this share of the training patients with
        a known value.
    """

    def __init__(self, min_prevalence: float = 0.03) -> None:
        self.min_prevalence = min_prevalence

    def fit(self, table: pd.DataFrame, y: Any = None) -> BinaryNormaliser:
        """Learn the kept features and their prevalence from training values."""
        values = table.to_numpy(dtype=float)
        known = (~np.isnan(values)).sum(axis=0)
        prevalence = np.nansum(values, axis=0) / np.maximum(known, 1)
        rarer = np.minimum(prevalence, 1 - prevalence)
        kept = (rarer >= self.min_prevalence) & (rarer > 0)
        self._keep(table, kept, f"a prevalence of {self.min_prevalence:.1%}")
        self.means_ = prevalence[kept]
        return self
