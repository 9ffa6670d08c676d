"""Reference data without subtypes: a single cluster of the same shape."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

# √n times the distance of uniform data, the largest among unimodal ones, exceeds this in 1 %
# (simulated: 0.84 to 0.93 for n from 50 to 1,000).
SEVERAL_MODES = 0.9
MODES_TRIED = 60


class UnimodalReference(BaseEstimator):
    """A single cluster with the covariance and the marginal shapes of the data.

    SigClust's null is a Gaussian with the data's covariance (Liu et al. 2008, doi
    10.1198/016214508000000454), compared with which a skewed, heavy-tailed or bounded factor looks
    like clusters. Here each factor has the nearest unimodal distribution
    (:func:`nearest_unimodal`), with any skewness and tails. A factor that clearly has more than one
    mode is replaced by a normal one, since a small separate group would look like skewness. Every
    draw is rotated to have exactly the data's covariance, which sampling would otherwise inflate.

    Attributes
    ----------
    curves_ : list of (ndarray, ndarray) or None
        By factor the corners of the cumulative distribution of the standardised values; None if it
        is normal.
    correlation_root_, covariance_root_ : ndarray, shape (n_factors, n_factors)
    n_samples_ : int
    """

    def fit(self, values: NDArray[np.floating], y: Any = None) -> UnimodalReference:
        """Learn the shape of a matrix (patients × factors) without constant columns."""
        centred = values - values.mean(axis=0)
        deviation = centred.std(axis=0)
        covariance = centred.T @ centred / len(values)
        self.curves_ = [_curve(column) for column in (centred / deviation).T]
        self.correlation_root_ = _root(covariance / np.outer(deviation, deviation))
        self.covariance_root_ = _root(covariance)
        self.n_samples_ = len(values)
        return self

    def draw(self, rng: np.random.Generator) -> NDArray[np.floating]:
        """Draw as many patients as in the fit, shape (n_patients, n_factors), centred."""
        check_is_fitted(self)
        shape = (self.n_samples_, len(self.curves_))
        cloud = rng.normal(size=shape) @ self.correlation_root_
        for j, curve in enumerate(self.curves_):
            if curve is not None:
                x, height = curve
                cloud[:, j] = np.interp(norm.cdf(cloud[:, j]), height, x)
        cloud -= cloud.mean(axis=0)
        cloud /= cloud.std(axis=0)
        inverse = np.linalg.pinv(_root(cloud.T @ cloud / len(cloud)))
        return np.asarray(cloud @ inverse @ self.covariance_root_)


def _curve(
    standardised: NDArray[np.floating],
) -> tuple[NDArray[np.floating], NDArray[np.floating]] | None:
    distance, x, height = nearest_unimodal(standardised)
    return None if distance * np.sqrt(len(standardised)) > SEVERAL_MODES else (x, height)


def nearest_unimodal(
    values: NDArray[np.floating],
) -> tuple[float, NDArray[np.floating], NDArray[np.floating]]:
    """Return the unimodal distribution nearest to the empirical one.

    Its cumulative distribution is the greatest convex minorant before the mode and the least
    concave majorant after it, for the mode that minimises the largest difference; modes are tried
    on a grid of the values. These are the curves of Hartigan & Hartigan's dip (1985, doi
    10.1214/aos/1176346577).

    Returns
    -------
    distance : float
        The largest difference, between 0 and 1.
    x, height : ndarray
        Corners of the piecewise linear cumulative distribution.
    """
    x = np.sort(values)
    height = (np.arange(len(x)) + 0.5) / len(x)
    nearest, best = np.inf, np.array([0, len(x) - 1])
    for mode in range(0, len(x), max(1, len(x) // MODES_TRIED)):
        before = _hull(x[: mode + 1], height[: mode + 1], 1.0)
        behind = _hull(x[mode:], height[mode:], -1.0) + mode
        corners = np.concatenate([before, behind[1:]])
        gap = np.abs(np.interp(x, x[corners], height[corners]) - height).max()
        if gap < nearest:
            nearest, best = float(gap), corners
    return nearest, x[best], height[best]


def _hull(x: NDArray[np.floating], y: NDArray[np.floating], side: float) -> NDArray[np.integer]:
    """Return the vertices of the lower (1) or upper (−1) convex hull of points sorted by x."""
    kept: list[int] = []
    for i in range(len(x)):
        while len(kept) > 1:
            first, second = kept[-2], kept[-1]
            rise = (y[second] - y[first]) * (x[i] - x[first])
            if side * (rise - (y[i] - y[first]) * (x[second] - x[first])) < 0:
                break
            kept.pop()
        kept.append(i)
    return np.array(kept)


def _root(symmetric: NDArray[np.floating]) -> NDArray[np.floating]:
    values, vectors = np.linalg.eigh(symmetric)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T)
