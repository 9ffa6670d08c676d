"""Random-effects meta-analysis of AUROCs over sites or cohorts."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.special import expit, logit
from statsmodels.stats.meta_analysis import combine_effects

Floats = NDArray[np.float64]

# Paule and Mandel's iteration starts at 0 and converges in a few steps; if sites differ very much,
# the default of 50 may not suffice.
ITERATIONS = 500
KEYS = ("auroc", "lower", "upper", "prediction_lower", "prediction_upper")
HETEROGENEITY = ("tau2", "i2", "q", "q_pvalue")


def logit_auroc(
    auroc: ArrayLike, n_positive: ArrayLike, n_negative: ArrayLike
) -> tuple[Floats, Floats]:
    """Return AUROCs on the logit scale with their variances.

    Newcombe's modification of Hanley and McNeil's variance (2006, Stat Med 25:559, method 4), on
    the logit scale as for the meta-analysis of c statistics (Debray et al. 2017, BMJ 356:i6460).
    It needs no patient-level data and, unlike a bootstrap, is not zero for a small site whose
    patients happen to be perfectly ranked: an AUROC of 0 or 1 is moved inwards by half a pair of
    patients.

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


def random_effects(effect: ArrayLike, variance: ArrayLike) -> dict[str, float]:
    """Combine AUROCs of several sites or cohorts with possibly different true values.

    The variance between them is Paule and Mandel's, the interval Hartung, Knapp, Sidik and
    Jonkman's with Student's t, never narrower than without their correction (IntHout 2014, doi
    10.1186/1471-2288-14-25; Röver 2015, doi 10.1186/s12874-015-0091-1). With few it is wide, as it
    should be.

    Parameters
    ----------
    effect, variance : array, shape (k,), k > 1
        On the logit scale, of different patients.

    Returns
    -------
    dict
        ``KEYS`` as AUROCs: the mean with its 95 % interval, and the 95 % prediction interval of
        another true AUROC, with k − 2 degrees of freedom (Higgins 2009,
        doi 10.1111/j.1467-985X.2008.00552.x; NaN for k = 2). ``HETEROGENEITY``: ``tau2`` (variance
        between them, of the logits), ``i2`` (share of the variation that is not chance), ``q`` and
        ``q_pvalue`` (Cochran's test of equal AUROCs).
    """
    effects, variances = np.asarray(effect, dtype=float), np.asarray(variance, dtype=float)
    with warnings.catch_warnings():
        # identical estimates cause a division by 0, of which statsmodels warns
        warnings.simplefilter("ignore", RuntimeWarning)
        combined = combine_effects(effects, variances, method_re="pm", maxiter=ITERATIONS)
    k, q, tau2 = effects.size, float(combined.q), float(combined.tau2)
    mean = float(combined.mean_effect_re)
    # if estimates happen to agree, the estimated scale is too small
    error = float(combined.sd_eff_w_re) * np.sqrt(max(1.0, float(combined.scale_hksj_re)))
    reach = stats.t.ppf(0.975, k - 1) * error
    wide = stats.t.ppf(0.975, k - 2) * np.sqrt(tau2 + error**2) if k > 2 else np.nan
    bounds = expit([mean, mean - reach, mean + reach, mean - wide, mean + wide])
    # statsmodels' I² is negative if sites differ less than expected by chance
    i2 = max(0.0, 1 - (k - 1) / q) if q > 0 else 0.0
    spread = (tau2, i2, q, float(stats.chi2.sf(q, k - 1)))
    return dict(zip((*KEYS, *HETEROGENEITY), map(float, (*bounds, *spread)), strict=True))


def pooled_auroc(auroc: ArrayLike, n_positive: ArrayLike, n_negative: ArrayLike) -> dict[str, Any]:
    """Combine the AUROCs of several sites by their numbers of patients.

    Parameters
    ----------
    auroc, n_positive, n_negative : array, shape (n_sites,)
        Of different patients.

    Returns
    -------
    dict
        ``n_sites``, the result of :func:`random_effects`, and ``reason`` (what is missing, and
        why).
    """
    n_sites = np.size(auroc)
    if n_sites < 2:
        nothing = dict.fromkeys((*KEYS, *HETEROGENEITY), np.nan)
        return {
            "n_sites": n_sites,
            **nothing,
            "reason": "fewer than two sites, so nothing to combine",
        }
    return {
        "n_sites": n_sites,
        **random_effects(*logit_auroc(auroc, n_positive, n_negative)),
        "reason": "" if n_sites > 2 else "no prediction interval: fewer than three sites",
    }
