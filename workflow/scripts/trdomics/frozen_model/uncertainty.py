"""How far a patient's probability depends on whom the model happened to be trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import t as student
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import check_is_fitted

from trdomics.classification.calibration import Platt
from trdomics.classification.classifiers import BlockModel
from trdomics.classification.feature_blocks import DenseBlocks, Floats
from trdomics.classification.stacking import LateFusion
from trdomics.evaluation.recalibration import log_odds
from trdomics.frozen_model.flat_heads import FlatMember
from trdomics.layers.subsets import subset_name

Head = BlockModel | LateFusion
PAIRS = 10
LEVEL = 0.95
# With fewer patients who have all layers the cost of lacking one cannot be told.
MIN_COMPLETE = 20


class HalfSampleReplicates(BaseEstimator):
    """Classifiers on complementary halves of the training patients, and what they disagree on.

    The training patients are split in two halves of alike classes, `pairs` times. On each half the
    chosen classifier is fitted, and calibrated on the other half, which it has not seen. The
    halves share nobody, so half of the mean squared difference of the two estimates the variance
    of such a model. It is taken for the variance of the model of all patients: the delete-half
    jackknife (Shao & Wu 1989, doi 10.1214/aos/1176347263) would halve it, but penalty and
    selection of features do not gain from more patients as smooth estimators do. On simulated
    training sets of 120 or 200 patients and ready-made blocks the intervals hold 87 to 91 % instead
    of 95 % (``benchmarks/scoring.py interval``), and halved they would hold less still. Unlike a
    bootstrap, halves hold no patient twice, who would be in the inner folds of a stack on both
    sides.

    Representation, feature set, kind and parameters stay as they are: what their choice adds is
    not in it. No patient's values are kept: coefficients, or the nodes of trees.

    Parameters
    ----------
    pairs : int
    seed : int
        Of the splits.

    Attributes
    ----------
    members_ : list of FlatMember
        The members of all replicates.
    weights_ : array, shape (n_members, n_replicates)
    intercepts_, slopes_, offsets_ : array, shape (n_replicates,)
        Calibrated log odds are ``slope * (intercept + weights @ evidences) + offset``; replicates
        2 i and 2 i + 1 are a pair.
    missing_ : dict of str to float
        By layers that are lacked, joined by "+": the root mean square of what lacking them changes
        in the calibrated log odds, over patients who have all and whom the replicate had not seen.
    """

    def __init__(self, pairs: int = PAIRS, seed: int = 0) -> None:
        self.pairs = pairs
        self.seed = seed

    def fit(
        self,
        blocks: DenseBlocks,
        labels: NDArray[Any],
        refit: Callable[[DenseBlocks, NDArray[Any]], Head],
        *,
        without: Mapping[str, DenseBlocks] | None = None,
        complete: NDArray[np.bool_] | None = None,
    ) -> Self:
        """Fit the replicates.

        Parameters
        ----------
        blocks : DenseBlocks
            Of the training patients.
        labels : array of int, shape (n_patients,)
        refit : callable
            Gives the chosen classifier, fitted on the blocks and labels of some patients.
        without : mapping of str to DenseBlocks, optional
            Blocks of the same patients as if they lacked some layers.
        complete : array of bool, shape (n_patients,), optional
            Who has all layers.
        """
        labels = np.asarray(labels, dtype=int)
        heads, curves = [], []
        changes: dict[str, list[Floats]] = {name: [] for name in without or {}}
        enough = complete is not None and complete.sum() >= MIN_COMPLETE
        for pair in range(self.pairs):
            everyone = np.arange(len(labels))
            halves = train_test_split(
                everyone, test_size=0.5, stratify=labels, random_state=self.seed + pair
            )
            for seen, unseen in (halves, halves[::-1]):
                head = refit(blocks.take(seen), labels[seen])
                decision = head.decision_function(blocks.take(unseen))
                curve = Platt().fit(decision, labels[unseen])
                heads.append(head)
                curves.append(curve)
                if not enough:
                    continue
                for name, lacking in (without or {}).items():
                    reduced = head.decision_function(lacking.take(unseen))
                    change = curve.slope_ * (decision - reduced)
                    changes[name].append(change[np.asarray(complete)[unseen]])
        self._flatten(heads)
        self.slopes_ = np.array([curve.slope_ for curve in curves])
        self.offsets_ = np.array([curve.intercept_ for curve in curves])
        self.missing_ = {
            name: float(np.sqrt(np.mean(np.concatenate(parts) ** 2)))
            for name, parts in changes.items()
            if parts
        }
        return self

    def _flatten(self, heads: list[Head]) -> None:
        stacks = [head for head in heads if isinstance(head, LateFusion)]
        if stacks:
            members = zip(*(stack.models_ for stack in stacks), strict=True)
            self.members_ = [FlatMember().fit(list(models)) for models in members]
            self.weights_ = np.column_stack([stack.weights_ for stack in stacks])
            self.intercepts_ = np.array([stack.intercept_ for stack in stacks])
            return
        models = [head for head in heads if isinstance(head, BlockModel)]
        self.members_ = [FlatMember().fit(models)]
        self.weights_ = np.ones((1, len(models)))
        self.intercepts_ = np.array([model.prior_ for model in models])

    def calibrated_log_odds(self, blocks: DenseBlocks) -> Floats:
        """Return each replicate's calibrated log odds, shape (n_patients, n_replicates)."""
        check_is_fitted(self, "slopes_")
        decision = np.tile(self.intercepts_, (len(blocks), 1))
        for member, weights in zip(self.members_, self.weights_, strict=True):
            decision += weights * member.evidence(blocks)
        return np.asarray(self.slopes_ * decision + self.offsets_)

    def variance(self, blocks: DenseBlocks) -> Floats:
        """Return the variance of a model's calibrated log odds over training sets, shape (n,)."""
        odds = self.calibrated_log_odds(blocks)
        return np.asarray(((odds[:, ::2] - odds[:, 1::2]) ** 2).mean(axis=1) / 2)

    def variance_of_missing(self, layers: Iterable[str]) -> float | None:
        """Return the variance that lacking layers adds to the log odds.

        That of layers which were not looked at together is the sum of theirs; None where one of
        them was not looked at at all.
        """
        names = sorted(layers)
        if not names:
            return 0.0
        if subset_name(names) in self.missing_:
            return self.missing_[subset_name(names)] ** 2
        singles = [self.missing_.get(name) for name in names]
        return None if None in singles else float(sum(s**2 for s in singles if s is not None))

    def interval(
        self, blocks: DenseBlocks, probability: Floats, missing: Iterable[Iterable[str]]
    ) -> tuple[Floats, Floats]:
        """Return the 95 % prediction interval of each patient's probability, two of shape (n,).

        In 95 of 100 cases (87 to 91 in the simulations named above) it holds the probability that
        a model would give which was trained in the same way on as many other patients of the same
        population, and knew all layers. Both this model and that one vary, so the variance counts
        twice.

        Parameters
        ----------
        blocks : DenseBlocks
            Of the patients.
        probability : array, shape (n,)
            The frozen model's.
        missing : iterable of iterable of str, length n
            The model's layers that each patient lacks.

        Returns
        -------
        lower, upper : array, shape (n,)
            NaN for patients who lack layers whose absence could not be judged in training.
        """
        added = [self.variance_of_missing(layers) for layers in missing]
        lacking = np.array([np.nan if value is None else value for value in added], dtype=float)
        spread = np.sqrt(2 * self.variance(blocks) + lacking)
        width = student.ppf((1 + LEVEL) / 2, df=self.pairs) * spread
        middle = log_odds(probability)
        return np.asarray(expit(middle - width)), np.asarray(expit(middle + width))
