"""Direction of signatures: one number per set, with an interval."""

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
from trdomics.pvalues import adjusted

OVERALL = "immune response"
# The two arms, by curated sets. In depression the innate one was higher and the adaptive one lower
# (Leday et al. 2018, doi 10.1016/j.biopsych.2017.01.021), which a mean of both would hide. Antigen
# presentation links the arms and is in neither.
INNATE, ADAPTIVE = "innate immune response", "adaptive immune response"
ARMS = {
    INNATE: ("interferon response", "NF-κB signalling", "monocytes", "neutrophils"),
    ADAPTIVE: ("T cells", "B cells", "cytotoxic cells"),
}
COMPOSITES = (OVERALL, *ARMS)
COLUMNS = ["set", "group", "genes", "difference", "lower", "upper", "pvalue", "padj", "n_patients"]
COLUMNS += ["reason"]


def signature_scores(
    normalised: pd.DataFrame, symbols: Mapping[str, str], sets: pd.DataFrame, min_size: int
) -> tuple[pd.DataFrame, pd.Series]:
    """Score every patient on the curated sets.

    A score is the mean of the member genes' z values; that of the immune response is the mean
    over the immune sets' scores, so that larger sets do not dominate; those of its innate and
    adaptive arms are means over the sets of :data:`ARMS`.

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
        ``immune response`` and its arms first, if there are such sets, then the sets.
    genes : Series
        Measured genes of the immune response and its arms (of their sets together) and of every
        curated set.
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
    parts = {OVERALL: immune} | {
        arm: [name for name in members if name in measured] for arm, members in ARMS.items()
    }
    pooled, means = {}, {}
    for composite, members in parts.items():
        scored = [name for name in members if name in scores]
        if members or composite == OVERALL:
            pooled[composite] = len({gene for name in scored for gene in names[measured[name]]})
        if scored:
            means[composite] = scores[scored].mean(axis=1)
    scores = pd.concat([pd.DataFrame(means, index=scores.index), scores], axis=1)
    return scores, pd.concat([pd.Series(pooled), genes])


def signature_effects(
    scores: pd.DataFrame, genes: pd.Series, sets: pd.DataFrame, design: Design, min_size: int
) -> pd.DataFrame:
    """Return the adjusted difference of every score between the groups.

    Ordinary least squares on the design of the differential test.

    Parameters
    ----------
    scores, genes
        From :func:`signature_scores`.
    design : Design
        Its patients must have scores.

    Returns
    -------
    DataFrame
        With the columns ``COLUMNS``: ``difference`` (tested − reference group), its 95 %
        interval, in standard deviations of the score among the patients compared. ``padj`` is over
        the sets, excluding the composite scores. ``reason`` explains missing numbers.
    """
    groups = sets.drop_duplicates("set").set_index("set")["group"].to_dict()
    table = pd.DataFrame({"set": list(genes.index), "genes": genes.to_numpy()})
    table["group"] = [IMMUNE if name in COMPOSITES else groups[name] for name in table["set"]]
    compared = scores.loc[design.matrix.index]
    spread = compared.std(ddof=1)
    scaled = compared / spread.where(spread > 0)
    tests = differential_continuous(scaled, design, log2=False, max_missing=0.5, moderated=False)
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
    table["padj"] = adjusted(table["pvalue"].where(~table["set"].isin(COMPOSITES)))
    return table[COLUMNS]


def immune_sentences(effects: pd.DataFrame, groups: tuple[str, str]) -> str:
    """Describe the direction of the immune response and its arms, and whether the arms differ.

    `effects` is of :func:`signature_effects`.
    """
    records = [{str(k): v for k, v in row.items()} for row in effects.to_dict("records")]
    rows = {row["set"]: row for row in records}
    said = [immune_sentence(rows[OVERALL], groups)]
    arms = [rows[arm] for arm in ARMS if arm in rows and np.isfinite(rows[arm]["difference"])]
    said += [immune_sentence(arm, groups) for arm in arms]
    if len(arms) == 2 and any(a["lower"] > 0 and b["upper"] < 0 for a, b in (arms, reversed(arms))):
        said.append(
            "The two arms have opposite directions, so the immune response as a whole is hardly "
            "informative."
        )
    return " ".join(said)


def immune_sentence(row: Mapping[str, Any], groups: tuple[str, str]) -> str:
    """Say in which direction one of :data:`COMPOSITES` goes, from its row of the effects."""
    if not np.isfinite(row["difference"]):
        return f"The direction of the {row['set']} is not known: {row['reason']}."
    interval = (
        f"{row['difference']:+.2f} SD (95 % interval {row['lower']:+.2f} to {row['upper']:+.2f})"
    ).replace("-", "−")
    if row["lower"] > 0:
        words = f"is higher in {groups[0]} than in {groups[1]}"
    elif row["upper"] < 0:
        words = f"is lower in {groups[0]} than in {groups[1]}"
    else:
        words = f"does not differ measurably between {groups[0]} and {groups[1]}"
    return f"The {row['set']} {words}: {interval}, adjusted for the covariates."
