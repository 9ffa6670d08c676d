"""Whether files name their chromosomes alike: a mismatch loses everything silently."""

from __future__ import annotations

import gzip
import io
import os
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from trdomics.errors import InputError


def lines_of(path: str | os.PathLike[str]) -> Iterator[str]:
    """Yield the lines of a text file, gzipped or plain, without line ends."""
    with open(path, "rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        stream: Any = gzip.GzipFile(fileobj=raw) if zipped else raw
        with io.TextIOWrapper(stream, encoding="utf-8", errors="replace") as text:
            for line in text:
                yield line.rstrip("\r\n")


def genome_lengths(fai: str | os.PathLike[str]) -> dict[str, int]:
    """Return the lengths of a genome's sequences, from its index by ``samtools faidx``."""
    fields = (line.split("\t") for line in lines_of(fai) if line)
    return {name: int(length) for name, length, *_ in fields}


def first_column(path: str | os.PathLike[str]) -> list[str]:
    """Return the sequences with lines in a GFF3, GTF, BED or VCF file."""
    names: dict[str, None] = {}
    for line in lines_of(path):
        if line.startswith("##FASTA"):
            break
        if line and line[0] not in "#>" and not line.startswith(("track", "browser")):
            names.setdefault(line.split("\t", 1)[0])
    return list(names)


def check_shared(
    names: Collection[str], genome: Collection[str], where: str, *, every: bool = False
) -> None:
    """Check that a file's chromosomes are those of the genome.

    Parameters
    ----------
    names : collection of str
        As in the file.
    genome : collection of str
        As in the genome.
    where : str
        The file, for the error.
    every : bool
        Whether all of them must be in the genome, not just one.

    Raises
    ------
    InputError
        Naming one of each, and ``chr`` if that is the difference.
    """
    lost = [name for name in names if name not in genome]
    if not lost or (len(lost) < len(names) and not every):
        return
    other = _other_habit(lost[0])
    fix = "use files of one assembly"
    if other in genome:
        fix = f"the genome calls it {other}: write the names alike, with or without `chr`"
    problem = f"its sequence {lost[0]} is not in the genome (which has {_few(genome)})"
    raise InputError(where, problem, fix)


def _other_habit(name: str) -> str:
    """Return a chromosome's name with ``chr`` added or removed."""
    if name.startswith("chr"):
        return {"M": "MT"}.get(name[3:], name[3:])
    return "chrM" if name == "MT" else f"chr{name}"


def _few(names: Iterable[str]) -> str:
    shown = list(names)
    return ", ".join(shown[:3]) + (", …" if len(shown) > 3 else "")
