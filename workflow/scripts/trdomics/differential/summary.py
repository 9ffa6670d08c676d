"""The headline numbers of a differential test."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2

from trdomics.differential.design import Design

# Storey & Tibshirani 2003 (doi 10.1073/pnas.1530509100) at λ = 0.5: above it, p-values are
# nearly all of features without a difference, where they are uniform.
NULL_ABOVE = 0.5


def headline(
    results: pd.DataFrame, design: Design, *, effect: str, fdr: float, layer: str
) -> dict[str, Any]:
    """Count what a table of results says.

    Parameters
    ----------
    results : DataFrame
        With ``feature``, ``pvalue``, ``padj``, ``reason`` and the column `effect`.
    effect : str
        The column whose sign is the direction.

    Returns
    -------
    dict
        ``n_features``, ``n_expressed`` (fit for a test), ``n_tested`` (with an adjusted
        p-value), ``n_significant``, ``n_up`` and ``n_down`` (in the tested group),
        ``share_tested`` and ``share_expressed`` (significant of those), ``share_null``
        (estimated share without a difference), ``inflation`` (median χ² over its expectation),
        ``not_tested`` (reason to count), and who was compared.
    """
    tested = results["padj"].notna()
    fitted = results[effect].notna()
    significant = results["padj"] < fdr
    pvalues = results["pvalue"].dropna().to_numpy(float)
    n_significant = int(significant.sum())
    summary: dict[str, Any] = {
        "layer": layer,
        "fdr": fdr,
        "n_features": len(results),
        "n_expressed": int(fitted.sum()),
        "n_tested": int(tested.sum()),
        "n_significant": n_significant,
        "n_up": int((significant & (results[effect] > 0)).sum()),
        "n_down": int((significant & (results[effect] < 0)).sum()),
        "share_tested": _share(n_significant, int(tested.sum())),
        "share_expressed": _share(n_significant, int(fitted.sum())),
        "smallest_padj": float(results["padj"].min()) if tested.any() else None,
        "not_tested": {str(k): int(v) for k, v in results["reason"].value_counts().items()},
        "share_null": share_null(pvalues),
        "inflation": inflation(pvalues),
        **design.summary(),
    }
    if not tested.any():
        for key in ("share_tested", "smallest_padj"):
            summary[f"{key}_reason"] = "no feature was tested"
    if not len(pvalues):
        for key in ("share_null", "inflation", "share_expressed"):
            summary[f"{key}_reason"] = "no feature has a p-value"
    return summary


def share_null(pvalues: np.ndarray) -> float | None:
    """Estimate the share of features without a difference (Storey's π₀ at λ = 0.5)."""
    if not len(pvalues):
        return None
    return min(1.0, float((pvalues > NULL_ABOVE).mean()) / (1 - NULL_ABOVE))


def inflation(pvalues: np.ndarray) -> float | None:
    """Return the median χ² statistic over the 0.455 expected without any difference."""
    if not len(pvalues):
        return None
    return float(chi2.isf(np.median(pvalues), 1) / chi2.median(1))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
