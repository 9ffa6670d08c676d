"""Families of classifiers, one class each: how they are built, tuned, stored and explained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from trdomics.classification.ridge import PrincipalAxes, RidgeLogistic
from trdomics.classification.votes import vote_log_odds

Floats = NDArray[np.float64]

ELASTIC_NET, RIDGE = "elastic_net", "ridge"
RANDOM_FOREST, GRADIENT_BOOSTING = "random_forest", "gradient_boosting"


class TrainingValues:
    """Training data shared by classifiers of all families and parameters.

    Parameters
    ----------
    values : array, shape (n_patients, n_features)
        Standardised values of the selected features.
    """

    def __init__(self, values: Floats, labels: NDArray[Any]) -> None:
        self.values, self.labels = values, labels

    @cached_property
    def axes(self) -> PrincipalAxes:
        """Return the principal axes of the values."""
        return PrincipalAxes(self.values)


class Family:
    """A family of classifiers.

    A new family is a subclass, registered with :func:`register`, and a word in the list of models
    of the config's schema, which is read where no scikit-learn is loaded.

    Attributes
    ----------
    name : str
        As in ``classification.models`` of the config.
    grid : list of dict
        Parameters to choose from. Deliberately small: with some 200 training patients the inner
        loop cannot distinguish finer steps.
    sizes : tuple of int or None
        Numbers of features per block to choose from; None for all. Each is combined with each entry
        of the grid.
    decoder : str
        Name of the function that predicts from the arrays, in
        :data:`trdomics.frozen_model.decoders.DECODERS`.
    is_signed : bool
        Whether importances have a sign: that of the feature's effect on the log odds.
    is_slow : bool
        Whether a fit takes so long that a frozen stack gets half the replicates.
    """

    name: ClassVar[str]
    grid: ClassVar[list[dict[str, Any]]]
    decoder: ClassVar[str]
    sizes: ClassVar[tuple[int | None, ...]] = (50,)
    is_signed: ClassVar[bool] = False
    is_slow: ClassVar[bool] = False

    def build(self, params: Mapping[str, Any], seed: int) -> BaseEstimator:
        """Return the unfitted classifier with one entry of the grid."""
        raise NotImplementedError

    def fit(self, params: Mapping[str, Any], seed: int, training: TrainingValues) -> BaseEstimator:
        """Return the fitted classifier with one entry of the grid."""
        return self.build(params, seed).fit(training.values, training.labels)

    def decision(self, model: BaseEstimator, values: Floats) -> Floats:
        """Return log odds of the positive class before calibration, shape (n_patients,)."""
        return np.asarray(model.decision_function(values), dtype=float)

    def arrays(self, model: BaseEstimator) -> dict[str, NDArray[Any]]:
        """Return the arrays of a fitted classifier that the decoder needs."""
        raise NotImplementedError

    def importance(self, model: BaseEstimator) -> Floats:
        """Return the importance of each feature, shape (n_features,), signed if possible."""
        return np.asarray(model.feature_importances_, dtype=float)


class ElasticNet(Family):
    """Logistic regression with an elastic-net penalty."""

    name, decoder, is_signed = ELASTIC_NET, "linear", True
    grid: ClassVar = [
        {"C": 0.1, "l1_ratio": 0.1},
        {"C": 0.02, "l1_ratio": 0.1},
        {"C": 0.1, "l1_ratio": 0.9},
        {"C": 0.5, "l1_ratio": 0.5},
    ]

    def build(self, params: Mapping[str, Any], seed: int) -> BaseEstimator:
        """Return the unfitted classifier."""
        return LogisticRegression(
            solver="saga", tol=1e-3, max_iter=2000, random_state=seed, **params
        )

    def arrays(self, model: BaseEstimator) -> dict[str, NDArray[Any]]:
        """Return ``coefficients``, shape (n_features,), and ``constant``, shape ()."""
        return {"coefficients": model.coef_[0], "constant": model.intercept_[0]}

    def importance(self, model: BaseEstimator) -> Floats:
        """Return the signed coefficients."""
        return np.asarray(model.coef_[0], dtype=float)


class Ridge(ElasticNet):
    """Ridge logistic regression, for many weak signals."""

    name = RIDGE
    grid: ClassVar = [{"variance": variance} for variance in (0.1, 1.0, 10.0, 30.0)]
    sizes: ClassVar = (50, 200, None)

    def build(self, params: Mapping[str, Any], seed: int) -> BaseEstimator:
        """Return the unfitted classifier."""
        return RidgeLogistic(**params)

    def fit(self, params: Mapping[str, Any], seed: int, training: TrainingValues) -> BaseEstimator:
        """Return the fitted classifier; all penalties share one decomposition of the features."""
        model = RidgeLogistic(**params)
        return model.fit(training.values, training.labels, training.axes)


class RandomForest(Family):
    """Bagged trees."""

    name, decoder, is_slow = RANDOM_FOREST, "forest", True
    grid: ClassVar = [{"min_samples_leaf": 5}]

    def build(self, params: Mapping[str, Any], seed: int) -> BaseEstimator:
        """Return the unfitted classifier."""
        return RandomForestClassifier(n_estimators=50, n_jobs=1, random_state=seed, **params)

    def decision(self, model: BaseEstimator, values: Floats) -> Floats:
        """Return the log odds of the mean vote."""
        return vote_log_odds(model.predict_proba(values)[:, 1])

    def arrays(self, model: BaseEstimator) -> dict[str, NDArray[Any]]:
        """Return the nodes of all trees, see :func:`nodes_of`; leaves hold shares of votes."""
        trees = [estimator.tree_ for estimator in model.estimators_]
        votes = [tree.value[:, 0, :] for tree in trees]
        return nodes_of(trees, [vote[:, 1] / vote.sum(axis=1) for vote in votes])


class GradientBoosting(Family):
    """Boosted shallow trees."""

    name, decoder, is_slow = GRADIENT_BOOSTING, "boosting", True
    grid: ClassVar = [{"learning_rate": 0.06}]

    def build(self, params: Mapping[str, Any], seed: int) -> BaseEstimator:
        """Return the unfitted classifier."""
        return GradientBoostingClassifier(
            n_estimators=50,
            max_depth=2,
            subsample=0.7,
            max_features="sqrt",
            random_state=seed,
            **params,
        )

    def arrays(self, model: BaseEstimator) -> dict[str, NDArray[Any]]:
        """Return the nodes of all trees, leaves in log odds, and the ``constant`` they add to."""
        trees = [estimator.tree_ for estimator in model.estimators_[:, 0]]
        # the initial value of boosting is the prediction minus the trees' sum
        origin = np.zeros((1, model.n_features_in_))
        added = sum(tree.predict(origin.astype(np.float32))[0, 0] for tree in trees)
        constant = model.decision_function(origin)[0] - model.learning_rate * added
        leaves = [model.learning_rate * tree.value[:, 0, 0] for tree in trees]
        return {**nodes_of(trees, leaves), "constant": constant}


def nodes_of(trees: Sequence[Any], values: Sequence[Floats]) -> dict[str, NDArray[Any]]:
    """Concatenate the nodes of scikit-learn's trees.

    Returns
    -------
    dict of str to array
        By node ``feature`` (-1 of a leaf), ``threshold``, ``left``, ``right`` (positions; -1 of a
        leaf) and ``value``; by tree ``root``.
    """
    roots = np.cumsum([0, *(tree.node_count for tree in trees)])[:-1]
    leaf = np.concatenate([tree.children_left for tree in trees]) < 0

    def joined(name: str, shift: bool = False) -> NDArray[Any]:
        parts = [
            getattr(tree, name) + shift * root for tree, root in zip(trees, roots, strict=True)
        ]
        return np.concatenate(parts)

    return {
        "feature": np.where(leaf, -1, joined("feature")),
        "threshold": np.where(leaf, 0.0, joined("threshold")),
        "left": np.where(leaf, -1, joined("children_left", True)),
        "right": np.where(leaf, -1, joined("children_right", True)),
        "value": np.where(leaf, np.concatenate(values), 0.0),
        "root": roots,
    }


FAMILIES: dict[str, Family] = {}


def register(family: Family) -> None:
    """Register a family under its name."""
    FAMILIES[family.name] = family


for _family in (ElasticNet(), Ridge(), RandomForest(), GradientBoosting()):
    register(_family)
