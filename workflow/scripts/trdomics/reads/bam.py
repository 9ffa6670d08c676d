"""BAM files: whole, sorted, and aligned to the references of the config."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping
from typing import Any

import pysam

from trdomics.errors import InputError
from trdomics.reads.annotation import check_chromosomes

LOOKED_AT = 1000


def check_bam(
    path: str, where: str, genome: Mapping[str, int] | None, chromosomes: Collection[str]
) -> dict[str, Any]:
    """Check a BAM file by its header, its end and its first reads.

    Parameters
    ----------
    path : str
    where : str
        What errors name in front of the file.
    genome : mapping of str to int, optional
        Length of each sequence of the genome.
    chromosomes : collection of str
        Those of the annotation, empty where there is none.

    Returns
    -------
    dict
        ``reads`` (aligned ones), ``longest`` (bases, of the first reads), ``paired`` and
        ``samples`` (those that its read groups name).

    Raises
    ------
    InputError
    """
    where = f"{where}: {path}"
    again = "copy it again, whole"
    try:
        with pysam.AlignmentFile(path, "rb") as bam:
            lengths = dict(zip(bam.references, bam.lengths, strict=True))
            header = bam.header.to_dict()
            first = list(itertools.islice(bam, LOOKED_AT))
            aligned = bam.mapped if bam.has_index() else 0
        pysam.quickcheck(path)
    except (OSError, ValueError, pysam.SamtoolsError) as error:
        raise InputError(where, f"no sound BAM file ({error})", again) from error
    if header.get("HD", {}).get("SO") != "coordinate":
        raise InputError(where, "not sorted by position", "run `samtools sort`, then `index`")
    if genome is not None:
        check_chromosomes(genome, lengths, where, "the BAM file's genome")
        other = [n for n, size in lengths.items() if n in genome and genome[n] != size]
        if other:
            name = other[0]
            raise InputError(
                where,
                f"it is aligned to another genome: {name} has {lengths[name]:,} bases, in "
                f"`references.genome` {genome[name]:,}",
                "name the genome that it was aligned to",
            )
    if chromosomes:
        check_chromosomes(chromosomes, lengths, where, "the BAM file's genome")
    if not first or not aligned:
        raise InputError(where, "no aligned read in it", "take the sample out of the units")
    return {
        "reads": aligned,
        "longest": max(read.query_length for read in first),
        "paired": any(read.is_paired for read in first),
        "samples": sorted({group.get("SM", "") for group in header.get("RG", [])} - {""}),
    }
