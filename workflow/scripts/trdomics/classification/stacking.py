"""Late fusion: a stack of one model per block, which lets patients lack blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_selection import SelectKBest
from sklearn.model_selection import StratifiedKFold
from sklearn.utils.validation import check_is_fitted

from trdomics.classification.classifiers import BlockModel, prior_log_odds, selector
from trdomics.classification.families import ELASTIC_NET, FAMILIES
from trdomics.classification.feature_blocks import DenseBlocks, Floats

# Folds within the training patients that give the stack decisions its members did not fit.
MEMBER_FOLDS = 3
# Strength of the pull of a member's weight to zero, in units of one patient's log likelihood.
RIDGE = 1.0


class BlockFits:
    """Models over the blocks of one set of training patients, each fitted once.

    Feature sets and stacks share members, and the selection of features does not depend on the
    kind of the model.

    Parameters
    ----------
    blocks : DenseBlocks
        Of the training patients.
    labels : array of int, shape (n_patients,)
    max_features, seed : int
        See :class:`BlockModel`.
    """

    def __init__(
        self, blocks: DenseBlocks, labels: NDArray[Any], max_features: int, seed: int
    ) -> None:
        self.blocks, self.labels = blocks, np.asarray(labels, dtype=int)
        self.max_features, self.seed = max_features, seed
        self._models: dict[tuple[tuple[str, ...], str, int], BlockModel] = {}
        self._selectors: dict[tuple[str, ...], SelectKBest | None] = {}
        self._evidence: dict[tuple[str, str], Floats] = {}
        self._folds: list[tuple[BlockFits, NDArray[np.int_]]] | None = None

    def model(self, names: Sequence[str], kind: str, position: int = 0) -> BlockModel:
        """Return the fitted model over some blocks; `position` is that of its grid."""
        key = (tuple(names), kind, position)
        if key not in self._models:
            params = FAMILIES[kind].grid[position]
            model = BlockModel(list(names), kind, params, self.max_features, self.seed)
            chosen = self._selector(key[0])
            self._models[key] = model.fit(self.blocks, self.labels, chosen=chosen)
        return self._models[key]

    def out_of_fold_evidence(self, name: str, kind: str) -> Floats:
        """Return a member's evidence on patients whom it was not fitted on, shape (n_patients,)."""
        if (name, kind) not in self._evidence:
            evidence = np.zeros(len(self.labels))
            for fits, held_out in self._inner():
                model = fits.model((name,), kind)
                evidence[held_out] = model.evidence(self.blocks.take(held_out))
            self._evidence[name, kind] = evidence
        return self._evidence[name, kind]

    def _selector(self, names: tuple[str, ...]) -> SelectKBest | None:
        if names not in self._selectors:
            values, has = self.blocks.joined(names)
            usable = values.shape[1] and len(np.unique(self.labels[has])) == 2
            self._selectors[names] = (
                selector(values[has], self.labels[has], self.max_features) if usable else None
            )
        return self._selectors[names]

    def _inner(self) -> list[tuple[BlockFits, NDArray[np.int_]]]:
        if self._folds is None:
            smallest = int(np.bincount(self.labels, minlength=2).min())
            folds = min(MEMBER_FOLDS, smallest)
            self._folds = []
            if folds > 1:
                dealer = StratifiedKFold(folds, shuffle=True, random_state=self.seed)
                for kept, held_out in dealer.split(self.labels, self.labels):
                    part = self.blocks.take(kept)
                    fits = BlockFits(part, self.labels[kept], self.max_features, self.seed)
                    self._folds.append((fits, held_out))
        return self._folds


class LateFusion(ClassifierMixin, BaseEstimator):
    """A stack: the evidences of one model per block, weighed by a logistic regression.

    A member's evidence is by how much it moves the log odds. For a patient who lacks its block it
    is zero, in training and prediction. Weights are not negative (Breiman 1996, "Stacked
    regressions") and learned from evidences on patients whom the members were not fitted on.

    Parameters
    ----------
    members : sequence of str
        Blocks of the representation.
    kind : str
        Of all members, with the default parameters of their kind.
    max_features, seed : int
        See :class:`BlockModel`.

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

    def __init__(
        self,
        members: Sequence[str] = (),
        kind: str = ELASTIC_NET,
        max_features: int = 50,
        seed: int = 0,
    ) -> None:
        self.members = members
        self.kind = kind
        self.max_features = max_features
        self.seed = seed

    def fit(self, X: Any, y: Any, fits: BlockFits | None = None) -> Self:
        """Fit members and weights.

        Parameters
        ----------
        X : LayerTables or DenseBlocks
        y : array of int, shape (n_patients,)
            0 and 1.
        fits : BlockFits, optional
            Models of these very patients, where the caller has some already.
        """
        labels = np.asarray(y, dtype=int)
        if fits is None:
            fits = BlockFits(DenseBlocks.of(X), labels, self.max_features, self.seed)
        self.classes_ = np.array([0, 1])
        self.models_ = [fits.model((name,), self.kind) for name in self.members]
        evidence = np.column_stack(
            [fits.out_of_fold_evidence(name, self.kind) for name in self.members]
        )
        self.weights_, self.intercept_ = stack_weights(evidence, labels)
        return self

    def decision_function(self, X: Any) -> Floats:
        """Return log odds before calibration, shape (n_patients,)."""
        check_is_fitted(self, "weights_")
        blocks = DenseBlocks.of(X)
        evidence = np.column_stack([model.evidence(blocks) for model in self.models_])
        return np.asarray(self.intercept_ + evidence @ self.weights_)

    def predict_proba(self, X: Any) -> Floats:
        """Return probabilities of both classes before calibration, shape (n_patients, 2)."""
        positive = expit(self.decision_function(X))
        return np.column_stack([1 - positive, positive])

    def predict(self, X: Any) -> NDArray[np.int_]:
        """Return the likelier class, shape (n_patients,)."""
        return (self.decision_function(X) > 0).astype(int)


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
