"""Learning curve: AUROC by number of training patients, and its extrapolation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from trdomics.classification.feature_sets import SELECTED
from trdomics.evaluation.bootstrap import resample
from trdomics.evaluation.metrics import auroc
from trdomics.tables import CLINICAL

Floats = NDArray[np.floating]

# Three parameters need more points.
FEWEST_SIZES = 4
MEASURED, FITTED, EXTRAPOLATED = "measured", "fitted", "extrapolated"
COLUMNS = ["kind", "n_train", "auroc", "lower", "upper", "n_fits", "reason"]
# Variance of an AUROC over training sets of m patients, times m: a standard deviation of 0.03
# at 60 patients and 0.016 at 240 (the default cohort: benchmarks/truth.md).
TYPICAL, PRIOR_FREEDOM = 0.06, 4
# A curve fitted to few points cannot be extrapolated further.
FARTHEST = 3
# Effect size, power and level for the sample-size estimate.
GAIN, POWER, LEVEL = 0.05, 0.8, 0.95
EXPONENTS = np.linspace(0.25, 1.25, 6)
DROPS = np.linspace(0.0, 0.4, 41)
LEVELS = np.linspace(0.4, 1.0, 121)


@dataclass(frozen=True)
class Sizes:
    """AUROCs by training size, in increasing order.

    Attributes
    ----------
    n_train : array, shape (n_sizes,)
        Number of training patients (mean over fits).
    auroc : array, shape (n_sizes,)
        Mean over the fits of a size.
    covariance : array, shape (n_sizes, n_sizes)
        Of the means: sampling of test patients (bootstrap) and of training patients.
    n_fits : array of int, shape (n_sizes,)
    """

    n_train: Floats
    auroc: Floats
    covariance: Floats
    n_fits: NDArray[np.int_]

    @property
    def errors(self) -> Floats:
        """Standard errors, shape (n_sizes,)."""
        return np.sqrt(np.diag(self.covariance))


def gathered(shares: pd.DataFrame, splits: pd.DataFrame, labels: pd.Series) -> pd.DataFrame:
    """Return the selected model's predictions from all fits, of the shares and of the splits.

    Parameters
    ----------
    shares : DataFrame
        Of :func:`trdomics.classification.training_sizes.fit_share`, all shares.
    splits : DataFrame
        Out-of-fold predictions of the cross-validation.

    Returns
    -------
    DataFrame
        ``size`` (fits of equal size), ``fit``, ``n_train``, ``patient_id``, ``probability``.
    """
    own = splits[(splits["feature_set"] == SELECTED) & splits["patient_id"].map(labels).notna()]
    n = own["patient_id"].nunique()
    own = own.assign(size="splits", fit=own["split"])
    own["n_train"] = n - own.groupby("fit")["patient_id"].transform("size")
    drawn = shares[shares["feature_set"] == SELECTED]
    drawn = drawn.assign(size=drawn["share"].astype(str), fit=drawn["draw"].astype(str))
    columns = ["size", "fit", "n_train", "patient_id", "probability"]
    return pd.concat([drawn[columns], own[columns]], ignore_index=True)


def learning_curve(
    shares: Sequence[pd.DataFrame],
    splits: pd.DataFrame,
    labels: pd.Series,
    *,
    n_samples: int,
    seed: int,
) -> tuple[Sizes, LearningCurve | None, str]:
    """Measure the sizes and fit the law, or say why there is none; see :func:`gathered`."""
    reasons = [str(r) for table in shares for r in table["reason"].dropna().unique()]
    filled = [table[table["reason"].isna()] for table in shares if table["reason"].isna().any()]
    none = pd.DataFrame(columns=["share", "draw", "n_train", "patient_id", "feature_set"])
    drawn = pd.concat(filled) if filled else none.assign(probability=0.0)
    sizes = sizes_of(gathered(drawn, splits, labels), labels, n_samples=n_samples, seed=seed)
    if len(sizes.n_train) >= FEWEST_SIZES:
        return sizes, LearningCurve.of(sizes), ""
    why = reasons[0] if reasons else "classification.learning_curve is 0"
    return sizes, None, f"fewer than {FEWEST_SIZES} training sizes: {why}"


def sizes_of(fits: pd.DataFrame, labels: pd.Series, *, n_samples: int, seed: int) -> Sizes:
    """Measure the AUROC at every training size, with the covariance of the sizes.

    A fit is tested on all patients outside its training set. The bootstrap draws patients within
    class, the same for all fits, and so accounts for test patients shared between sizes. The
    remaining variation between fits of one size is due to their training patients: a variance κ/m
    with m patients, estimated over all sizes. Fits share patients, so their mean has the variance
    (κ/m)[(1 − m/n)/D + m/n] over D fits of m out of n patients.
    """
    known = labels.dropna().sort_index()
    truth = known.to_numpy(dtype=float)
    counts = resample(truth, n_samples, seed)
    rows = []
    for _, size in fits.groupby("size", sort=False):
        values: list[float] = []
        drawn: list[Floats] = []
        for _, fit in size.groupby("fit", sort=False):
            at = known.index.get_indexer(pd.Index(fit["patient_id"]))
            probability = fit["probability"].to_numpy(dtype=float)[:, None]
            if np.unique(truth[at]).size < 2:
                continue
            values.append(float(auroc(truth[at], probability, np.ones((1, len(at))))[0]))
            # a resample of a small fold may contain only one class
            with np.errstate(invalid="ignore"):
                drawn.append(auroc(truth[at], probability, counts[:, at]))
        if values:
            m = float(size.groupby("fit")["n_train"].first().mean())
            rows.append((m, np.array(values), np.array(drawn)))
    rows.sort(key=lambda row: row[0])
    n = len(known)
    sampled = np.array([np.nanmean(drawn, axis=0) for _, _, drawn in rows])
    sampled = sampled[:, np.isfinite(sampled).all(axis=0)]
    covariance = np.atleast_2d(np.cov(sampled))
    kappa = training_variance([(m, v, d) for m, v, d in rows if len(v) > 1], n)
    for j, (m, aurocs, _) in enumerate(rows):
        covariance[j, j] += kappa / m * ((1 - m / n) / len(aurocs) + m / n)
    return Sizes(
        n_train=np.array([m for m, _, _ in rows]),
        auroc=np.array([aurocs.mean() for _, aurocs, _ in rows]),
        covariance=covariance,
        n_fits=np.array([len(aurocs) for _, aurocs, _ in rows]),
    )


def training_variance(rows: list[tuple[float, Floats, Floats]], n: int) -> float:
    """Return κ: the variance of an AUROC due to the training patients, times their number.

    Each size with several fits gives an estimate with a standard error; ``TYPICAL`` enters as a
    prior estimate with ``PRIOR_FREEDOM`` degrees of freedom. The estimates are averaged by
    precision, and the result is at least a quarter of the typical value.

    Parameters
    ----------
    rows : list of (patients trained on, AUROCs of D fits, their resamples of shape (n_samples, D))
        Resampling adds as much to the variance between fits as the sampling of test patients has
        already added.
    n : int
        Patients from whom the training patients are drawn.
    """
    estimates, variances = [TYPICAL], [2 * TYPICAL**2 / PRIOR_FREEDOM]
    for m, values, drawn in rows:
        freedom = len(values) - 1
        between = values.var(ddof=1)
        tested = max(0.0, float(np.nanmean(drawn.var(axis=0, ddof=1))) - between)
        scale = m / (1 - m / n)
        estimates.append(scale * (between - tested))
        # by the expected variance: weighting by the observed one would favour small variances
        variances.append(2 * (TYPICAL + scale * tested) ** 2 / freedom)
    return max(TYPICAL / 4, float(np.average(estimates, weights=1 / np.array(variances))))


@dataclass(frozen=True)
class LearningCurve:
    """An inverse power law of the AUROC, and its uncertainty.

    AUROC(m) = L + d · (1 − (m/m₀)^−c) / ((m₁/m₀)^−c − 1): L after training on m₀ patients, the
    largest size, d less with the smallest, m₁, and the exponent c determines the values between and
    beyond.

    Attributes
    ----------
    smallest, largest : float
        m₁ and m₀.
    level, drop, exponent : array, shape (n_laws,)
        L, d and c of all laws of a grid that stay at or below an AUROC of 1.
    weight : array, shape (n_laws,)
        Their posterior probabilities.
    """

    smallest: float
    largest: float
    level: Floats
    drop: Floats
    exponent: Floats
    weight: Floats

    @classmethod
    def of(cls, sizes: Sizes) -> LearningCurve:
        """Weight the laws by their likelihood, normal with the covariance of the measured AUROCs.

        Inverse power laws describe learning curves of classifiers on molecular data (Mukherjee
        et al. 2003, doi 10.1089/106652703321825928; Figueroa et al. 2012, doi
        10.1186/1472-6947-12-8). Five noisy points do not determine three parameters, so all
        compatible laws are averaged, with flat priors on level, drop (never below 0: patients do no
        harm) and exponent (a quarter to five quarters; 1 is that of a well specified model, ½ that
        of sparse estimates in many features).
        """
        smallest, largest = float(sizes.n_train[0]), float(sizes.n_train[-1])
        level, drop, exponent = (a.ravel() for a in np.meshgrid(LEVELS, DROPS, EXPONENTS))
        limit = level + drop / ((smallest / largest) ** -exponent - 1)
        kept = limit <= 1
        level, drop, exponent = level[kept], drop[kept], exponent[kept]
        curve = cls(smallest, largest, level, drop, exponent, np.ones_like(level))
        off = np.column_stack([curve.laws(m) for m in sizes.n_train]) - sizes.auroc
        score = -0.5 * np.einsum("ij,ij->i", off @ np.linalg.pinv(sizes.covariance), off)
        weight = np.exp(score - score.max())
        return cls(smallest, largest, level, drop, exponent, weight / weight.sum())

    def laws(self, n_train: float) -> Floats:
        """Return the AUROC of every law for a number of training patients."""
        ratio = self.smallest / self.largest
        share = (1 - (n_train / self.largest) ** -self.exponent) / (ratio**-self.exponent - 1)
        return np.asarray(self.level + self.drop * share)

    def at(self, n_train: float) -> tuple[float, float, float]:
        """Return the median AUROC and its 95 % interval for a number of training patients."""
        values = self.laws(n_train)
        order = np.argsort(values)
        cumulative = np.cumsum(self.weight[order])
        tails = (0.5, (1 - LEVEL) / 2, (1 + LEVEL) / 2)
        places = np.minimum(np.searchsorted(cumulative, tails), len(order) - 1)
        middle, lower, upper = values[order][places]
        return float(middle), float(lower), float(upper)


def settling_size(lower: float, upper: float, n_folds: int, n_patients: int) -> dict[str, Any]:
    """Return the number of patients needed to detect a gain of ``GAIN`` over a baseline.

    The standard error of the paired gain is taken from its interval (the corrected resampled t
    test) and decreases with the square root of the number of patients. A gain counts as detected if
    a two-sided test at 5 % has a power of 80 %.

    `lower` and `upper` are the 95 % interval of the measured gain, from `n_folds` folds.
    """
    if n_folds < 2 or not np.isfinite([lower, upper]).all():
        return {"n_patients": None, "reason": "the gain has no interval"}
    error = (upper - lower) / 2 / stats.t.ppf((1 + LEVEL) / 2, n_folds - 1)
    needed = stats.norm.ppf((1 + LEVEL) / 2) + stats.norm.ppf(POWER)
    return {"n_patients": int(np.ceil(n_patients * (needed * error / GAIN) ** 2))}


def curve_table(sizes: Sizes, curve: LearningCurve | None, n: int, reason: str) -> pd.DataFrame:
    """Return the measured points and, if there is one, the fitted curve up to ``FARTHEST`` × n."""
    reach = stats.norm.ppf((1 + LEVEL) / 2) * sizes.errors
    rows = [
        (MEASURED, m, value, max(0.0, value - r), min(1.0, value + r), fits, reason)
        for m, value, r, fits in zip(sizes.n_train, sizes.auroc, reach, sizes.n_fits, strict=True)
    ]
    if curve is not None:
        for m in np.unique(np.rint(np.geomspace(sizes.n_train[0], FARTHEST * n, 40))):
            kind = FITTED if m <= sizes.n_train[-1] else EXTRAPOLATED
            rows.append((kind, m, *curve.at(m), np.nan, ""))
    return pd.DataFrame(rows, columns=COLUMNS)


def learning_summary(
    curve: LearningCurve | None, gains: pd.DataFrame, n: int, reason: str
) -> dict[str, Any]:
    """Return what more patients would give, and why there is no law if there is none.

    Returns
    -------
    dict
        ``n_patients``; ``now`` (trained on all of them) and ``more`` (on twice as many:
        ``n_more``), each auroc, lower, upper, or None with ``reason``; ``settles``: ``gain``,
        ``power``, ``baseline`` and ``n_patients``, or None with the reason.
    """
    result: dict[str, Any] = {"n_patients": n, "now": None, "more": None}
    if curve is None:
        result["reason"] = reason
    else:
        names = ("auroc", "lower", "upper")
        result["now"] = dict(zip(names, curve.at(n), strict=True))
        result["more"] = {"n_more": n, **dict(zip(names, curve.at(2 * n), strict=True))}
    row = gains.query("feature_set == @SELECTED and baseline == @CLINICAL and metric == 'auroc'")
    settles: dict[str, Any] = {"n_patients": None, "reason": "there are no clinical predictors"}
    if len(row):
        first = row.iloc[0]
        lower, upper = float(first["lower"]), float(first["upper"])
        settles = settling_size(lower, upper, int(first["n_folds"]), n)
    result["settles"] = {"gain": GAIN, "power": POWER, "baseline": CLINICAL, **settles}
    return result
