"""A layer's matrix and quality from the tools' counts of each sample."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trdomics.errors import InputError
from trdomics.files import read_json
from trdomics.reads.gene_counts import length_scaled_counts
from trdomics.reads.quality import (
    ALIGNED,
    FASTQ,
    RNA,
    SMALL_RNA,
    SampleLimits,
    check_samples,
    erythrocyte_mirnas,
    fastp_quality,
    gene_shares,
    share,
    share_of,
)
from trdomics.reads.small_rna import PROTOCOLS
from trdomics.reads.strandedness import REVERSE, UNSTRANDED, decide, salmon_share

SALMON_COLUMNS = {"TPM": "tpm", "NumReads": "counts", "EffectiveLength": "length"}
# salmon's formats of pairs: inward, matching, outward
PAIRED = "IMO"
# featureCounts' option -s
STRANDS = {"unstranded": 0, "forward": 1, "reverse": 2}
FLAGSTAT = re.compile(r"^(\d+) \+ \d+ (primary mapped|primary)(?: \(|$)", re.MULTILINE)
# Why a quality column is missing.
REASONS = {
    "antisense_share": "reads of an unstranded library have no strand",
    "rrna_share": "the annotation has no gene of ribosomal RNA (gene_biotype rRNA)",
    "three_prime_bias": "it needs alignments: `aligner: star`, `hisat2`, or BAM files",
    **dict.fromkeys(FASTQ[1:], "it needs FASTQ files"),
}
SMALL_REASONS = {
    "adapter_share": "the adapters had been removed before",
    "duplicate_share": "the protocol has no UMI",
}


class CountingConfig(SampleLimits):
    """Settings that a layer's counts depend on; a small RNA layer has no strand."""

    layer: str
    protocol: str
    strandedness: str | None


@dataclass(frozen=True)
class ReadCohort:
    """Counts and quality of a layer's reads.

    Attributes
    ----------
    counts : DataFrame of int, features × samples
    features : DataFrame
        ``feature``, ``symbol``, ``chromosome``, ``biotype``.
    quality : DataFrame
        The columns of :mod:`trdomics.reads.quality`, by sample.
    summary : dict
        How it was counted, and why a quality column is missing.
    """

    counts: pd.DataFrame
    features: pd.DataFrame
    quality: pd.DataFrame
    summary: dict[str, Any]


def salmon_cohort(
    folders: Mapping[str, str],
    reports: Mapping[str, Sequence[Mapping[str, Any]]],
    transcripts: pd.Series,
    genes: pd.DataFrame,
    settings: CountingConfig,
) -> ReadCohort:
    """Compute counts and quality of a cohort quantified by salmon.

    Parameters
    ----------
    folders : mapping of str to str
        Sample -> salmon's folder.
    reports : mapping of str to sequence
        Sample -> fastp's report of each lane.
    transcripts : Series
        Gene of each transcript.
    genes : DataFrame
        ``symbol``, ``chromosome``, ``biotype`` by feature.
    """
    rows = {}
    for sample, folder in folders.items():
        about = read_json(Path(folder, "aux_info", "meta_info.json"))
        strands = Path(folder, "lib_format_counts.json")
        # salmon writes neither strands nor decoys of a sample without any read of a transcript
        formats = read_json(strands) if strands.exists() else {}
        if not about["library_types"]:
            raise InputError(
                f"layer {settings['layer']}: sample {sample}",
                "salmon found no library type, since it could use no read",
                "see its log, or remove the sample from the units",
            )
        processed = int(about["num_processed"])
        decoys = int(about.get("num_decoy_fragments", 0))
        rows[sample] = {
            **fastp_quality(reports[sample], str(about["library_types"][0])[0] in PAIRED),
            "mapped_share": share(int(about["num_mapped"]) + decoys, processed),
            "outside_exons_share": share(decoys, int(about["num_mapped"]) + decoys),
            "forward_share": salmon_share(formats),
        }

    def read(sample: str) -> pd.DataFrame:
        table = pd.read_csv(Path(folders[sample], "quant.sf"), sep="\t", index_col="Name")
        return table.rename(columns=SALMON_COLUMNS)[list(SALMON_COLUMNS.values())]

    table = pd.DataFrame.from_dict(rows, orient="index")
    strand = _checked(table, settings)
    counts = length_scaled_counts(list(folders), read, transcripts)
    return _cohort(counts, table, genes, strand, "salmon, length-scaled counts")


def aligned_cohort(
    folders: Mapping[str, str],
    reports: Mapping[str, Sequence[Mapping[str, Any]]],
    genes: pd.DataFrame,
    settings: CountingConfig,
) -> ReadCohort:
    """Compute counts and quality of a cohort counted by featureCounts.

    Parameters
    ----------
    folders : mapping of str to str
        Sample -> folder with the counts of exons by strand, of genes and of their ends.
    reports, genes, settings
        As for :func:`salmon_cohort`; BAM files have no reports.
    """
    rows, columns = {}, {}
    for sample, folder in folders.items():
        assigned = [_summary(folder, f"exon.{strand}") for strand in (0, 1, 2)]
        flags = _flagstat(Path(folder, "flagstat.txt"))
        forward, reverse = assigned[1]["Assigned"], assigned[2]["Assigned"]
        of_genes = assigned[0]["Assigned"] + assigned[0]["Unassigned_Ambiguity"]
        outside = assigned[0]["Unassigned_NoFeatures"]
        ends = _counts(folder, "ends")
        three, five = float(ends.get("three", 0)), float(ends.get("five", 0))
        paired = read_json(Path(folder, "verified.json"))["paired"]
        fragments = flags["primary"] / (2 if paired else 1)
        own = {"fragments": fragments, "kept": fragments}
        if reports[sample]:
            own = fastp_quality(reports[sample], paired)
        rows[sample] = {
            **own,
            "mapped_share": share(flags["primary mapped"], flags["primary"]),
            "forward_share": share(forward, forward + reverse),
            "outside_exons_share": share(outside, outside + of_genes),
            "three_prime_bias": np.log2((three + 1) / (five + 1)),
        }
    table = pd.DataFrame.from_dict(rows, orient="index")
    strand = _checked(table, settings)
    for sample, folder in folders.items():
        columns[sample] = _counts(folder, f"exon.{STRANDS[strand]}")
    counts = pd.DataFrame(columns).astype(float).rename_axis("feature").sort_index()
    return _cohort(counts, table, genes, strand, "alignments, featureCounts")


def _summary(folder: str, name: str) -> dict[str, int]:
    """Return featureCounts' summary of assigned and unassigned reads."""
    table = pd.read_csv(Path(folder, f"{name}.txt.summary"), sep="\t", index_col=0)
    return {str(status): int(n) for status, n in table.iloc[:, 0].items()}


def _counts(folder: str, name: str) -> pd.Series:
    table = pd.read_csv(Path(folder, f"{name}.txt"), sep="\t", comment="#", index_col="Geneid")
    return table.iloc[:, -1]


def _flagstat(path: Path) -> dict[str, int]:
    return {name: int(n) for n, name in FLAGSTAT.findall(path.read_text(encoding="utf-8"))}


def _checked(table: pd.DataFrame, settings: CountingConfig) -> str:
    """Check all samples and return the strandedness of the cohort."""
    where = f"layer {settings['layer']}"
    check_samples(table, settings, where)
    return decide(table["forward_share"], settings["strandedness"], where)


def _cohort(
    counts: pd.DataFrame, table: pd.DataFrame, genes: pd.DataFrame, strand: str, counted: str
) -> ReadCohort:
    forward = table["forward_share"]
    antisense = forward if strand == REVERSE else 1 - forward
    if strand == UNSTRANDED:
        antisense = pd.Series(np.nan, index=table.index)
    whole = table.assign(antisense_share=antisense).join(gene_shares(counts, genes))
    quality = whole.reindex(columns=[*FASTQ, *RNA, *ALIGNED])
    known = [name for name in quality if quality[name].notna().any()]
    features = genes.loc[counts.index].rename_axis("feature").reset_index()
    return ReadCohort(
        counts.round().astype(int),
        features,
        quality[known],
        {
            "counted_by": counted,
            "strandedness": strand,
            "n_samples": len(table),
            "n_features": len(counts),
            "quality_reasons": {n: REASONS[n] for n in quality if n not in known and n in REASONS},
        },
    )


def small_rna_cohort(
    samples: Mapping[str, Mapping[str, Any]], settings: CountingConfig
) -> ReadCohort:
    """Combine the counted samples of a small RNA layer.

    Parameters
    ----------
    samples : mapping of str to mapping
        Sample -> ``counts`` by feature, ``quality``, ``unreadable_umis`` (reads whose UMI has an
        N) and ``matures_on_no_hairpin``.
    """
    table = pd.DataFrame({name: found["quality"] for name, found in samples.items()}).T
    table = table.astype(float)
    protocol = PROTOCOLS[settings["protocol"]]
    check_samples(table, settings, f"layer {settings['layer']}", protocol.adapter)
    counts = pd.DataFrame({name: found["counts"] for name, found in samples.items()})
    counts = counts.rename_axis("feature").sort_index()
    table["erythrocyte_share"] = share_of(counts, erythrocyte_mirnas(counts.index))
    quality = table.reindex(columns=SMALL_RNA)
    known = [name for name in quality if quality[name].notna().any()]
    names = counts.index
    first = next(iter(samples.values()))
    return ReadCohort(
        counts.round().astype(int),
        pd.DataFrame({"feature": names, "symbol": names, "chromosome": pd.NA}),
        quality[known],
        {
            "counted_by": "bowtie on hairpins, "
            + ("molecules by UMI" if protocol.umi else "reads")
            + "; a read of several miRNAs is divided equally among them",
            "n_samples": len(table),
            "n_features": len(counts),
            "unreadable_umis": sum(found["unreadable_umis"] for found in samples.values()),
            "matures_on_no_hairpin": len(first["matures_on_no_hairpin"]),
            "quality_reasons": {
                name: SMALL_REASONS.get(name, "nothing was counted")
                for name in map(str, quality)
                if name not in known
            },
        },
    )
