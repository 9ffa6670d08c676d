"""Stacks of models of different blocks, which let patients lack blocks."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from trdomics.classification.calibration import prior_log_odds
from trdomics.classification.classifiers import BlockModel
from trdomics.classification.feature_blocks import DenseBlocks, Floats

# Strength of the pull of a member's weight to zero, in units of one patient's log likelihood.
RIDGE = 1.0


class LateFusion(ClassifierMixin, BaseEstimator):
    """A stack: the evidences of several models, weighed by a logistic regression.

    A member's evidence is by how much it moves the log odds. For a patient who lacks its blocks it
    is zero, in training and prediction. Weights are not negative (Breiman 1996, "Stacked
    regressions") and learned from evidences on patients whom the members were not fitted on.

    Attributes
    ----------
    models_ : list of BlockModel
        The members, fitted on all training patients.
    weights_ : array, shape (n_members,)
        Of their evidences.
    intercept_ : float
    classes_ : array, shape (2,)
        0 and 1.
    """

    def fit(self, members: Sequence[BlockModel], evidence: Floats, y: Any) -> Self:
        """Learn the weights of fitted members.

        Parameters
        ----------
        members : sequence of BlockModel
            Fitted on all training patients.
        evidence : array, shape (n_patients, n_members)
            Of the training patients, each by models that were not fitted on the patient.
        y : array of int, shape (n_patients,)
            0 and 1.
        """
        self.classes_ = np.array([0, 1])
        self.models_ = list(members)
        self.weights_, self.intercept_ = stack_weights(evidence, np.asarray(y, dtype=int))
        return self

    def with_members(self, members: Sequence[BlockModel]) -> LateFusion:
        """Return the same weights over members that were fitted on other patients."""
        other = copy.copy(self)
        other.models_ = list(members)
        return other

    def decision_function(self, blocks: DenseBlocks) -> Floats:
        """Return log odds before calibration, shape (n_patients,)."""
        check_is_fitted(self, "weights_")
        evidence = np.column_stack([model.evidence(blocks) for model in self.models_])
        return np.asarray(self.intercept_ + evidence @ self.weights_)

    def predict_proba(self, blocks: DenseBlocks) -> Floats:
        """Return probabilities of both classes before calibration, shape (n_patients, 2)."""
        positive = expit(self.decision_function(blocks))
        return np.column_stack([1 - positive, positive])

    def predict(self, blocks: DenseBlocks) -> NDArray[np.int_]:
        """Return the more likely class, shape (n_patients,)."""
        return (self.decision_function(blocks) > 0).astype(int)


def stack_weights(evidence: Floats, labels: NDArray[Any]) -> tuple[Floats, float]:
    """Fit a logistic regression with weights that are not negative.

    Parameters
    ----------
    evidence : array, shape (n_patients, n_members)
        Zero where a patient lacks a member's block.
    labels : array of int, shape (n_patients,)

    Returns
    -------
    weights : array, shape (n_members,)
        Penalised by their squares in units of each member's spread, so that members whose
        evidence is on a small scale are not put at a disadvantage.
    intercept : float
    """
    spread = np.sqrt((evidence**2).mean(axis=0))
    spread = np.where(spread > 0, spread, 1.0)
    scaled = evidence / spread
    signs = np.where(labels == 1, 1.0, -1.0)

    def loss(parameters: Floats) -> tuple[float, Floats]:
        weights, intercept = parameters[:-1], parameters[-1]
        margin = signs * (scaled @ weights + intercept)
        pull = -signs * expit(-margin)
        value = np.logaddexp(0, -margin).sum() + RIDGE / 2 * weights @ weights
        gradient = np.append(scaled.T @ pull + RIDGE * weights, pull.sum())
        return float(value), gradient

    n_members = evidence.shape[1]
    start = np.append(np.zeros(n_members), prior_log_odds(labels))
    bounds = [(0, None)] * n_members + [(None, None)]
    fitted = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return np.asarray(fitted.x[:-1] / spread), float(fitted.x[-1])
