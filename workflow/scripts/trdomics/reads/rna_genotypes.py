"""RNA genotypes: reads of both alleles at variants that are common in the cohort's DNA."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import betabinom, binom

from trdomics.reads.contigs import lines_of

# With fewer reads, no RNA genotype is called: one allele may be silent.
MIN_DEPTH = 10
# Error rate of reads, from sequencing or alignment.
_ERROR = 0.01
# Allelic expression is unequal: a heterozygote's share of each allele is beta-distributed, so a few
# reads of one allele do not make a homozygote.
_ALLELIC = 2.0
# A genotype is called if it is this much more likely than the other two together.
_SURE = 0.99


def genotypes(reference: np.ndarray, alternative: np.ndarray) -> np.ndarray:
    """Return copies of the alternative allele, NaN if the reads are inconclusive.

    Parameters
    ----------
    reference, alternative : ndarray of int
        Reads of either allele.

    Returns
    -------
    ndarray of float32, of the same shape
        The most likely of 0, 1, 2: reads of the other allele are errors (binomial) in a
        homozygote, and beta-binomial in a heterozygote.
    """
    depth = reference + alternative
    likelihood = np.stack(
        [
            binom.pmf(alternative, depth, _ERROR),
            betabinom.pmf(alternative, depth, _ALLELIC, _ALLELIC),
            binom.pmf(reference, depth, _ERROR),
        ]
    )
    total = likelihood.sum(axis=0)
    share = likelihood.max(axis=0) / np.where(total > 0, total, np.nan)
    called = (depth >= MIN_DEPTH) & (share >= _SURE)
    return np.where(called, likelihood.argmax(axis=0), np.nan).astype(np.float32)


def allele_counts(
    path: str | os.PathLike[str], sites: pd.MultiIndex
) -> tuple[np.ndarray, np.ndarray]:
    """Return a sample's reads of both alleles at each site.

    Parameters
    ----------
    path : path
        Lines of chromosome, position, REF, ALT and AD of ``bcftools mpileup``.
    sites : MultiIndex
        Chromosome without "chr", position, reference, alternative.
    """
    found: dict[tuple[str, int], dict[str, int]] = {}
    for line in lines_of(path):
        chromosome, position, reference, alternatives, depths = line.split("\t")
        reads = [int(value) if value.isdigit() else 0 for value in depths.split(",")]
        alleles = [reference.upper(), *alternatives.split(",")]
        key = chromosome.removeprefix("chr"), int(position)
        found[key] = dict(zip(alleles, reads, strict=False))
    counts = np.zeros((2, len(sites)), dtype=int)
    for i, (chromosome, position, *alleles) in enumerate(sites):
        reads_of = found.get((chromosome, int(position)), {})
        counts[:, i] = [reads_of.get(allele, 0) for allele in alleles]
    return counts[0], counts[1]


def read_rna_genotypes(
    paths: Mapping[str, str], patients: Mapping[str, str], sites: pd.MultiIndex
) -> pd.DataFrame:
    """Return the genotypes of all samples.

    Parameters
    ----------
    paths : mapping of sample to path
        As :func:`allele_counts` reads them.
    patients : mapping of patient to sample
    sites : MultiIndex

    Returns
    -------
    DataFrame of float32, patients × sites
        As :func:`trdomics.identity.genotypes.read_genotypes` gives those of DNA.
    """
    known = {patient: paths[sample] for patient, sample in patients.items() if sample in paths}
    counts = [allele_counts(path, sites) for path in known.values()]
    reference, alternative = np.moveaxis(np.array(counts).reshape(-1, 2, len(sites)), 1, 0)
    return pd.DataFrame(
        genotypes(reference, alternative),
        index=pd.Index(list(known), name="patient_id", dtype=object),
        columns=sites,
    )


def exonic_sites(
    sites: pd.MultiIndex, exons: Mapping[str, np.ndarray], contigs: Sequence[str]
) -> list[tuple[str, int]]:
    """Return chromosome and position of the sites in exons, as the genome names them, in order.

    Reads elsewhere are often from misaligned paralogues.

    Parameters
    ----------
    sites : MultiIndex
        Chromosome without "chr", position (from 1), and alleles.
    exons : mapping of str to ndarray, shape (n, 2)
        From :func:`read_exons`.
    contigs : sequence of str
        Names of the genome's sequences, in its order.
    """
    chromosomes = sites.get_level_values(0)
    positions = sites.get_level_values(1).to_numpy(dtype=int)
    found: list[tuple[str, int]] = []
    for name in contigs:
        if name not in exons:
            continue
        own = np.unique(positions[chromosomes == name.removeprefix("chr")])
        # the last exon that starts before a site, among merged exons
        last = np.searchsorted(exons[name][:, 0], own, side="left") - 1
        inside = (last >= 0) & (own <= exons[name][last, 1])
        found += [(name, int(position)) for position in own[inside]]
    return found


def read_exons(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Return the exons of a GFF3 or GTF file by chromosome, from 0, joined where they overlap."""
    found: dict[str, list[tuple[int, int]]] = {}
    for line in lines_of(path):
        fields = line.split("\t", 5)
        if len(fields) > 5 and fields[2] == "exon":
            found.setdefault(fields[0], []).append((int(fields[3]) - 1, int(fields[4])))
    joined = {}
    for name, exons in found.items():
        rows: list[list[int]] = []
        for start, end in sorted(set(exons)):
            if rows and start <= rows[-1][1]:
                rows[-1][1] = max(rows[-1][1], end)
            else:
                rows.append([start, end])
        joined[name] = np.array(rows)
    return joined
