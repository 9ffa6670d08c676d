"""Differential expression of a layer of counts with PyDESeq2."""

from __future__ import annotations

import logging
import warnings
from typing import Any

import numpy as np
import pandas as pd
from pydeseq2.dds import DeseqDataSet
from pydeseq2.ds import DeseqStats
from pydeseq2.utils import n_or_more_replicates
from threadpoolctl import threadpool_limits

from trdomics.differential.design import Design
from trdomics.differential.normalisation import stable_features
from trdomics.differential.shrinkage import prior_scale, shrink
from trdomics.errors import InputError
from trdomics.layers.counts import by_ratios, size_factors

log = logging.getLogger(__name__)

COLUMNS = ["feature", "base_mean", "log2_fold_change", "lfc_se", "stat", "pvalue", "padj"]
COLUMNS += ["log2_fold_change_shrunken", "lfc_se_shrunken", "reason"]
# Share of the smaller group below which a warning about winsorising is given.
RARE_CLASS = 0.15
LOW_COUNT, OUTLIER, FILTERED = "low count", "outlier", "independent filtering"


def expressed(counts: pd.DataFrame, min_count: int, min_share: float) -> np.ndarray:
    """Return which features reach `min_count` in `min_share` of the patients, shape (n_features,).

    `counts` has the shape (n_patients, n_features).
    """
    return np.asarray((counts >= min_count).mean(axis=0) >= min_share)


def winsorised(
    counts: pd.DataFrame, quantile: float, stable: np.ndarray | None = None
) -> pd.DataFrame:
    """Lower each feature's highest counts to a quantile of its normalised counts.

    In cohorts of hundreds a few extreme counts make null features significant, and DESeq2's own
    remedy, Cook's distances, is switched off if the design has a continuous covariate. Winsorising
    at the 95th percentile restores the false discovery rate (Yang, Zhang & Chen 2024, doi
    10.1186/s13059-024-03230-w); it makes fold changes slightly smaller. It does not use the label,
    so if one class is rare, it also lowers counts that are high because of the class;
    :func:`rare_class` warns of this.

    Parameters
    ----------
    counts : DataFrame, shape (n_patients, n_features)
    quantile : float
        Share of the patients whose counts are unchanged.
    stable : ndarray of bool, shape (n_features,), optional
        Features for the size factors; all by default.
    """
    values = counts.to_numpy()
    factors = size_factors(values if stable is None else values[:, stable])
    caps = np.quantile(values / factors[:, None], quantile, axis=0)
    capped = np.minimum(values, np.rint(caps * factors[:, None]).astype(values.dtype))
    return pd.DataFrame(capped, index=counts.index, columns=counts.columns)


def rare_class(design: Design, winsorise: float | None) -> str | None:
    """Return a warning if winsorising may bias the fold changes of a rare class, or None.

    With 5 % positive patients and a true log2 fold change of 1 the median estimate was 0.76
    (simulated negative binomial cohorts, counts winsorised at the 95th percentile).
    """
    share = min(design.positive.mean(), 1 - design.positive.mean())
    if winsorise is None or share >= RARE_CLASS:
        return None
    return (
        f"the smaller group is {100 * share:.0f} % of the patients: counts winsorised at their "
        f"{100 * winsorise:g}th percentile bias fold changes towards zero if a group is below "
        f"{100 * RARE_CLASS:.0f} %; set differential.winsorise to null to test without winsorising"
    )


def differential_counts(
    counts: pd.DataFrame,
    design: Design,
    *,
    min_count: int,
    min_share: float,
    fdr: float,
    winsorise: float | None = None,
    deges: bool = False,
    threads: int = 1,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Test every feature of a layer of counts for the contrast of a design.

    DESeq2's steps: size factors, dispersions shrunken to their trend, Wald test, outliers by Cook's
    distance refitted (or not tested, if there are too few patients to replace them), independent
    filtering, Benjamini–Hochberg. Fold changes are also shrunken with apeGLM's prior.

    Parameters
    ----------
    counts : DataFrame, shape (n_patients, n_features)
        Raw counts; patients outside the design are not used.
    min_count, min_share
        A feature is tested if it has `min_count` in `min_share` of the patients of the design.
    fdr : float
        The level for independent filtering and for the numbers in the summary.
    winsorise : float, optional
        Quantile of :func:`winsorised`; None leaves the counts unchanged, as DESeq2 does.
    deges : bool
        Whether size factors are computed from :func:`stable_features`, not from all as in DESeq2.

    Returns
    -------
    results : DataFrame
        One row per feature, in the order of `counts`, with the columns ``COLUMNS``. Where a
        number is missing, ``reason`` says why.
    summary : dict
        Details of the fit; :func:`trdomics.differential.summary.headline` gives the counts.

    Raises
    ------
    InputError
        If no feature is expressed.
    """
    counts = counts.loc[design.matrix.index]
    kept = expressed(counts, min_count, min_share)
    if not kept.any():
        raise InputError(
            "config layers",
            f"no feature has {min_count} counts in {min_share:.0%} of {len(counts)} patients",
            "lower min_count or min_share",
        )
    # Matrix products are divided among BLAS threads, which may change their last digit.
    with threadpool_limits(limits=1), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tested = counts.loc[:, kept]
        stable, warning = np.ones(tested.shape[1], dtype=bool), ""
        if deges:
            matrix = design.matrix.to_numpy(float)
            stable, warning = stable_features(tested.to_numpy(), matrix, design.contrast_vector)
        if winsorise is not None:
            tested = winsorised(tested, winsorise, stable)
        fitted = _fit(tested, design, stable, threads)
        tests = DeseqStats(
            fitted, contrast=design.contrast_vector, alpha=fdr, quiet=True, n_cpus=threads
        )
        tests.summary()
        modes, errors, scale = _shrunken(fitted, tests, design)
    notes = sorted({" ".join(str(each.message).split()) for each in caught})
    notes += [warning] if warning else []
    for note in notes:
        log.warning("%s", note)

    factors = fitted.obs["size_factors"].to_numpy()
    base_mean = (counts.to_numpy() / factors[:, None]).mean(axis=0)
    results = pd.DataFrame(index=counts.columns, columns=COLUMNS[1:-1], dtype=float)
    results["base_mean"] = base_mean
    results.loc[kept, COLUMNS[2:7]] = tests.results_df[
        ["log2FoldChange", "lfcSE", "stat", "pvalue", "padj"]
    ].to_numpy(float)
    results.loc[kept, "log2_fold_change_shrunken"] = modes / np.log(2)
    results.loc[kept, "lfc_se_shrunken"] = errors / np.log(2)
    reason = np.full(len(results), None, dtype=object)
    reason[results["padj"].isna()] = FILTERED
    reason[results["pvalue"].isna()] = OUTLIER
    reason[~kept] = LOW_COUNT
    results["reason"] = reason
    results = results.rename_axis("feature").reset_index()[COLUMNS]
    return results, {
        **_outliers(fitted, design),
        "winsorise": winsorise,
        "winsorise_warning": rare_class(design, winsorise),
        "deges": bool(not stable.all()),
        "n_size_factor_features": int(stable.sum()),
        "n_not_shrunken": int(np.isnan(modes).sum()),
        "shrinkage_prior_scale": scale,
        "dispersion_trend": str(fitted.uns["disp_function_type"]),
        "notes": notes,
    }


def _fit(counts: pd.DataFrame, design: Design, stable: np.ndarray, threads: int) -> DeseqDataSet:
    """Fit dispersions and coefficients; the matrix is given, so no formula is parsed twice."""
    fitted = DeseqDataSet(
        counts=counts,
        metadata=pd.DataFrame({"positive": design.positive}, index=counts.index),
        design=design.matrix,
        size_factors_fit_type="ratio" if by_ratios(counts.to_numpy()[:, stable]) else "poscounts",
        control_genes=stable,
        quiet=True,
        n_cpus=threads,
    )
    fitted.deseq2()
    return fitted


def _shrunken(
    fitted: DeseqDataSet, tests: DeseqStats, design: Design
) -> tuple[np.ndarray, np.ndarray, float]:
    coefficients = fitted.varm["LFC"].to_numpy(float)
    index = int(np.flatnonzero(design.contrast_vector)[0])
    scale = prior_scale(coefficients[:, index], tests.SE.to_numpy(float))
    counts, matrix = np.asarray(fitted.X), design.matrix.to_numpy()
    factors = fitted.obs["size_factors"].to_numpy()
    dispersions = fitted.var["dispersions"].to_numpy(float)
    return *shrink(counts, matrix, factors, dispersions, coefficients, index, scale), scale


def _outliers(fitted: DeseqDataSet, design: Design) -> dict[str, Any]:
    """Count features with outliers; DESeq2 looks for them among replicates only."""
    if not n_or_more_replicates(design.matrix, 3).any():
        return {
            "n_outliers": None,
            "n_outliers_reason": "Cook's distances need three patients with equal covariates; "
            "with continuous covariates there are none",
            "n_refitted": None,
        }
    return {
        "n_outliers": int(np.asarray(fitted.cooks_outlier()).sum()),
        "n_outliers_reason": None,
        "n_refitted": int(np.asarray(fitted.var["refitted"]).sum()),
    }
