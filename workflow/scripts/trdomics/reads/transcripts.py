"""Sequences for salmon: transcripts, with the genome as decoys."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import IO

import pandas as pd
import pysam

from trdomics.errors import InputError
from trdomics.inputs.text_table import open_text, readable
from trdomics.reads.annotation import Annotation, Transcript, check_chromosomes, spliced

LINE = 100


def write_gentrome(
    annotation: Annotation, genome: str, transcripts: str | None, files: tuple[str, str]
) -> tuple[pd.DataFrame, list[str]]:
    """Write the transcripts followed by the genome in one FASTA file.

    Parameters
    ----------
    annotation : Annotation
    genome : str
        FASTA file with an index (``.fai``).
    transcripts : str, optional
        FASTA file of the transcripts, named as in the annotation; otherwise they are extracted from
        the genome.
    files : (str, str)
        Paths for the sequences and for the names of the genome's sequences.

    Returns
    -------
    table : DataFrame
        ``transcript``, ``gene``, in the order of the file.
    dropped : list of str
        What was left out, as sentences.
    """
    sequences, decoys = files
    rows = []
    with pysam.FastaFile(genome) as fasta, open(sequences, "w", encoding="ascii") as handle:
        where = f"{genome} (references.genome)"
        chromosomes = {each.chromosome for each in annotation.transcripts}
        lost = check_chromosomes(chromosomes, fasta.references, where, "`references.genome`")
        if transcripts is None:
            source = _cut(annotation, fasta, where)
        else:
            source = _given(annotation, transcripts)
        for each, sequence in source:
            _write(handle, each.name, sequence)
            rows.append((each.name, each.gene))
        for name in fasta.references:
            _write(handle, name, fasta.fetch(name))
        with open(decoys, "w", encoding="utf-8") as names:
            names.writelines(f"{name}\n" for name in fasta.references)
    dropped = [f"the genome lacks {len(lost)} of the annotation's sequences"] if lost else []
    n_lost = len(annotation.transcripts) - len(rows)
    if n_lost:
        dropped.append(f"{n_lost} transcripts of the annotation have no sequence: not counted")
    return pd.DataFrame(rows, columns=["transcript", "gene"]), dropped


def _write(handle: IO[str], name: str, sequence: str) -> None:
    handle.write(f">{name}\n")
    handle.writelines(f"{sequence[i : i + LINE]}\n" for i in range(0, len(sequence), LINE))


def _cut(
    annotation: Annotation, fasta: pysam.FastaFile, where: str
) -> Iterator[tuple[Transcript, str]]:
    by_chromosome: dict[str, list[Transcript]] = defaultdict(list)
    for each in annotation.transcripts:
        by_chromosome[each.chromosome].append(each)
    for name in fasta.references:
        if name not in by_chromosome:
            continue
        chromosome = fasta.fetch(name)
        for each in by_chromosome[name]:
            if each.exons[-1][1] > len(chromosome):
                raise InputError(
                    where,
                    f"{name} has {len(chromosome):,} bases, the annotation's transcript "
                    f"{each.name} ends at {each.exons[-1][1]:,}",
                    "take genome and annotation of one release",
                )
            yield each, spliced(each, chromosome)


def _given(annotation: Annotation, path: str) -> Iterator[tuple[Transcript, str]]:
    where = f"{path} (references.transcripts)"
    known = {each.name: each for each in annotation.transcripts}
    known |= {each.name.partition(".")[0]: each for each in annotation.transcripts} | known
    seen: set[str] = set()
    with readable(path, where, "correct `references.transcripts`"), open_text(path) as handle:
        for name, sequence in _fasta(handle):
            # GENCODE appends more names after a bar, Ensembl a version after a dot
            plain = name.partition("|")[0]
            each = known.get(plain) or known.get(plain.partition(".")[0])
            if each is not None and each.name not in seen:
                seen.add(each.name)
                yield each, sequence
    if not seen:
        problem = "it has no transcript of `references.annotation`"
        raise InputError(where, problem, "take both of one release, or leave it out")


def _fasta(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    name = ""
    parts: list[str] = []
    for line in lines:
        if line.startswith(">"):
            if parts:
                yield name, "".join(parts)
            name, parts = line[1:].split(maxsplit=1)[0] if line[1:].strip() else "", []
        else:
            parts.append(line.strip())
    if parts:
        yield name, "".join(parts)
