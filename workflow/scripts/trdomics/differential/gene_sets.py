"""Burden of gene sets: carriers of a damaging variant in any gene of a set."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from trdomics.differential.burden import firth_test
from trdomics.differential.design import Design
from trdomics.inputs.gene_sets import read_gmt
from trdomics.inputs.text_table import read_user_table
from trdomics.layers.types import DOSAGE_PREFIX
from trdomics.pvalues import adjusted

CARRIERS, GENES_HIT = "carriers", "log2(1 + genes hit)"
COLUMNS = ["set", "n_genes", "n_genes_hit", "carriers_positive", "carriers_negative", "predictor"]
COLUMNS += ["log_odds_ratio", "lower", "upper", "pvalue", "padj", "most_hit", "source", "reason"]
SHOWN_GENES = 5


def read_burden_sets(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read gene sets: a GMT file, or a table with the columns ``set``, ``gene`` and ``source``.

    Returns
    -------
    DataFrame
        ``set``, ``gene``, ``source``; one row per member.
    """
    if ".gmt" in "".join(Path(path).suffixes):
        return read_gmt(path, Path(path).name)[["set", "gene", "source"]]
    fix = "give a GMT file, or a table with the columns set, gene and source"
    table = read_user_table(path, "differential.burden_gene_sets", ("set", "gene"), fix)
    if "source" not in table.columns:
        table["source"] = str(path)
    return table[["set", "gene", "source"]].drop_duplicates(["set", "gene"], ignore_index=True)


def set_burden(
    carriers: pd.DataFrame, design: Design, sets: pd.DataFrame, *, min_carriers: int
) -> pd.DataFrame:
    """Test every gene set for a difference in its burden between the groups.

    Firth's logistic regression of the group on the burden of the set, the covariates of the design
    and the overall burden, log2(1 + all genes hit), so that a set is not called because one group
    has more variants overall, whether by ancestry, calling or tumour. The overall burden includes
    the set's own genes: the test asks whether they are more informative than other genes. With only
    the other genes' burden, every set would be significant if one group has more variants overall.
    The burden of a set is carrying a variant in any of its genes or, if more than half of the
    patients do, as for large sets, log2(1 + genes hit).

    Parameters
    ----------
    carriers : DataFrame, shape (n_patients, n_genes)
        1 for a carrier, 0 for none; columns that start with ``dosage:`` are ignored.
    sets : DataFrame
        ``set``, ``gene``, ``source``.
    min_carriers : int
        Sets with fewer carriers, or fewer non-carriers, are not tested.

    Returns
    -------
    DataFrame
        One row per set, smallest p-value first, see ``COLUMNS``; the log odds ratio is for
        carriers, or per doubling of 1 + genes hit. ``padj``: Benjamini & Hochberg 1995.
    """
    genes = [name for name in carriers.columns if not str(name).startswith(DOSAGE_PREFIX)]
    hit = carriers.loc[design.matrix.index, genes] >= 0.5
    load = np.log2(1 + hit.sum(axis=1).to_numpy(float))
    load = (load - load.mean()) / (load.std() or 1.0)
    covariates = design.matrix.drop(columns=design.coefficient).to_numpy(float)
    covariates = np.column_stack([covariates, load])
    rows: list[dict[str, Any]] = []
    with threadpool_limits(limits=1):
        for name, members in sets.groupby("set", sort=True):
            listed = members["gene"].unique()
            own = hit.loc[:, hit.columns.isin(listed)]
            per_gene = own.sum(axis=0).sort_values(ascending=False, kind="stable")
            per_gene = per_gene[per_gene > 0]
            shown = [f"{gene} {count}" for gene, count in per_gene.head(SHOWN_GENES).items()]
            count = own.sum(axis=1).to_numpy(float)
            rows.append(
                {
                    "set": name,
                    "n_genes": len(listed),
                    "n_genes_hit": len(per_gene),
                    "most_hit": ", ".join(shown) or None,
                    "source": members["source"].iloc[0],
                    **_one(count, covariates, design.positive, min_carriers),
                }
            )
    results = pd.DataFrame(rows).reindex(columns=COLUMNS)
    results["padj"] = adjusted(results["pvalue"])
    numbers = ["log_odds_ratio", "lower", "upper", "pvalue", "padj"]
    results[numbers] = results[numbers].astype(float)
    return results.sort_values(["pvalue", "set"], kind="stable", ignore_index=True)


def _one(
    count: np.ndarray, covariates: np.ndarray, positive: np.ndarray, min_carriers: int
) -> dict[str, Any]:
    carrying = count > 0
    row: dict[str, Any] = {
        "carriers_positive": int((carrying & positive).sum()),
        "carriers_negative": int((carrying & ~positive).sum()),
        "reason": None,
    }
    if carrying.sum() < min_carriers:
        return {**row, "reason": f"fewer than {min_carriers} carriers"}
    saturated = carrying.mean() > 0.5
    burden = np.log2(1 + count) if saturated else carrying.astype(float)
    if saturated and (count < np.max(count)).sum() < min_carriers:
        return {**row, "reason": f"fewer than {min_carriers} patients carry less than the most"}
    found = firth_test(covariates, burden, positive, "the overall load or the covariates")
    if "pvalue" in found:
        found["predictor"] = GENES_HIT if saturated else CARRIERS
    return {**row, **found}


def set_summary(results: pd.DataFrame, design: Design, fdr: float, n_components: int) -> dict:
    """Return the headline numbers.

    Returns
    -------
    dict
        ``n_sets``, ``n_tested``, ``n_significant``, ``significant`` (names), ``best_set``,
        ``smallest_padj``, ``not_tested`` (reason → count), ``n_ancestry_components``, ``fdr``, and
        who was compared.
    """
    tested = results["padj"].notna()
    significant = results.loc[results["padj"] < fdr, "set"].tolist()
    summary: dict[str, Any] = {
        "n_sets": len(results),
        "n_tested": int(tested.sum()),
        "n_significant": len(significant),
        "significant": significant,
        "best_set": results.loc[0, "set"] if tested.any() else None,
        "smallest_padj": results["padj"].min() if tested.any() else None,
        "not_tested": {str(k): int(v) for k, v in results["reason"].value_counts().items()},
        "n_ancestry_components": n_components,
        "fdr": fdr,
        **design.summary(),
    }
    if not tested.any():
        for key in ("best_set", "smallest_padj"):
            summary[f"{key}_reason"] = "no set has enough carriers"
    return summary
