"""Raw counts of the simulated cohort."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trdomics.simulation.features import EFFECTS


def draw_counts(
    features: pd.DataFrame, values: pd.DataFrame, libraries: np.ndarray, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw negative binomial counts.

    A count has mean s·μ·2^(effects · values) and variance mean + α·mean², with s the patient's
    library relative to the median library.

    Parameters
    ----------
    features : DataFrame
        From :func:`trdomics.simulation.features.draw_effects`.
    values : DataFrame, patients × effects
        Values of factors and covariates.
    libraries : ndarray, shape (n_patients,)
        Library sizes, reads.

    Returns
    -------
    DataFrame of int64, features × patients
    """
    loadings = features[[f"effect_{name}" for name in EFFECTS]].to_numpy()
    log2_ratio = loadings @ values[EFFECTS].to_numpy().T
    size = libraries / np.median(libraries)
    mean = features["mean"].to_numpy()[:, None] * size * np.exp2(log2_ratio)
    dispersion = features["dispersion"].to_numpy()[:, None]
    # gamma–Poisson is the negative binomial, and takes a scale per count
    rate = rng.standard_gamma(np.broadcast_to(1 / dispersion, mean.shape)) * dispersion * mean
    return pd.DataFrame(rng.poisson(rate), index=features["feature"], columns=values.index)


def draw_libraries(
    n_patients: int, median: float, limits: tuple[float, float], rng: np.random.Generator
) -> np.ndarray:
    """Draw log-normal library sizes within limits, reads. Shape (n_patients,)."""
    return np.clip(rng.lognormal(np.log(median), 0.35, n_patients), *limits)
