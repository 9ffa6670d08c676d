"""Calibration curves."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from statsmodels.stats.proportion import proportion_confint

from trdomics.evaluation.metrics import checked
from trdomics.evaluation.prevalence import shift_prevalence


def calibration_curve(label: ArrayLike, probability: ArrayLike, n_bins: int = 8) -> pd.DataFrame:
    """Compare predicted with observed shares in bins of equally many predictions.

    Parameters
    ----------
    probability : array, shape (n_patients,) or (n_patients, n_repeats)
        Predictions of all repeats are binned together.
    n_bins : int
        Quantile bins; equal probabilities share a bin, so there may be fewer.

    Returns
    -------
    DataFrame
        ``bin`` (1 is the lowest), ``n`` (predictions over the number of repeats, so that a
        patient counts once), ``predicted`` (mean), ``observed`` (share of positives), ``lower``
        and ``upper`` (Wilson 95 % interval of the observed share, from ``n``).
    """
    truth, repeats = checked(label, probability)
    n_repeats = repeats.shape[1]
    flat = pd.DataFrame({"p": repeats.ravel(), "y": np.repeat(truth, n_repeats)})
    flat["bin"] = pd.qcut(flat["p"].rank(method="average"), n_bins, labels=False, duplicates="drop")
    # if nearly all probabilities are equal, no quantile separates them
    flat["bin"] = flat["bin"].fillna(0)
    grouped = flat.groupby("bin", sort=True)
    table = pd.DataFrame(
        {
            "n": grouped.size() / n_repeats,
            "predicted": grouped["p"].mean(),
            "observed": grouped["y"].mean(),
        }
    ).reset_index(drop=True)
    table.insert(0, "bin", np.arange(1, len(table) + 1))
    lower, upper = proportion_confint(
        table["observed"] * table["n"], table["n"], alpha=0.05, method="wilson"
    )
    # rounding may put the bound of a bin with only events or none beyond the share
    return table.assign(
        lower=np.minimum(lower, table["observed"]), upper=np.maximum(upper, table["observed"])
    )


def calibration_histogram(label: ArrayLike, probability: ArrayLike) -> pd.DataFrame:
    """Count predicted probabilities by class in twenty equal bins from 0 to 1.

    Returns
    -------
    DataFrame
        ``probability`` (middle of the bin), ``negative``, ``positive`` (predictions over the
        number of repeats).
    """
    truth, repeats = checked(label, probability)
    edges = np.linspace(0, 1, 21)
    counts = {
        name: np.histogram(repeats[truth == value], bins=edges)[0] / repeats.shape[1]
        for name, value in (("negative", 0), ("positive", 1))
    }
    return pd.DataFrame({"probability": (edges[:-1] + edges[1:]) / 2, **counts})


def calibration_table(
    label: ArrayLike, probability: ArrayLike, feature_set: str, target_prevalence: float
) -> pd.DataFrame:
    """Return curve and histogram of a feature set as one table.

    Returns
    -------
    DataFrame
        ``feature_set``, ``part`` (``curve`` or ``histogram``), ``predicted`` (mean probability
        of the bin; its middle in the histogram), ``recalibrated`` (the same at the target
        prevalence), ``n``, ``observed``, ``lower``, ``upper``, ``negative``, ``positive``
        (counts of the histogram).
    """
    truth, repeats = checked(label, probability)
    curve = calibration_curve(truth, repeats).drop(columns="bin").assign(part="curve")
    histogram = calibration_histogram(truth, repeats).rename(columns={"probability": "predicted"})
    histogram = histogram.assign(part="histogram", n=histogram["negative"] + histogram["positive"])
    table = pd.concat([curve, histogram], ignore_index=True).assign(feature_set=feature_set)
    prevalence = float(truth.mean())
    table["recalibrated"] = np.nan
    if 0 < prevalence < 1:
        table["recalibrated"] = shift_prevalence(table["predicted"], prevalence, target_prevalence)
    columns = ["feature_set", "part", "predicted", "recalibrated", "n", "observed"]
    return table[[*columns, "lower", "upper", "negative", "positive"]]
