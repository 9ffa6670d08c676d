"""Small RNA: adapters and UMIs of the kits, and counts of mature miRNAs."""

from __future__ import annotations

import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trdomics.errors import InputError
from trdomics.inputs.text_table import open_text, readable
from trdomics.reads.fastq import open_fastq

SHORTEST, LONGEST = 17, 30
# Shorter inserts are ignored.
LEAST = 15
# Bases by which a read may start before or end after a mature miRNA.
MARGIN = 2
MISMATCHES = 2
SEEN = 8
# Two molecules of one miRNA may have UMIs one base apart by chance. Such pairs are merged only if
# fewer than this share are expected by chance: merging then loses half of that share, about what
# sequencing errors would add (0.1 % of bases, UMIs of 12).
BY_CHANCE = 0.02
BASES = {"A": 0, "C": 1, "G": 2, "T": 3}


@dataclass(frozen=True)
class Protocol:
    """How to find the inserts in a kit's reads.

    Attributes
    ----------
    adapter : str
        3' adapter; empty where it was already removed.
    head, tail : int
        Random bases before and after the insert.
    umi : int
        Length of the UMI behind the adapter.
    mismatches : int
        Allowed in the adapter.
    """

    adapter: str
    head: int = 0
    tail: int = 0
    umi: int = 0
    mismatches: int = MISMATCHES

    def cutadapt(self) -> list[str]:
        """Return the arguments of cutadapt that leave the inserts.

        Random bases after the insert and the UMI after the adapter are matched as part of it, so
        that the UMI is moved to the read's name before trimming. Reads without the adapter contain
        no small RNA.
        """
        arguments = ["--minimum-length", str(LEAST)]
        if self.head:
            arguments += ["--cut", str(self.head)]
        if not self.adapter:
            return arguments
        seen = len(self.adapter) if self.umi else SEEN
        adapter = "N" * self.tail + self.adapter + "N" * self.umi
        overlap = self.tail + seen + self.umi
        arguments += [
            "--adapter",
            f"{adapter};min_overlap={overlap};max_errors={self.mismatches};noindels",
            "--discard-untrimmed",
        ]
        if self.umi:
            arguments += ["--rename", "{id}_{match_sequence}"]
        return arguments


# As given by the manufacturers; nf-core/smrnaseq has the same presets.
PROTOCOLS = {
    "truseq": Protocol("TGGAATTCTCGGGTGCCAAGG"),
    "nextflex": Protocol("TGGAATTCTCGGGTGCCAAGG", head=4, tail=4),
    "qiaseq_mirna": Protocol("AACTGTAGGCACCATCAAT", umi=12),
    "nebnext": Protocol("AGATCGGAAGAGCACACGTCT"),
    "cats": Protocol("AAAAAAAA", head=3, mismatches=0),
    "trimmed": Protocol(""),
}


@dataclass(frozen=True)
class Collapsed:
    """The distinct inserts of a sample.

    Attributes
    ----------
    sequences : list of str
        Those of 17 to 30 bases, in alphabetical order.
    reads : ndarray of int, shape (n,)
        Reads of each sequence and UMI.
    sequence : ndarray of int, shape (n,)
        Index of its sequence in `sequences`.
    umi : ndarray of int, shape (n,)
        Its UMI as a number to base 4; all 0 without UMIs.
    lengths : mapping of int to int
        Reads of each length, those outside the window included.
    unreadable : int
        Reads whose UMI has an N.
    """

    sequences: list[str]
    reads: NDArray[np.int64]
    sequence: NDArray[np.int64]
    umi: NDArray[np.int64]
    lengths: Mapping[int, int]
    unreadable: int


def collapse(paths: Iterable[str], umi: int) -> Collapsed:
    """Count the reads of each sequence, or of each sequence and UMI.

    Parameters
    ----------
    paths : iterable of str
        FASTQ files of a sample, as :meth:`Protocol.cutadapt` leaves them.
    umi : int
        Length of the UMI at the end of each read's name, 0 for none.
    """
    found: Counter[bytes] = Counter()
    for path in paths:
        with open_fastq(path) as handle:
            for name, sequence, _, _ in zip(handle, handle, handle, handle, strict=True):
                # one string for both takes half the memory of two
                found[sequence.rstrip() + (name.rstrip()[-umi:] if umi else b"")] += 1
    lengths: Counter[int] = Counter()
    kept, unreadable = [], 0
    for text, reads in found.items():
        length = len(text) - umi
        sequence, mark = text[:length], text[length:]
        lengths[length] += reads
        if not SHORTEST <= length <= LONGEST:
            continue
        if b"N" in mark:
            unreadable += reads
            continue
        kept.append((sequence, mark, reads))
    kept.sort()
    sequences = sorted({sequence for sequence, _, _ in kept})
    place = {sequence: number for number, sequence in enumerate(sequences)}
    return Collapsed(
        [sequence.decode("ascii") for sequence in sequences],
        np.array([reads for _, _, reads in kept], dtype=np.int64),
        np.array([place[sequence] for sequence, _, _ in kept], dtype=np.int64),
        np.array([_umi_number(mark.decode("ascii")) for _, mark, _ in kept], dtype=np.int64),
        dict(sorted(lengths.items())),
        unreadable,
    )


def _umi_number(umi: str) -> int:
    number = 0
    for base in umi:
        number = 4 * number + BASES[base]
    return number


def read_fasta(path: str, species: str, key: str) -> dict[str, str]:
    """Return the sequences of a species as DNA, by name.

    Parameters
    ----------
    path : str
        FASTA in miRBase's format: names start with the species and a hyphen.
    species : str
        Such as ``hsa``.
    key : str
        Of the config, for errors.
    """
    where = f"{path} (references.{key})"
    sequences: dict[str, list[str]] = {}
    prefixes: Counter[str] = Counter()
    parts: list[str] | None = None
    with readable(path, where, f"correct `references.{key}`"), open_text(path) as handle:
        for line in handle:
            if line.startswith(">"):
                name = line[1:].split()[0] if line[1:].strip() else ""
                prefix = name.partition("-")[0]
                prefixes[prefix] += 1
                parts = sequences.setdefault(name, []) if prefix == species else None
            elif parts is not None:
                parts.append(line.strip().upper().replace("U", "T"))
    if not sequences:
        known = ", ".join(name for name, _ in prefixes.most_common(5)) or "none"
        problem = f"no sequence of the species `{species}`; names start with {known}"
        raise InputError(where, problem, "set `references.species`")
    return {name: "".join(parts) for name, parts in sequences.items()}


@dataclass(frozen=True)
class Matures:
    """Mature miRNAs and where they are on the hairpins.

    Attributes
    ----------
    features : list of str
        Mature miRNAs of identical sequence are one feature, with names joined by ``/``.
    places : mapping of str to list of (int, int, int)
        Hairpin -> first base (from 0), end and feature of each mature on it.
    lost : list of str
        Mature miRNAs not found on any hairpin.
    """

    features: list[str]
    places: Mapping[str, Sequence[tuple[int, int, int]]]
    lost: list[str]


def locate(matures: Mapping[str, str], hairpins: Mapping[str, str]) -> Matures:
    """Find every mature miRNA on every hairpin with its sequence."""
    names: dict[str, list[str]] = defaultdict(list)
    for name, sequence in matures.items():
        names[sequence].append(name)
    places: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    features: list[str] = []
    lost: list[str] = []
    for sequence, members in names.items():
        found = False
        for hairpin, text in hairpins.items():
            start = text.find(sequence)
            while start >= 0:
                places[hairpin].append((start, start + len(sequence), len(features)))
                found = True
                start = text.find(sequence, start + 1)
        if found:
            features.append("/".join(sorted(members)))
        else:
            lost += members
    return Matures(features, dict(places), lost)


def assign(
    hits: Iterable[tuple[int, str, int]], sequences: Sequence[str], matures: Matures
) -> tuple[dict[int, list[int]], set[int]]:
    """Return the features of each sequence, and the sequences that are on a hairpin.

    A sequence is assigned to a mature miRNA if it starts and ends at most 2 bases outside it. Of
    several, those with the nearest ends are taken; all ties are returned.

    Parameters
    ----------
    hits : iterable of (int, str, int)
        Sequence, hairpin and first base (from 0), as bowtie finds them.
    sequences : sequence of str
    matures : Matures
    """
    best: dict[int, tuple[int, set[int]]] = {}
    aligned = set()
    for number, hairpin, start in hits:
        aligned.add(number)
        end = start + len(sequences[number])
        for first, last, feature in matures.places.get(hairpin, ()):
            if start < first - MARGIN or end > last + MARGIN:
                continue
            distance = abs(start - first) + abs(end - last)
            known = best.get(number)
            if known is None or distance < known[0]:
                best[number] = (distance, {feature})
            elif distance == known[0]:
                known[1].add(feature)
    return {number: sorted(features) for number, (_, features) in best.items()}, aligned


def count(
    collapsed: Collapsed, assigned: Mapping[int, Sequence[int]], n_features: int, umi: int
) -> NDArray[np.float64]:
    """Count reads, or molecules if there are UMIs, of each feature.

    A sequence of n features counts 1/n for each. Reads of one feature and UMI are one molecule,
    regardless of sequencing errors.

    Parameters
    ----------
    collapsed : Collapsed
    assigned : mapping of int to sequence of int
        Features of each sequence, of :func:`assign`.
    n_features, umi : int
        The number of features, and the length of the UMIs (0 for none).

    Returns
    -------
    ndarray of float, shape (n_features,)
    """
    counts = np.zeros(n_features)
    molecules: dict[int, dict[int, tuple[int, float]]] = defaultdict(dict)
    for number, mark, reads in zip(
        collapsed.sequence.tolist(), collapsed.umi.tolist(), collapsed.reads.tolist(), strict=True
    ):
        features = assigned.get(number, ())
        for feature in features:
            share = 1 / len(features)
            if not umi:
                counts[feature] += reads * share
                continue
            known, weight = molecules[feature].get(mark, (0, 0.0))
            molecules[feature][mark] = (known + reads, max(weight, share))
    for feature, marks in molecules.items():
        counts[feature] = _molecules(marks, umi)
    return counts


def _molecules(marks: Mapping[int, tuple[int, float]], umi: int) -> float:
    """Return the number of molecules from the UMIs of a feature.

    A UMI of n reads is a sequencing error of another one base from it that has at least 2 n - 1
    (the "directional" rule of Smith, Heger & Sudbery 2017, doi 10.1101/gr.209601.116; of two with
    one read each, one is), unless there are so many UMIs that neighbours are expected by chance.
    """
    neighbours = 3 * umi
    if len(marks) * neighbours / 4**umi > BY_CHANCE:
        return sum(weight for _, weight in marks.values())
    total = 0.0
    for mark, (reads, weight) in marks.items():
        near = (mark ^ (change << (2 * place)) for place in range(umi) for change in (1, 2, 3))
        if not any(
            marks[other][0] >= 2 * reads - 1 and (marks[other][0] > reads or other < mark)
            for other in near
            if other in marks
        ):
            total += weight
    return total


@dataclass(frozen=True)
class Counted:
    """The miRNAs of a sample.

    Attributes
    ----------
    matures : Matures
    counts : ndarray of float, shape (n_features,)
    assigned : mapping of int to list of int
        Features of each sequence.
    aligned : set of int
        Sequences that are on a hairpin.
    """

    matures: Matures
    counts: NDArray[np.float64]
    assigned: Mapping[int, Sequence[int]]
    aligned: set[int]


def count_sample(
    collapsed: Collapsed,
    references: tuple[Mapping[str, str], Mapping[str, str]],
    index: str,
    umi: int,
    report: str,
) -> Counted:
    """Align the sequences of a sample to the hairpins and count its mature miRNAs.

    Parameters
    ----------
    collapsed : Collapsed
    references : (mapping, mapping)
        Matures and hairpins, by name.
    index : str
        bowtie's index of the hairpins.
    umi : int
        Length of the UMIs, 0 for none.
    report : str
        File for bowtie's report of its alignments.
    """
    matures = locate(*references)
    text = "".join(f">{n}\n{sequence}\n" for n, sequence in enumerate(collapsed.sequences))
    command = ["bowtie", "-f", "-v", "1", "-a", "--best", "--strata", "--norc", "-x", index, "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    Path(report).write_text(done.stderr, encoding="utf-8")
    if done.returncode:
        raise RuntimeError(f"bowtie ended with {done.returncode}: {done.stderr}")
    hits = (line.split("\t")[:4] for line in done.stdout.splitlines())
    assigned, aligned = assign(
        ((int(name), hairpin, int(start)) for name, _, hairpin, start in hits),
        collapsed.sequences,
        matures,
    )
    counts = count(collapsed, assigned, len(matures.features), umi)
    return Counted(matures, counts, assigned, aligned)
