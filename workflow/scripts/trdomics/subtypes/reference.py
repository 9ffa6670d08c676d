"""What the data would look like without subtypes: one cloud of the same shape."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import chi2, norm
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

# Johnson's S_U needs two parameters more than the normal distribution; it is taken where they
# are worth it (likelihood-ratio test at 5 %).
WORTH = float(chi2.ppf(0.95, 2)) / 2
# √n times the distance of uniform data, which of unimodal ones have the largest, exceeds this once
# in a hundred times (simulated: 0.84 to 0.93 for n from 50 to 1,000).
SEVERAL_MODES = 0.9
MODES_TRIED = 60
_BOUNDS = [(-20.0, 20.0), (-1.0, 3.0), (-20.0, 20.0), (-3.0, 4.0)]


class UnimodalReference(BaseEstimator):
    """One cloud with the covariance, the skewness and the tails of the data, but without groups.

    SigClust's null is a Gaussian of the data's covariance (Liu et al. 2008, doi
    10.1198/016214508000000454), against which a skewed or heavy-tailed factor passes for
    clusters. Here each factor is normal, or of Johnson's S_U family (Johnson 1949, doi
    10.1093/biomet/36.1-2.149) where that fits better: it has any skewness and heavier tails than
    the normal distribution, but always one mode. It is not fitted to a factor that clearly has more
    than one (:func:`distance_to_unimodal`), as a small group apart would pass for skewness. Every
    draw is rotated to have just the data's covariance, which sampling would otherwise inflate.

    Attributes
    ----------
    shapes_ : ndarray, shape (n_factors, 4)
        a, b, location and scale of S_U for the standardised factor; NaN where it is normal.
    correlation_root_, covariance_root_ : ndarray, shape (n_factors, n_factors)
    n_samples_ : int
    """

    def fit(self, values: NDArray[np.floating], y: Any = None) -> UnimodalReference:
        """Learn the shape of a matrix (patients × factors), none of them constant."""
        centred = values - values.mean(axis=0)
        deviation = centred.std(axis=0)
        covariance = centred.T @ centred / len(values)
        self.shapes_ = np.array([_shape(column) for column in (centred / deviation).T])
        self.correlation_root_ = _root(covariance / np.outer(deviation, deviation))
        self.covariance_root_ = _root(covariance)
        self.n_samples_ = len(values)
        return self

    def draw(self, rng: np.random.Generator) -> NDArray[np.floating]:
        """Draw as many patients as there were, shape (n_patients, n_factors), centred."""
        check_is_fitted(self)
        a, b, location, scale = self.shapes_.T
        normal = rng.normal(size=(self.n_samples_, len(a))) @ self.correlation_root_
        skewed = location + scale * np.sinh((normal - a) / b)
        cloud = np.where(np.isnan(a), normal, skewed)
        cloud -= cloud.mean(axis=0)
        cloud /= cloud.std(axis=0)
        inverse = np.linalg.pinv(_root(cloud.T @ cloud / len(cloud)))
        return np.asarray(cloud @ inverse @ self.covariance_root_)


def _shape(standardised: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return a, b, location and scale of S_U by maximum likelihood; NaN if normal will do."""

    def loss(parameters: NDArray[np.floating]) -> float:
        a, log_b, location, log_scale = parameters
        y = (standardised - location) / np.exp(log_scale)
        normal = a + np.exp(log_b) * np.arcsinh(y)
        # scipy's johnsonsu takes the log of a density that has become 0 far from the centre
        density = norm.logpdf(normal) + log_b - log_scale - 0.5 * np.log1p(y**2)
        return -float(density.sum())

    if distance_to_unimodal(standardised) * np.sqrt(len(standardised)) > SEVERAL_MODES:
        return np.full(4, np.nan)
    start = np.array([0.0, np.log(2.0), 0.0, np.log(2.0)])
    found = minimize(loss, start, method="L-BFGS-B", bounds=_BOUNDS)
    if not -found.fun - norm.logpdf(standardised).sum() > WORTH:
        return np.full(4, np.nan)
    a, log_b, location, log_scale = found.x
    return np.array([a, np.exp(log_b), location, np.exp(log_scale)])


def distance_to_unimodal(values: NDArray[np.floating]) -> float:
    """Return how far the empirical distribution is from having one mode, between 0 and 1.

    The largest difference to its greatest convex minorant before a mode and its least concave
    majorant behind it, for the mode where that is least; modes are tried on a grid of the values.
    These are the curves of Hartigan & Hartigan's dip (1985, doi 10.1214/aos/1176346577).
    """
    x = np.sort(values)
    height = (np.arange(len(x)) + 0.5) / len(x)
    nearest = np.inf
    for mode in range(0, len(x), max(1, len(x) // MODES_TRIED)):
        before = _hull(x[: mode + 1], height[: mode + 1], 1.0)
        behind = _hull(x[mode:], height[mode:], -1.0) + mode
        vertices = np.concatenate([before, behind[1:]])
        gap = np.abs(np.interp(x, x[vertices], height[vertices]) - height).max()
        nearest = min(nearest, float(gap))
    return nearest


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
