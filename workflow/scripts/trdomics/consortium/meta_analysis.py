"""Random-effects meta-analysis of every feature over cohorts."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2, false_discovery_control, norm, t
from statsmodels.stats.meta_analysis import combine_effects

from trdomics.differential.moderation import variance_prior

Floats = NDArray[np.float64]

COLUMNS = ["k", "effect", "se", "lower", "upper", "pvalue", "padj", "q", "q_pvalue", "i2", "tau2"]
COLUMNS += ["same_sign", "effect_fixed", "se_fixed", "tau2_single", "pvalue_single", "pvalue_hksj"]
COLUMNS += ["reason"]
MIN_COHORTS = 2
TOO_FEW = f"tested in fewer than {MIN_COHORTS} cohorts"
# With fewer features, the prior of the heterogeneity is unreliable.
MIN_FEATURES = 20
# Paule and Mandel's iteration approaches its root from below; statsmodels gives up after 50 steps.
ITERATIONS = 500


def combine_features(
    effects: pd.DataFrame, errors: pd.DataFrame, steps: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Combine the estimates of every feature of a layer.

    A random-effects model with DerSimonian and Laird's variance between cohorts, from a
    heterogeneity (Cochran's Q over its degrees of freedom) that is moderated over all features by
    empirical Bayes, as Smyth 2004 (doi 10.2202/1544-6115.1027) moderates variances. Four cohorts
    are too few to estimate a single feature's heterogeneity: its noise costs power if there is
    none, and the normal distribution is anti-conservative if there is some. Thousands of features
    together determine its distribution; docs/consortium.md has the numbers.

    Parameters
    ----------
    effects, errors : DataFrame, shape (n_features, n_cohorts)
        Estimates and standard errors; NaN if a cohort has not tested a feature.
    steps : DataFrame, optional, shape (n_features, n_cohorts)
        Rounding steps of the estimates. The variance of rounding is added to that of the estimates,
        and heterogeneity is computed after a random shift by up to half a step: rounded estimates
        that agree by chance would have none.

    Returns
    -------
    DataFrame, shape (n_features, len(COLUMNS))
        Indexed as `effects`. ``effect``, ``se``, 95 % interval and p-value (Student's t), adjusted
        by Benjamini and Hochberg; ``q``, its p-value, ``i2`` (share of the variation that is
        between cohorts) and ``tau2`` (the moderated variance between them); ``same_sign``: all
        cohorts have the same sign. For comparison the fixed effect, and statsmodels' random effects
        of each feature separately (Paule and Mandel): ``tau2_single``, ``pvalue_single`` (normal)
        and ``pvalue_hksj`` (Hartung, Knapp, Sidik and Jonkman). Without ``MIN_COHORTS`` cohorts
        ``reason`` says so.
    """
    effect, error = effects.to_numpy(float), errors.to_numpy(float)
    known = np.isfinite(effect) & np.isfinite(error) & (error > 0)
    results = pd.DataFrame(index=effects.index, columns=COLUMNS[:-1], dtype=float)
    results["reason"] = pd.Series(TOO_FEW, index=effects.index, dtype=object)
    results["k"] = known.sum(axis=1)
    enough = (results["k"] >= MIN_COHORTS).to_numpy()
    if not enough.any():
        return results
    effect = np.where(known, effect, 0.0)[enough]
    step = np.where(known, 0.0 if steps is None else steps.to_numpy(float), 0.0)[enough]
    variance = np.where(known, error, 1.0)[enough] ** 2 + step**2 / 12
    weight = known[enough] / variance
    found = {**_random_effects(effect, weight, step), **_single(effect, weight)}
    signs = np.abs(np.where(weight > 0, np.sign(effect), 0).sum(axis=1))
    found["same_sign"] = (signs == results["k"][enough]).to_numpy(float)
    for name, values in found.items():
        results.loc[enough, name] = values
    results.loc[enough, "padj"] = false_discovery_control(found["pvalue"])
    results.loc[enough, "reason"] = None
    return results


def _random_effects(effect: Floats, weight: Floats, step: Floats) -> dict[str, Floats]:
    """Return the moderated model; a weight of 0 means a cohort without the feature."""
    freedom = (weight > 0).sum(axis=1) - 1
    fixed, fixed_error = weighted_mean(effect, weight)
    shifted = effect + step * (np.random.default_rng(0).random(effect.shape) - 0.5)
    own = weight / (1 + weight * step**2 / 12)
    q = (own * (shifted - weighted_mean(shifted, own)[0][:, None]) ** 2).sum(axis=1)
    moderated, prior = moderate(q / freedom, freedom)
    tau2 = between_cohorts(moderated * freedom, weight)
    with np.errstate(divide="ignore"):
        variance = np.where(weight > 0, 1 / weight + tau2[:, None], np.inf)
    mean, error = weighted_mean(effect, 1 / variance)
    total = np.minimum(freedom + prior, 1e9)
    reach = t.isf(0.025, total) * error
    return {
        "effect": mean,
        "se": error,
        "lower": mean - reach,
        "upper": mean + reach,
        "pvalue": 2 * t.sf(np.abs(mean / error), total),
        "q": q,
        "q_pvalue": chi2.sf(q, freedom),
        "i2": np.maximum(0, 1 - np.divide(freedom, q, out=np.ones_like(q), where=q > 0)),
        "tau2": tau2,
        "effect_fixed": fixed,
        "se_fixed": fixed_error,
    }


def weighted_mean(effect: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Return means by inverse variances and their errors, by row."""
    total = weight.sum(axis=1)
    return (weight * effect).sum(axis=1) / total, 1 / np.sqrt(total)


def between_cohorts(q: Floats, weight: Floats) -> Floats:
    """Return DerSimonian and Laird's variance between cohorts, by row."""
    total = weight.sum(axis=1)
    scale = total - (weight**2).sum(axis=1) / total
    return np.maximum(0, (q - ((weight > 0).sum(axis=1) - 1)) / scale)


def moderate(heterogeneity: Floats, freedom: Floats) -> tuple[Floats, float]:
    """Draw every feature's heterogeneity to that of all, by as much as they agree.

    Smyth 2004, section 6.2: the prior's degrees of freedom and location from the moments of the
    logarithms.

    Parameters
    ----------
    heterogeneity : array, shape (n_features,)
        Mean squares, 1 on average if there is none.
    freedom : array, shape (n_features,)

    Returns
    -------
    moderated : array, shape (n_features,)
    prior : float
        Degrees of freedom that the other features give to each; 0 with too few features.
    """
    if len(heterogeneity) < MIN_FEATURES:
        return heterogeneity, 0.0
    # a perfect agreement has no logarithm
    floor = 1e-5 * max(float(np.median(heterogeneity)), 1e-300)
    prior, location = variance_prior(np.maximum(heterogeneity, floor), freedom)
    if np.isinf(prior):
        return np.full_like(heterogeneity, location), prior
    return (prior * location + freedom * heterogeneity) / (prior + freedom), prior


def _single(effect: Floats, weight: Floats) -> dict[str, Floats]:
    """Return what statsmodels makes of every feature on its own."""
    found = np.full((3, len(effect)), np.nan)
    for row, (values, weights) in enumerate(zip(effect, weight, strict=True)):
        has = weights > 0
        with warnings.catch_warnings():
            # cohorts that agree perfectly make a division by 0 that statsmodels warns of
            warnings.simplefilter("ignore", RuntimeWarning)
            single = combine_effects(
                values[has], 1 / weights[has], method_re="iterated", maxiter=ITERATIONS
            )
        mean, hksj = single.mean_effect_re, single.sd_eff_w_re_hksj
        found[:2, row] = single.tau2, 2 * norm.sf(abs(mean / single.sd_eff_w_re))
        if hksj > 0:
            found[2, row] = 2 * t.sf(abs(mean / hksj), has.sum() - 1)
    return dict(zip(("tau2_single", "pvalue_single", "pvalue_hksj"), found, strict=True))
