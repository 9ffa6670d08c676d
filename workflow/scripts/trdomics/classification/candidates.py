"""Candidates of the inner search, and how they are fitted and scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from trdomics.classification.classifiers import BlockModel, Selected, select_features
from trdomics.classification.families import FAMILIES
from trdomics.classification.feature_blocks import DenseBlocks, Floats
from trdomics.classification.feature_sets import FeatureSet

Params = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Candidate:
    """A combination of blocks, family, number of features and parameters to try.

    Attributes
    ----------
    n_features : int or None
        Number to keep per block; None for all.
    params : tuple of (str, value)
        One entry of the family's grid.
    """

    features: FeatureSet
    kind: str
    n_features: int | None
    params: Params


def candidates(feature_sets: Sequence[FeatureSet], kinds: Sequence[str]) -> list[Candidate]:
    """Return all candidates of sets that are not stacks, in the order of sets, kinds and grids."""
    return [
        Candidate(features, kind, size, tuple(params.items()))
        for features in feature_sets
        if not features.fusion
        for kind in kinds
        for size in FAMILIES[kind].sizes
        for params in FAMILIES[kind].grid
    ]


class Fits:
    """A cache of the classifiers of one set of training patients.

    Feature selection does not depend on the kind of classifier, and a block with fewer features
    than a candidate may keep is fitted only once.
    """

    def __init__(self, blocks: DenseBlocks, labels: NDArray[Any], seed: int) -> None:
        self.blocks, self.labels = blocks, np.asarray(labels, dtype=int)
        self.seed = seed
        self._models: dict[Any, BlockModel] = {}
        self._selected: dict[Any, Selected] = {}

    def model(
        self, names: tuple[str, ...], kind: str, n_features: int | None, params: Params
    ) -> BlockModel:
        """Return the fitted classifier of some concatenated blocks."""
        if n_features is not None and n_features >= max(self.blocks.widths(names), default=0):
            n_features = None
        key = (names, kind, n_features, params)
        if key not in self._models:
            model = BlockModel(list(names), kind, dict(params), n_features, self.seed)
            chosen = self._select(names, n_features)
            self._models[key] = model.fit(self.blocks, self.labels, chosen)
        return self._models[key]

    def _select(self, names: tuple[str, ...], n_features: int | None) -> Selected:
        key = (names, n_features)
        if key not in self._selected:
            self._selected[key] = select_features(self.blocks, names, n_features, self.labels)
        return self._selected[key]


def fit_candidate(candidate: Candidate, fits: Fits) -> BlockModel:
    """Return the candidate fitted on the patients of `fits`."""
    return fits.model(
        candidate.features.blocks, candidate.kind, candidate.n_features, candidate.params
    )


def mean_auroc(
    decision: Floats, labels: NDArray[Any], validations: Sequence[NDArray[np.int_]]
) -> float:
    """Return the mean AUROC of out-of-fold decisions over the validation folds.

    Decisions of different folds come from different models and are not ranked together. Folds with
    only one class, which can occur with permuted labels, are skipped; 0.5 if none is left.
    """
    aurocs = []
    for rows in validations:
        positive = labels[rows] == 1
        n_positive, n_negative = int(positive.sum()), int((~positive).sum())
        if n_positive and n_negative:
            ranks = rankdata(decision[rows])[positive].sum()
            pairs = ranks - n_positive * (n_positive + 1) / 2
            aurocs.append(pairs / (n_positive * n_negative))
    return float(np.mean(aurocs)) if aurocs else 0.5
