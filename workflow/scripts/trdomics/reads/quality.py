"""Read quality of each sample, as covariates for tests and models."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from trdomics.config_types import LayerConfig
from trdomics.errors import InputError, InputErrors
from trdomics.inputs.text_table import few
from trdomics.reads.annotation import RRNA
from trdomics.reads.small_rna import Collapsed
from trdomics.shipped import shipped

if TYPE_CHECKING:
    import pandas as pd

# Columns of qc.tsv by origin.
FASTQ = ("fragments", "kept_share", "q30_share", "gc_share", "duplicate_share")
RNA = (
    *("mapped_share", "forward_share", "antisense_share"),
    *("globin_share", "rrna_share", "outside_exons_share"),
)
ALIGNED = ("three_prime_bias",)
SMALL_RNA = (
    *("fragments", "adapter_share", "kept_share", "mapped_share", "mature_share"),
    *("ambiguous_share", "peak_length", "peak_share", "duplicate_share", "erythrocyte_share"),
)
MATRIX = ("globin_share",)
DNA = ("fragments", "mapped_share", "duplicate_share", "mean_depth", "share_10x")
# miRNAs have 21 to 23 bases.
PEAK = (21, 22, 23)
# With a smaller share of reads with the adapter, the kit is another one.
ADAPTER_SHARE = 0.1


def quality_columns(layer: LayerConfig) -> tuple[str, ...]:
    """Return the possible columns of a layer's ``qc.tsv``.

    Parameters
    ----------
    layer : mapping
        A layer's block of the config. For a count matrix only the globin share is known.
    """
    reads = layer.get("reads")
    if reads is None:
        return MATRIX if layer["type"] == "counts" else ()
    if "protocol" not in reads:
        return DNA
    return (*FASTQ, *RNA, *ALIGNED) if reads["protocol"] == "rnaseq" else SMALL_RNA


def blood_load(kind: str) -> list[tuple[str, str]]:
    """Return symbol and Ensembl id of ``globin`` genes, or the names of ``erythrocyte`` miRNAs."""
    with open(shipped("resources/blood_load.tsv"), encoding="utf-8", newline="") as handle:
        rows = csv.DictReader(handle, delimiter="\t")
        return [(row["name"], row["ensembl"]) for row in rows if row["kind"] == kind]


def globin_genes(features: Sequence[str], symbols: Sequence[object]) -> np.ndarray:
    """Return which features are globin genes, by symbol or Ensembl id. Shape (n_features,)."""
    known = blood_load("globin")
    names = {name for name, _ in known}
    ids = {ensembl for _, ensembl in known}
    return np.array(
        [
            str(symbol) in names or feature in names or feature.partition(".")[0] in ids
            for feature, symbol in zip(features, symbols, strict=True)
        ],
        dtype=bool,
    )


def erythrocyte_mirnas(features: Iterable[str]) -> np.ndarray:
    """Return which features are miRNAs of erythrocytes, of any species."""
    names = {name for name, _ in blood_load("erythrocyte")}
    return np.array(
        [
            any(member.partition("-")[2] in names for member in feature.split("/"))
            for feature in features
        ],
        dtype=bool,
    )


def share(part: float, whole: float) -> float:
    """Return a share, NaN if the denominator is 0."""
    return part / whole if whole else np.nan


def share_of(counts: pd.DataFrame, chosen: np.ndarray) -> pd.Series:
    """Return the share of counts in the chosen features, by sample (columns)."""
    total = counts.sum(axis=0)
    return counts.loc[chosen].sum(axis=0) / total.where(total > 0)


def gene_shares(counts: pd.DataFrame, genes: pd.DataFrame) -> pd.DataFrame:
    """Return ``globin_share`` and ``rrna_share`` of all counts, by sample.

    Parameters
    ----------
    counts : DataFrame, features × samples
    genes : DataFrame
        ``symbol`` and ``biotype`` by feature.

    Returns
    -------
    DataFrame
        NaN in ``rrna_share`` if the annotation has no ribosomal RNA genes.
    """
    import pandas as pd

    known = genes.reindex(counts.index)
    globins = globin_genes(list(counts.index), list(known["symbol"]))
    rrna = known["biotype"].isin(RRNA).to_numpy()
    return pd.DataFrame(
        {
            "globin_share": share_of(counts, globins),
            "rrna_share": share_of(counts, rrna) if rrna.any() else np.nan,
        }
    )


def fastp_quality(reports: Sequence[Mapping[str, Any]], paired: bool) -> dict[str, float]:
    """Return fastp's measures of a sample over all lanes.

    Parameters
    ----------
    reports : sequence of mapping
        fastp's JSON of each lane.
    paired : bool
        Whether reads are pairs: these are counted, not single reads.

    Returns
    -------
    dict
        The columns :data:`FASTQ` and ``kept`` (reads or pairs after trimming).
    """
    before = [report["summary"]["before_filtering"] for report in reports]
    mates = 2 if paired else 1
    reads = sum(part["total_reads"] for part in before)
    bases = sum(part["total_bases"] for part in before)
    kept = sum(report["summary"]["after_filtering"]["total_reads"] for report in reports)
    duplicates = sum(
        report["duplication"]["rate"] * part["total_reads"]
        for report, part in zip(reports, before, strict=True)
    )
    gc = sum(part["gc_content"] * part["total_bases"] for part in before)
    return {
        "fragments": reads / mates,
        "kept": kept / mates,
        "kept_share": share(kept, reads),
        "q30_share": share(sum(part["q30_bases"] for part in before), bases),
        "gc_share": share(gc, bases),
        "duplicate_share": share(duplicates, reads),
    }


def small_rna_quality(
    reports: Sequence[Mapping[str, Any]],
    collapsed: Collapsed,
    assigned: Mapping[int, Sequence[int]],
    aligned: set[int],
    umi: int,
) -> dict[str, float]:
    """Return the quality of a small RNA sample, without ``erythrocyte_share``.

    Parameters
    ----------
    reports : sequence of mapping
        cutadapt's JSON of each lane.
    collapsed, assigned, aligned
        Of :mod:`trdomics.reads.small_rna`.
    umi : int
        Length of the UMIs, 0 for none.
    """
    reads = sum(report["read_counts"]["input"] for report in reports)
    kept = sum(report["read_counts"]["output"] for report in reports)
    adapters = [report["read_counts"]["read1_with_adapter"] for report in reports]
    lengths = collapsed.lengths
    n_features = np.zeros(len(collapsed.sequences))
    for number, features in assigned.items():
        n_features[number] = len(features)
    on_hairpin = np.zeros(len(collapsed.sequences), dtype=bool)
    on_hairpin[list(aligned)] = True
    per_read = n_features[collapsed.sequence]
    window = int(collapsed.reads.sum())
    mature = int(collapsed.reads[per_read > 0].sum())
    return {
        "fragments": reads,
        "kept": kept,
        # nothing is known about reads without adapters
        "adapter_share": share(sum(map(int, adapters)), reads) if all_known(adapters) else np.nan,
        "kept_share": share(kept, reads),
        "mapped_share": share(int(collapsed.reads[on_hairpin[collapsed.sequence]].sum()), window),
        "mature_share": share(mature, window),
        "ambiguous_share": share(int(collapsed.reads[per_read > 1].sum()), mature),
        "peak_length": max(lengths, key=lambda length: lengths[length]) if lengths else np.nan,
        "peak_share": share(sum(lengths.get(n, 0) for n in PEAK), sum(lengths.values())),
        "duplicate_share": 1 - share(len(collapsed.reads), window) if umi else np.nan,
    }


def all_known(values: Iterable[object]) -> bool:
    """Return whether no value is None."""
    return all(value is not None for value in values)


class SampleLimits(TypedDict):
    """Keys of a layer's `reads` that bound its samples, and the files of each sample."""

    min_reads: int
    min_mapped: float
    files: dict[str, list[str]]


def check_samples(
    table: pd.DataFrame, settings: SampleLimits, where: str, adapter: str = ""
) -> None:
    """Check that each sample has reads, and that they match the references.

    Parameters
    ----------
    table : DataFrame
        By sample: ``kept`` (reads or pairs after trimming, if any) and the columns of quality.
    settings : mapping
        ``min_reads``, ``min_mapped``, and the ``files`` of each sample.
    where : str
        Name used in errors.
    adapter : str
        3' adapter of the protocol, if it has one.

    Raises
    ------
    InputErrors
        One for each sample that would be (nearly) a column of zeros.
    """
    errors = []
    for sample, row in table.iterrows():
        problem = None
        trimmed = row["kept"] < row["fragments"]
        if adapter and row["adapter_share"] < ADAPTER_SHARE:
            problem = (
                f"{row['adapter_share']:.1%} of its {row['fragments']:,.0f} reads have the "
                f"adapter {adapter}",
                "correct `reads.protocol`, or take the sample out of the units",
            )
        elif row["kept"] < settings["min_reads"]:
            problem = (
                f"it has {row['kept']:,.0f} reads"
                + (f" after trimming of {row['fragments']:,.0f}" if trimmed else "")
                + f", fewer than `reads.min_reads` ({settings['min_reads']:,})",
                "remove it from the units, or lower `reads.min_reads`",
            )
        elif not row["mapped_share"] >= settings["min_mapped"]:
            # missing: nothing was left to map
            mapped = 0.0 if np.isnan(row["mapped_share"]) else row["mapped_share"]
            problem = (
                f"{mapped:.1%} of its reads are mapped, less than "
                f"`reads.min_mapped` ({settings['min_mapped']:.0%})",
                "is it of this species and kit? Correct `references` or remove it from the units",
            )
        if problem:
            files = few(settings["files"][str(sample)])
            errors.append(InputError(f"{where} sample {sample} ({files})", *problem))
    if errors:
        raise InputErrors(errors) if len(errors) > 1 else errors[0]
