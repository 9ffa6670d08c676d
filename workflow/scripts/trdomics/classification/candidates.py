"""Candidates of the inner search: what they are, how one is fitted, how one is scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.feature_selection import SelectKBest
from sklearn.model_selection import StratifiedKFold

from trdomics.classification.classifiers import BlockModel, selector
from trdomics.classification.families import FAMILIES
from trdomics.classification.feature_blocks import DenseBlocks, Floats
from trdomics.classification.feature_sets import FeatureSet
from trdomics.classification.stacking import LateFusion

# Folds within the training patients that give a stack evidences its members were not fitted on.
MEMBER_FOLDS = 3

Classifier = BlockModel | LateFusion
Params = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Candidate:
    """One way to predict.

    Attributes
    ----------
    features : FeatureSet
        The blocks, side by side or each a member of a stack.
    kind : str
        Name of the family of classifiers.
    params : tuple of (str, value)
        An entry of the family's grid.
    """

    features: FeatureSet
    kind: str
    params: Params


def candidates(feature_sets: Sequence[FeatureSet], kinds: Sequence[str]) -> list[Candidate]:
    """Return all candidates, in the order of the sets, kinds and grids.

    The members of a stack keep the default parameters.
    """
    return [
        Candidate(features, kind, tuple(params.items()))
        for features in feature_sets
        for kind in kinds
        for params in FAMILIES[kind].grid[: 1 if features.fusion else None]
    ]


class Fits:
    """A cache of the classifiers of one set of training patients.

    Feature sets and stacks share members, and the selection of features does not depend on the
    kind of classifier.

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
        self._models: dict[tuple[tuple[str, ...], str, Params], BlockModel] = {}
        self._selectors: dict[tuple[str, ...], SelectKBest | None] = {}
        self._evidence: dict[tuple[str, str, Params], Floats] = {}
        self._parts: list[tuple[Fits, NDArray[np.int_]]] | None = None

    def model(self, names: tuple[str, ...], kind: str, params: Params) -> BlockModel:
        """Return the fitted classifier over some blocks side by side."""
        key = (names, kind, params)
        if key not in self._models:
            model = BlockModel(list(names), kind, dict(params), self.max_features, self.seed)
            self._models[key] = model.fit(self.blocks, self.labels, self._selector(names))
        return self._models[key]

    def out_of_fold_evidence(self, name: str, kind: str, params: Params) -> Floats:
        """Return a block's evidence by models that did not see the patient, shape (n_patients,)."""
        key = (name, kind, params)
        if key not in self._evidence:
            evidence = np.zeros(len(self.labels))
            for fits, held_out in self._member_folds():
                model = fits.model((name,), kind, params)
                evidence[held_out] = model.evidence(self.blocks.take(held_out))
            self._evidence[key] = evidence
        return self._evidence[key]

    def _selector(self, names: tuple[str, ...]) -> SelectKBest | None:
        if names not in self._selectors:
            values, has = self.blocks.joined(names)
            usable = values.shape[1] and len(np.unique(self.labels[has])) == 2
            self._selectors[names] = (
                selector(values[has], self.labels[has], self.max_features) if usable else None
            )
        return self._selectors[names]

    def _member_folds(self) -> list[tuple[Fits, NDArray[np.int_]]]:
        if self._parts is None:
            self._parts = []
            folds = min(MEMBER_FOLDS, int(np.bincount(self.labels, minlength=2).min()))
            if folds > 1:
                dealer = StratifiedKFold(folds, shuffle=True, random_state=self.seed)
                for kept, held_out in dealer.split(self.labels, self.labels):
                    part = self.blocks.take(kept)
                    fits = Fits(part, self.labels[kept], self.max_features, self.seed)
                    self._parts.append((fits, held_out))
        return self._parts


def fit_candidate(candidate: Candidate, fits: Fits) -> Classifier:
    """Return the candidate fitted on the patients of `fits`."""
    features, kind, params = candidate.features, candidate.kind, candidate.params
    if not features.fusion:
        return fits.model(features.blocks, kind, params)
    members = [fits.model((name,), kind, params) for name in features.blocks]
    evidence = [fits.out_of_fold_evidence(name, kind, params) for name in features.blocks]
    return LateFusion().fit(members, np.column_stack(evidence), fits.labels)


def mean_auroc(
    decision: Floats, labels: NDArray[Any], validations: Sequence[NDArray[np.int_]]
) -> float:
    """Return the mean AUROC of out-of-fold decisions over the validation parts.

    Decisions of different folds come from different models and are not ranked together. A part
    with one class, as permuted labels may leave it, does not count; 0.5 if there is no other.
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
