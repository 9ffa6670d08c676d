"""Ridge logistic regression; one decomposition of the features serves all penalties."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

Floats = NDArray[np.float64]
# Axes with eigenvalues below this share of the largest are dropped.
RANK_TOLERANCE = 1e-10


class PrincipalAxes:
    """Patients on the principal axes of their features, shared by all penalties.

    Coefficients of a ridge regression lie in the span of the patients (Hastie and Tibshirani 2004,
    doi 10.1093/biostatistics/kxh010), so 1,000 features of 200 patients reduce to 200 axes.

    Parameters
    ----------
    values : array, shape (n_patients, n_features)

    Attributes
    ----------
    centre : array, shape (n_features,)
    scores : array, shape (n_patients, n_axes)
        With orthogonal columns of mean zero.
    loadings : array, shape (n_features, n_axes)
        Coefficients of features are ``loadings @ coefficients of axes``.
    """

    def __init__(self, values: Floats) -> None:
        self.centre = values.mean(axis=0)
        centred = values - self.centre
        wide = centred.shape[1] > len(centred)
        eigenvalues, vectors = np.linalg.eigh(centred @ centred.T if wide else centred.T @ centred)
        kept = eigenvalues > RANK_TOLERANCE * max(eigenvalues[-1], 0.0)
        vectors, spread = vectors[:, kept], np.sqrt(eigenvalues[kept])
        self.scores = vectors * spread if wide else centred @ vectors
        self.loadings = centred.T @ (vectors / spread) if wide else vectors


class RidgeLogistic(ClassifierMixin, BaseEstimator):
    """Ridge logistic regression whose penalty does not depend on the number of features.

    Parameters
    ----------
    variance : float
        Prior variance of the log odds of a patient with standardised, independent features: that
        of a coefficient is ``variance / n_features``. 0.1 is nearly flat, 1 is an AUROC of about
        0.75; features with common factors need more.

    Attributes
    ----------
    coef_ : array, shape (1, n_features)
    intercept_ : array, shape (1,)
    """

    def __init__(self, variance: float = 1.0) -> None:
        self.variance = variance

    def fit(self, values: Floats, y: NDArray[Any], axes: PrincipalAxes | None = None) -> Self:
        """Fit on standardised features.

        Parameters
        ----------
        values : array, shape (n_patients, n_features)
        axes : PrincipalAxes, optional
            Of these values, if already computed.
        """
        axes = axes or PrincipalAxes(values)
        self.classes_ = np.array([0, 1])
        signs = np.where(np.asarray(y) == 1, 1.0, -1.0)
        penalty = values.shape[1] / self.variance
        # in units in which the curvature is at most one everywhere
        curvature = np.append((axes.scores**2).sum(axis=0) / 4 + penalty, len(signs) / 4)
        units = 1 / np.sqrt(curvature)
        design = np.column_stack([axes.scores, np.ones(len(signs))]) * units * signs[:, None]
        penalties = np.append(np.full(axes.scores.shape[1], penalty), 0.0) * units**2

        def loss(parameters: Floats) -> tuple[float, Floats]:
            margin = design @ parameters
            penalised = penalties * parameters
            value = np.logaddexp(0, -margin).sum() + penalised @ parameters / 2
            return float(value), penalised - design.T @ expit(-margin)

        fitted = minimize(
            loss,
            np.zeros(len(units)),
            jac=True,
            method="L-BFGS-B",
            options={"ftol": 1e-12, "gtol": 1e-5},
        ).x
        coefficients = axes.loadings @ (fitted * units)[:-1]
        self.coef_ = coefficients[None, :]
        self.intercept_ = np.array([fitted[-1] * units[-1] - axes.centre @ coefficients])
        return self

    def decision_function(self, values: Floats) -> Floats:
        """Return log odds, shape (n_patients,)."""
        check_is_fitted(self, "coef_")
        return np.asarray(values @ self.coef_[0] + self.intercept_[0])

    def predict_proba(self, values: Floats) -> Floats:
        """Return probabilities of both classes, shape (n_patients, 2)."""
        positive = expit(self.decision_function(values))
        return np.column_stack([1 - positive, positive])

    def predict(self, values: Floats) -> NDArray[np.int_]:
        """Return the more likely class, shape (n_patients,)."""
        return (self.decision_function(values) > 0).astype(int)
