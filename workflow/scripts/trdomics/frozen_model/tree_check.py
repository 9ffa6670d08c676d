"""Whether the arrays of trees are trees: whoever walks through them does not look again."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.tree._tree import Tree

LEAF = -1
# Far beyond any tree whose leaves hold several patients; a chain of nodes would take long to walk.
MAX_DEPTH = 5000
ASTRAY = "a tree's nodes point out of it"


def check_nodes(
    left: NDArray[Any],
    right: NDArray[Any],
    feature: NDArray[Any],
    threshold: NDArray[Any],
    *,
    roots: NDArray[Any],
    n_features: int,
) -> None:
    """Check that arrays of nodes are trees.

    Parameters
    ----------
    left, right : array of int, shape (n_nodes,)
        Children; ``LEAF`` where there are none.
    feature : array of int, shape (n_nodes,)
    threshold : array of float, shape (n_nodes,)
        What inner nodes compare, and with what.
    roots : array of int, shape (n_trees,)
    n_features : int
        Of the patients' values.

    Raises
    ------
    ValueError
        If a node is nobody's child or that of several, comes before its parent, looks at a feature
        that is not there or compares with what is no number, or if a tree is too deep.
    """
    n = len(left)
    if not n == len(right) == len(feature) == len(threshold):
        raise ValueError(ASTRAY)
    nodes, inner = np.arange(n), left != LEAF
    children = np.concatenate([left[inner], right[inner]])
    fine = bool((right[~inner] == LEAF).all())
    fine &= np.array_equal(np.sort(np.concatenate([roots, children])), nodes)
    fine &= bool((children > np.tile(nodes[inner], 2)).all())
    fine &= bool(((feature[inner] >= 0) & (feature[inner] < n_features)).all())
    fine &= bool(np.isfinite(threshold[inner]).all())
    if not fine:
        raise ValueError(ASTRAY)
    level = roots
    for _ in range(MAX_DEPTH):
        level = level[inner[level]]
        if not len(level):
            return
        level = np.concatenate([left[level], right[level]])
    raise ValueError(f"a tree is deeper than {MAX_DEPTH} nodes")


def check_tree(tree: Tree, n_features: int, n_values: int) -> None:
    """Check a tree of scikit-learn, whose compiled code follows indices wherever they point.

    Parameters
    ----------
    tree : Tree
    n_features : int
        Of the estimator that it is in.
    n_values : int
        In a leaf: 2 shares of classes, or 1 number.

    Raises
    ------
    ValueError
    """
    # its arrays are as long as it says: that comes first
    if not 0 < tree.node_count <= tree.capacity:
        raise ValueError(f"a tree of {tree.capacity} nodes claims {tree.node_count}")
    shape = (tree.n_features, tree.n_outputs, tree.max_n_classes)
    if shape != (n_features, 1, n_values) or tree.n_classes.tolist() != [n_values]:
        raise ValueError("a tree is of other features or classes than its model")
    value = tree.value[:, 0, :]
    fine = bool(np.isfinite(value).all())
    if n_values > 1:
        fine &= bool((value >= 0).all() and (value.sum(axis=1) > 0).all())
    if not fine:
        raise ValueError("a tree's leaves hold what is no prediction")
    check_nodes(
        tree.children_left,
        tree.children_right,
        tree.feature,
        tree.threshold,
        roots=np.array([0]),
        n_features=n_features,
    )
