"""Which gene sets a factor's weights are enriched for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, norm, rankdata

from trdomics.enrichment.gene_sets import members
from trdomics.integration.characterise import factors_of

COLUMNS = [
    "factor",
    "layer",
    "collection",
    "set",
    "listed",
    "size",
    "auc",
    "pvalue",
    "padj",
    "leading",
    "source",
    "reason",
]
# A model holds a layer's most variable features only, and so few members of any set.
FEWEST = 5
LEADING = 8
TOO_FEW = f"fewer than {FEWEST} of its genes are in the model"


def rank_test(ranks: np.ndarray, inside: np.ndarray) -> tuple[float, float]:
    """Return the AUC of members against others, and Mann–Whitney's two-sided p-value.

    Normal approximation with ties; exact tables need none of a thousand weights.

    Parameters
    ----------
    ranks : ndarray, shape (n,)
        Ranks, ties averaged.
    inside : ndarray of bool, shape (n,)
    """
    n, m = len(ranks), int(inside.sum())
    u = ranks[inside].sum() - m * (m + 1) / 2
    variance = ranks.var(ddof=1) * m * (n - m) / n
    score = (u - m * (n - m) / 2) / np.sqrt(variance) if variance > 0 else 0.0
    return float(u / (m * (n - m))), float(2 * norm.sf(abs(score)))


def factor_enrichment(
    weights: Mapping[str, pd.DataFrame], sets: pd.DataFrame, max_size: int
) -> pd.DataFrame:
    """Test every set in every layer's weights of every factor.

    Whether the members' weights are higher or lower than those of the layer's other features in
    the model, by their mean rank. Genes are what is drawn: the question is about the factor as
    fitted.

    Parameters
    ----------
    weights : mapping of str to DataFrame
        Layer → feature, symbol, Factor1 ….
    sets : DataFrame
        With the columns of :data:`trdomics.enrichment.gene_sets.COLUMNS`.
    max_size : int
        Sets with more genes in the model are not tested.

    Returns
    -------
    DataFrame
        With the columns ``COLUMNS``: ``auc`` is the chance that a member has a higher weight
        than another gene; ``padj`` is over all factors, layers and sets of a collection;
        ``leading`` the members with the strongest weights in the enriched direction. Sets that
        no layer has enough genes of have one row per layer, with the reason.
    """
    rows: list[dict[str, object]] = []
    by_collection = {
        str(name): (members(part), part.drop_duplicates("set").set_index("set")["source"])
        for name, part in sets.groupby("collection", sort=False)
    }
    for layer, table in weights.items():
        # of several features of a gene the one that carries most in any factor
        strength = table[factors_of(table)].abs().max(axis=1)
        table = table.loc[strength.sort_values(ascending=False, kind="stable").index]
        table = table.drop_duplicates("symbol").reset_index(drop=True)
        for collection, (listed, source) in by_collection.items():
            for name, genes in listed.items():
                inside = table["symbol"].isin(genes).to_numpy()
                size = int(inside.sum())
                row = {
                    "layer": layer,
                    "collection": collection,
                    "set": name,
                    "listed": len(genes),
                    "size": size,
                    "source": source[name],
                }
                if size < FEWEST or size > max_size or size == len(inside):
                    many = f"more than {max_size} of its genes are in the model"
                    rows.append({**row, "reason": TOO_FEW if size < FEWEST else many})
                    continue
                for factor in factors_of(table):
                    w = table[factor].to_numpy(float)
                    auc, pvalue = rank_test(rankdata(w), inside)
                    sign = 1 if auc >= 0.5 else -1
                    order = [j for j in np.argsort(-sign * w, kind="stable") if inside[j]]
                    leading = [table["symbol"][j] for j in order[:LEADING] if sign * w[j] > 0]
                    rows.append(
                        {
                            "factor": factor,
                            **row,
                            "auc": auc,
                            "pvalue": pvalue,
                            "leading": ",".join(map(str, leading)) or None,
                        }
                    )
    result = pd.DataFrame(rows).reindex(columns=COLUMNS)
    for _, part in result[result["pvalue"].notna()].groupby("collection", sort=False):
        result.loc[part.index, "padj"] = false_discovery_control(part["pvalue"])
    return result
