"""The regions that variants are called in, in parts, and the sites that are called in everybody."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trdomics.errors import InputError
from trdomics.reads.contigs import check_shared, lines_of

# (sequence, start, end), from 0 and half-open as in BED.
Region = tuple[str, int, int]
# The longest region of a part, so that a whole genome can be divided.
LONGEST = 5_000_000


@dataclass(frozen=True)
class Site:
    """A variant that is called in every sample, whether anyone carries it or not."""

    chromosome: str
    position: int
    identifier: str
    reference: str
    alternative: str


def read_regions(path: str | os.PathLike[str], genome: Mapping[str, int]) -> list[Region]:
    """Read a BED file; overlapping regions are joined.

    Parameters
    ----------
    path : path
        BED, plain or gzipped.
    genome : mapping of str to int
        Lengths of the genome's sequences, in its order.

    Raises
    ------
    InputError
        If a line is not a region, or a region is not in the genome.
    """
    found: dict[str, list[tuple[int, int]]] = {}
    for number, line in enumerate(lines_of(path), 1):
        if not line or line.startswith(("#", "track", "browser")):
            continue
        name, *place = line.split("\t")[:3]
        if len(place) < 2 or not all(value.strip().isdigit() for value in place):
            raise InputError(
                f"{path} line {number}", f"is not a region: {line[:60]!r}", "write name, start, end"
            )
        found.setdefault(name, []).append((int(place[0]), int(place[1])))
    if not found:
        raise InputError(str(path), "it has no regions", "give the regions that were sequenced")
    check_shared(list(found), genome, str(path), every=True)
    joined: list[Region] = []
    for name in genome:
        last = -1
        for start, end in sorted(found.get(name, [])):
            if end > genome[name] or start >= end:
                raise InputError(
                    str(path),
                    f"the region {name}:{start}-{end} is outside of {name} "
                    f"({genome[name]} bases in the genome)",
                    "give regions of the same assembly as the genome",
                )
            if start <= last:
                start = joined.pop()[1]
                end = max(end, last)
            joined.append((name, start, end))
            last = end
    return joined


def whole(genome: Mapping[str, int]) -> list[Region]:
    """Return the whole genome as regions."""
    return [(name, 0, length) for name, length in genome.items()]


def divided(regions: Sequence[Region], n_parts: int) -> list[list[Region]]:
    """Divide regions into parts of about as many bases, in order; a part may be empty."""
    short = [
        (name, at, min(at + LONGEST, end))
        for name, start, end in regions
        for at in range(start, end, LONGEST)
    ]
    sizes = np.array([end - start for _, start, end in short])
    middle = np.cumsum(sizes) - sizes / 2
    part = np.minimum((middle / sizes.sum() * n_parts).astype(int), n_parts - 1)
    return [[r for r, own in zip(short, part, strict=True) if own == i] for i in range(n_parts)]


def read_sites(path: str | os.PathLike[str], genome: Mapping[str, int]) -> list[Site]:
    """Read the variants to call in every sample: the first five columns of a VCF.

    Raises
    ------
    InputError
        If a line has other columns, or its chromosome is not in the genome.
    """
    sites = []
    for number, line in enumerate(lines_of(path), 1):
        if not line or line.startswith("#"):
            continue
        fields = line.split("\t")
        alleles = "".join(fields[3:5]).upper()
        if len(fields) < 5 or not fields[1].isdigit() or set(alleles) - set("ACGT"):
            raise InputError(
                f"{path} line {number}",
                f"is not a variant: {line[:60]!r}",
                "write CHROM, POS, ID, REF and one ALT as in a VCF, separated by tabs",
            )
        sites.append(Site(fields[0], int(fields[1]), fields[2], *map(str.upper, fields[3:5])))
    if not sites:
        raise InputError(str(path), "it has no variants", "give the sites as a VCF")
    check_shared([site.chromosome for site in sites], genome, str(path), every=True)
    order = {name: i for i, name in enumerate(genome)}
    return sorted(sites, key=lambda site: (order[site.chromosome], site.position))
