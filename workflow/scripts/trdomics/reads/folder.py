"""Drafts a table of units from the file names in a folder."""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from pathlib import Path

import pandas as pd

from trdomics.errors import InputError
from trdomics.reads.fastq import open_fastq
from trdomics.reads.small_rna import PROTOCOLS

FASTQ = re.compile(r"\.f(ast)?q(\.gz)?$", re.IGNORECASE)
# Illumina's file names; parts that other programs omit are optional.
NAME = re.compile(r"(?P<sample>.+?)(_S\d+)?(_L(?P<lane>\d+))?([._]R?(?P<mate>[12]))?(_\d{3})?")
# Number of adapter bases to search for in the first reads of a file.
PREFIX, LOOKED_AT, SHARE = 12, 5000, 0.3


def units_of_folder(folder: str) -> pd.DataFrame:
    """Return a table of units for the FASTQ (or else BAM) files in a folder and its subfolders.

    Parameters
    ----------
    folder : str

    Returns
    -------
    DataFrame
        ``sample``, ``lane``, ``fq1``, ``fq2``; or ``sample``, ``bam``.

    Raises
    ------
    InputError
        If there are none, or a mate has no first reads.
    """
    files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    found: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for path in files:
        if not FASTQ.search(path.name):
            continue
        match = NAME.fullmatch(FASTQ.sub("", path.name))
        assert match is not None, "every file name must start with a sample name"
        key = (match["sample"], f"L{match['lane']}" if match["lane"] else "1")
        mate = match["mate"] or "1"
        if mate in found[key]:
            problem = f"{found[key][mate]} and {path} look like one lane of `{key[0]}`"
            raise InputError(folder, problem, "write the table of units by hand")
        found[key][mate] = str(path)
    lost = next((mates["2"] for mates in found.values() if "1" not in mates), None)
    if lost is not None:
        raise InputError(lost, "there is no file of first reads beside it", "add it to the folder")
    if found:
        return pd.DataFrame(
            [
                {"sample": sample, "lane": lane, "fq1": mates["1"], "fq2": mates.get("2", "")}
                for (sample, lane), mates in found.items()
            ]
        )
    bams = [path for path in files if path.suffix == ".bam"]
    if not bams:
        raise InputError(folder, "it has no FASTQ or BAM files", "name the folder that holds them")
    return pd.DataFrame([{"sample": path.stem, "bam": str(path)} for path in bams])


def guess_protocol(fq1: str) -> str:
    """Return the protocol whose adapter comes first in most of a file's reads, else ``rnaseq``.

    The sequencer's own adapter, which is NEBNext's, may follow that of the kit. NEXTflex and TruSeq
    have the same adapter: only the user knows which it is.
    """
    with open_fastq(fq1) as handle:
        lines = itertools.islice(handle, 1, 4 * LOOKED_AT, 4)
        reads = [line.decode("latin-1") for line in lines]
    adapters = {
        name: protocol.adapter[:PREFIX]
        for name, protocol in PROTOCOLS.items()
        if len(protocol.adapter) > PREFIX
    }
    first: Counter[str] = Counter()
    for read in reads:
        places = {name: read.find(adapter) for name, adapter in adapters.items() if adapter in read}
        if places:
            first[min(places, key=lambda name: places[name])] += 1
    best = max(adapters, key=lambda name: first[name])
    return best if first[best] > SHARE * len(reads) else "rnaseq"
