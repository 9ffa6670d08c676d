"""Uncertainty of a patient's probability due to the sampling of training patients."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit
from scipy.stats import t as student

from trdomics.classification.feature_blocks import DenseBlocks, Floats
from trdomics.evaluation.logistic_recalibration import log_odds
from trdomics.frozen_model.classifiers import CalibratedClassifiers
from trdomics.layers.subsets import subset_name
from trdomics.parts import NUMBER, mapping, part, stored

LEVEL = 0.95


@dataclass(eq=False, repr=False)
class Replicates:
    """Models fitted on halves of the training patients, and the variance between them.

    Attributes
    ----------
    models_ : CalibratedClassifiers
        Models 2 i and 2 i + 1 are a pair of halves.
    missing_ : dict of str to float
        By missing layers, joined by "+": the root mean square of the change in calibrated log odds
        without them, over patients with all layers whom the replicate had not seen.
    """

    models_: CalibratedClassifiers = stored(part(CalibratedClassifiers))
    missing_: dict[str, float] = stored(mapping(NUMBER))

    def check(self) -> None:
        """Raise ValueError if the models are not pairs."""
        if self.n_pairs < 1 or len(self.models_.intercepts) % 2:
            raise ValueError("its models are not pairs")

    @property
    def n_pairs(self) -> int:
        """Number of times the training patients were halved."""
        return len(self.models_.intercepts) // 2

    def variance(self, blocks: DenseBlocks) -> Floats:
        """Return the variance of a model's calibrated log odds over training sets, shape (n,)."""
        odds = self.models_.calibrated_log_odds(blocks)
        return np.asarray(((odds[:, ::2] - odds[:, 1::2]) ** 2).mean(axis=1) / 2)

    def variance_of_missing(self, layers: Iterable[str]) -> float | None:
        """Return the variance that missing layers add to the log odds.

        For combinations that were not estimated, it is the sum over their layers; None if one of
        them was not estimated.
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

        Its nominal coverage is 95 % (87 to 91 % in the simulations of
        :class:`trdomics.frozen_model.half_samples.HalfSampleReplicates`) for the probability from a
        model trained in the same way on as many other patients of the same population, with all
        layers measured. Both models vary, so the variance counts twice.

        Parameters
        ----------
        probability : array, shape (n,)
            The frozen model's.
        missing : iterable of iterable of str, length n
            The model's layers that each patient lacks.

        Returns
        -------
        lower, upper : array, shape (n,)
            NaN for patients who lack layers whose absence was not estimated in training.
        """
        added = [self.variance_of_missing(layers) for layers in missing]
        lacking = np.array([np.nan if value is None else value for value in added], dtype=float)
        spread = np.sqrt(2 * self.variance(blocks) + lacking)
        width = student.ppf((1 + LEVEL) / 2, df=self.n_pairs) * spread
        middle = log_odds(probability)
        return np.asarray(expit(middle - width)), np.asarray(expit(middle + width))
