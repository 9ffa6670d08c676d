"""The workflow's own tables for MultiQC."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

# Descriptions of the columns of qc.tsv, for the table's header.
DESCRIPTIONS = {
    "fragments": "Reads, or pairs of reads, before trimming",
    "kept_share": "Share of reads left after trimming",
    "q30_share": "Share of bases with a quality of 30 or more",
    "gc_share": "GC content",
    "duplicate_share": "Share of duplicates: of reads by fastp, of molecules by their UMIs",
    "adapter_share": "Share of reads with the 3' adapter of the kit",
    "mapped_share": "Share of reads that fit the references",
    "forward_share": "Share of reads on the forward strand",
    "antisense_share": "Share of reads on the strand opposite to the library's",
    "globin_share": "Share of counts in globin genes",
    "rrna_share": "Share of counts in genes of ribosomal RNA",
    "outside_exons_share": "Share of mapped reads in introns or between genes",
    "three_prime_bias": "log2 ratio of reads at the 3' ends of genes to those at the 5' ends",
    "mean_depth": "Mean depth of the regions without duplicates",
    "share_10x": "Share of the regions with ten reads or more",
    "x_depth_ratio": "Depth of X relative to the autosomes",
    "y_depth_ratio": "Depth of Y relative to the autosomes",
    "mature_share": "Share of reads counted for a mature miRNA",
    "ambiguous_share": "Share of these that fit several equally well and are divided among them",
    "peak_length": "Most frequent length of inserts",
    "peak_share": "Share of inserts of 21 to 23 bases",
    "erythrocyte_share": "Share of counts in miR-451a, miR-486-5p and miR-16-5p",
}
# Numbers of bases or reads; the others are shares, depths and ratios.
FORMATS = {"fragments": "{:,.0f}", "peak_length": "{:,.0f}"}


def multiqc_table(quality: pd.DataFrame, summary: Mapping[str, Any], layer: str) -> dict[str, Any]:
    """Return a layer's quality as a section of MultiQC.

    Parameters
    ----------
    quality : DataFrame
        By sample.
    summary : mapping
        ``counted_by``, if there is one ``strandedness``, and ``quality_reasons`` (column ->
        why it is missing).
    layer : str
    """
    said = [f"Counted by: {summary['counted_by']}."]
    if "strandedness" in summary:
        said.append(f"Strandedness of the cohort: {summary['strandedness']}.")
    said += [f"{name}: {reason}." for name, reason in summary["quality_reasons"].items()]
    known = quality.astype(object).where(quality.notna(), None)
    return {
        "id": f"trdomics_{layer}",
        "section_name": f"{layer}: quality of reads",
        "description": " ".join(said),
        "plot_type": "table",
        "pconfig": {"id": f"trdomics_{layer}_table", "title": f"{layer}: quality of reads"},
        "headers": {
            name: {
                "title": name,
                "description": DESCRIPTIONS.get(name, name),
                "format": FORMATS.get(name, "{:,.3f}"),
                "placement": place,
            }
            for place, name in enumerate(map(str, quality))
        },
        "data": {str(sample): row for sample, row in known.to_dict("index").items()},
    }
