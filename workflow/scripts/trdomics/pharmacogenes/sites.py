"""Genotypes at the sites of pharmacogenes, read from a VCF of either genome build."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trdomics.config_types import LayerConfig
from trdomics.errors import InputError
from trdomics.inputs.vcf import capitals, opened, records, site_failure, unreliable
from trdomics.pharmacogenes.definitions import BUILDS
from trdomics.pharmacogenes.settings import ABSENT, FAILED, FOUND

SITES = ["gene", "variant", "rsid", "position", "status", "called", "carriers"]
# A build must match this many times as many sites as the other.
CLEARER = 2


@dataclass(frozen=True)
class SiteGenotypes:
    """A VCF's genotypes at the sites.

    Attributes
    ----------
    build : str or None
        ``GRCh37`` or ``GRCh38``; None where the file has none of the sites.
    dosages : DataFrame, patients × variants
        Copies of the named allele: 0, 1, 2, or NaN if not called.
    sites : DataFrame
        ``gene``, ``variant``, ``rsid``, ``position`` (on the build), ``status``, ``called``,
        ``carriers``.
    """

    build: str | None
    dosages: pd.DataFrame
    sites: pd.DataFrame


@dataclass(frozen=True)
class _Record:
    """The kept parts of a record at a site's position."""

    reference: str
    alternatives: list[str]
    genotypes: NDArray[np.int_]
    failure: str


def read_site_genotypes(
    path: str | os.PathLike[str],
    settings: LayerConfig,
    sample_names: pd.Series,
    sites: pd.DataFrame,
) -> SiteGenotypes:
    """Read the copies of the named allele at every site; the build is inferred from the file.

    A site that is not in the file, fails the layer's filters or is not called is missing: the
    layer's `no_call` is not used, since a site without reads is not reference. Positions are as
    after ``bcftools norm``; records may have several ALTs.

    Parameters
    ----------
    path : path
        VCF. Annotation is not needed.
    sites : DataFrame
        Of :func:`trdomics.pharmacogenes.definitions.read_sites`.

    Raises
    ------
    InputError
        If alleles fit both builds, or contradict the reference of the one they fit.
    """
    wanted = {
        (str(site.chromosome), int(getattr(site, build.lower())))
        for site in sites.itertuples()
        for build in BUILDS
    }
    found: dict[tuple[str, int], list[_Record]] = defaultdict(list)
    with opened(path) as vcf:
        columns = {name: i for i, name in enumerate(vcf.samples)}
        known = sample_names[sample_names.isin(list(columns))]
        order = np.array([columns[name] for name in known], dtype=int)
        for record in records(vcf, path):
            place = (record.CHROM.removeprefix("chr"), record.POS)
            if place in wanted and "GT" in record.FORMAT:
                genotypes = record.genotype.array()[:, :-1][order].astype(int)
                genotypes[unreliable(record, settings)[order]] = -1
                failure = site_failure(record, settings)
                ref, *alts = map(capitals, (record.REF, *record.ALT))
                found[place].append(_Record(ref, alts, genotypes, failure))
    build = genome_build(found, sites, str(path))
    dosages, rows = {}, []
    for site in sites.itertuples():
        position = None if build is None else int(getattr(site, build.lower()))
        here = found.get((str(site.chromosome), position), []) if position else []
        status, dosage = _dosage(here, site, build, len(known))
        dosages[site.variant] = dosage
        rows.append(
            (
                *(site.gene, site.variant, site.rsid, position, status),
                *(int((~np.isnan(dosage)).sum()), int((dosage > 0).sum())),
            )
        )

    index = pd.Index(known.index.astype(str), name="patient_id", dtype=object)
    return SiteGenotypes(
        build, pd.DataFrame(dosages, index=index), pd.DataFrame(rows, columns=SITES)
    )


def genome_build(
    found: Mapping[tuple[str, int], list[_Record]], sites: pd.DataFrame, where: str
) -> str | None:
    """Return the build with matching reference and named alleles at its positions.

    A position of the other build may have another variant by chance, but the same alleles as the
    site only in one of twelve cases.

    Raises
    ------
    InputError
        If the sites match both builds about equally well, or a record's REF is not the reference of
        the matching build.
    """
    fits = dict.fromkeys(BUILDS, 0)
    against: dict[str, list[str]] = {build: [] for build in BUILDS}
    for site in sites.drop_duplicates("rsid").itertuples():
        for build in BUILDS:
            place = (str(site.chromosome), int(getattr(site, build.lower())))
            reference = str(getattr(site, f"reference_{build.lower()}"))
            for record in found.get(place, []):
                if record.reference[0] != reference[0]:
                    against[build].append(f"{site.rsid} at {place[0]}:{place[1]}")
                elif _has_alleles(record, site) or (
                    not record.alternatives and record.reference == reference
                ):
                    fits[build] += 1
    best = max(BUILDS, key=lambda build: fits[build])
    other = next(build for build in BUILDS if build != best)
    if not fits[best]:
        return None
    if fits[best] < CLEARER * fits[other]:
        raise InputError(
            where,
            f"{fits['GRCh37']} pharmacogene sites have the alleles of GRCh37 and {fits['GRCh38']} "
            "those of GRCh38",
            "give a file of one genome build",
        )
    if against[best]:
        raise InputError(
            where,
            f"its sites fit {best}, but the REF of {against[best][0]} is not that of {best}"
            + (f" ({len(against[best])} such sites)" if len(against[best]) > 1 else ""),
            "align and call all samples on GRCh37 or GRCh38, without swapping REF and ALT",
        )
    return best


def _has_alleles(record: _Record, site: Any) -> bool:
    """Return whether a record has no other allele than those of the site, and two of them."""
    pairs = {_trimmed(record.reference, allele) for allele in record.alternatives}
    return bool(
        {(site.reference_grch38, site.alternative), (site.alternative, site.reference_grch38)}
        & pairs
    )


def _trimmed(reference: str, allele: str) -> tuple[str, str]:
    """Return REF and an allele without the end that they share."""
    while len(reference) > 1 and len(allele) > 1 and reference[-1] == allele[-1]:
        reference, allele = reference[:-1], allele[:-1]
    return reference, allele


def _dosage(
    here: list[_Record], site: Any, build: str | None, n: int
) -> tuple[str, NDArray[np.float64]]:
    """Return a site's status and the copies of its named allele, shape (n_patients,)."""
    unknown = np.full(n, np.nan)
    good = [record for record in here if not record.failure]
    if not good:
        return (FAILED if here else ABSENT), unknown
    flipped = getattr(site, f"reference_{str(build).lower()}") == site.alternative
    # of records that were split by allele, the one with the site's own allele counts
    own = [record for record in good if _has_alleles(record, site)]
    record = (own or good)[0]
    named = (site.reference_grch38, site.alternative)
    carrying = [flipped]
    carrying += [
        not flipped and _trimmed(record.reference, allele) == named
        for allele in record.alternatives
    ]
    symbolic = [number for number, a in enumerate(record.alternatives, 1) if not a.isalpha()]
    missing = (record.genotypes < 0).any(axis=1) | np.isin(record.genotypes, symbolic).any(axis=1)
    copies = np.isin(record.genotypes, np.flatnonzero(carrying)).sum(axis=1)
    return FOUND, np.where(missing, np.nan, copies)
