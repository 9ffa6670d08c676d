"""An artificial genome: chromosomes with genes, exons and introns, and hairpins of miRNAs.

Names of genes, chromosomes and miRNAs are real, every sequence and position is invented. Sequences
are arrays of ASCII codes; positions count from 0 and intervals are half-open.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pandas as pd

from trdomics.files import replacing

BASES = np.frombuffer(b"ACGT", dtype=np.uint8)
_COMPLEMENT = np.arange(256, dtype=np.uint8)
_COMPLEMENT[BASES] = BASES[::-1]

# The standard code, codons in the order of TCAG (NCBI translation table 1).
_AMINO_ACIDS = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"
CODE = dict(zip(map("".join, product("TCAG", repeat=3)), _AMINO_ACIDS, strict=True))
_SENSE = [codon for codon, amino_acid in CODE.items() if amino_acid != "*"]

# Lengths in bases, drawn uniformly. Coding parts of exons are whole codons, so that an exon that is
# skipped keeps the reading frame.
_UTR_5, _UTR_3, _CODONS, _INTRON, _BETWEEN = (60, 120), (120, 260), (24, 64), (80, 240), (320, 640)
_INTERNAL_EXONS = (1, 3)
NONCODING = {"XIST"}
# Two genes with the same coding sequence, like the alpha globins.
TWINS = {"HBA2": "HBA1"}


def random_bases(length: int, rng: np.random.Generator) -> np.ndarray:
    """Return a random sequence."""
    return BASES[rng.integers(0, 4, length)]


def reverse_complement(sequence: np.ndarray) -> np.ndarray:
    """Return the reverse complement."""
    return _COMPLEMENT[sequence[::-1]]


def complement(sequence: np.ndarray) -> np.ndarray:
    """Return the paired bases, in the direction of the given strand."""
    return _COMPLEMENT[sequence]


def text(sequence: np.ndarray) -> str:
    """Return a sequence as letters."""
    return sequence.tobytes().decode("ascii")


def bases(letters: str) -> np.ndarray:
    """Return letters as a sequence."""
    return np.frombuffer(letters.encode("ascii"), dtype=np.uint8)


@dataclass(frozen=True)
class Gene:
    """A gene with one or two transcripts.

    Attributes
    ----------
    strand : int
        1 or -1.
    exons : ndarray, shape (n_exons, 2)
        In the order of the chromosome.
    coding : tuple of int or None
        Start and end of the coding region on the chromosome, including introns.
    cassette : int or None
        The exon that the second transcript leaves out.
    """

    symbol: str
    identifier: str
    chromosome: str
    strand: int
    exons: np.ndarray
    coding: tuple[int, int] | None
    cassette: int | None

    def transcripts(self) -> list[tuple[str, np.ndarray]]:
        """Return the identifier and the exons of each transcript."""
        name = self.identifier.replace("G", "T", 1)
        found = [(f"{name}1", self.exons)]
        if self.cassette is not None:
            found.append((f"{name}2", np.delete(self.exons, self.cassette, axis=0)))
        return found

    def coding_exons(self, exons: np.ndarray) -> np.ndarray:
        """Return the coding parts of some exons, shape (n, 2)."""
        if self.coding is None:
            return np.empty((0, 2), dtype=int)
        parts = np.clip(exons, *self.coding)
        return parts[parts[:, 1] > parts[:, 0]]

    def coding_positions(self) -> np.ndarray:
        """Return every coding position, in the direction of the gene."""
        parts = [np.arange(*part) for part in self.coding_exons(self.exons)]
        positions = np.concatenate(parts) if parts else np.empty(0, dtype=int)
        return positions[:: self.strand]


@dataclass(frozen=True)
class Genome:
    """Chromosomes and genes."""

    sequences: Mapping[str, np.ndarray]
    genes: Sequence[Gene]


def draw_genome(names: pd.DataFrame, rng: np.random.Generator) -> Genome:
    """Draw a genome with the given genes, by ``feature`` (symbol) and ``chromosome``."""
    parts: dict[str, list[np.ndarray]] = {}
    genes: list[Gene] = []
    structures: dict[str, _Structure] = {}
    ordered = names.sort_values("chromosome", key=lambda s: s.map(_chromosome_order), kind="stable")
    for number, (symbol, chromosome) in enumerate(
        ordered[["feature", "chromosome"]].itertuples(index=False), 1
    ):
        sequence = parts.setdefault(chromosome, [])
        sequence.append(random_bases(int(rng.integers(*_BETWEEN)), rng))
        start = sum(map(len, sequence))
        structure = _draw_structure(symbol not in NONCODING, rng)
        if symbol in TWINS and TWINS[symbol] in structures:
            structure = _twin(structures[TWINS[symbol]], rng)
        structures[symbol] = structure
        strand = 1 if rng.random() < 0.5 else -1
        length = len(structure.sequence)
        exons, coding = structure.exons, structure.coding
        if strand < 0:
            exons = (length - exons)[::-1, ::-1]
            coding = None if coding is None else (length - coding[1], length - coding[0])
        cassette = len(exons) // 2 if len(exons) >= 4 else None
        sequence.append(
            structure.sequence if strand > 0 else reverse_complement(structure.sequence)
        )
        genes.append(
            Gene(
                symbol,
                f"SIMG{number:05d}",
                chromosome,
                strand,
                exons + start,
                None if coding is None else (coding[0] + start, coding[1] + start),
                cassette,
            )
        )
    for sequence in parts.values():
        sequence.append(random_bases(int(rng.integers(*_BETWEEN)), rng))
    return Genome({name: np.concatenate(part) for name, part in parts.items()}, genes)


def _chromosome_order(name: str) -> int:
    number = name.removeprefix("chr")
    return int(number) if number.isdigit() else 23 + "XYM".index(number[0])


@dataclass(frozen=True)
class _Structure:
    """A gene in its own direction: unspliced sequence, exons, and coding region."""

    sequence: np.ndarray
    exons: np.ndarray
    coding: tuple[int, int] | None


def _draw_structure(is_coding: bool, rng: np.random.Generator) -> _Structure:
    n_exons = 2 + int(rng.integers(_INTERNAL_EXONS[0], _INTERNAL_EXONS[1] + 1))
    codons = rng.integers(*_CODONS, n_exons)
    utr_5, utr_3 = int(rng.integers(*_UTR_5)), int(rng.integers(*_UTR_3))
    lengths = 3 * codons
    lengths[0] += utr_5
    lengths[-1] += utr_3
    introns = rng.integers(*_INTRON, n_exons - 1)
    starts = np.concatenate([[0], np.cumsum(lengths[:-1] + introns)])
    exons = np.column_stack([starts, starts + lengths])
    sequence = random_bases(int(exons[-1, 1]), rng)
    for (_, end), (start, _) in pairwise(exons):
        sequence[end : end + 2], sequence[start - 2 : start] = bases("GT"), bases("AG")
    if not is_coding:
        return _Structure(sequence, exons, None)
    coding = (utr_5, len(sequence) - utr_3)
    inner = rng.choice(_SENSE, int(codons.sum()) - 2)
    clipped = np.clip(exons, *coding)
    places = np.concatenate([np.arange(*part) for part in clipped])
    sequence[places] = bases("ATG" + "".join(inner) + "TAA")
    return _Structure(sequence, exons, coding)


def _twin(model: _Structure, rng: np.random.Generator) -> _Structure:
    """Return a structure that differs only in its untranslated ends."""
    sequence = model.sequence.copy()
    assert model.coding is not None
    start, end = model.coding
    sequence[:start] = random_bases(start, rng)
    sequence[end:] = random_bases(len(sequence) - end, rng)
    return _Structure(sequence, model.exons, model.coding)


def spliced(sequence: np.ndarray, exons: np.ndarray, strand: int) -> np.ndarray:
    """Return the sequence of a transcript in its own direction."""
    joined = np.concatenate([sequence[start:end] for start, end in exons])
    return joined if strand > 0 else reverse_complement(joined)


def write_fasta(sequences: Mapping[str, np.ndarray], path: str | Path) -> None:
    """Write sequences as FASTA, 60 bases per line."""
    with replacing(path) as temporary, temporary.open("w", encoding="ascii", newline="\n") as out:
        for name, sequence in sequences.items():
            letters = text(sequence)
            lines = [letters[i : i + 60] for i in range(0, len(letters), 60)]
            out.write("\n".join([f">{name}", *lines]) + "\n")


def write_gff(genome: Genome, path: str | Path) -> None:
    """Write the genes as GFF3 in the style of Ensembl, which ``bcftools csq`` reads."""
    with replacing(path) as temporary, temporary.open("w", encoding="ascii", newline="\n") as out:
        out.write("##gff-version 3\n")
        for name, sequence in genome.sequences.items():
            out.write(f"##sequence-region {name} 1 {len(sequence)}\n")
        for gene in genome.genes:
            out.writelines(_gff_lines(gene))


def _gff_lines(gene: Gene) -> Iterable[str]:
    biotype = "lncRNA" if gene.coding is None else "protein_coding"
    strand = "+" if gene.strand > 0 else "-"

    def line(kind: str, start: int, end: int, phase: str, attributes: str) -> str:
        place = f"{gene.chromosome}\tsimulated\t{kind}\t{start + 1}\t{end}\t.\t{strand}\t{phase}"
        return f"{place}\t{attributes}\n"

    span = int(gene.exons[0, 0]), int(gene.exons[-1, 1])
    yield line(
        "gene" if gene.coding else "ncRNA_gene",
        *span,
        ".",
        f"ID=gene:{gene.identifier};Name={gene.symbol};biotype={biotype};gene_id={gene.identifier}",
    )
    for name, exons in gene.transcripts():
        yield line(
            "mRNA" if gene.coding else "lnc_RNA",
            int(exons[0, 0]),
            int(exons[-1, 1]),
            ".",
            f"ID=transcript:{name};Parent=gene:{gene.identifier};biotype={biotype};"
            f"transcript_id={name}",
        )
        parent = f"Parent=transcript:{name}"
        for number, (start, end) in enumerate(exons[:: gene.strand], 1):
            yield line("exon", start, end, ".", f"{parent};exon_id={name}.{number};rank={number}")
        for start, end in gene.coding_exons(exons)[:: gene.strand]:
            # whole codons in every exon
            yield line("CDS", start, end, "0", f"ID=CDS:{name};{parent};protein_id={name}P")
        if gene.coding is not None:
            ends = ["five_prime_UTR", "three_prime_UTR"][:: gene.strand]
            first, last = (exons[0, 0], gene.coding[0]), (gene.coding[1], exons[-1, 1])
            for kind, (start, end) in zip(ends, (first, last), strict=True):
                yield line(kind, int(start), int(end), ".", parent)


def hairpin_name(mature: str) -> str:
    """Return the name of a mature miRNA's hairpin."""
    return re.sub(r"-[35]p\Z", "", mature).replace("miR", "mir")


def draw_hairpins(
    matures: Sequence[str], same: Mapping[str, str], rng: np.random.Generator
) -> tuple[dict[str, np.ndarray], dict[str, tuple[str, int, int]]]:
    """Draw hairpins that contain the given mature miRNAs.

    Parameters
    ----------
    matures : sequence of str
        Names; those ending in 5p are in the first arm of their hairpin, all others in the second.
    same : mapping of str to str
        Mature miRNAs with the sequence of another one.

    Returns
    -------
    hairpins : dict of ndarray
    places : dict of (hairpin, start, end)
        Hairpin and position of each mature miRNA.
    """
    hairpins: dict[str, np.ndarray] = {}
    places: dict[str, tuple[str, int, int]] = {}
    for name in [*matures, *(other for other in same if other not in matures)]:
        hairpin = hairpin_name(name)
        hairpins.setdefault(hairpin, random_bases(76, rng))
        start, length = (8 if name.endswith("5p") else 46), int(rng.integers(21, 24))
        places[name] = (hairpin, start, start + length)
    for name, other in same.items():
        hairpin, start, end = places[other]
        sequence = hairpins[hairpin][start:end]
        own, place, _ = places[name]
        hairpins[own][place : place + len(sequence)] = sequence
        places[name] = (own, place, place + len(sequence))
    return hairpins, places
