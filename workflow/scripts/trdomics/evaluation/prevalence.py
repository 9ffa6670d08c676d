"""Shifting probabilities to another prevalence."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from trdomics.evaluation.logistic_recalibration import Floats, log_odds


def shift_prevalence(probability: ArrayLike, source: float, target: float) -> Floats:
    """Shift probabilities from one prevalence to another.

    p' = σ(logit p + logit π_target − logit π_source): Bayes' rule with other prior odds (Elkan
    2001; Saerens, Latinne & Decaestecker 2002, doi 10.1162/089976602753284446). It assumes the same
    distribution of features within each class in both populations (prior shift). The ranking of the
    patients, and so the AUROC, is unchanged; calibration of the shifted probabilities cannot be
    assessed in a cohort with the source's prevalence.

    Parameters
    ----------
    probability : array, any shape
        Probabilities of the positive class, calibrated at the prevalence `source`.

    Raises
    ------
    ValueError
        If a prevalence is not within (0, 1).
    """
    if not (0 < source < 1 and 0 < target < 1):
        raise ValueError(f"prevalences must lie within (0, 1), got {source} and {target}")
    offset = np.log(target / (1 - target)) - np.log(source / (1 - source))
    return np.asarray(expit(log_odds(probability) + offset))
