"""One sentence per factor, also if nothing is significant."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from trdomics.integration.associations import LABEL
from trdomics.integration.characterise import FOUND_AGAIN, SIGNIFICANT
from trdomics.names import display_name, p_value

COLUMNS = ["factor", "sentence"]
MAX_VARIABLES = 3
MAX_SETS = 2
MAX_FEATURES = 4
# A factor is attributed to a layer if it explains this much of it, and not far less than of the
# layer of which it explains most.
MIN_EXPLAINED = 0.01
MIN_OF_BEST = 0.1
MINUS = str.maketrans("-", "−")


def _number(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}".translate(MINUS)


def _interval(row: pd.Series) -> str:
    if not np.isfinite(row["lower"]):
        return ""
    return f", {_number(row['lower'])} to {_number(row['upper'])}"


def _variable(row: pd.Series) -> str:
    """Return "neutrophils (ρ = 0.93, higher with more)"."""
    effect, name = float(row["effect"]), display_name(row["variable"])
    if row["effect_name"] == "rho":
        return f"{name} (ρ = {_number(effect)}, {_way(effect > 0)} with more)"
    if row["effect_name"] == "auc":
        # numbers of a column with missing values are written 1.0
        higher, _, lower = re.sub(r"\.0(?=\s|$)", "", str(row["contrast"])).partition(" vs ")
        return f"{name} (AUC {_number(effect)}, {_way(effect > 0.5)} in {higher} than in {lower})"
    return f"{name} (η² = {_number(effect)})"


def _way(up: bool) -> str:
    return "higher" if up else "lower"


def follows(associations: pd.DataFrame) -> str:
    """Say what in the sheet a factor goes with, by its associations, the label aside."""
    others = associations[associations["variable"] != LABEL]
    found = others[others["padj"] < SIGNIFICANT]
    found = found.sort_values(["pvalue", "variable"], kind="stable")
    if not others["pvalue"].notna().any():
        return "could not be compared with the sheet"
    if found.empty:
        return "is associated with no column of the sheet"
    words = [_variable(row) for _, row in found.head(MAX_VARIABLES).iterrows()]
    rest = len(found) - len(words)
    more = f" and {rest} more" if rest else ""
    return "follows " + ", ".join(words) + more


def label_words(associations: pd.DataFrame, label: str) -> str:
    """Return whether a factor goes with the label, by its associations."""
    rows = associations[associations["variable"] == LABEL]
    if rows.empty or not np.isfinite(rows["effect"].iloc[0]):
        return "could not be compared with the label"
    row = rows.iloc[0]
    auc = f"AUC {_number(row['effect'])}{_interval(row)}"
    if row["padj"] < SIGNIFICANT:
        given = f"; {given_confounders(row)}" if np.isfinite(row["auc_adjusted"]) else ""
        return f"is associated with {label}: {_way(row['effect'] > 0.5)} there ({auc}{given})"
    return f"no significant association with {label} ({auc}; adjusted {p_value(row['padj'])})"


def given_confounders(row: pd.Series) -> str:
    """Return "0.63 adjusted for the confounders, 0.56 to 0.69", the AUC adjusted for them."""
    limits = " to ".join(_number(row[f"auc_adjusted_{end}"]) for end in ("lower", "upper"))
    return f"{_number(row['auc_adjusted'])} adjusted for the confounders, {limits}"


def carriers(factor: str, variance: pd.DataFrame, top: pd.DataFrame) -> str:
    """Describe the layers and features of a factor."""
    own = variance[variance["factor"] == factor].sort_values("r2", ascending=False, kind="stable")
    carrying = own[own["r2"] >= max(MIN_EXPLAINED, MIN_OF_BEST * own["r2"].max())]
    if carrying.empty:
        return f"explains less than {100 * MIN_EXPLAINED:.0f} % of every layer"
    parts = []
    for _, row in carrying.iterrows():
        features = top[(top["factor"] == factor) & (top["view"] == row["view"])]
        features = features.sort_values("rank").head(MAX_FEATURES)
        names = [
            f"{symbol} {'↑' if weight > 0 else '↓'}"
            for symbol, weight in zip(features["symbol"], features["weight"], strict=True)
        ]
        listed = ": " + ", ".join(names) if names else ""
        parts.append(
            f"{display_name(row['view'])} ({row['r2'] * 100:.0f} % of its variance{listed})"
        )
    return "is carried by " + "; ".join(parts)


def enriched(factor: str, enrichment: pd.DataFrame) -> str:
    """Describe the gene sets for which a factor's weights in any layer are enriched.

    Enriched means significant in both tests, including the one that allows for correlated genes.
    """
    own = enrichment[enrichment["factor"] == factor]
    if not own["pvalue"].notna().any():
        return "no gene set has enough genes in the model to be tested"
    both = (own["padj"] < SIGNIFICANT) & (own["padj_correlated"] < SIGNIFICANT)
    found = own[both].sort_values(["pvalue", "set"], kind="stable")
    found = found.drop_duplicates("set")
    if found.empty:
        return "enriched for no gene set"
    words = [
        f"{row['set']} ({_way(row['score'] > 0)} with the factor)"
        for _, row in found.head(MAX_SETS).iterrows()
    ]
    rest = len(found) - len(words)
    return "enriched for " + ", ".join(words) + (f" and {rest} more" if rest else "")


def stability_words(factor: str, stability: pd.DataFrame) -> str | None:
    """Return a warning if other seeds do not find a factor, or an empty string."""
    own = stability[stability["factor"] == factor]
    if own.empty or own["r"].min() >= FOUND_AGAIN:
        return None
    return f"not found with every seed (lowest |r| {_number(float(own['r'].min()))})"


def factor_words(
    factors: Sequence[str],
    associations: pd.DataFrame,
    variance: pd.DataFrame,
    top: pd.DataFrame,
    stability: pd.DataFrame,
    enrichment: pd.DataFrame,
    label: str,
) -> pd.DataFrame:
    """Return ``factor`` and ``sentence``, from tables as the stages write them.

    `top` is ``top_weights.tsv``, `enrichment` of
    :func:`trdomics.enrichment.factors.factor_enrichment`.
    """
    rows = []
    for factor in factors:
        own = associations[associations["factor"] == factor]
        parts = [
            f"{display_name(factor)} {follows(own)} and {carriers(factor, variance, top)}",
            enriched(factor, enrichment),
            label_words(own, label),
            stability_words(factor, stability),
        ]
        rows.append({"factor": factor, "sentence": "; ".join(p for p in parts if p) + "."})
    return pd.DataFrame(rows, columns=COLUMNS)
