"""The programs needed for a layer's reads."""

from __future__ import annotations

import shutil
from collections.abc import Iterable

from trdomics.config_types import ReadsConfig
from trdomics.errors import InputError

ALIGNERS = {
    "salmon": ("salmon",),
    "star": ("STAR", "samtools", "featureCounts"),
    "hisat2": ("hisat2", "samtools", "featureCounts"),
}
# Calling variants, genotypes of RNA included.
DNA_TOOLS = ("bwa", "samtools", "bcftools", "bgzip", "tabix")


def rna_tools(reads: ReadsConfig, aligned: bool) -> tuple[str, ...]:
    """Return the programs needed to count an RNA layer.

    Parameters
    ----------
    reads : mapping
        The layer's block ``reads`` of the config.
    aligned : bool
        Whether its units are BAM files.
    """
    if reads["protocol"] != "rnaseq":
        return ("cutadapt", "bowtie", "bowtie-build")
    if aligned:
        return ("samtools", "featureCounts")
    return ("fastp", "samtools", *ALIGNERS[reads["aligner"]])


def lost_tools(tools: Iterable[str]) -> list[InputError]:
    """Return an error that names programs not on the path, if any."""
    lost = [tool for tool in dict.fromkeys(tools) if shutil.which(tool) is None]
    if not lost:
        return []
    return [
        InputError(
            "PATH",
            f"it lacks {', '.join(lost)}, needed for layers from reads",
            "install what envs/reads_*.yaml lists, or add --software-deployment-method conda",
        )
    ]
