"""The layer of miRNAs, the layer of their targets, and the test across both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trdomics.differential.design import build_design
from trdomics.enrichment.anticorrelation import PAIR_COLUMNS, SUMMARY_COLUMNS, anticorrelation
from trdomics.enrichment.correlated import residuals
from trdomics.enrichment.targets import looks_like_mirnas, mirna_key, targets_of
from trdomics.errors import InputError

KEY = "config enrichment.mirna"


@dataclass(frozen=True)
class ExpressionLayer:
    """Data of a layer for the test.

    Attributes
    ----------
    results : DataFrame
        Its ``differential/{layer}/results.tsv``.
    normalised : DataFrame, shape (n_patients, n_features)
    """

    results: pd.DataFrame
    normalised: pd.DataFrame
    counts: bool


def mirna_layer(layers: Mapping[str, ExpressionLayer], chosen: str | None) -> str | None:
    """Return the layer of miRNAs: the chosen one, or the first count layer with miRNA names."""
    if chosen is not None:
        return _known(layers, chosen, "layer")
    for name, layer in layers.items():
        if layer.counts and looks_like_mirnas(layer.results["feature"].astype(str)):
            return name
    return None


def target_layer(
    layers: Mapping[str, ExpressionLayer], mirnas: str, chosen: str | None, targets: pd.DataFrame
) -> str | None:
    """Return the layer of targets: the chosen one, or the one that measures most of them."""
    if chosen is not None:
        return _known(layers, chosen, "target_layer")
    listed = set(targets["gene"])
    counted = {
        name: len(listed & (set(layer.results["symbol"]) | set(layer.results["feature"])))
        for name, layer in layers.items()
        if name != mirnas
    }
    best = max(counted, key=lambda name: counted[name], default=None)
    return best if best is not None and counted[best] else None


def _known(layers: Mapping[str, ExpressionLayer], name: str, key: str) -> str:
    if name not in layers:
        raise InputError(
            f"{KEY}.{key}",
            f"{name!r} is not a layer of counts or continuous values",
            f"choose one of {', '.join(layers) or 'there are none'}, or null",
        )
    return name


def cross_layers(
    layers: Mapping[str, ExpressionLayer],
    patients: pd.DataFrame,
    targets: pd.DataFrame,
    *,
    design: str,
    contrast: Sequence[str],
    fdr: float,
    chosen: Mapping[str, str | None],
    permutations: int,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Test the targets of the miRNAs that differ between the groups.

    The whole design, including the contrast, is first regressed out of both layers, so residual
    correlations are not due to the label, the site or the cells in the design.

    Parameters
    ----------
    targets : DataFrame
        mirna, gene, source.
    contrast : (column, tested level, reference level)
    chosen : mapping
        ``layer`` and ``target_layer`` of the config; None to infer them.

    Returns
    -------
    summary, pairs : DataFrame
        From :func:`trdomics.enrichment.anticorrelation.anticorrelation`, with the miRNAs' own
        difference and the pairs' source; empty if nothing could be tested.
    about : dict
        layer, target_layer, n_patients, n_differing and, then, reason.
    """
    about: dict[str, Any] = dict.fromkeys(("layer", "target_layer", "n_patients", "n_differing"))

    def nothing(reason: str) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
        empty = pd.DataFrame(columns=SUMMARY_COLUMNS), pd.DataFrame(columns=PAIR_COLUMNS)
        return *empty, {**about, "reason": reason}

    mirnas = about["layer"] = mirna_layer(layers, chosen["layer"])
    if mirnas is None:
        return nothing("no layer of counts has features named like miRNAs")
    genes = about["target_layer"] = target_layer(layers, mirnas, chosen["target_layer"], targets)
    if genes is None:
        return nothing("no other expression layer has genes that the table of targets lists")
    small, large = layers[mirnas], layers[genes]
    differing = small.results[small.results["padj"] < fdr]
    # features dropped by the normalisation vary too rarely to be tested
    differing = differing[differing["feature"].isin(small.normalised.columns)]
    about["n_differing"] = len(differing)
    if differing.empty:
        return nothing(f"no miRNA differs at an adjusted p-value below {fdr:g}")
    both = small.normalised.index.intersection(large.normalised.index)
    try:
        built = build_design(patients.loc[patients.index.isin(both)], design, contrast)
    except InputError as error:
        return nothing(f"the patients with both layers do not allow the design: {error.problem}")
    matrix = built.matrix
    about["n_patients"] = len(matrix)
    complete = large.normalised.loc[:, large.normalised.loc[matrix.index].notna().all()]
    info = large.results.drop_duplicates("feature").set_index("feature")
    complete = complete.loc[:, complete.columns.isin(info.index)]
    summary, pairs = anticorrelation(
        residuals(small.normalised[list(differing["feature"])], matrix),
        residuals(complete, matrix),
        info["symbol"],
        info["base_mean"],
        targets_of(differing["feature"], targets),
        freedom=len(matrix) - matrix.shape[1],
        permutations=permutations,
        seed=seed,
    )
    own = differing.set_index("feature")
    summary["log2_fold_change"] = summary["mirna"].map(own["log2_fold_change"])
    summary["padj_differential"] = summary["mirna"].map(own["padj"])
    order = summary["pvalue"].fillna(2.0).to_numpy(), summary["padj_differential"].to_numpy()
    summary = summary.iloc[np.lexsort((order[1], order[0]))].reset_index(drop=True)
    return summary, _with_source(pairs, targets), about


def _with_source(pairs: pd.DataFrame, targets: pd.DataFrame) -> pd.DataFrame:
    """Add the source of each pair: that of any row with this gene and stem."""
    listed = targets.assign(stem=[(mirna_key(name) or ("",))[0] for name in targets["mirna"]])
    by_pair = listed.drop_duplicates(["stem", "gene"]).set_index(["stem", "gene"])["source"]
    stems = [(mirna_key(name) or ("",))[0] for name in pairs["mirna"]]
    source = []
    for stem, gene, feature in zip(stems, pairs["gene"], pairs["feature"], strict=True):
        pair = (stem, gene) if (stem, gene) in by_pair.index else (stem, feature)
        source.append(by_pair.get(pair))
    return pairs.assign(source=pd.Series(source, index=pairs.index, dtype=object))
