"""What a frozen model consists of, and how its loaded parts are checked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from trdomics.classification.models import BlockModel
from trdomics.classification.replicates import HalfSampleReplicates
from trdomics.classification.representation import MultiOmicsRepresentation
from trdomics.classification.search import Classifier, Platt, RiskModel
from trdomics.classification.training_reference import TrainingReference

LEAF = -1


class FrozenModel(BaseEstimator):
    """A risk model with what tells how much its predictions are worth; all parts come fitted.

    Parameters
    ----------
    representation : MultiOmicsRepresentation
        With the model's blocks, and the factors, whether or not the model uses them.
    model : BlockModel or LateFusion
    calibration : Platt
    blocks : sequence of str
        The blocks that the model uses.
    reference : TrainingReference
        What the training patients were like.
    replicates : HalfSampleReplicates
        What the probabilities owe to the choice of the training patients.
    """

    def __init__(
        self,
        representation: MultiOmicsRepresentation,
        model: Classifier,
        calibration: Platt,
        blocks: Sequence[str],
        reference: TrainingReference,
        replicates: HalfSampleReplicates,
    ) -> None:
        self.representation = representation
        self.model = model
        self.calibration = calibration
        self.blocks = blocks
        self.reference = reference
        self.replicates = replicates

    @property
    def risk(self) -> RiskModel:
        """Return the model of probabilities, with only what it needs."""
        return RiskModel(self.representation.restricted(self.blocks), self.model, self.calibration)


def check_parts(frozen: FrozenModel) -> None:
    """Check what scikit-learn takes on trust: the indices in trees.

    It follows them without looking whether they lie within its arrays, so that a crafted tree can
    make a process read elsewhere or never end.

    Raises
    ------
    ValueError
        If a tree's nodes point out of it or back.
    """
    for estimator in _ensembles(frozen.model):
        for tree in np.ravel(estimator.estimators_):
            _check_tree(tree.tree_, int(estimator.n_features_in_))
    for member in frozen.replicates.members_:
        member.check()


def _ensembles(model: Any) -> Iterator[Any]:
    members = [model] if isinstance(model, BlockModel) else model.models_
    for member in members:
        if member.pipeline_ is not None:
            fitted = member.pipeline_.named_steps["model"]
            if hasattr(fitted, "estimators_"):
                yield fitted


def _check_tree(tree: Any, n_features: int) -> None:
    nodes = np.arange(tree.node_count)
    left, right = tree.children_left, tree.children_right
    inner = left != LEAF
    fine = tree.n_features == n_features and bool((right[~inner] == LEAF).all())
    for child in (left[inner], right[inner]):
        fine &= bool(((child > nodes[inner]) & (child < tree.node_count)).all())
    fine &= bool(((tree.feature[inner] >= 0) & (tree.feature[inner] < n_features)).all())
    if not fine:
        raise ValueError("a tree's nodes point out of it")
