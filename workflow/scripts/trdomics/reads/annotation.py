"""Genes, transcripts and exons of a GTF or GFF3 file, and their formats for the tools."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trdomics.errors import InputError
from trdomics.inputs.text_table import few, open_text, readable

if TYPE_CHECKING:
    import pandas as pd

GTF_FIELD = re.compile(r'(\w+) "([^"]*)"')
RRNA = ("rRNA", "Mt_rRNA")
# Length of each gene end in exonic bases; reads at both ends are compared.
END = 500
COMPLEMENT = str.maketrans("ACGTNacgtn", "TGCANtgcan")


@dataclass
class Transcript:
    """A transcript.

    Attributes
    ----------
    name, gene, chromosome, strand : str
    exons : list of (int, int)
        First and last base of each, from 1, in order of position.
    """

    name: str
    gene: str
    chromosome: str
    strand: str
    exons: list[tuple[int, int]] = field(default_factory=list)


@dataclass(frozen=True)
class Annotation:
    """The genes of a file.

    Attributes
    ----------
    genes : DataFrame
        ``feature`` (the gene's id), ``symbol``, ``chromosome``, ``biotype``; NA if unknown.
    transcripts : list of Transcript
    """

    genes: pd.DataFrame
    transcripts: list[Transcript]


def read_annotation(path: str) -> Annotation:
    """Read a GTF file, or a GFF3 file in the style of Ensembl, plain or gzipped.

    Raises
    ------
    InputError
        If it has no exons, or exons without a transcript.
    """
    where = f"{path} (references.annotation)"
    transcripts: dict[str, Transcript] = {}
    genes: dict[str, dict[str, str]] = {}
    parent: dict[str, str] = {}
    with readable(path, where, "correct `references.annotation`"), open_text(path) as handle:
        for number, line in enumerate(handle, start=1):
            if line.startswith("#") or not line.strip():
                continue
            parts = line.rstrip("\r\n").split("\t")
            if len(parts) != 9:
                raise InputError(f"{where} line {number}", "not 9 columns", "give a GTF or GFF3")
            chromosome, kind, strand = parts[0], parts[2], parts[6]
            is_gtf = "=" not in parts[8].partition(" ")[0]
            fields = dict(GTF_FIELD.findall(parts[8]) if is_gtf else _gff_fields(parts[8]))
            known = _gtf_ids(fields) if is_gtf else _gff_ids(kind, fields, parent)
            if known is None:
                continue
            gene, transcript = known
            about = genes.setdefault(gene, {"chromosome": chromosome})
            if kind == "gene" or transcript is None or is_gtf:
                _describe(about, fields, is_gtf)
            if kind != "exon":
                continue
            if transcript is None:
                raise InputError(
                    f"{where} line {number}",
                    "an exon without a transcript",
                    "give its `transcript_id`",
                )
            own = transcripts.setdefault(
                transcript, Transcript(transcript, gene, chromosome, strand)
            )
            own.exons.append((int(parts[3]), int(parts[4])))
    if not transcripts:
        raise InputError(where, "it has no exons", "give a GTF or GFF3 file as Ensembl writes it")
    for each in transcripts.values():
        each.exons.sort()
    import pandas as pd

    used = dict.fromkeys(each.gene for each in transcripts.values())
    table = pd.DataFrame([{"feature": gene, **genes[gene]} for gene in used])
    return Annotation(
        table.reindex(columns=["feature", "symbol", "chromosome", "biotype"]),
        list(transcripts.values()),
    )


def _gff_fields(text: str) -> list[tuple[str, str]]:
    pairs = (part.partition("=") for part in text.split(";") if "=" in part)
    return [(key.strip(), value.strip()) for key, _, value in pairs]


def _gtf_ids(fields: Mapping[str, str]) -> tuple[str, str | None] | None:
    gene = fields.get("gene_id")
    return None if not gene else (gene, fields.get("transcript_id") or None)


def _gff_ids(
    kind: str, fields: Mapping[str, str], parent: dict[str, str]
) -> tuple[str, str | None] | None:
    """Return gene and transcript of a line; `parent` collects the gene of each transcript."""
    name, above = fields.get("ID", ""), fields.get("Parent", "")
    if name.startswith("gene:"):
        return name.removeprefix("gene:"), None
    if name.startswith("transcript:") and above.startswith("gene:"):
        transcript, gene = name.removeprefix("transcript:"), above.removeprefix("gene:")
        parent[transcript] = gene
        return gene, transcript
    transcript = above.removeprefix("transcript:")
    return (parent[transcript], transcript) if transcript in parent else None


def _describe(about: dict[str, str], fields: Mapping[str, str], is_gtf: bool) -> None:
    symbol = fields.get("gene_name") if is_gtf else fields.get("Name")
    biotype = fields.get("gene_biotype") or fields.get("gene_type")
    if not is_gtf:
        biotype = fields.get("biotype")
    if symbol:
        about.setdefault("symbol", symbol)
    if biotype:
        about.setdefault("biotype", biotype)


def gtf_lines(annotation: Annotation) -> Iterator[str]:
    """Yield lines of a GTF file for the tools: genes and the exons of their transcripts."""
    spans: dict[str, tuple[str, str, int, int]] = {}
    for each in annotation.transcripts:
        first, last = each.exons[0][0], each.exons[-1][1]
        if each.gene in spans:
            _, _, low, high = spans[each.gene]
            first, last = min(first, low), max(last, high)
        spans[each.gene] = (each.chromosome, each.strand, first, last)
    written = set()
    for each in annotation.transcripts:
        gene = f'gene_id "{each.gene}";'
        if each.gene not in written:
            written.add(each.gene)
            chromosome, strand, first, last = spans[each.gene]
            yield _gtf_line(chromosome, "gene", (first, last), strand, gene)
        for exon in each.exons:
            name = f'{gene} transcript_id "{each.name}";'
            yield _gtf_line(each.chromosome, "exon", exon, each.strand, name)


def _gtf_line(chromosome: str, kind: str, span: tuple[int, int], strand: str, names: str) -> str:
    return f"{chromosome}\ttrdomics\t{kind}\t{span[0]}\t{span[1]}\t.\t{strand}\t.\t{names}\n"


def splice_sites(annotation: Annotation) -> list[str]:
    """Return the introns in HISAT2's format: flanking bases, from 0, and the strand."""
    found = {
        (each.chromosome, left[1] - 1, right[0] - 1, each.strand)
        for each in annotation.transcripts
        for left, right in zip(each.exons, each.exons[1:], strict=False)
        if right[0] - left[1] > 1
    }
    return ["\t".join(map(str, site)) + "\n" for site in sorted(found)]


def ends(annotation: Annotation) -> list[str]:
    """Return both ends of each gene in SAF, as features called ``five`` and ``three``.

    An end is the first or last 500 bases of the exons of a gene's longest transcript. Genes of
    fewer than 1,000 have none.
    """
    longest: dict[str, Transcript] = {}
    for each in annotation.transcripts:
        if each.gene not in longest or _length(each) > _length(longest[each.gene]):
            longest[each.gene] = each
    rows = ["GeneID\tChr\tStart\tEnd\tStrand\n"]
    for each in longest.values():
        if _length(each) < 2 * END:
            continue
        for backwards in (False, True):
            name = "five" if backwards == (each.strand == "-") else "three"
            rows += [
                f"{name}\t{each.chromosome}\t{first}\t{last}\t{each.strand}\n"
                for first, last in _end(each.exons, backwards)
            ]
    return rows


def _length(transcript: Transcript) -> int:
    return sum(last - first + 1 for first, last in transcript.exons)


def _end(exons: list[tuple[int, int]], backwards: bool) -> Iterator[tuple[int, int]]:
    left = END
    for first, last in reversed(exons) if backwards else exons:
        size = min(left, last - first + 1)
        yield (last - size + 1, last) if backwards else (first, first + size - 1)
        left -= size
        if not left:
            return


def check_chromosomes(
    annotation: Iterable[str], others: Iterable[str], where: str, what: str
) -> list[str]:
    """Return the annotation's chromosomes that another file lacks.

    Raises
    ------
    InputError
        If the other file has none of them.
    """
    mine, theirs = set(annotation), set(others)
    if mine & theirs:
        return sorted(mine - theirs)
    bare = {name.removeprefix("chr") for name in mine}
    alike = bare & {name.removeprefix("chr") for name in theirs}
    hint = "one has names with `chr`, the other without: " if alike else ""
    raise InputError(
        where,
        f"{hint}its sequences are {few(sorted(theirs))}, the annotation's {few(sorted(mine))}",
        f"take {what} and `references.annotation` of one release",
    )


def spliced(transcript: Transcript, chromosome: str) -> str:
    """Return the sequence of a transcript, 5' to 3'.

    Parameters
    ----------
    transcript : Transcript
    chromosome : str
        The sequence of its chromosome.
    """
    sequence = "".join(chromosome[first - 1 : last] for first, last in transcript.exons)
    if transcript.strand == "-":
        return sequence.translate(COMPLEMENT)[::-1]
    return sequence
