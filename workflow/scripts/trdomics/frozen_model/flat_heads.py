"""Fitted classifiers as plain arrays: many of them in a few, with nothing but what predicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from scipy.special import logit
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from trdomics.classification.classifiers import BlockModel
from trdomics.classification.families import MIN_SHARE
from trdomics.classification.feature_blocks import DenseBlocks, Floats
from trdomics.frozen_model.tree_check import LEAF, check_nodes

# Arrays of trees, by node and by tree.
NODES = ("feature", "threshold", "left", "right", "value")
TREES = ("root", "replicate")
# Of a replicate; each patient walks through all of them at once.
MAX_TREES = 100


class FlatMember(BaseEstimator):
    """The same member (blocks and kind) of several models, as arrays.

    Attributes
    ----------
    blocks_ : list of str
    columns_ : array of int, shape (n_columns,)
        Columns of the joined blocks that any replicate uses.
    priors_ : array, shape (n_replicates,)
        Log odds that the evidence is measured from.
    fitted_ : array of bool, shape (n_replicates,)
        False where there was nothing to learn from; its evidence is 0.
    coefficients_ : array, shape (n_replicates, n_columns)
        Of linear models, with ``constants_``; without rows for trees.
    trees_ : dict of str to array
        Of trees: ``feature``, ``threshold``, ``left``, ``right``, ``value`` by node; ``root`` and
        ``replicate`` by tree. Empty for linear models.
    constants_ : array, shape (n_replicates,)
        Intercepts, or what a boosting starts from.
    forest_ : bool
        Whether trees are averaged as probabilities; else they are summed as log odds.
    """

    def fit(self, models: Sequence[BlockModel]) -> Self:
        """Take over fitted models of one member, one per replicate."""
        self.blocks_ = list(models[0].blocks)
        self.priors_ = np.array([model.prior_ for model in models])
        self.fitted_ = np.array([model.pipeline_ is not None for model in models])
        used = [self._parts(model) for model in models]
        kept = [np.flatnonzero(part[0].get_support()) for part in used if part]
        self.columns_ = np.unique(np.concatenate([np.zeros(0, dtype=int), *kept]))
        self.constants_ = np.zeros(len(models))
        self.coefficients_ = np.zeros((0, len(self.columns_)))
        self.trees_: dict[str, Any] = {}
        self.forest_ = False
        parts: dict[str, list[Any]] = {}
        for replicate, part in enumerate(used):
            if part is None:
                continue
            select, model = part
            place = np.searchsorted(self.columns_, np.flatnonzero(select.get_support()))
            if hasattr(model, "coef_"):
                if not len(self.coefficients_):
                    self.coefficients_ = np.zeros((len(models), len(self.columns_)))
                self.coefficients_[replicate, place] = model.coef_[0]
                self.constants_[replicate] = model.intercept_[0]
            else:
                self._add_trees(parts, replicate, model, place)
        self.trees_ = {key: np.concatenate(values) for key, values in parts.items()}
        return self

    @staticmethod
    def _parts(model: BlockModel) -> Any:
        return None if model.pipeline_ is None else tuple(model.pipeline_.named_steps.values())

    def _add_trees(
        self, parts: dict[str, list[Any]], replicate: int, model: Any, place: np.ndarray
    ) -> None:
        self.forest_ = not hasattr(model, "decision_function")
        start = sum(len(array) for array in parts.get("feature", []))
        added: list[np.ndarray] = []
        for estimator in np.ravel(model.estimators_):
            tree = estimator.tree_
            leaf = tree.children_left == LEAF
            value = tree.value[:, 0, :]
            if self.forest_:
                scores = value[:, 1] / value.sum(axis=1)
            else:
                scores = model.learning_rate * value[:, 0]
            offset = start + sum(len(array) for array in added)
            columns = {
                "feature": np.where(leaf, LEAF, place[np.where(leaf, 0, tree.feature)]),
                "threshold": tree.threshold,
                "left": np.where(leaf, LEAF, tree.children_left + offset),
                "right": np.where(leaf, LEAF, tree.children_right + offset),
                "value": np.where(leaf, scores, 0.0),
                "root": np.array([offset]),
                "replicate": np.array([replicate]),
            }
            for key, array in columns.items():
                whole = key in ("threshold", "value")
                parts.setdefault(key, []).append(array.astype(float if whole else np.int32))
            added.append(tree.feature)
        if not self.forest_:
            # what a boosting starts from is what its trees leave of a prediction
            origin = np.zeros((1, model.n_features_in_))
            trees = sum(tree.predict(origin)[0] for tree in np.ravel(model.estimators_))
            decision = model.decision_function(origin)[0]
            self.constants_[replicate] = decision - model.learning_rate * trees

    def evidence(self, blocks: DenseBlocks) -> Floats:
        """Return by how much each replicate moves the log odds, shape (n, n_replicates)."""
        check_is_fitted(self, "priors_")
        values, has = blocks.joined(self.blocks_)
        result = np.zeros((len(has), len(self.priors_)))
        if not has.any() or not self.fitted_.any():
            return result
        known = values[has][:, self.columns_]
        if self.trees_:
            decision = self._tree_decision(known)
        else:
            decision = known @ self.coefficients_.T + self.constants_
        result[has] = np.where(self.fitted_, decision - self.priors_, 0.0)
        return result

    def _tree_decision(self, values: Floats) -> Floats:
        trees = self.trees_
        # scikit-learn compares in single precision
        single = values.astype(np.float32)
        node = np.tile(trees["root"], (len(values), 1))
        rows = np.arange(len(values))[:, None]
        while (inner := trees["feature"][node] != LEAF).any():
            feature = np.where(inner, trees["feature"][node], 0)
            left = single[rows, feature] <= trees["threshold"][node]
            below = np.where(left, trees["left"][node], trees["right"][node])
            node = np.where(inner, below, node)
        leaves = trees["value"][node]
        total = np.zeros((len(values), len(self.priors_)))
        for replicate in np.unique(trees["replicate"]):
            mine = leaves[:, trees["replicate"] == replicate]
            total[:, replicate] = mine.mean(axis=1) if self.forest_ else mine.sum(axis=1)
        if self.forest_:
            return np.asarray(logit(np.clip(total, MIN_SHARE, 1 - MIN_SHARE)))
        return np.asarray(self.constants_ + total)

    def check(self) -> None:
        """Raise ValueError if the arrays of a stored member could not have come from ``fit``."""
        n, width = len(self.priors_), len(self.columns_)
        fine: bool = len(self.fitted_) == len(self.constants_) == n
        fine &= self.coefficients_.shape in ((0, width), (n, width))
        fine &= bool((np.diff(self.columns_, prepend=-1) > 0).all())
        # arrays of no rows stand for no linear models
        fine &= bool(self.trees_) or len(self.coefficients_) == n or not self.fitted_.any()
        if self.trees_:
            trees = self.trees_
            fine &= trees.keys() == {*NODES, *TREES}
            fine &= len(trees["root"]) == len(trees["replicate"])
            fine &= bool(((trees["replicate"] >= 0) & (trees["replicate"] < n)).all())
            fine &= len(trees["value"]) == len(trees["left"])
            fine &= len(trees["root"]) <= MAX_TREES * n
        if not fine:
            raise ValueError("a replicate's arrays do not fit together")
        if self.trees_:
            check_nodes(
                *(trees[key] for key in ("left", "right", "feature", "threshold")),
                roots=trees["root"],
                n_features=width,
            )
            if (trees["feature"][trees["left"] == LEAF] != LEAF).any():
                raise ValueError("a leaf of a replicate's trees looks at a feature")
