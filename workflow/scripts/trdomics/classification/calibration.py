"""Calibration: from decision values to probabilities."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import check_is_fitted

Floats = NDArray[np.float64]
# Out-of-fold decisions without signal are often negatively correlated with the labels by chance. A
# slope below this is treated as noise: the ranking is kept, with almost no effect on the
# probability.
MIN_SLOPE = 0.05


def prior_log_odds(labels: NDArray[Any]) -> float:
    """Return the log odds of the proportion of positives, kept away from 0 and 1."""
    return float(logit((labels.sum() + 0.5) / (len(labels) + 1)))


class Platt(BaseEstimator):
    """Platt's calibration: a logistic curve fitted to out-of-fold decisions.

    Attributes
    ----------
    slope_, intercept_ : float
        Calibrated log odds are ``slope * decision + intercept``.
    """

    def fit(self, decision: Floats, y: NDArray[Any]) -> Self:
        """Fit on out-of-fold decisions."""
        spread = float(np.std(decision))
        labels = np.asarray(y, dtype=int)
        self.slope_, self.intercept_ = MIN_SLOPE, prior_log_odds(labels)
        if spread > 0:
            # a negligible penalty, which keeps the slope finite if decisions separate the classes
            curve = LogisticRegression(C=100.0).fit((decision / spread)[:, None], labels)
            self.slope_ = float(curve.coef_[0, 0]) / spread
            self.intercept_ = float(curve.intercept_[0])
        if self.slope_ < MIN_SLOPE:
            self.slope_ = MIN_SLOPE
            self.intercept_ = prior_log_odds(labels) - MIN_SLOPE * float(np.mean(decision))
        return self

    def predict(self, decision: Floats) -> Floats:
        """Return probabilities, shape (n,)."""
        check_is_fitted(self, "slope_")
        return np.asarray(expit(self.slope_ * np.asarray(decision) + self.intercept_))
