"""Layouts of upstream pipelines: columns, rows and names that are not data."""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from trdomics.errors import InputError
from trdomics.inputs.text_table import unfloated

# Columns that describe a feature, in lower case; the first of a pair names the annotation.
SYMBOL = ("symbol", "gene_symbol", "gene_name", "hgnc_symbol", "external_gene_name", "hugo_symbol")
ENTREZ = "entrez_gene_id"
CHROMOSOME = ("chromosome", "chr", "chrom", "seqname", "seqnames", "chromosome_name")
DESCRIBING = {
    *SYMBOL,
    *CHROMOSOME,
    *("gene", "gene_id", "geneid", "gene id", "gene name", "gene_type", "gene_biotype", "biotype"),
    *("transcript_id", "transcript_ids", "transcript_id(s)", "tx", "description"),
    "gene_description",
    *("start", "end", "strand", "width", "length", "effective_length", "eff_length", "exon_length"),
    *("chrom_start", "chrom_end", "start_position", "end_position", "gene_length"),
    *("transcript_length", "percentage_gene_gc_content", "entrezgene_id", "hgnc_id"),
    *("entrez", "entrezid", "entrez_id", ENTREZ, "entrezgene", "ensembl_gene_id"),
    *("ensembl_id", "accession", "sequence", "precursor", "precursors", "mirna_region", "type"),
}
# Columns and rows that sum up the others, in lower case.
SUMS = {"total", "grand total", "sum", "mean", "average", "median", "gesamt", "summe", "mittelwert"}
# Rows with reads outside features: STAR, HTSeq (now and before 0.6), featureCounts, samtools
# idxstats, miRge.
SUMMARY_ROW = re.compile(
    r"N_(unmapped|multimapping|noFeature|ambiguous)|__[A-Za-z_]+|no_feature|ambiguous"
    r"|too_low_aQual|not_aligned|alignment_not_unique|(Una|A)ssigned(_\w+)?|\*|miRNA(total|merge)"
)
# Rows and samples from which the values alone show that a row is the sum of the others.
MANY = 10
# Suffixes that aligners and counters add to sample names.
SUFFIX = re.compile(
    r"([._-]?(Aligned|ReadsPerGene)|[._-](sorted|sortedByCoord|toTranscriptome|out|markdup|dedup"
    r"|umi_dedup|bam|sam|cram|tab|genes|isoforms|results|counts?|htseq|featureCounts|txt|tsv"
    r"|fastq|fq|gz|mature|hairpin|quant|sf|abundance|h5))+$"
)
# Files with the same name in each sample's folder.
SHARED_NAME = re.compile(
    r"(quant(\.genes)?\.sf|abundance\.(tsv|h5)|accepted_hits\.bam|Aligned\.\S*bam|ReadsPerGene\.\S*"
    r"|(counts|genes|htseq)(\.\w+)*)(\.gz)?"
)
# Several columns per sample: prefix of the counts, and of the others.
SIDE_BY_SIDE = {
    "counts.": ("abundance.", "length."),
    "unstranded_": ("stranded_", "tpm_", "fpkm_"),
    "expected_count_": ("TPM_", "FPKM_", "length_", "effective_length_"),
    "est_counts_": ("tpm_", "eff_length_", "length_"),
}
# Tables of one sample, by their specific columns: program and column of counts.
ONE_SAMPLE = {
    ("unstranded", "stranded_first"): ("GDC's STAR counts", "unstranded"),
    ("expected_count", "tpm"): ("RSEM", "expected_count"),
    ("effectivelength", "numreads"): ("salmon", "NumReads"),
    ("eff_length", "est_counts"): ("kallisto", "est_counts"),
    ("mirna_id", "read_count"): ("GDC's miRNA counts", "read_count"),
}
ISOMIRS = {"uid", "read", "mirna", "iso_5p", "iso_3p"}
MIRDEEP2 = "miRDeep2's table"
NORMALISED = "(norm)"
LAYOUTS = {
    ("geneid", "chr", "start", "end", "strand", "length"): "featureCounts",
    ("gene_id", "gene_name", "gene_type"): "GDC's STAR counts",
    ("gene_id", "gene_name"): "nf-core/rnaseq's merged table",
    ("gene_id", "transcript_id(s)"): "RSEM's merged table",
    ("transcript_id", "gene_id"): "RSEM's merged table of transcripts",
    ("tx", "gene_id"): "nf-core/rnaseq's merged table of transcripts",
    ("target_id",): "kallisto's merged table",
    ("hugo_symbol", "entrez_gene_id"): "cBioPortal's table",
    ("mirna", "read_count", "precursor", "total"): MIRDEEP2,
    ("mirna",): "a table of miRNAs",
    ("name", "description"): "a GCT file",
}
FEATURE = re.compile(r"ENS[A-Z]*[GT]\d{6,}|[a-z]{3}-(miR|mir|let|lin|bantam)[-.]|N[MR]_\d|MIMAT\d")


@dataclass(frozen=True)
class Layout:
    """How the columns of a matrix are used.

    Attributes
    ----------
    samples : dict of str to int
        Name of the sample, without pipeline suffixes → its column.
    described : dict of str to int
        Columns that describe the features, by their names in lower case.
    name : str
        Of the upstream program, empty if not recognised.
    notes : list of str
        What was left out or renamed.
    """

    samples: dict[str, int]
    described: dict[str, int]
    name: str
    notes: list[str] = field(default_factory=list)


def layout_of(
    names: Sequence[str], first: int, textual: Collection[int], known: Collection[str], where: str
) -> Layout:
    """Return how the columns of a features × samples matrix are used.

    Parameters
    ----------
    names : sequence of str
        Names of all columns.
    first : int
        The column of the features; those before it only number the rows.
    textual : collection of int
        Columns whose first values are not numbers.
    known : collection of str
        Sample names in the sheet; a column with such a name is that sample.
    where : str
        The file, for errors.

    Raises
    ------
    InputError
        If the table is of a single sample, or has a duplicated sample.
    """
    known = set(known)
    lower = [name.strip().lower() for name in names]
    for marks, (program, column) in ONE_SAMPLE.items():
        if set(marks) <= set(lower) and not known & set(names[1:]):
            raise InputError(
                where,
                f"it is the table of one sample ({program})",
                f"put the column `{column}` of all samples into one table, a column per sample "
                "named like it",
            )
    if set(lower) >= ISOMIRS:
        raise InputError(
            where,
            "it is mirtop's table of isomiRs, with several rows per miRNA",
            "give its table of miRNAs (`mirna.tsv`), or the sum per miRNA",
        )
    described = {}
    leading = True
    for i in range(first + 1, len(names)):
        leading = leading and names[i] not in known and (lower[i] in DESCRIBING or i in textual)
        # later on, a text column is a sample with wrong values unless its name suggests otherwise
        if leading or (names[i] not in known and lower[i] in DESCRIBING):
            described[lower[i]] = i
    columns = [i for i in range(first + 1, len(names)) if i not in described.values()]
    notes: list[str] = []
    sums = [i for i in columns if names[i] not in known and lower[i] in SUMS]
    program = next(
        (p for marks, p in LAYOUTS.items() if tuple(lower[first : first + len(marks)]) == marks), ""
    )
    if program == MIRDEEP2:
        sums = [i for i in columns if lower[i] in ("read_count", "total") or NORMALISED in lower[i]]
    if sums:
        columns = [i for i in columns if i not in sums]
        shown = ", ".join(f"`{names[i]}`" for i in sums[:3]) + ", …" * (len(sums) > 3)
        notes.append(f"columns that are made of others were left out ({shown})")
    passed = [names[i] for name, i in described.items() if name not in DESCRIBING]
    if passed:
        shown = ", ".join(f"`{name}`" for name in passed[:3]) + ", …" * (len(passed) > 3)
        notes.append(f"text columns, which are not samples, were ignored ({shown})")
    seen: set[str] = set()
    for prefix, others in SIDE_BY_SIDE.items():
        of_counts = [i for i in columns if names[i].startswith(prefix) and names[i] not in known]
        # tximport adds a column of text, `countsFromAbundance`
        beside = [i for i in columns if i not in textual]
        if of_counts and all(names[i].startswith((prefix, *others)) for i in beside):
            left = len(columns) - len(of_counts)
            if left:
                notes.append(f"read the columns `{prefix}…`, left out {left} others")
            samples = {names[i].removeprefix(prefix): i for i in of_counts}
            return Layout(samples, described, "counts beside other numbers", notes)
    own = [names[i] for i in columns]
    for name in own:
        if name in seen:
            raise InputError(where, f"sample column `{name}` is duplicated", "keep or rename one")
        seen.add(name)
    plain = sample_ids(own, known)
    renamed = sum(a != b for a, b in zip(own, plain, strict=True))
    if renamed:
        first = next(i for i in range(len(own)) if own[i] != plain[i])
        notes.append(f"{renamed} sample names were shortened (`{own[first]}` is `{plain[first]}`)")
    return Layout(dict(zip(plain, columns, strict=True)), described, program, notes)


def sample_ids(names: Sequence[str], known: Collection[str]) -> list[str]:
    """Return the names of samples without folders and program suffixes.

    A known name is kept, and 12.0 is 12 if all are such. If two samples would get the same name,
    all names are kept.
    """
    plain = [
        given if given in known else _sample_id(name, known)
        for given, name in zip(names, unfloated(names), strict=True)
    ]
    return plain if len(set(plain)) == len(set(names)) else list(names)


def _sample_id(name: str, known: Collection[str]) -> str:
    path = PurePosixPath(name.replace("\\", "/"))
    is_path = len(path.parts) > 1
    last = path.name
    if is_path and SHARED_NAME.fullmatch(last):
        last = path.parts[-2]
    # a plain name may end like a suffix; in a file name, a dot precedes it
    short = SUFFIX.sub("", last)
    if short and (is_path or short in known or re.search(r"\.\w+$", name)):
        return short
    if short and name.endswith(("_mature", "_hairpin")):
        return short
    return last


def is_turned(names: Sequence[str], first: Sequence[str], known: Collection[str]) -> bool:
    """Return whether a matrix has its samples in rows, as far as it can be proven.

    Parameters
    ----------
    names : sequence of str
        Names of the columns, that of the first left out.
    first : sequence of str
        The values of the first column.
    known : collection of str
        Names of samples by the sheet; without any, names of features are looked for.
    """
    if known:
        if not set(sample_ids(names, known)).isdisjoint(known):
            return False
        shared = len(set(sample_ids(first, known)) & set(known))
        return shared > 0 and 2 * shared >= min(len(set(first)), len(set(known)))
    of_columns = sum(bool(FEATURE.match(name)) for name in names)
    of_rows = sum(bool(FEATURE.match(name)) for name in first)
    return 2 * of_columns > len(names) and not of_rows


def summary_rows(
    features: Sequence[str], values: NDArray[np.float64], are_counts: bool
) -> tuple[list[int], list[int]]:
    """Return the rows that sum up the others or count reads outside features.

    In a table of counts the name is enough, or the values: one of half the sum of all rows, in
    ten samples or more, is the sum of the others whatever its name. Elsewhere a feature may be
    called `total` or `*`, so that name and values must agree.

    Parameters
    ----------
    values : ndarray, shape (n_features, n_samples)

    Returns
    -------
    found, doubtful : list of int
        The latter have such a name, but other values.
    """
    named = np.array([name.casefold() in SUMS for name in features], dtype=bool)
    if are_counts:
        outside = np.array([bool(SUMMARY_ROW.fullmatch(name)) for name in features], dtype=bool)
        found = named | outside
        if values.shape[1] >= MANY <= values.any(axis=1).sum():
            rest = np.flatnonzero(~found)
            total = values[rest].sum(axis=0)
            rest = rest[np.isclose(2 * values[rest, 0], total[0])]
            found[rest] = np.isclose(2 * values[rest], total).all(axis=1) & total.all()
        return list(np.flatnonzero(found)), []
    rows = np.flatnonzero(named)
    if not len(rows):
        return [], []
    rest = values[~named]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a sample without any value
        ways = [way(rest, axis=0) for way in (np.nansum, np.nanmean, np.nanmedian)]
    alike = [
        len(rest) > 1
        and any(np.allclose(values[i], way, rtol=1e-3, equal_nan=True) for way in ways)
        for i in rows
    ]
    return list(rows[alike]), list(rows[np.logical_not(alike)])


def annotation_columns(described: Mapping[str, int]) -> dict[str, int]:
    """Return the columns that hold the features' `symbol` and `chromosome`, if any."""
    options = {"symbol": SYMBOL, "chromosome": CHROMOSOME}
    names = {target: [n for n in choices if n in described] for target, choices in options.items()}
    return {target: described[known[0]] for target, known in names.items() if known}
