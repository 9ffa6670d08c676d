"""Prediction from the arrays of fitted classifiers, many models of one family at once.

A family of classifiers names its decoder and provides its arrays
(:class:`trdomics.classification.families.Family`); no scikit-learn is needed to predict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from trdomics.classification.feature_blocks import Floats
from trdomics.classification.votes import vote_log_odds
from trdomics.parts import COUNT, array, stored

LEAF = -1
# Far deeper than any tree with several patients per leaf; a long chain of nodes would be slow.
MAX_DEPTH = 500
# Per model; all trees are traversed at once.
MAX_TREES = 100
# A model's arrays, and the columns of its features; None if nothing was fitted.
ModelArrays = tuple[Mapping[str, NDArray[Any]], NDArray[np.int_]] | None


@dataclass(eq=False, repr=False)
class Linear:
    """Linear log odds.

    Attributes
    ----------
    constants : array, shape (n_models,)
    coefficients : array, shape (n_models, n_columns)
    """

    constants: Floats = stored(array("constants"))
    coefficients: Floats = stored(array("constants", "n_columns"))

    @classmethod
    def joined(cls, models: Sequence[ModelArrays], n_columns: int) -> Self:
        """Combine models."""
        made = cls(np.zeros(len(models)), np.zeros((len(models), n_columns)))
        for number, model in enumerate(models):
            if model is not None:
                arrays, columns = model
                made.constants[number] = arrays["constant"]
                made.coefficients[number, columns] = arrays["coefficients"].reshape(len(columns))
        return made

    @property
    def n_columns(self) -> int:
        """Of the values."""
        return int(self.coefficients.shape[1])

    def decision(self, values: Floats) -> Floats:
        """Return log odds, (n, n_columns) → (n, n_models)."""
        return values @ self.coefficients.T + self.constants


@dataclass(eq=False, repr=False)
class Trees:
    """Trees, as concatenated nodes.

    Attributes
    ----------
    n_columns : int
        Of the values.
    feature, left, right : array of int, shape (n_nodes,)
        Column that a node compares, and its children; ``LEAF`` if there are none.
    threshold, value : array of float, shape (n_nodes,)
        Threshold of inner nodes (values up to it go left), and values of leaves.
    root, model : array of int, shape (n_trees,)
        First node of a tree, and the model it belongs to.
    constants : array, shape (n_models,)
        Constants added to the trees' sums.
    """

    n_columns: int = stored(COUNT)
    feature: NDArray[np.int_] = stored(array("feature", dtype="int"))
    left: NDArray[np.int_] = stored(array("feature", dtype="int"))
    right: NDArray[np.int_] = stored(array("feature", dtype="int"))
    threshold: Floats = stored(array("feature"))
    value: Floats = stored(array("feature"))
    root: NDArray[np.int_] = stored(array("root", dtype="int"))
    model: NDArray[np.int_] = stored(array("root", dtype="int"))
    constants: Floats = stored(array("constants"))

    @classmethod
    def joined(cls, models: Sequence[ModelArrays], n_columns: int) -> Self:
        """Concatenate models."""
        names = ("feature", "left", "right", "threshold", "value", "root")
        parts: dict[str, list[NDArray[Any]]] = {name: [np.zeros(0)] for name in (*names, "model")}
        constants, start = np.zeros(len(models)), 0
        for number, model in enumerate(models):
            if model is None:
                continue
            arrays, columns = model
            inner = arrays["feature"] != LEAF
            moved = {
                name: np.where(inner, arrays[name] + start, LEAF) for name in ("left", "right")
            }
            moved["root"] = arrays["root"] + start
            moved["feature"] = np.where(inner, columns[np.where(inner, arrays["feature"], 0)], LEAF)
            for name in names:
                parts[name].append(moved.get(name, arrays[name]))
            parts["model"].append(np.full(len(arrays["root"]), number))
            constants[number] = arrays.get("constant", 0.0)
            start += len(inner)
        whole = {name: np.concatenate(found) for name, found in parts.items()}
        integers = {"feature", "left", "right", "root", "model"}
        typed: dict[str, Any] = {
            n: v.astype(np.int64) if n in integers else v for n, v in whole.items()
        }
        return cls(n_columns=n_columns, constants=constants, **typed)

    def check(self) -> None:
        """Raise ValueError if the arrays are not trees; traversal does not check again.

        Each node except a root is the child of exactly one earlier node, inner nodes refer to
        existing columns, and no tree is too deep.
        """
        nodes, inner = np.arange(len(self.feature)), self.feature != LEAF
        children = np.concatenate([self.left[inner], self.right[inner]])
        fine = bool((self.left[~inner] == LEAF).all() and (self.right[~inner] == LEAF).all())
        fine &= np.array_equal(np.sort(np.concatenate([self.root, children])), nodes)
        fine &= bool((children > np.tile(nodes[inner], 2)).all())
        fine &= bool(((self.feature >= LEAF) & (self.feature < self.n_columns)).all())
        fine &= bool(((self.model >= 0) & (self.model < len(self.constants))).all())
        if not fine:
            raise ValueError("a tree's nodes point out of it")
        if len(self.root) > MAX_TREES * len(self.constants):
            raise ValueError(f"it has more than {MAX_TREES} trees a model")
        level = self.root
        for _ in range(MAX_DEPTH):
            level = level[inner[level]]
            if not len(level):
                return
            level = np.concatenate([self.left[level], self.right[level]])
        raise ValueError(f"a tree is deeper than {MAX_DEPTH} nodes")

    def leaves(self, values: Floats) -> Floats:
        """Return the value of each patient's leaf, (n, n_columns) → (n, n_trees)."""
        # scikit-learn compares in single precision
        single = values.astype(np.float32)
        node = np.tile(self.root, (len(values), 1))
        rows = np.arange(len(values))[:, None]
        while (inner := self.feature[node] != LEAF).any():
            goes_left = single[rows, np.where(inner, self.feature[node], 0)] <= self.threshold[node]
            node = np.where(inner, np.where(goes_left, self.left[node], self.right[node]), node)
        return self.value[node]

    def by_model(self, values: Floats) -> list[Floats]:
        """Return the leaves of each model's trees, shape (n, n_trees) each."""
        leaves = self.leaves(values)
        return [leaves[:, self.model == number] for number in range(len(self.constants))]


class Forest(Trees):
    """Voting trees; a model's share of votes is kept away from 0 and 1."""

    def decision(self, values: Floats) -> Floats:
        """Return log odds, (n, n_columns) → (n, n_models)."""
        shares = [
            found.mean(axis=1) if found.shape[1] else np.full(len(values), 0.5)
            for found in self.by_model(values)
        ]
        return vote_log_odds(np.column_stack(shares))


class Boosting(Trees):
    """Trees whose log odds are summed."""

    def decision(self, values: Floats) -> Floats:
        """Return log odds, (n, n_columns) → (n, n_models)."""
        return self.constants + np.column_stack([s.sum(axis=1) for s in self.by_model(values)])


DECODERS: dict[str, type[Linear] | type[Trees]] = {
    "linear": Linear,
    "forest": Forest,
    "boosting": Boosting,
}
