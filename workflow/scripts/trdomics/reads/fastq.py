"""Checks of FASTQ files: complete, valid, and with equal numbers of mates."""

from __future__ import annotations

import gzip
import hashlib
import itertools
from dataclasses import dataclass
from typing import IO

from trdomics.errors import InputError
from trdomics.inputs.text_table import readable

CHUNK = 1 << 22
# Number of first reads that are checked one by one.
LOOKED_AT = 10_000


@dataclass(frozen=True)
class Fastq:
    """Content of one file.

    Attributes
    ----------
    reads : int
    longest : int
        Bases of the longest read among the first ones.
    names : tuple of str
        Of the first reads, without the mate suffix.
    mate : str or None
        "1" or "2" if the first read's name says so.
    bases : str
        Digest of the first reads' sequences.
    """

    reads: int
    longest: int
    names: tuple[str, ...]
    mate: str | None
    bases: str


def open_fastq(path: str) -> IO[bytes]:
    """Open a FASTQ file, gzipped or plain, by its first bytes."""
    with open(path, "rb") as handle:
        zipped = handle.read(2) == b"\x1f\x8b"
    return gzip.open(path) if zipped else open(path, "rb")  # type: ignore[return-value]


def read_fastq(path: str, where: str) -> Fastq:
    """Read a FASTQ file to its end, in constant memory.

    Raises
    ------
    InputError
        If the file is truncated or not FASTQ.
    """
    with readable(path, where, "correct the table of units"), open_fastq(path) as handle:
        names: list[str] = []
        longest, mate, bases = 0, None, hashlib.sha256()
        for record in range(LOOKED_AT):
            lines = [line.rstrip(b"\r\n") for line in itertools.islice(handle, 4)]
            if not lines:
                return Fastq(record, longest, tuple(names), mate, bases.hexdigest())
            _check_record(lines, f"{where} line {4 * record + 1}")
            name, which = _name(lines[0][1:].decode("latin-1"))
            mate = which if record == 0 else mate
            names.append(name)
            longest = max(longest, len(lines[1]))
            bases.update(lines[1] + b"\n")
        count, last = 0, b"\n"
        while chunk := handle.read(CHUNK):
            count += chunk.count(b"\n")
            last = chunk[-1:]
    count += last != b"\n"
    if count % 4:
        raise InputError(where, "it is truncated within a read", "copy it again")
    reads = LOOKED_AT + count // 4
    return Fastq(reads, longest, tuple(names), mate, bases.hexdigest())


def _check_record(lines: list[bytes], where: str) -> None:
    if len(lines) < 4:
        raise InputError(where, "it is truncated within a read", "copy it again")
    if not lines[0].startswith(b"@") or not lines[2].startswith(b"+"):
        raise InputError(where, "not a FASTQ read", "give reads in FASTQ, four lines each")
    if len(lines[1]) != len(lines[3]):
        problem = f"{len(lines[1])} bases and {len(lines[3])} qualities"
        raise InputError(where, problem, "copy the file again")


def _name(header: str) -> tuple[str, str | None]:
    """Return a read's name, and which mate it is: of `x/1`, or of `x 1:N:0:ACGT`."""
    name, _, rest = header.partition(" ")
    if name[-2:] in ("/1", "/2"):
        return name[:-2], name[-1]
    return name, rest[0] if rest[:2] in ("1:", "2:") else None


def check_unit(fq1: str, fq2: str | None, where: str) -> tuple[Fastq, Fastq | None]:
    """Read the files of a unit and check that they are of one library.

    Parameters
    ----------
    fq1 : str
    fq2 : str or None
        The mates of paired reads.
    where : str
        What errors name in front of the file.

    Raises
    ------
    InputError
        If a file is damaged, has no reads, or mates do not match.
    """
    first = read_fastq(fq1, f"{where}: {fq1}")
    if first.reads == 0:
        raise InputError(f"{where}: {fq1}", "it has no reads", "remove it from the units")
    if fq2 is None:
        return first, None
    second = read_fastq(fq2, f"{where}: {fq2}")
    if (first.mate, second.mate) == ("2", "1"):
        problem = "`fq1` holds the second reads of the pairs and `fq2` the first ones"
        raise InputError(where, problem, "swap the two in the table of units")
    if first.mate is not None and first.mate == second.mate:
        problem = f"`fq1` and `fq2` both hold the reads {first.mate} of the pairs"
        raise InputError(where, problem, "correct the table of units")
    if first.reads != second.reads:
        problem = f"{first.reads:,} reads in {fq1} and {second.reads:,} in {fq2}"
        raise InputError(where, problem, "both must have the same number of reads: copy both again")
    for number, (own, other) in enumerate(zip(first.names, second.names, strict=True), start=1):
        if own != other:
            problem = f"pair {number} is `{own}` in {fq1} and `{other}` in {fq2}"
            raise InputError(where, problem, "name files of one library, in the same order")
    if first.bases == second.bases:
        problem = "`fq1` and `fq2` hold the same reads"
        raise InputError(where, problem, "name the second reads of the pairs in `fq2`")
    return first, second
