"""Checks of BAM files: complete, sorted, and aligned to the config's references."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping
from pathlib import Path
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
        Prefix of the file in errors.
    genome : mapping of str to int, optional
        Length of each sequence of the genome.
    chromosomes : collection of str
        Those of the annotation, empty if there is none.

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
    again = "copy it again"
    try:
        with pysam.AlignmentFile(path, "rb") as bam:
            lengths = dict(zip(bam.references, bam.lengths, strict=True))
            header = bam.header.to_dict()
            first = list(itertools.islice(bam, LOOKED_AT))
            aligned = bam.mapped if bam.has_index() else 0
        pysam.quickcheck(path)
    except (OSError, ValueError, pysam.SamtoolsError) as error:
        raise InputError(where, f"not a valid BAM file ({error})", again) from error
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
        raise InputError(where, "it has no aligned reads", "remove it from the units")
    return {
        "reads": aligned,
        "longest": max(read.query_length for read in first),
        "paired": any(read.is_paired for read in first),
        "samples": sorted({group.get("SM", "") for group in header.get("RG", [])} - {""}),
    }


def check_sample(path: str, sample: str, named: Collection[str]) -> None:
    """Check that a BAM file's read groups name its sample, since calls are assigned by them.

    Parameters
    ----------
    path : str
    sample : str
    named : collection of str
        ``samples`` of :func:`check_bam`.

    Raises
    ------
    InputError
    """
    if not named:
        raise InputError(
            path,
            "it has no read group to name the sample",
            f"run `samtools addreplacerg -r ID:1 -r SM:{sample}`, then `index`",
        )
    if set(named) != {sample}:
        raise InputError(
            path,
            f"its read groups are of sample {', '.join(sorted(named))}, not {sample}",
            "correct the units, or the file with `samtools addreplacerg -w`",
        )


def index_of(path: str) -> str:
    """Return the index beside a BAM file.

    Raises
    ------
    InputError
    """
    names = (f"{path}.bai", f"{path.removesuffix('.bam')}.bai", f"{path}.csi")
    found = next((name for name in names if Path(name).is_file()), None)
    if found is None:
        raise InputError(path, "no index beside it", "run `samtools index`")
    return found
