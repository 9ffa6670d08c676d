"""All results for each feature, in one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from trdomics.intervals import Z95
from trdomics.report.render import packed, short

MAIN = "main"
PARTS = ("effect", "lower", "upper", "padj")
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
# Quantiles of fewer patients than this would be single patients' values.
FEWEST = 10
# Text columns of the table; all others are numeric.
TEXTS = ("layer", "feature", "symbol", "chromosome", "reason", "sets", "partners")
# As the columns of estimated cell fractions begin.
ESTIMATED = "estimated_"


@dataclass(frozen=True)
class LayerResults:
    """The stages' results for one layer; absent tables are empty.

    Attributes
    ----------
    results : DataFrame
        ``differential/<layer>/results.tsv``.
    adjustment, variance : DataFrame
        ``adjustment.tsv`` and ``variance_partition.tsv`` of the same folder.
    values : DataFrame, shape (n_patients, n_features)
        ``layers/<layer>/normalised.parquet``.
    annotation : DataFrame
        ``layers/<layer>/annotation.tsv``.
    weights : DataFrame
        ``integration/weights/<layer>.tsv``.
    carriers : bool
        Whether the values are carriers, as for mutations.
    """

    results: pd.DataFrame
    values: pd.DataFrame
    annotation: pd.DataFrame
    weights: pd.DataFrame
    carriers: bool = False
    adjustment: pd.DataFrame = field(default_factory=pd.DataFrame)
    variance: pd.DataFrame = field(default_factory=pd.DataFrame)


def feature_table(
    name: str,
    layer: LayerResults,
    labels: pd.Series,
    importance: pd.DataFrame,
    sets: pd.DataFrame,
    partners: Mapping[str, Sequence[str]],
) -> pd.DataFrame:
    """Collect the results for each feature of a layer.

    Parameters
    ----------
    importance : DataFrame
        ``classification/importance.tsv``.
    sets : DataFrame
        ``enrichment/gene_sets.tsv``: columns set and gene (symbols).
    partners : mapping of str to sequence of str
        Feature → the miRNAs that target it, or the genes that it targets.

    Returns
    -------
    DataFrame
        A row per feature that was tested or described. Columns: layer, feature, symbol, chromosome,
        reason (why it was not tested), base_mean; ``effect:<set>``, ``lower:<set>``,
        ``upper:<set>`` and ``padj:<set>`` per adjustment set (`main`: the test of the config's
        design); ``positive:<q>`` and ``negative:<q>``, quantiles of the normalised values by group,
        or ``positive:share`` and ``negative:share`` of carriers; ``variance:<part>``;
        ``weight:<factor>``; ``importance:<feature set>`` and ``used:<feature set>`` (share of the
        splits whose model used it); sets and partners, joined by ``; ``.
    """
    results = layer.results.astype({"feature": str}).set_index("feature")
    table = pd.DataFrame(index=results.index)
    table.insert(0, "layer", name)
    known = layer.annotation
    if "feature" in known:
        known = known.astype({"feature": str}).drop_duplicates("feature").set_index("feature")
        for column in ("symbol", "chromosome"):
            table[column] = known[column].reindex(table.index) if column in known else None
    symbols = results["symbol"] if "symbol" in results else pd.Series(table.index, table.index)
    table["symbol"] = symbols.fillna(pd.Series(table.index, table.index))
    table["reason"] = results.get("reason")
    table["base_mean"] = results.get("base_mean")
    parts = [
        table,
        _main_effects(results),
        _adjusted_effects(layer.adjustment, results),
        _by_group(layer.values, labels, layer.carriers),
        _renamed(layer.variance, "variance"),
        _renamed(layer.weights, "weight"),
        _importance(importance, name),
    ]
    table = pd.concat([part.reindex(results.index) for part in parts], axis=1)
    members = sets.drop_duplicates(["set", "gene"]).groupby("gene")["set"].agg("; ".join)
    table["sets"] = table["symbol"].map(members)
    table["partners"] = ["; ".join(partners.get(feature, ())) or None for feature in results.index]
    return table.reset_index().rename(columns={"index": "feature"})


def covariates_added(sets: pd.DataFrame, cells: Sequence[str]) -> list[dict[str, Any]]:
    """Return what each adjustment set adds to the ones before it.

    Parameters
    ----------
    sets : DataFrame
        ``differential/<layer>/adjustment_summary.tsv``.
    cells : sequence of str
        Columns of measured cell fractions; those that are estimated begin with ``estimated_``.

    Returns
    -------
    list of dict
        ``set``, ``adds`` (columns, separated by commas), ``cells`` (whether cell types are among
        them), in the order of the table.
    """
    added = sets["adds"].fillna("").astype(str)
    return [
        {
            "set": str(name),
            "adds": adds,
            "cells": any(c in cells or c.startswith(ESTIMATED) for c in adds.split(", ")),
        }
        for name, adds in zip(sets["set"], added, strict=True)
    ]


def _main_effects(results: pd.DataFrame) -> pd.DataFrame:
    if "log_odds_ratio" in results:
        found = results[["log_odds_ratio", "lower", "upper", "padj"]]
        return found.set_axis([f"{part}:{MAIN}" for part in PARTS], axis=1)
    effect, error = results["log2_fold_change"], results["lfc_se"]
    columns = (effect, effect - Z95 * error, effect + Z95 * error, results["padj"])
    return pd.DataFrame(dict(zip((f"{part}:{MAIN}" for part in PARTS), columns, strict=True)))


def _adjusted_effects(adjustment: pd.DataFrame, results: pd.DataFrame) -> pd.DataFrame:
    if adjustment.empty:
        return pd.DataFrame(index=results.index)
    found = adjustment.astype({"feature": str}).set_index("feature")
    columns = {}
    for name in (c.removeprefix("effect_") for c in map(str, found) if c.startswith("effect_")):
        effect, error = found[f"effect_{name}"], found[f"se_{name}"]
        columns[f"effect:{name}"] = effect
        columns[f"lower:{name}"] = effect - Z95 * error
        columns[f"upper:{name}"] = effect + Z95 * error
        columns[f"padj:{name}"] = found[f"padj_{name}"]
    return pd.DataFrame(columns)


def _by_group(values: pd.DataFrame, labels: pd.Series, carriers: bool) -> pd.DataFrame:
    """Return quantiles, or the share of carriers, of groups of ten patients or more."""
    values = values.set_axis(values.columns.astype(str), axis=1)
    found = {}
    for group, label in (("positive", 1), ("negative", 0)):
        own = values[labels.reindex(values.index) == label]
        enough = own.notna().sum() >= FEWEST
        if carriers:
            share = (own > 0).sum() / own.notna().sum().where(enough)
            found[f"{group}:share"] = share
            continue
        for quantile in QUANTILES:
            found[f"{group}:{quantile:g}"] = own.quantile(quantile).where(enough)
    return pd.DataFrame(found)


def _renamed(table: pd.DataFrame, prefix: str) -> pd.DataFrame:
    if table.empty:
        return pd.DataFrame()
    numbers = table.astype({"feature": str}).set_index("feature").drop(columns="symbol")
    return numbers.add_prefix(f"{prefix}:")


def _importance(importance: pd.DataFrame, layer: str) -> pd.DataFrame:
    own = importance[importance["block"] == layer].astype({"feature": str})
    if own.empty:
        return pd.DataFrame()
    wide = own.pivot_table(
        index="feature", columns="feature_set", values=["share", "used"], aggfunc="first"
    )
    names = {"share": "importance", "used": "used"}
    measures, owners = (wide.columns.get_level_values(level) for level in (0, 1))
    columns = [f"{names[str(m)]}:{of}" for m, of in zip(measures, owners, strict=True)]
    return wide.set_axis(columns, axis=1)


def compact(table: pd.DataFrame) -> str:
    """Return a table as embedded in the page: gzipped JSON of its columns, in base64.

    Numbers have three significant digits; columns without a value are left out.
    """
    columns: dict[str, list[Any]] = {}
    for name in table.columns[table.notna().any()]:
        values = table[name]
        if name in TEXTS:
            columns[name] = [None if pd.isna(v) else str(v) for v in values]
        else:
            columns[name] = short(values.to_numpy(dtype=float))
    return packed(columns)
