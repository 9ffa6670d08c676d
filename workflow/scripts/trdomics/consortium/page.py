"""Content of the page of a meta-analysis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from trdomics import __version__
from trdomics.consortium.bundle import Bundle
from trdomics.consortium.pooled_performance import COMBINED
from trdomics.intervals import with_interval

TOP = 15
ENDS = ("value", "lower", "upper")


def layer_summary(table: pd.DataFrame, fdr: float) -> dict[str, Any]:
    """Return the headline numbers of one layer's combined table."""
    tested = table[table["pvalue"].notna()]
    called = tested[tested["padj"] < fdr]
    differing = called["q_pvalue"] < 0.05
    return {
        "n_tested": len(tested),
        "n_not_combined": len(table) - len(tested),
        "n_called": len(called),
        "n_up": int((called["effect"] > 0).sum()),
        "n_down": int((called["effect"] < 0).sum()),
        "n_same_sign": int(called["same_sign"].sum()),
        "n_heterogeneous": int(differing.sum()),
        "median_i2": float(tested["i2"].median()) if len(tested) else None,
        "median_tau": float((tested["tau2"] ** 0.5).median()) if len(tested) else None,
    }


def meta_summary(
    bundles: Sequence[Bundle],
    effects: pd.DataFrame,
    factors: pd.DataFrame,
    performance: pd.DataFrame,
    fdr: float,
) -> dict[str, Any]:
    """Collect the headline numbers of a meta-analysis for the summary and the page."""
    combined = performance[performance["cohort"] == COMBINED].set_index("feature_set")
    keys = ["value", "lower", "upper", "prediction_lower", "prediction_upper", "i2", "k", "reason"]
    matched = factors[factors["r"].notna()]
    strong = matched[(matched["padj"] < 0.05) & (matched["mutual"] == 1)]
    return {
        "cohorts": [bundle.cohort for bundle in bundles],
        "label": bundles[0].manifest["label"],
        "contrast": bundles[0].manifest["contrast"],
        "fdr": fdr,
        "layers": {
            layer: layer_summary(table, fdr)
            for layer, table in effects.groupby("layer", sort=False)
        },
        "performance": {name: combined.loc[name, keys].to_dict() for name in combined.index},
        "factors": {
            "n_pairs": len(matched),
            "n_mutual": int((matched["mutual"] == 1).sum()),
            "n_agreeing": len(strong),
            "median_r": float(strong["r"].abs().median()) if len(strong) else None,
        },
    }


def page_context(
    name: str,
    summary: dict[str, Any],
    cohorts: pd.DataFrame,
    effects: pd.DataFrame,
    factors: pd.DataFrame,
) -> dict[str, Any]:
    """Return the variables of the page's template, except figures."""
    selected = summary["performance"].get("selected")
    known = bool(selected) and pd.notna(selected["value"])
    return {
        "name": name,
        "version": __version__,
        "summary": summary,
        "positive": summary["contrast"]["positive"],
        "negative": summary["contrast"]["negative"],
        "cohorts": cohorts.fillna("").to_dict("records"),
        "auroc": with_interval(*(selected[key] for key in ENDS)) if known else None,
        "prediction": (
            f"{selected['prediction_lower']:.2f} to {selected['prediction_upper']:.2f}"
            if known and pd.notna(selected["prediction_lower"])
            else None
        ),
        "top": {
            layer: _top(table, summary["fdr"])
            for layer, table in effects.groupby("layer", sort=False)
        },
        "matches": [
            {**row, "r": f"{row['r']:+.2f}", "padj": f"{row['padj']:.2g}"}
            for row in _agreeing(factors).to_dict("records")
        ],
        "unmatched": factors[factors["reason"].notna()].to_dict("records"),
    }


def _top(table: pd.DataFrame, fdr: float) -> list[dict[str, Any]]:
    called = table[table["padj"] < fdr].nsmallest(TOP, "pvalue")
    return [
        {
            "name": row["symbol"] if isinstance(row["symbol"], str) else row["feature"],
            "effect": f"{row['effect']:+.2f} ({row['lower']:+.2f} to {row['upper']:+.2f})",
            "k": int(row["k"]),
            "padj": f"{row['padj']:.1e}",
            "i2": f"{row['i2']:.0%}",
            "same": "yes" if row["same_sign"] else "no",
        }
        for row in called.to_dict("records")
    ]


def _agreeing(factors: pd.DataFrame) -> pd.DataFrame:
    """Return significant mutual best matches, each pair once."""
    rows = factors[(factors["padj"] < 0.05) & (factors["mutual"] == 1)]
    rows = rows[rows["cohort"] < rows["other_cohort"]]
    return rows.sort_values("r", key=lambda r: -r.abs(), kind="stable").head(TOP)
