"""What the figures of the summary page draw that a reader can ask: compact, and of no patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from trdomics.classification.feature_sets import SELECTED
from trdomics.names import EFFECT_SIGNS, display_name
from trdomics.report.render import short

# In the order of preference: where estimates were shrunken, the static figure shows those.
EFFECTS = {
    "log2_fold_change_shrunken": "log2 fold change, {0} / {1}, shrunken",
    "log2_fold_change": "log2 fold change, {0} / {1}",
    "log_odds_ratio": "log odds ratio of {0} for carriers",
}
SMALLEST_P = 1e-300
WEIGHTS_SHOWN, ASSOCIATIONS_SHOWN, SETS_SHOWN = 6, 8, 6
# Strategies whose decision curves are drawn.
CURVES = (SELECTED, "clinical", "confounders", "treat all", "treat none")
PRINTED_THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5)


def volcano(results: pd.DataFrame, groups: Sequence[str], fdr: float) -> dict[str, Any]:
    """Return the points of a layer's volcano.

    Parameters
    ----------
    results : DataFrame
        ``differential/<layer>/results.tsv``.
    groups : (tested, reference)
    fdr : float
        Features with an adjusted p-value below it are called.

    Returns
    -------
    dict
        ``label`` of the horizontal axis; ``feature``, ``symbol`` (None where it is the feature),
        ``x`` (effect), ``y`` (−log10 p) and ``called`` (0 or 1) of every tested feature.
    """
    column = next(name for name in EFFECTS if name in results)
    tested = results[results[column].notna() & results["pvalue"].notna()]
    features = tested["feature"].astype(str)
    symbols = tested.get("symbol", features).astype(str)
    return {
        "label": EFFECTS[column].format(*groups),
        "feature": features.tolist(),
        "symbol": [s if s != f else None for s, f in zip(symbols, features, strict=True)],
        "x": short(tested[column]),
        "y": short(-np.log10(tested["pvalue"].clip(lower=SMALLEST_P))),
        "called": (tested["padj"] < fdr).astype(int).tolist(),
    }


def factors(
    variance: pd.DataFrame,
    top: pd.DataFrame,
    associations: pd.DataFrame,
    sets: pd.DataFrame,
    words: pd.DataFrame,
) -> list[dict[str, Any]]:
    """Return what is known of each factor.

    Parameters
    ----------
    variance, top, associations, words : DataFrame
        ``variance_explained.tsv``, ``top_weights.tsv``, ``associations.tsv`` and
        ``factor_words.tsv`` of the integration.
    sets : DataFrame
        ``enrichment/factors.tsv``.

    Returns
    -------
    list of dict
        ``name``, ``sentence``, ``variance`` (layer → share), ``weights`` (layer → rows of feature,
        symbol and weight), ``associations`` (rows of column, measure, value and adjusted p) and
        ``sets`` (rows of set, layer, score and adjusted p), the strongest first.
    """
    sentences = dict(zip(words["factor"], words["sentence"], strict=True))
    found = []
    for name in (factor for factor in variance["factor"].unique() if factor != "total"):
        own = {
            key: table[table["factor"] == name]
            for key, table in {"r2": variance, "w": top, "a": associations, "s": sets}.items()
        }
        weights = own["w"][own["w"]["rank"] <= WEIGHTS_SHOWN]
        linked = own["a"].dropna(subset="pvalue").sort_values("pvalue", kind="stable")
        enriched = own["s"].dropna(subset="padj").sort_values("padj", kind="stable")
        found.append(
            {
                "name": str(name),
                "sentence": str(sentences.get(name, "")),
                "variance": dict(
                    zip(own["r2"]["view"], short(own["r2"]["r2"].clip(lower=0)), strict=True)
                ),
                "weights": {
                    str(view): [
                        [str(row["feature"]), str(row["symbol"]), float(f"{row['scaled']:.3g}")]
                        for row in rows.sort_values("rank").to_dict("records")
                    ]
                    for view, rows in weights.groupby("view", sort=False)
                },
                "associations": [
                    [
                        display_name(str(row["variable"])),
                        EFFECT_SIGNS[row["effect_name"]],
                        *short([row["effect"], row["padj"]]),
                    ]
                    for row in linked.head(ASSOCIATIONS_SHOWN).to_dict("records")
                ],
                "sets": [
                    [
                        str(row["set"]),
                        display_name(str(row["layer"])),
                        *short([row["score"], row["padj"]]),
                    ]
                    for row in enriched.head(SETS_SHOWN).to_dict("records")
                ],
            }
        )
    return found


def thresholds(decision: pd.DataFrame) -> list[dict[str, Any]]:
    """Return what acting on the model does at each threshold, in the cohort and where it is used.

    Parameters
    ----------
    decision : DataFrame
        ``classification/decision.tsv``.

    Returns
    -------
    list of dict
        Per population: ``prevalence``; ``threshold``, ``true`` and ``false`` (positives per
        patient) of the selected model; ``curves`` (strategy → net benefits), of few strategies
        so that they can be told apart.
    """
    populations: list[dict[str, Any]] = []
    for _, rows in decision.groupby("population", sort=False):
        model = rows[rows["strategy"] == SELECTED]
        prevalence = float(rows["prevalence"].iloc[0])
        if any(abs(known["prevalence"] - prevalence) < 1e-9 for known in populations):
            continue
        populations.append(
            {
                "prevalence": prevalence,
                "threshold": model["threshold"].tolist(),
                "true": short(model["true_positives"]),
                "false": short(model["false_positives"]),
                "curves": {
                    str(name): short(curve["net_benefit"])
                    for name, curve in rows.groupby("strategy", sort=False)
                    if name in CURVES
                },
            }
        )
    return populations


def consequences(population: Mapping[str, Any], at: int) -> dict[str, int]:
    """Return what a threshold does to 100 patients, in whole patients that add up."""
    ill = round(100 * population["prevalence"])
    true = min(ill, round(100 * population["true"][at]))
    false = min(100 - ill, round(100 * population["false"][at]))
    return {
        "threshold": round(100 * population["threshold"][at]),
        "treated": true + false,
        "true": true,
        "false": false,
        "missed": ill - true,
        "spared": 100 - ill - false,
    }


def printed(populations: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a few thresholds per population, for paper and for browsers without scripts."""
    return [
        {
            "percent": round(100 * population["prevalence"]),
            "rows": [
                consequences(population, place)
                for place, value in enumerate(population["threshold"])
                if round(value, 4) in PRINTED_THRESHOLDS
            ],
        }
        for population in populations
    ]
