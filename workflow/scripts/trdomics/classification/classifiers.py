"""A classifier after supervised feature selection."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from trdomics.classification.calibration import prior_log_odds
from trdomics.classification.families import ELASTIC_NET, FAMILIES, TrainingValues
from trdomics.classification.feature_blocks import DenseBlocks, Floats


def anova_f(values: Floats, labels: NDArray[Any]) -> Floats:
    """Return the F statistic of two classes for each feature; 0 if it is constant.

    The ranking equals that of scikit-learn's ``f_classif``, which takes ten times as long and warns
    about constant features.
    """
    positive = labels == 1
    groups = [values[positive], values[~positive]]
    means = [group.mean(axis=0) for group in groups]
    within = sum(
        ((group - mean) ** 2).sum(axis=0) for group, mean in zip(groups, means, strict=True)
    )
    n = [len(group) for group in groups]
    between = (means[0] - means[1]) ** 2 * n[0] * n[1] / (n[0] + n[1])
    statistic = between * (len(values) - 2)
    return np.divide(statistic, within, out=np.zeros_like(statistic), where=within > 1e-12)


class TopFeatures(BaseEstimator):
    """The features of each block that separate the training classes best, by the F statistic.

    Parameters
    ----------
    widths : sequence of int
        Numbers of features of the concatenated blocks.
    n_features : int, optional
        Kept of each block; None for all.

    Attributes
    ----------
    support_ : array of bool, shape (n_features,)
    """

    def __init__(self, widths: Sequence[int] = (), n_features: int | None = None) -> None:
        self.widths = widths
        self.n_features = n_features

    def fit(self, values: Floats, labels: NDArray[Any]) -> Self:
        """Select features from values, shape (n_patients, n_features), and labels 0 and 1."""
        self.n_features_in_ = values.shape[1]
        self.support_ = np.ones(values.shape[1], dtype=bool)
        if self.n_features is None:
            return self
        statistic, start = anova_f(values, labels), 0
        for width in self.widths:
            order = np.argsort(-statistic[start : start + width], kind="stable")
            self.support_[start + order[self.n_features :]] = False
            start += width
        return self

    def get_support(self) -> NDArray[np.bool_]:
        """Return which features are kept, shape (n_features,)."""
        check_is_fitted(self, "support_")
        return self.support_

    def transform(self, values: Floats) -> Floats:
        """Return the features that are kept, shape (n_patients, n_kept)."""
        kept = self.get_support()
        return values if kept.all() else values[:, kept]


Selected = tuple[TopFeatures, TrainingValues | None]


def select_features(
    blocks: DenseBlocks, names: Sequence[str], n_features: int | None, labels: NDArray[Any]
) -> Selected:
    """Return the fitted selection and the training values of a classifier after it.

    Parameters
    ----------
    names : sequence of str
        The blocks to concatenate.

    Returns
    -------
    select : TopFeatures
        Not fitted if there is nothing to learn from.
    training : TrainingValues or None
        Of the patients who have at least one of the blocks; None if there is nothing to learn from:
        no patients, only one class, or no features.
    """
    values, has = blocks.joined(names)
    select = TopFeatures(blocks.widths(names), n_features)
    labels = labels[has]
    if not values.shape[1] or len(np.unique(labels)) < 2:
        return select, None
    values = values[has]
    return select, TrainingValues(select.fit(values, labels).transform(values), labels)


class BlockModel(ClassifierMixin, BaseEstimator):
    """A classifier of one family on concatenated blocks, after supervised feature selection.

    It is fitted on the patients who have at least one of the blocks; the others are predicted by
    the prior, the log odds of the training classes. So are all patients if nothing can be learned
    from the blocks: no patients, only one class, or no features.

    Parameters
    ----------
    params : mapping, optional
        Of the classifier; None for the default, the first of the grid.
    n_features : int, optional
        Number of features to keep per block; None for all.

    Attributes
    ----------
    pipeline_ : Pipeline or None
        The selection and the classifier.
    prior_ : float
        Log odds of patients without any of the blocks.
    """

    def __init__(
        self,
        blocks: Sequence[str] = (),
        kind: str = ELASTIC_NET,
        params: Mapping[str, Any] | None = None,
        n_features: int | None = None,
        seed: int = 0,
    ) -> None:
        self.blocks = blocks
        self.kind = kind
        self.params = params
        self.n_features = n_features
        self.seed = seed

    def fit(self, blocks: DenseBlocks, y: Any, chosen: Selected | None = None) -> Self:
        """Fit on the blocks of some patients.

        Parameters
        ----------
        chosen : Selected, optional
            The result of :func:`select_features` for the same patients.
        """
        labels = np.asarray(y, dtype=int)
        self.classes_ = np.array([0, 1])
        self.prior_ = prior_log_odds(labels)
        self.pipeline_ = None
        select, training = chosen or select_features(blocks, self.blocks, self.n_features, labels)
        if training is not None:
            family = FAMILIES[self.kind]
            params = family.grid[0] if self.params is None else self.params
            with warnings.catch_warnings():
                # Nearly converged coefficients rank patients equally well; the inner folds score
                # them.
                warnings.simplefilter("ignore", ConvergenceWarning)
                model = family.fit(params, self.seed, training)
            self.pipeline_ = Pipeline([("select", select), ("model", model)])
        return self

    def decision_function(self, blocks: DenseBlocks) -> Floats:
        """Return log odds before calibration, shape (n_patients,)."""
        check_is_fitted(self, "prior_")
        values, has = blocks.joined(self.blocks)
        decision = np.full(len(has), self.prior_)
        if self.pipeline_ is not None and has.any():
            select, model = self.pipeline_.named_steps.values()
            decision[has] = FAMILIES[self.kind].decision(model, select.transform(values[has]))
        return decision

    def evidence(self, blocks: DenseBlocks) -> Floats:
        """Return the blocks' contribution to the log odds; 0 for patients who lack them."""
        return self.decision_function(blocks) - self.prior_

    def predict_proba(self, blocks: DenseBlocks) -> Floats:
        """Return probabilities of both classes before calibration, shape (n_patients, 2)."""
        positive = expit(self.decision_function(blocks))
        return np.column_stack([1 - positive, positive])

    def predict(self, blocks: DenseBlocks) -> NDArray[np.int_]:
        """Return the more likely class, shape (n_patients,)."""
        return (self.decision_function(blocks) > 0).astype(int)

    def importance(self) -> Floats:
        """Return signed coefficients, or importances of trees, over all features of the blocks."""
        check_is_fitted(self, "prior_")
        if self.pipeline_ is None:
            return np.zeros(0)
        select, model = self.pipeline_.named_steps.values()
        result = np.zeros(select.n_features_in_)
        result[select.get_support()] = FAMILIES[self.kind].importance(model)
        return result
