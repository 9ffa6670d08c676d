"""Random-effects meta-analysis of AUROCs over sites or cohorts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.special import expit, logit
from statsmodels.stats.meta_analysis import combine_effects

from trdomics.classification.metrics import Floats

# Paule and Mandel's iteration starts at 0 and converges in a few steps; where sites differ wildly
# the default of 50 may not do.
ITERATIONS = 500
KEYS = ("auroc", "lower", "upper", "prediction_lower", "prediction_upper")
HETEROGENEITY = ("tau2", "i2", "q", "q_pvalue")


def logit_auroc(
    auroc: ArrayLike, n_positive: ArrayLike, n_negative: ArrayLike
) -> tuple[Floats, Floats]:
    """Return AUROCs on the logit scale with their variances.

    Newcombe's modification of Hanley and McNeil's variance (2006, Stat Med 25:559, method 4), on
    the logit scale as for the meta-analysis of c statistics (Debray et al. 2017, BMJ 356:i6460).
    It needs no patient's data, and unlike a bootstrap it does not vanish in a small site whose
    few patients happen to be in perfect order: an AUROC of 0 or 1 is taken as half a pair of
    patients off it.

    Parameters
    ----------
    auroc, n_positive, n_negative : array, shape (n_sites,)

    Returns
    -------
    effect, variance : array, shape (n_sites,)
    """
    positive = np.asarray(n_positive, dtype=float)
    negative = np.asarray(n_negative, dtype=float)
    pairs = positive * negative
    c = np.clip(np.asarray(auroc, dtype=float), 0.5 / pairs, 1 - 0.5 / pairs)
    mean_size = (positive + negative) / 2 - 1
    spread = 1 + mean_size * (1 - c) / (2 - c) + mean_size * c / (1 + c)
    return np.asarray(logit(c)), np.asarray(spread / (pairs * c * (1 - c)))


def pooled_auroc(auroc: ArrayLike, n_positive: ArrayLike, n_negative: ArrayLike) -> dict[str, Any]:
    """Combine the AUROCs of several sites, whose true values may differ.

    Variance between sites by Paule and Mandel, the interval by Hartung, Knapp, Sidik and Jonkman
    with Student's t, never narrower than without their correction (IntHout 2014,
    doi 10.1186/1471-2288-14-25; Röver 2015, doi 10.1186/s12874-015-0091-1). With few sites it is
    wide, as it should be.

    Parameters
    ----------
    auroc, n_positive, n_negative : array, shape (n_sites,)
        Of different patients.

    Returns
    -------
    dict
        ``n_sites``, ``auroc``, ``lower``, ``upper`` (of the mean site), ``prediction_lower``,
        ``prediction_upper`` (95 % prediction interval of another site's true AUROC, with n − 2
        degrees of freedom: Higgins 2009, doi 10.1111/j.1467-985X.2008.00552.x), ``tau2`` (variance
        between sites, of the logits), ``i2`` (share of the variation that is not chance), ``q``
        and ``q_pvalue`` (Cochran's test of equal AUROCs), ``reason`` (what is missing, and why).
    """
    values = np.asarray(auroc, dtype=float)
    n_sites = values.size
    result: dict[str, Any] = dict.fromkeys((*KEYS, *HETEROGENEITY), np.nan)
    result |= {"n_sites": n_sites, "reason": ""}
    if n_sites < 2:
        result["reason"] = "fewer than two sites, so nothing to combine"
        return result
    effect, variance = logit_auroc(values, n_positive, n_negative)
    combined = combine_effects(effect, variance, method_re="pm", maxiter=ITERATIONS)
    mean, error = combined.mean_effect_re, combined.sd_eff_w_re
    reach = stats.t.ppf(0.975, n_sites - 1) * error * np.sqrt(max(1.0, combined.scale_hksj_re))
    result["auroc"] = float(expit(mean))
    result["lower"], result["upper"] = (float(expit(mean + s * reach)) for s in (-1, 1))
    test = combined.test_homogeneity()
    result |= {"tau2": float(combined.tau2), "q": float(combined.q)}
    result["q_pvalue"] = float(test.pvalue)
    # statsmodels leaves it negative where sites differ less than by chance
    result["i2"] = max(0.0, 1 - (n_sites - 1) / combined.q) if combined.q > 0 else 0.0
    if n_sites < 3:
        result["reason"] = "no prediction interval: fewer than three sites"
        return result
    wide = stats.t.ppf(0.975, n_sites - 2) * np.sqrt(combined.tau2 + error**2)
    result["prediction_lower"], result["prediction_upper"] = (
        float(expit(mean + sign * wide)) for sign in (-1, 1)
    )
    return result
