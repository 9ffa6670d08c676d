"""A sequencer: fragments to reads with errors, adapters, UMIs and qualities, as gzipped FASTQ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trdomics.files import gzipped
from trdomics.simulation.genome import BASES, bases, complement

# Adapters read beyond short fragments: Illumina TruSeq, both reads.
ADAPTERS = ("AGATCGGAAGAGCACACGTCTGAACTCCAGTCA", "AGATCGGAAGAGCGTCGTGTAGGGAAAGAGTGT")
ERROR_RATE = 0.002
# Base quality falls from 38 to 32. Most wrong bases have a low quality, as do equally many right
# ones.
_QUALITY, _DOUBTFUL, _KNOWN_SHARE = (38, 32), 12, 0.7


@dataclass(frozen=True)
class Fragments:
    """Stretches of a pool of sequences.

    Attributes
    ----------
    pool : ndarray of uint8
        All sequences, concatenated.
    start, length : ndarray of int, shape (n,)
    flipped : ndarray of bool, shape (n,)
        The first read starts at the end of the stretch, on the other strand.
    """

    pool: np.ndarray
    start: np.ndarray
    length: np.ndarray
    flipped: np.ndarray

    def __len__(self) -> int:
        return len(self.start)

    def take(self, rows: np.ndarray) -> Fragments:
        """Return some of the fragments."""
        return Fragments(self.pool, self.start[rows], self.length[rows], self.flipped[rows])


def joined(parts: Sequence[Fragments]) -> Fragments:
    """Return fragments of several pools as fragments of one."""
    offsets = np.cumsum([0, *(len(part.pool) for part in parts)])
    return Fragments(
        np.concatenate([part.pool for part in parts]),
        np.concatenate([part.start + at for part, at in zip(parts, offsets, strict=False)]),
        np.concatenate([part.length for part in parts]),
        np.concatenate([part.flipped for part in parts]),
    )


def read_ends(fragments: Fragments, cycles: int, second: bool, tail: np.ndarray) -> np.ndarray:
    """Return one read of each fragment, without errors, shape (n, cycles).

    Parameters
    ----------
    second : bool
        Whether it is the read from the other end.
    tail : ndarray of uint8, shape (1 or n, t)
        Sequence after the fragment; then A.
    """
    step = np.arange(cycles)[None, :]
    inside = step < fragments.length[:, None]
    backward = fragments.flipped[:, None] ^ second
    last = (fragments.start + fragments.length - 1)[:, None]
    place = np.where(backward, last - step, fragments.start[:, None] + step)
    sequence = fragments.pool[np.where(inside, place, 0)]
    sequence = np.where(backward, complement(sequence), sequence)
    behind = step - fragments.length[:, None]
    known = (behind >= 0) & (behind < tail.shape[1])
    row = np.arange(len(fragments))[:, None] if len(tail) > 1 else 0
    filled = np.where(known, tail[row, np.where(known, behind, 0)], ord("A"))
    return np.where(inside, sequence, filled).astype(np.uint8)


def with_errors(
    reads: np.ndarray, rng: np.random.Generator, rate: float = ERROR_RATE
) -> tuple[np.ndarray, np.ndarray]:
    """Return reads with substitutions, and the bases' qualities (Phred), both (n, cycles)."""
    n, cycles = reads.shape
    reads = reads.copy()
    quality = np.tile(np.linspace(*_QUALITY, cycles).round().astype(np.uint8), (n, 1))
    n_errors = rng.binomial(n * cycles, rate)
    flat, doubts = reads.reshape(-1), quality.reshape(-1)
    wrong = rng.integers(0, n * cycles, n_errors)
    code = np.searchsorted(BASES, flat[wrong])
    flat[wrong] = BASES[(code + rng.integers(1, 4, n_errors)) % 4]
    doubts[wrong[rng.random(n_errors) < _KNOWN_SHARE]] = _DOUBTFUL
    doubts[rng.integers(0, n * cycles, round(_KNOWN_SHARE * n_errors))] = _DOUBTFUL
    return reads, quality


def write_fastq(reads: np.ndarray, quality: np.ndarray, name: str, path: str | Path) -> None:
    """Write reads, named by a prefix and number, as ``.fastq.gz``, reproducibly."""
    n, cycles = reads.shape
    head = bases(f"@{name}:")
    number = np.arange(1, n + 1)[:, None] // 10 ** np.arange(7, -1, -1)[None, :] % 10 + ord("0")
    width = len(head) + 8 + 1 + cycles + 3 + cycles + 1
    record = np.empty((n, width), dtype=np.uint8)
    at = 0
    for block in (head, number, bases("\n"), reads, bases("\n+\n"), quality + 33, bases("\n")):
        size = block.shape[-1]
        record[:, at : at + size] = block
        at += size
    with gzipped(path, 1) as out:
        out.write(record.tobytes())


def write_pairs(
    fragments: Fragments,
    cycles: int,
    lanes: Sequence[tuple[str, str, str]],
    rng: np.random.Generator,
) -> None:
    """Sequence fragments from both ends, in random order, and divide them among lanes.

    A lane is its name, the path of the first reads and that of the second.
    """
    order = rng.permutation(len(fragments))
    for (name, *paths), rows in zip(lanes, np.array_split(order, len(lanes)), strict=True):
        some = fragments.take(rows)
        for second, path in enumerate(paths):
            tail = bases(ADAPTERS[second])[None, :]
            reads, quality = with_errors(read_ends(some, cycles, bool(second), tail), rng)
            write_fastq(reads, quality, name, path)
