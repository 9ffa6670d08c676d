"""Agreement of factors between cohorts: correlations of weights over shared features."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trdomics.consortium.bundle import Bundle
from trdomics.integration.projection import correlations
from trdomics.pvalues import adjusted

Floats = NDArray[np.float64]
MIN_SHARED = 20
COLUMNS = ["cohort", "factor", "other_cohort", "other_factor", "r", "null_upper", "pvalue", "padj"]
COLUMNS += ["mutual", "n_features", "reason"]


def shared_weights(
    first: Mapping[str, pd.DataFrame], second: Mapping[str, pd.DataFrame]
) -> tuple[pd.DataFrame, pd.DataFrame, NDArray[np.int_]]:
    """Return two cohorts' weights over the features of both, and the layer of each feature.

    Every layer is scaled to a mean square of 1 over its shared features and factors, so that no
    layer dominates by its scale.
    """
    parts: list[list[pd.DataFrame]] = [[], []]
    membership: list[int] = []
    for number, layer in enumerate(sorted(set(first) & set(second))):
        tables = [each[layer].set_index("feature") for each in (first, second)]
        shared = tables[0].index.intersection(tables[1].index).sort_values()
        if not len(shared):
            continue
        membership += [number] * len(shared)
        for side, table in zip(parts, tables, strict=True):
            kept = table.loc[shared]
            scale = float(np.sqrt((kept.to_numpy() ** 2).mean()))
            side.append((kept / (scale or 1.0)).set_axis([f"{layer}:{n}" for n in shared]))
    if not membership:
        return pd.DataFrame(), pd.DataFrame(), np.zeros(0, dtype=int)
    return pd.concat(parts[0]), pd.concat(parts[1]), np.asarray(membership)


def best_matches(
    first: Floats, second: Floats, layer: NDArray[np.int_], permutations: int, seed: int
) -> pd.DataFrame:
    """Match every factor of one cohort with the most similar one of another.

    The null permutes the second cohort's features within their layers, for all factors alike,
    and takes the best match there as well: the highest correlation expected by chance among all
    factors. Correlated features make this null too narrow.

    Parameters
    ----------
    first, second : ndarray, shape (n_features, K) and (n_features, L)
    layer : ndarray of int, shape (n_features,)

    Returns
    -------
    DataFrame
        A row per factor of `first`: ``match`` (position), ``r``, ``null_upper`` (95 % point),
        ``pvalue`` and ``mutual`` (each is the other's best).
    """
    found = correlations(first, second)
    best = np.abs(found).argmax(axis=1)
    reached = np.abs(found).max(axis=1)
    back = np.abs(found).argmax(axis=0)
    rng = np.random.default_rng(seed)
    null = np.empty((permutations, len(best)))
    rows = np.arange(len(layer))
    for draw in range(permutations):
        # sorting by layer, then by chance, shuffles within layers
        order = np.lexsort((rng.random(len(layer)), layer))
        shuffled = np.empty_like(rows)
        shuffled[np.argsort(layer, kind="stable")] = order
        null[draw] = np.abs(correlations(first, second[shuffled])).max(axis=1)
    return pd.DataFrame(
        {
            "match": best,
            "r": found[np.arange(len(best)), best],
            "null_upper": np.quantile(null, 0.95, axis=0),
            "pvalue": (1 + (null >= reached - 1e-12).sum(axis=0)) / (1 + permutations),
            "mutual": (back[best] == np.arange(len(best))).astype(int),
        }
    )


def factor_agreement(bundles: Sequence[Bundle], permutations: int, seed: int) -> pd.DataFrame:
    """Match the factors of every cohort with those of every other.

    Returns
    -------
    DataFrame
        ``COLUMNS``, two-way: every factor of a cohort in every other one. P-values are adjusted
        over all rows. Cohorts that share too few features have one row with a ``reason``.
    """
    tables: list[pd.DataFrame] = []
    for first, second in itertools.permutations(bundles, 2):
        one, other, layer = shared_weights(first.of("factors"), second.of("factors"))
        named: dict[str, Any] = {"cohort": first.cohort, "other_cohort": second.cohort}
        named["n_features"] = len(layer)
        if len(layer) < MIN_SHARED:
            reason = f"fewer than {MIN_SHARED} features have weights in both"
            tables.append(pd.DataFrame([{**named, "reason": reason}]))
            continue
        matches = best_matches(one.to_numpy(), other.to_numpy(), layer, permutations, seed)
        matches["factor"] = one.columns
        matches["other_factor"] = other.columns.to_numpy()[matches.pop("match")]
        tables.append(matches.assign(**named))
    result = pd.concat(tables, ignore_index=True).reindex(columns=COLUMNS)
    return result.assign(padj=adjusted(result["pvalue"]))
