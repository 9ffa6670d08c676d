"""Which gene sets a factor's weights are enriched for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trdomics.enrichment.correlated import correlated_test, residuals, set_correlation
from trdomics.inputs.gene_sets import members
from trdomics.integration.characterise import factors_of
from trdomics.pvalues import adjusted

COLUMNS = ["factor", "layer", "collection", "set", "listed", "size", "score", "pvalue", "padj"]
COLUMNS += ["correlation", "pvalue_correlated", "padj_correlated", "leading", "source", "reason"]
# A model contains only a layer's most variable features, and so few members of any set.
FEWEST = 5
LEADING = 8
# A p-value must survive adjustment for all factors, sets and layers.
MORE_PERMUTATIONS = 10
CHUNK = 1000
NO_WEIGHTS = "the factor has no weights in the layer"
TOO_FEW = f"fewer than {FEWEST} of its genes are in the model"


def random_sets(n: int, size: int, permutations: int, seed: int) -> np.ndarray:
    """Return random sets of `size` of `n` genes, shape (permutations, size).

    Deterministic in its arguments, so a set's p-value does not depend on the other sets.
    """
    rng = np.random.default_rng([seed, n, size])
    # in parts: ten thousand random orders of a thousand genes would take 100 MB
    parts = []
    for start in range(0, permutations, CHUNK):
        keys = rng.random((min(CHUNK, permutations - start), n), dtype=np.float32)
        parts.append(np.argpartition(keys, size - 1, axis=1)[:, :size].astype(np.int32))
    return np.concatenate(parts)


def weight_test(
    weights: np.ndarray, inside: np.ndarray, random: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Test whether the members' mean weight differs from that of random sets, per factor.

    The mean, not the mean rank, since the order of the many near-zero weights is uninformative.

    Parameters
    ----------
    weights : ndarray, shape (n_genes, K)
    inside : ndarray of bool, shape (n_genes,)
    random : ndarray of int, shape (permutations, n_members)

    Returns
    -------
    score, pvalue : ndarray, shape (K,)
        The members' mean weight minus the overall mean, in standard deviations of the weights; and
        the two-sided p-value. NaN for a factor without weights.
    """
    spread = weights.std(axis=0)
    scaled = (weights - weights.mean(axis=0)) / np.where(spread > 0, spread, np.nan)
    score = scaled[inside].mean(axis=0)
    pvalue = np.full(len(score), np.nan)
    for k in np.flatnonzero(np.isfinite(score)):
        means = scaled[:, k][random].mean(axis=1)
        beyond = (np.abs(means) >= abs(score[k]) - 1e-12).sum()
        pvalue[k] = (1 + beyond) / (1 + len(random))
    return score, pvalue


@dataclass(frozen=True)
class FactorModel:
    """Linear models of a view's features on all factors.

    Attributes
    ----------
    stat : DataFrame, shape (n_features, K)
        t statistics of the factors' coefficients; 0 for a feature fully explained by the factors.
    unit : DataFrame, shape (n_patients, n_features)
        Residuals of length 1, whose products are partial correlations.
    freedom : int
        Residual degrees of freedom.
    """

    stat: pd.DataFrame
    unit: pd.DataFrame
    freedom: int

    @classmethod
    def of(cls, values: pd.DataFrame, factors: pd.DataFrame) -> FactorModel:
        """Fit a view.

        Parameters
        ----------
        values : DataFrame, shape (n_patients, n_features)
            As passed to MOFA.
        factors : DataFrame, K columns
            Of all patients of the view.
        """
        known = factors.loc[values.index]
        design = np.column_stack([np.ones(len(known)), known])
        unit = residuals(values, pd.DataFrame(design, index=known.index))
        outcome = values.to_numpy(float)
        inverse = np.linalg.pinv(design.T @ design)
        coefficients = inverse @ design.T @ outcome
        freedom = len(design) - design.shape[1]
        spread = np.sqrt(((outcome - design @ coefficients) ** 2).sum(axis=0) / freedom)
        error = np.sqrt(np.diag(inverse))[1:, None] * np.where(unit.any(), spread, np.inf)
        stat = pd.DataFrame((coefficients[1:] / error).T, values.columns, factors.columns)
        return cls(stat, unit, freedom)


def factor_enrichment(
    weights: Mapping[str, pd.DataFrame],
    sets: pd.DataFrame,
    models: Mapping[str, FactorModel],
    *,
    max_size: int,
    permutations: int,
    seed: int,
) -> pd.DataFrame:
    """Test every set in every layer's weights of every factor.

    Whether the members' mean weight is higher or lower than that of random sets of the layer's
    genes in the model (:func:`weight_test`); and whether their t statistics on the factor are, by
    a test that allows for correlated genes
    (:func:`trdomics.enrichment.correlated.correlated_test`). Genes that share variation beyond the
    factors have correlated errors in their weights, so a set of them can seem enriched in unrelated
    factors.

    Parameters
    ----------
    weights : mapping of str to DataFrame
        Layer → feature, symbol, Factor1 ….
    sets : DataFrame
        With the columns of :data:`trdomics.inputs.gene_sets.COLUMNS`.
    models : mapping of str to FactorModel
        By layer.
    max_size : int
        Sets with more genes in the model are not tested.
    permutations, seed : int
        Ten times as many random sets are drawn, since there are as many tests as factors times
        sets.

    Returns
    -------
    DataFrame
        With the columns ``COLUMNS``: ``score`` is the members' mean weight in standard deviations
        of the layer's weights; ``correlation`` is the members' mean residual correlation;
        ``padj`` and ``padj_correlated`` are over all factors, layers and sets of a collection;
        ``leading`` the members with the strongest weights in the enriched direction. Sets without
        enough genes in any layer have one row per layer with the reason.
    """
    rows: list[dict[str, object]] = []
    by_collection = {
        str(name): (members(part), part.drop_duplicates("set").set_index("set")["source"])
        for name, part in sets.groupby("collection", sort=False)
    }
    for layer, table in weights.items():
        # of several features of a gene, the one with the largest weight in any factor
        strength = table[factors_of(table)].abs().max(axis=1)
        table = table.loc[strength.sort_values(ascending=False, kind="stable").index]
        table = table.drop_duplicates("symbol").reset_index(drop=True)
        names = factors_of(table)
        values = table[names].to_numpy(float)
        model = models[layer]
        left = model.unit[table["feature"]].to_numpy()
        stat = model.stat.loc[table["feature"], names].to_numpy()
        drawn: dict[int, np.ndarray] = {}
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
                n_random = permutations * MORE_PERMUTATIONS
                if size not in drawn:
                    drawn[size] = random_sets(len(inside), size, n_random, seed)
                scores, pvalues = weight_test(values, inside, drawn[size])
                correlation = set_correlation(left[:, inside])
                for k, factor in enumerate(names):
                    w = values[:, k]
                    sign = 1 if scores[k] >= 0 else -1
                    order = [j for j in np.argsort(-sign * w, kind="stable") if inside[j]]
                    leading = [table["symbol"][j] for j in order[:LEADING] if sign * w[j] > 0]
                    rows.append(
                        {
                            "factor": factor,
                            **row,
                            "score": scores[k],
                            "pvalue": pvalues[k],
                            "correlation": correlation,
                            "pvalue_correlated": correlated_test(
                                stat[:, k], inside, correlation, model.freedom
                            )
                            if np.isfinite(scores[k])
                            else np.nan,
                            "leading": ",".join(map(str, leading)) or None,
                            "reason": None if np.isfinite(scores[k]) else NO_WEIGHTS,
                        }
                    )
    result = pd.DataFrame(rows).reindex(columns=COLUMNS)
    for _, part in result.groupby("collection", sort=False):
        result.loc[part.index, "padj"] = adjusted(part["pvalue"])
        result.loc[part.index, "padj_correlated"] = adjusted(part["pvalue_correlated"])
    return result
