"""Quality of a sample's DNA reads, from samtools' counts."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from trdomics.reads.contigs import lines_of
from trdomics.reads.quality import DNA

COLUMNS = (*DNA, "x_depth_ratio", "y_depth_ratio")


def dna_quality(flagstat: Mapping[str, Mapping[str, float]], bedcov: str) -> dict[str, float]:
    """Return the measures of one sample.

    Parameters
    ----------
    flagstat : mapping
        ``samtools flagstat -O json``.
    bedcov : str
        Path of ``samtools bedcov -d 10``: sequence, start, end, bases, bases with ten
        reads or more.

    Returns
    -------
    dict
        `COLUMNS`: number of pairs (or single reads); the share of reads that is mapped; the share
        of those that are duplicates; mean depth of the targets without duplicates and the share
        of them with ten reads or more; depth of X and of Y relative to the autosomes.
    """
    reads = flagstat["QC-passed reads"]
    rows = [line.split("\t") for line in lines_of(bedcov) if line]
    table = pd.DataFrame(
        [
            (row[0].removeprefix("chr"), int(row[2]) - int(row[1]), *map(int, row[-2:]))
            for row in rows
        ],
        columns=["chromosome", "length", "bases", "deep"],
    )
    total = max(int(reads["primary"]), 1)
    mapped = max(int(reads["primary mapped"]), 1)
    by = table.groupby("chromosome")[["length", "bases"]].sum()
    own = {str(name): (float(row.bases), float(row.length)) for name, row in by.iterrows()}
    autosomes = [sums for name, sums in own.items() if name.isdigit()]
    bases, length = sum(sums[0] for sums in autosomes), sum(sums[1] for sums in autosomes)

    def ratio(name: str) -> float:
        if name not in own or not bases:
            return float("nan")
        return own[name][0] / own[name][1] / (bases / length)

    pairs = int(reads["read1"]) or total
    numbers = (
        pairs,
        reads["primary mapped"] / total,
        reads["primary duplicates"] / mapped,
        table["bases"].sum() / table["length"].sum(),
        table["deep"].sum() / table["length"].sum(),
        ratio("X"),
        ratio("Y"),
    )
    return dict(zip(COLUMNS, map(float, numbers), strict=True))
