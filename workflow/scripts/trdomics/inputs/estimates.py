"""Whether numbers are read counts: whole, estimated, or already normalised."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

# log2 of more reads than in any sample.
LOGGED_BELOW = 40.0
MILLION = 1e6
# Relative accuracy to which samples of a normalised table share a sum or another statistic.
SAME = 0.005
# log size factors of raw counts vary more than this between libraries, of normalised ones less.
LIBRARIES_DIFFER = 0.1
# If values were divided by gene length, more than this share is between 0 and 1.
BELOW_ONE = 0.15
# Minimum share of whole numbers among non-zero counts of unambiguous reads.
WHOLE_SHARE = 0.03


def why_not_counts(
    values: NDArray[np.float64], fractions: NDArray[np.bool_] | None = None
) -> str | None:
    """Return why non-negative numbers are not read counts, or None.

    Salmon, RSEM and kallisto divide reads among transcripts, so their counts are fractional, but a
    gene with only unambiguous reads has a whole count. After division by library size or length
    hardly any value is whole, and the samples sum to the same or have the same median ratio to
    their mean (the size factor of Anders & Huber 2010).

    Parameters
    ----------
    values : ndarray, shape (n_features, n_samples)
        Without missing values.
    fractions : ndarray of bool, optional
        Which of them are not whole, if already known.

    Returns
    -------
    str or None
        The reason, for use in brackets.
    """
    several = values.shape[1] > 1
    sums = values.sum(axis=0)
    if fractions is None:
        fractions = values != np.floor(values)
    whole = not fractions.any()
    if several and np.all(np.abs(sums / MILLION - 1) < (2e-4 if whole else SAME)):
        return "each sample sums to a million, as TPM and CPM do"
    if whole:
        return None
    if values.max() < LOGGED_BELOW:
        return f"no value is above {values.max():.4g}, as on a log scale"
    present = values > 0
    if several and _same(sums):
        return f"each sample sums to {sums[0]:.4g}, as after normalisation"
    if several and _same(_upper_quartiles(values)):
        return "all samples have the same upper quartile, as after normalisation"
    if has_whole_numbers(values):
        return None
    if (values[present] < 1).mean() > BELOW_ONE:
        return "few values are whole and many below 1, as in FPKM"
    if not several or _log_size_factors(values).std() < LIBRARIES_DIFFER:
        return (
            "few values are whole and the samples' sizes are the same, as after normalisation; if "
            "they are estimated counts, round them"
        )
    return None


def same_sizes(values: NDArray[np.float64]) -> bool:
    """Return whether whole numbers look normalised: four or more samples have the same size.

    The size is the sum or, of fifty features or more, the size factor, which no two libraries
    share.
    """
    if values.shape[1] < 4:
        return False
    in_all = int((values > 0).all(axis=1).sum())
    factors = in_all >= 50 and _log_size_factors(values).std() < SAME
    return _same(values.sum(axis=0)) or bool(factors)


def thousands_separated(values: NDArray[np.float64]) -> bool:
    """Return whether fractions are whole numbers with a separator of thousands: 1.234 is 1234.

    Then none is below 1, nothing is above 999.999, and numbers below a thousand are whole. What
    distinguishes them from decimals with three digits, some of which may be whole or raised to 1,
    are features on both sides of a thousand: 980, 1.02 and 1.3 are closer together as 980, 1020
    and 1300.

    Parameters
    ----------
    values : ndarray, shape (n_features, n_samples)
    """
    known = values > 0
    present = values[known]
    fractional = present != np.floor(present)
    fractions = present[fractional]
    if not len(fractions) or not 100 < present.max() < 1000 or fractions.min() < 1:
        return False
    if not np.isclose(fractions * 1000, np.rint(fractions * 1000), rtol=0, atol=1e-6).all():
        return False
    logs, features = np.log(present), np.nonzero(known)[0]
    joined = logs + np.where(fractional, np.log(1000), 0)
    table = pd.DataFrame({"decimal": logs, "joined": joined, "fractional": fractional})
    by_feature = table.groupby(features)
    crossing = by_feature["fractional"].mean().between(0, 1, inclusive="neither")
    if not crossing.any():
        # of decimals with three digits one in ten ends in zero, and one in a thousand is whole
        two = np.isclose(fractions * 100, np.rint(fractions * 100), rtol=0, atol=1e-6).mean()
        return bool(two < 0.5 and len(fractions) < 0.99 * len(present))
    spread = by_feature[["decimal", "joined"]].std()[crossing]
    return bool((spread["joined"] < spread["decimal"]).mean() > 0.5)


def digits_lost(values: NDArray[np.float64]) -> bool:
    """Return whether all large values have three digits, as a spreadsheet shows 1.23E+05."""
    large = values[values >= 1e5]
    scale = 10.0 ** (np.floor(np.log10(large)) - 2)
    return len(large) >= 20 and bool(np.isclose(large / scale, np.rint(large / scale)).all())


def has_whole_numbers(values: NDArray[np.float64]) -> bool:
    """Return whether whole numbers but 0 are commoner than rounding to few digits explains."""
    values = values[values > 0]
    whole = values == np.floor(values)
    if whole.all():
        return bool(len(whole))
    chance = 0.1 if np.allclose(values * 10, np.round(values * 10), atol=1e-6) else 0.01
    chance = max(chance, _whole_by_digits(values))
    return bool(len(whole) and whole.mean() > max(WHOLE_SHARE, 2 * chance))


def _whole_by_digits(values: NDArray[np.float64]) -> float:
    """Return the share of positive values that their significant digits make whole by chance.

    Of 1234.5 three digits leave 1230.
    """
    exponent = np.floor(np.log10(values))
    for digits in range(3, 8):
        scaled = values * 10.0 ** (digits - 1 - exponent)
        if np.allclose(scaled, np.rint(scaled), rtol=0, atol=1e-4):
            return float(np.minimum(1, 10.0 ** (exponent + 1 - digits)).mean())
    return 0.0


def look_like_counts(values: NDArray[np.float64], named: bool = False) -> bool:
    """Return whether non-negative numbers are taken for counts of reads without being declared so.

    Parameters
    ----------
    values : ndarray, shape (n_features, n_samples)
    named : bool
        Whether the file is called counts: those scaled by length are hardly ever whole.
    """
    return (
        not np.isnan(values).any()
        and (named or has_whole_numbers(values))
        and why_not_counts(values) is None
    )


def _same(statistic: NDArray[np.float64]) -> bool:
    return bool(statistic.std() < SAME * abs(statistic.mean()))


def _upper_quartiles(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([np.quantile(c[c > 0], 0.75) if (c > 0).any() else 0 for c in values.T])


def _log_size_factors(values: NDArray[np.float64]) -> NDArray[np.float64]:
    logs = np.log(values[(values > 0).all(axis=1)])
    if not len(logs):
        return np.log(np.maximum(values.sum(axis=0), 1e-300))
    return np.asarray(np.median(logs - logs.mean(axis=1, keepdims=True), axis=0))
