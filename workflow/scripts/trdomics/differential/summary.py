"""The headline numbers of a differential test."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2

from trdomics.differential.design import Design

# Storey & Tibshirani 2003 (doi 10.1073/pnas.1530509100) at λ = 0.5: above it, nearly all p-values
# are of null features, which are uniform.
NULL_ABOVE = 0.5


def headline(
    results: pd.DataFrame, design: Design, *, effect: str, fdr: float, layer: str
) -> dict[str, Any]:
    """Return the headline numbers of a results table.

    Parameters
    ----------
    results : DataFrame
        With ``feature``, ``pvalue``, ``padj``, ``reason`` and the column `effect`.
    effect : str
        The column whose sign is the direction.

    Returns
    -------
    dict
        ``n_features``, ``n_expressed`` (eligible for the test), ``n_tested`` (with an adjusted
        p-value), ``n_significant``, ``n_up`` and ``n_down`` (in the tested group),
        ``share_tested`` and ``share_expressed`` (share significant of those), ``share_null``
        (estimated proportion of null features), ``inflation`` (median χ² over its expectation),
        ``not_tested`` (reason → count), and who was compared.
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
    """Estimate the proportion of null features (Storey's π₀ at λ = 0.5)."""
    if not len(pvalues):
        return None
    return min(1.0, float((pvalues > NULL_ABOVE).mean()) / (1 - NULL_ABOVE))


def inflation(pvalues: np.ndarray) -> float | None:
    """Return the median χ² statistic divided by the 0.455 expected under the null."""
    if not len(pvalues):
        return None
    return float(chi2.isf(np.median(pvalues), 1) / chi2.median(1))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
