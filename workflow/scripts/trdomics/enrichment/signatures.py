"""In which direction does a signature go: one number per set, with an interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t

from trdomics.differential.continuous import differential_continuous
from trdomics.differential.design import Design
from trdomics.enrichment.ranked import NO_SYMBOLS
from trdomics.inputs.gene_sets import CURATED, IMMUNE

OVERALL = "immune response"
COLUMNS = [
    "set",
    "group",
    "genes",
    "difference",
    "lower",
    "upper",
    "pvalue",
    "padj",
    "n_patients",
    "reason",
]


def signature_scores(
    normalised: pd.DataFrame, symbols: Mapping[str, str], sets: pd.DataFrame, min_size: int
) -> tuple[pd.DataFrame, pd.Series]:
    """Score every patient on the curated sets.

    A score is the mean of the member genes' z values; that of the immune response is the mean
    over the immune sets' scores, so that none of them counts more for having more genes.

    Parameters
    ----------
    normalised : DataFrame, shape (n_patients, n_features)
        Variance-stabilised values.
    symbols : mapping
        Feature → symbol.
    sets : DataFrame
        With the columns of :data:`trdomics.inputs.gene_sets.COLUMNS`.
    min_size : int
        Sets with fewer measured genes have no score.

    Returns
    -------
    scores : DataFrame, shape (n_patients, n_scores)
        ``immune response`` first where there are immune sets, then the sets.
    genes : Series
        Measured genes of every curated set and of the immune response (of its sets together).
    """
    spread = normalised.std(ddof=0)
    varying = normalised.loc[:, spread > 1e-12]
    z = (varying - varying.mean()) / varying.std(ddof=0)
    names = pd.Series([symbols.get(str(f), str(f)) for f in z.columns], index=z.columns)
    curated = sets[sets["collection"] == CURATED]
    measured = {
        str(name): names.index[names.isin(part["gene"])]
        for name, part in curated.groupby("set", sort=False)
    }
    scores = pd.DataFrame(
        {
            name: z[features].mean(axis=1)
            for name, features in measured.items()
            if names[features].nunique() >= min_size
        },
        index=normalised.index,
    )
    genes = pd.Series({name: names[f].nunique() for name, f in measured.items()}, dtype=int)
    immune = list(dict.fromkeys(curated.loc[curated["group"] == IMMUNE, "set"]))
    pooled = {symbol for name in immune if name in scores for symbol in names[measured[name]]}
    genes = pd.concat([pd.Series({OVERALL: len(pooled)}), genes])
    scored = [name for name in immune if name in scores]
    if scored:
        scores.insert(0, OVERALL, scores[scored].mean(axis=1))
    return scores, genes


def signature_effects(
    scores: pd.DataFrame, genes: pd.Series, sets: pd.DataFrame, design: Design, min_size: int
) -> pd.DataFrame:
    """Return the adjusted difference of every score between the groups.

    Ordinary least squares on the design of the differential test.

    Parameters
    ----------
    scores, genes
        From :func:`signature_scores`.
    sets : DataFrame
    design : Design
        Its patients must have scores.
    min_size : int

    Returns
    -------
    DataFrame
        With the columns ``COLUMNS``: ``difference`` (tested − reference group), its 95 %
        interval, in standard deviations of the score among the patients compared. ``padj`` is
        over the sets, the overall score not among them. Where numbers are missing, ``reason``
        says why.
    """
    groups = sets.drop_duplicates("set").set_index("set")["group"].to_dict()
    table = pd.DataFrame({"set": list(genes.index), "genes": genes.to_numpy()})
    table["group"] = [IMMUNE if name == OVERALL else groups[name] for name in table["set"]]
    compared = scores.loc[design.matrix.index]
    spread = compared.std(ddof=1)
    scaled = compared / spread.where(spread > 0)
    tests = differential_continuous(scaled, design, log2=False, max_missing=0.5)
    tests = tests.set_index("feature")
    freedom = len(design.matrix) - design.matrix.shape[1]
    half = t.ppf(0.975, freedom) * tests["lfc_se"]
    tests["difference"] = tests["log2_fold_change"]
    tests["lower"], tests["upper"] = tests["difference"] - half, tests["difference"] + half
    kept = ["difference", "lower", "upper", "pvalue", "n_patients", "reason"]
    table = table.join(tests[kept], on="set")
    unscored = ~table["set"].isin(scores.columns)
    few = f"fewer than {min_size} of its genes are measured"
    table.loc[unscored, "reason"] = few if genes.any() else NO_SYMBOLS
    table["padj"] = _adjusted(table["pvalue"].where(table["set"] != OVERALL))
    return table[COLUMNS]


def _adjusted(pvalues: pd.Series) -> pd.Series:
    from scipy.stats import false_discovery_control

    adjusted = pd.Series(np.nan, index=pvalues.index)
    known = pvalues.notna()
    if known.any():
        adjusted[known] = false_discovery_control(pvalues[known])
    return adjusted


def immune_sentence(row: Mapping[str, Any], groups: tuple[str, str]) -> str:
    """Say in which direction the immune response goes.

    Parameters
    ----------
    row : mapping
        The row ``immune response`` of :func:`signature_effects`.
    groups : (tested, reference)
    """
    if not np.isfinite(row["difference"]):
        return f"The direction of the immune response is not known: {row['reason']}."
    interval = (
        f"{row['difference']:+.2f} SD (95 % interval {row['lower']:+.2f} to {row['upper']:+.2f})"
    ).replace("-", "−")
    if row["lower"] > 0:
        words = f"is higher in {groups[0]} than in {groups[1]}"
    elif row["upper"] < 0:
        words = f"is lower in {groups[0]} than in {groups[1]}"
    else:
        words = f"does not differ measurably between {groups[0]} and {groups[1]}"
    return f"The immune response {words}: {interval}, adjusted for the design."
