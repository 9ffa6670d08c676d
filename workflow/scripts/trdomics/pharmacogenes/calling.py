"""Diplotypes and phenotypes from unphased genotypes, as sets of all compatible ones.

A diplotype is compatible with a patient if it has the observed number of variant copies at every
called site. An uncalled site excludes nothing, so missing sites enlarge the set instead of counting
as reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trdomics.pharmacogenes.definitions import RANKS, Allele, Gene, ordered

CALLED, SEVERAL, NO_CALL, UNKNOWN = "called", "several", "no call", "unknown haplotype"
SEPARATOR = "; "
CALLS = [
    *("patient_id", "gene", "status", "diplotypes", "phenotype", "activity"),
    *("sites_called", "sites_missing", "if_one_copy_is_deleted", "if_a_copy_is_duplicated"),
]
# Genes with deletions and duplications, which genotypes at sites do not show.
COPY_NUMBER = ("CYP2D6",)


@dataclass(frozen=True)
class Call:
    """Possible diplotypes and phenotypes of one patient in one gene.

    Attributes
    ----------
    diplotypes : list of (Allele, Allele)
        All compatible ones.
    phenotypes : list of str
        Theirs, slowest first.
    status : {"called", "several", "no call", "unknown haplotype"}
        ``called``: one phenotype. ``no call``: every phenotype of the gene is compatible. ``unknown
        haplotype``: no diplotype of the table is.
    """

    diplotypes: list[tuple[Allele, Allele]]
    phenotypes: list[str]
    status: str


def call(gene: Gene, dosages: np.ndarray) -> Call:
    """Return all diplotypes compatible with a patient's genotypes.

    Parameters
    ----------
    dosages : array, shape (n_variants,)
        Copies of the gene's variants; NaN where not called.
    """
    known = ~np.isnan(dosages)
    fits = ((gene.least <= dosages) & (dosages <= gene.most) | ~known).all(axis=1)
    diplotypes = [gene.diplotypes[i] for i in np.flatnonzero(fits)]
    phenotypes = ordered({gene.phenotype(pair) for pair in diplotypes})
    if not diplotypes:
        status = UNKNOWN
    elif len(phenotypes) == 1:
        status = CALLED
    else:
        status = NO_CALL if phenotypes == gene.possible else SEVERAL
    return Call(diplotypes, phenotypes, status)


def call_patients(genes: Sequence[Gene], dosages: pd.DataFrame) -> pd.DataFrame:
    """Call every gene of every patient.

    Parameters
    ----------
    dosages : DataFrame, patients × variants
        Of :class:`trdomics.pharmacogenes.sites.SiteGenotypes`.

    Returns
    -------
    DataFrame
        ``patient_id``, ``gene``, ``status``, ``diplotypes``, ``phenotype`` and ``activity`` (all
        compatible ones, separated by ``; ``), ``sites_called``, ``sites_missing``. For genes with
        deletions and duplications also the phenotype in these cases: ``excluded`` if a heterozygous
        site shows two copies.
    """
    rows = []
    for patient, values in zip(dosages.index, dosages.to_numpy(dtype=float), strict=True):
        by_variant = dict(zip(dosages.columns, values, strict=True))
        for gene in genes:
            own = np.array([by_variant[variant] for variant in gene.variants])
            found = call(gene, own)
            shown = found.status in (CALLED, SEVERAL)
            scores = sorted({gene.score(pair) for pair in found.diplotypes})
            missing = [v for v, d in zip(gene.variants, own, strict=True) if np.isnan(d)]
            deleted, duplicated = other_copy_numbers(gene, found, own) if shown else ("", "")
            rows.append(
                (
                    *(patient, gene.name, found.status),
                    SEPARATOR.join("/".join(a.name for a in p) for p in found.diplotypes)
                    if shown
                    else "",
                    SEPARATOR.join(found.phenotypes) if shown else "",
                    SEPARATOR.join(f"{s:g}" for s in scores) if shown and gene.is_scored else "",
                    len(own) - len(missing),
                    ",".join(missing),
                    *(deleted, duplicated),
                )
            )
    return pd.DataFrame(rows, columns=CALLS)


def other_copy_numbers(gene: Gene, found: Call, dosages: np.ndarray) -> tuple[str, str]:
    """Return the phenotypes with one copy deleted, and with one of them duplicated.

    A deletion looks homozygous, so a heterozygous site excludes it. A duplication does not change
    the genotypes.

    Returns
    -------
    deleted, duplicated : str
        Empty for genes without copy number variants; ``excluded`` if impossible.
    """
    if gene.name not in COPY_NUMBER:
        return "", ""
    deleted = "excluded"
    if not (dosages == 1).any():
        alone = {gene.scored(a.activity) for a, b in found.diplotypes if a == b}
        deleted = SEPARATOR.join(ordered(alone)) or "excluded"
    doubled = {gene.scored(gene.score((*pair, copy))) for pair in found.diplotypes for copy in pair}
    return deleted, SEPARATOR.join(ordered(doubled))


def clearance(calls: pd.DataFrame, genes: Sequence[Gene]) -> pd.DataFrame:
    """Return the phenotypes as numbers, for models.

    Parameters
    ----------
    calls : DataFrame
        Of :func:`call_patients`.

    Returns
    -------
    DataFrame
        One row per patient with a phenotype of at least one gene (``patient_id``), a column per
        gene: 0 (PM) to 4 (UM), NaN if several phenotypes are compatible.
    """
    single = calls[calls["status"] == CALLED]
    ranks = single.assign(rank=single["phenotype"].map(RANKS).astype(float))
    table = ranks.pivot(  # noqa: PD010 (each patient has one call a gene)
        index="patient_id", columns="gene", values="rank"
    ).reindex(columns=[gene.name for gene in genes])
    return table.add_suffix("_clearance").rename_axis(columns=None).reset_index()
