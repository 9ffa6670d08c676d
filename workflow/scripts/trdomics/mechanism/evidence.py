"""Patients' data from a cohort's tables, for a mechanistic model."""

from __future__ import annotations

import os

import pandas as pd

from trdomics.enrichment.signatures import signature_scores
from trdomics.files import read_matrix, read_table
from trdomics.inputs.gene_sets import read_curated
from trdomics.mechanism.trial import Evidence

MIN_GENES = 5
Path = str | os.PathLike[str]


def read_evidence(
    phenotypes: Path,
    variants: Path | None = None,
    annotation: Path | None = None,
    normalised: Path | None = None,
    symbols: Path | None = None,
) -> Evidence:
    """Read the available tables; missing ones are empty.

    Parameters
    ----------
    phenotypes : path
        ``pharmacogenes/calls.tsv``.
    variants, annotation : path, optional
        ``table.parquet`` and ``annotation.tsv`` of a variants layer.
    normalised, symbols : path, optional
        ``normalised.parquet`` and ``annotation.tsv`` of an expression layer.
    """
    calls = read_table(phenotypes)
    carriers, genotypes, scores = pd.DataFrame(), pd.DataFrame(columns=["rsid"]), pd.DataFrame()
    if variants and annotation:
        table = pd.read_parquet(variants)
        genes = table.index.get_level_values("gene")
        damaging = table.index.get_level_values("consequence_class").isin(("lof", "damaging"))
        carriers = table[damaging].groupby(genes[damaging]).max().T
        known = read_table(annotation).dropna(subset=["rsid"]).drop_duplicates("variant")
        known = known.set_index("variant").reindex(table.index.get_level_values("variant"))
        named = known["rsid"].notna().to_numpy()
        places = known.loc[named, ["chromosome", "position", "reference", "alternative"]]
        genotypes = table[named].set_axis(pd.MultiIndex.from_frame(places))
        genotypes["rsid"] = known.loc[named, "rsid"].to_numpy()
    if normalised and symbols:
        names = read_table(symbols).dropna(subset=["symbol"])

        named_by = dict(zip(names["feature"].astype(str), names["symbol"].astype(str), strict=True))
        sets = read_curated()

        scores, _ = signature_scores(read_matrix(normalised), named_by, sets, MIN_GENES)
    return Evidence(calls, carriers, genotypes, scores)
