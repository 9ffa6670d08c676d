"""Adjustment for covariates, learned from training patients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from trdomics.columns import as_text, is_quantity
from trdomics.layers.transforms import CovariateEffects


class CovariateResidualiser(BaseEstimator, CovariateEffects):
    """Subtract the linear effect of covariates from each feature, preserving its mean.

    The design is centred by its training means, numbers also scaled by their training standard
    deviation, so that a missing number and a missing or unseen category correspond to the average
    patient. Minimum-norm least squares, so categories need no reference level and collinear
    covariates do no harm.

    Parameters
    ----------
    columns : sequence of str
        Covariates; columns of the covariate table.

    Attributes
    ----------
    As :class:`trdomics.layers.transforms.CovariateEffects`.
    """

    def __init__(self, columns: Sequence[str], categorical: Sequence[str] = ()) -> None:
        self.columns = columns
        self.categorical = categorical

    def fit(self, table: pd.DataFrame, covariates: pd.DataFrame) -> CovariateResidualiser:
        """Learn the effects.

        Parameters
        ----------
        table : DataFrame, shape (n_patients, n_features)
            Normalised values without missing ones.
        covariates : DataFrame
            Covariates of at least these patients, indexed by patient.
        """
        known = covariates.loc[table.index]
        self.numeric_ = [
            name for name in self.columns if is_quantity(known[name], self.categorical)
        ]
        self.levels_ = {
            name: sorted(set(as_text(known[name]).dropna()))
            for name in self.columns
            if name not in self.numeric_
        }
        raw = self._raw_design(known)
        n_known = np.maximum((~np.isnan(raw)).sum(axis=0), 1)
        self.centre_ = np.nansum(raw, axis=0) / n_known
        centred = np.nan_to_num(raw - self.centre_)
        spread = np.sqrt((centred**2).mean(axis=0))
        self.scale_ = np.where(spread > 0, spread, 1.0)
        design = centred / self.scale_
        values = table.to_numpy(dtype=float)
        self.coefficients_ = np.linalg.lstsq(design, values - values.mean(axis=0), rcond=1e-10)[0]
        self.features_ = np.asarray(table.columns, dtype=str)
        return self

    def transform(self, table: pd.DataFrame, covariates: pd.DataFrame) -> pd.DataFrame:
        """Return the table without the covariates' effects, features as in training."""
        check_is_fitted(self)
        return super().transform(table, covariates)
