"""Cell fractions estimated from expression, and their agreement with measured ones.

Each marker gene is anchored to its mean in the cohort: expression divided by the mean is modelled
as Σ_k r_gk f_k with r_gk = S_gk / Σ_j S_gj f̄_j, S the signature and f̄ a reference composition,
and f is estimated by non-negative least squares. Gene-wise differences between the units of S and
of the assay cancel; in return, the mean composition is that of the reference. Estimates are
therefore semi-quantitative: they compare patients of a cohort, not cell types, and not cohorts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import nnls
from scipy.stats import pearsonr, spearmanr

from trdomics.columns import is_quantity
from trdomics.errors import InputError
from trdomics.layers.counts import size_factors, without_empty_libraries
from trdomics.layers.types import layer_type

MIN_MARKERS = 3
# A gene is a marker of the types that reach this share of its highest level.
MARKER_SHARE = 0.5
# An outlying gene of one sample should not affect a type with few markers.
MAX_TIMES_MEAN = 5.0
PREFIX = "estimated_"
# Names in signature tables of the cells that a differential blood count calls lymphocytes.
LYMPHOCYTES = re.compile(r"^(t|b|nk)([ _-]|$)|^(lympho|mait|plasma)")


@dataclass(frozen=True)
class Signature:
    """Expression of marker genes by cell type.

    Attributes
    ----------
    levels : DataFrame, shape (n_genes, n_types)
        Indexed by symbol; non-negative, in any unit that is comparable between types within a gene.
    reference : Series or None
        Mean composition of the tissue by type; NaN for types that are not fractions of it. None to
        estimate it from the cohort's mean profile.
    """

    levels: pd.DataFrame
    reference: pd.Series | None


def read_signature(path: str | Path, types: str | Path | None = None) -> Signature:
    """Read a signature table: symbols in the first column, one column per cell type.

    Parameters
    ----------
    path : path
        TSV or CSV, also ``.gz``. A text column (``source``) is ignored.
    types : path, optional
        ``cell_type`` and ``fraction``: the reference composition.

    Raises
    ------
    InputError
        If it is not a valid table.
    """
    where, fix = f"{path} (cells.signature)", "give gene symbols and a column per cell type"
    separator = "," if ".csv" in Path(path).suffixes else "\t"
    try:
        table = pd.read_csv(path, sep=separator, index_col=0)
    except (OSError, ValueError) as error:
        raise InputError(where, f"cannot be read ({error})", fix) from error
    levels = table[[name for name in table.columns if is_quantity(table[name])]].astype(float)
    levels.index = levels.index.astype(str)
    if levels.shape[1] < 2:
        raise InputError(where, "fewer than two columns of numbers", fix)
    if not (levels.to_numpy() >= 0).all():
        raise InputError(where, "negative or missing values", "give expression, not its logarithm")
    levels = levels[~levels.index.duplicated()]
    reference = None
    if types is not None:
        reference = pd.read_csv(types, sep="\t", index_col="cell_type")["fraction"]
        reference = reference.reindex(levels.columns).astype(float)
    return Signature(levels, reference)


def estimate_fractions(
    expression: pd.DataFrame, symbols: pd.Series, signature: Signature
) -> tuple[pd.DataFrame | None, dict[str, Any]]:
    """Estimate the cell fractions of every patient.

    Parameters
    ----------
    expression : DataFrame, shape (n_patients, n_features)
        On the linear scale, normalised for library size.
    symbols : Series
        Symbol by feature.

    Returns
    -------
    fractions : DataFrame, shape (n_patients, n_types), or None
        Fractions add up to 1; types that are not fractions (erythroid cells, platelets in blood)
        are indices around 1.
    summary : dict
        ``n_genes`` used, ``markers`` (type to marker genes found), ``left_out`` (type to why) and
        ``reason`` (why there are no fractions, otherwise None).
    """
    genes = _by_symbol(expression, symbols, signature.levels.index)
    marks = _marks(signature.levels.loc[genes.columns])
    found = marks.sum()
    left_out = {
        str(name): f"{count} of its marker genes are expressed, {MIN_MARKERS} are needed"
        for name, count in found.items()
        if count < MIN_MARKERS
    }
    summary: dict[str, Any] = {
        "n_genes": int(genes.shape[1]),
        "markers": {str(name): int(count) for name, count in found.items()},
        "left_out": left_out,
        "reason": None,
    }
    types = [name for name in signature.levels.columns if name not in left_out]
    reference = signature.reference
    is_fraction = [name for name in types if reference is None or np.isfinite(reference[name])]
    if len(is_fraction) < 2:
        reason = f"{genes.shape[1]} genes of the signature are in the layer, by their symbols"
        return None, summary | {"reason": f"{reason}: too few to tell cell types apart"}
    # otherwise genes of omitted types would be explained by the wrong types
    genes = genes.loc[:, ~marks[list(left_out)].any(axis=1).to_numpy()]
    levels = signature.levels.loc[genes.columns, types].to_numpy(float)
    composition = _composition(levels, genes, types, reference)
    anchor = levels @ composition
    anchored = anchor > 0
    rows = levels[anchored] / anchor[anchored, None]
    means = genes.to_numpy(float).mean(axis=0)
    relative = np.minimum(genes.to_numpy(float) / means, MAX_TIMES_MEAN)[:, anchored]
    solved = pd.DataFrame(
        np.stack([nnls(rows, patient)[0] for patient in relative]), genes.index, types
    )
    leukocytes = solved[is_fraction]
    fractions = solved.copy()
    fractions[is_fraction] = leukocytes.div(leukocytes.sum(axis=1).replace(0, np.nan), axis=0)
    return fractions, summary | {"n_genes": int(anchored.sum())}


def linear_expression(table: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return a layer as expression comparable between patients, without missing values.

    Parameters
    ----------
    table : DataFrame, shape (n_patients, n_features)
    kind : str
        Type of the layer. Counts are divided by their size factors; nearly empty libraries are
        left out.
    """
    if not layer_type(kind).is_counts:
        return table.fillna(table.mean()).clip(lower=0)
    table, _ = without_empty_libraries(table)
    return table.div(size_factors(table.to_numpy()), axis=0)


def best_layer(
    layers: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]], signature: Signature
) -> tuple[pd.DataFrame | None, dict[str, Any]]:
    """Estimate the fractions from the layer with most genes of the signature.

    Parameters
    ----------
    layers : mapping of name to (expression, annotation)
        Annotation has ``feature`` and optionally ``symbol``; without it, features are used as
        symbols.

    Returns
    -------
    As :func:`estimate_fractions`; the summary also names the ``layer``.
    """
    found: tuple[pd.DataFrame | None, dict[str, Any]] | None = None
    for name, (expression, annotation) in layers.items():
        known = annotation.drop_duplicates("feature").set_index("feature")
        column = "symbol" if "symbol" in known else None
        symbols = known[column] if column else pd.Series(dtype=object)
        symbols.index = symbols.index.astype(str)
        fractions, summary = estimate_fractions(expression, symbols, signature)
        if found is None or summary["n_genes"] > found[1]["n_genes"]:
            found = fractions, summary | {"layer": name}
    if found is None:
        return None, {"reason": "there is no layer of expression"}
    return found


def cells_summary(
    fractions: pd.DataFrame | None, comparison: pd.DataFrame, summary: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the headline numbers.

    Returns
    -------
    dict
        The summary of :func:`estimate_fractions`, ``types``, ``n_patients``, ``mean`` (by type) and
        ``measured_r`` (measured type to Pearson's r; None with ``measured_r_reason``).
    """
    known = comparison[comparison["pearson_r"].notna()]
    result: dict[str, Any] = {
        **summary,
        "types": [] if fractions is None else list(fractions.columns),
        "n_patients": 0 if fractions is None else len(fractions),
        "mean": {} if fractions is None else fractions.mean().to_dict(),
        "measured_r": dict(zip(known["cell_type"], known["pearson_r"], strict=True)) or None,
    }
    if known.empty:
        reason = "the config names no measured fractions" if comparison.empty else "see the table"
        result["measured_r_reason"] = summary["reason"] or reason
    return result


def _by_symbol(expression: pd.DataFrame, symbols: pd.Series, wanted: pd.Index) -> pd.DataFrame:
    """Return the requested genes that are expressed; of several features per symbol the highest."""
    names = symbols.reindex(expression.columns).astype(object)
    names = names.where(names.notna(), expression.columns.astype(str)).astype(str)
    means = expression.to_numpy(float).mean(axis=0)
    table = pd.DataFrame({"symbol": names.to_numpy(), "mean": means, "at": range(len(means))})
    table = table[table["symbol"].isin(wanted) & (table["mean"] > 0)]
    table = table.sort_values("mean", ascending=False, kind="stable").drop_duplicates("symbol")
    table = table.set_index("symbol").loc[[name for name in wanted if name in set(table["symbol"])]]
    genes = expression.iloc[:, table["at"].to_numpy(int)]
    return genes.set_axis(table.index, axis=1)


def _marks(levels: pd.DataFrame) -> pd.DataFrame:
    """Return the types of which each gene is a marker."""
    highest = levels.max(axis=1)
    return levels.ge(MARKER_SHARE * highest, axis=0) & (levels > 0)


def _composition(
    levels: NDArray[np.float64], genes: pd.DataFrame, types: list[str], reference: pd.Series | None
) -> NDArray[np.float64]:
    """Return the mean composition: the reference's, or fitted to the mean profile."""
    if reference is not None:
        return reference[types].fillna(1.0).to_numpy(float)
    profile = genes.to_numpy(float).mean(axis=0)
    # relative errors, so that a few abundant genes do not dominate
    scale = np.maximum(profile, np.quantile(profile, 0.1))
    fitted = nnls(levels / scale[:, None], profile / scale)[0]
    return np.asarray(fitted / fitted.sum() if fitted.sum() > 0 else fitted)


def matching(measured: str, types: list[str]) -> list[str]:
    """Return the estimated types that make up a measured one."""
    name = measured.lower()
    if name in ("lymphocytes", "lymphocyte"):
        return [kind for kind in types if LYMPHOCYTES.match(kind.lower())]
    stem = name.removesuffix("s")
    return [kind for kind in types if kind.lower().startswith(stem)]


def compare_measured(
    fractions: pd.DataFrame | None, patients: pd.DataFrame, columns: Mapping[str, str]
) -> pd.DataFrame:
    """Correlate estimated fractions with measured ones.

    Parameters
    ----------
    fractions : DataFrame or None
        From :func:`estimate_fractions`.
    patients : DataFrame
        The sheet, indexed by patient.
    columns : mapping of cell type to the column of its measured fraction

    Returns
    -------
    DataFrame, one row per measured type
        ``cell_type``, ``column``, ``estimated`` (the summed types), ``n_patients``,
        ``pearson_r`` with its 95 % interval (``lower``, ``upper``; Fisher's z), ``spearman_r``,
        ``reason``.
    """
    names = ["cell_type", "column", "estimated", "n_patients", "pearson_r", "lower", "upper"]
    rows = []
    for kind, column in columns.items():
        row: dict[str, Any] = {"cell_type": kind, "column": column}
        rows.append(row)
        parts = matching(kind, [str(name) for name in fractions]) if fractions is not None else []
        if fractions is None or not parts:
            row["reason"] = "not estimated" if fractions is None else "no estimated counterpart"
            continue
        both = pd.concat(
            [patients.loc[fractions.index, column], fractions[parts].sum(axis=1)], axis=1
        ).dropna()
        row |= {"estimated": " + ".join(parts), "n_patients": len(both)}
        if not is_quantity(both[column]):
            row["reason"] = "the column does not hold numbers"
            continue
        if len(both) < 4 or (both.nunique() < 2).any():
            row["reason"] = "fewer than four patients have both, or one is constant"
            continue
        numbers = both.to_numpy(float).T
        found = pearsonr(*numbers)
        interval = found.confidence_interval(0.95)
        row |= {
            "pearson_r": float(found.statistic),
            "lower": float(interval.low),
            "upper": float(interval.high),
            "spearman_r": float(spearmanr(*numbers).statistic),
        }
    return pd.DataFrame(rows).reindex(columns=[*names, "spearman_r", "reason"])
