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
# Index reads, reads of no sample, and mates whose partner was filtered.
NO_UNIT = re.compile(r"Undetermined_.*|.+_I[12](_\d{3})?|.+([._-](unpaired|singletons?)|_[12]U)")
# What fastp, Trim Galore and Trimmomatic add to a name.
TRIMMED = re.compile(r"([._-](fastp|trim(med)?|val_[12]|paired))+$|(?<=_[12])P$")
# Illumina's file names; parts that other programs omit are optional.
NAME = re.compile(r"(?P<sample>.+?)(_S\d+)?(_L(?P<lane>\d+))?([._]R?(?P<mate>[12]))?(_\d{3})?")
# Number of adapter bases to search for in the first reads of a file.
PREFIX, LOOKED_AT, SHARE = 12, 5000, 0.3


def units_of_folder(folder: str) -> tuple[pd.DataFrame, list[str]]:
    """Return a table of units for the FASTQ (or else BAM) files in a folder and its subfolders.

    Returns
    -------
    units : DataFrame
        ``sample``, ``lane``, ``fq1``, ``fq2``; or ``sample``, ``bam``.
    left_out : list of str
        FASTQ files of no sample: index reads, undetermined ones, mates without a partner.

    Raises
    ------
    InputError
        If there are none, a mate has no first reads, or two files have the same sample, lane and
        mate, such as raw and trimmed reads.
    """
    files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    found: dict[tuple[str, str], dict[str, Path]] = defaultdict(dict)
    left_out = []
    for path in files:
        if not FASTQ.search(path.name):
            continue
        name = FASTQ.sub("", path.name)
        if NO_UNIT.fullmatch(name):
            left_out.append(str(path))
            continue
        match = NAME.fullmatch(TRIMMED.sub("", name) or name)
        assert match is not None, "every file name must start with a sample name"
        if match["mate"] is None and match["sample"].endswith("_R3"):
            problem = "third reads: one of the three files of a lane has the UMIs"
            raise InputError(str(path), problem, "write the table of units by hand")
        key = (match["sample"], f"L{match['lane']}" if match["lane"] else "1")
        other = found[key].setdefault(match["mate"] or "1", path)
        # a pipeline may link a file into several folders
        if other.resolve() != path.resolve():
            problem = f"{other} and {path} look like one lane of `{key[0]}`"
            fix = f"if one of them is trimmed, name its folder only, such as {path.parent}"
            raise InputError(folder, problem, f"{fix}; else write the table of units by hand")
    lost = next((mates["2"] for mates in found.values() if "1" not in mates), None)
    if lost is not None:
        problem = "there is no file of first reads beside it"
        raise InputError(str(lost), problem, "add it to the folder")
    if found:
        rows = [
            {"sample": sample, "lane": lane, "fq1": str(mates["1"]), "fq2": str(mates.get("2", ""))}
            for (sample, lane), mates in found.items()
        ]
        return pd.DataFrame(rows), left_out
    bams = [path for path in files if path.suffix == ".bam"]
    if not bams:
        raise InputError(folder, "it has no FASTQ or BAM files", "name the folder that holds them")
    return pd.DataFrame([{"sample": path.stem, "bam": str(path)} for path in bams]), left_out


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
