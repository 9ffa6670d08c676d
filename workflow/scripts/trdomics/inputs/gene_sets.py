"""Gene sets: the curated table and GMT files, combined in one table."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from trdomics.archive import sha256_of
from trdomics.errors import InputError
from trdomics.shipped import shipped

CURATED_TABLE = shipped("resources/gene_sets.tsv")
CURATED = "curated"
IMMUNE = "immune"
COLUMNS = ["collection", "set", "group", "source", "gene"]
# All of MSigDB has 50 million characters.
LONGEST = 500_000_000
GMT_MEND = "write a line per set: name, description and genes, separated by tabs"


def read_curated() -> pd.DataFrame:
    """Read the sets written for this project, one row per member, with the columns ``COLUMNS``.

    The `group` is what a set belongs to, such as ``immune``.
    """
    table = pd.read_csv(CURATED_TABLE, sep="\t", dtype=str, keep_default_na=False)
    return table.assign(collection=CURATED)[COLUMNS]


def read_gmt(path: str | os.PathLike[str], collection: str) -> pd.DataFrame:
    """Read a GMT file, gzipped or not.

    Parameters
    ----------
    path : path
        A line per set: name, description (here the source), genes; separated by tabs.
    collection : str
        The name of the file's sets as a whole.

    Returns
    -------
    DataFrame
        One row per member, with the columns ``COLUMNS``; no set has a `group`.

    Raises
    ------
    InputError
        If the file is not text or gzip, has no sets, a line without genes, or a duplicated name.
    """
    rows: list[tuple[str, str, str]] = []
    names: set[str] = set()
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        name, *fields = (field.strip() for field in line.rstrip("\r\n").split("\t"))
        genes = dict.fromkeys(gene for gene in fields[1:] if gene)
        if not name or not genes:
            raise InputError(f"{path} line {number}", "it has no gene sets", GMT_MEND)
        if name in names:
            raise InputError(f"{path} line {number}", f"{name!r} is duplicated", "rename one")
        names.add(name)
        rows += [(name, fields[0] or str(path), gene) for gene in genes]
    if not rows:
        raise InputError(str(path), "it has no gene sets", GMT_MEND)
    table = pd.DataFrame(rows, columns=["set", "source", "gene"])
    return table.assign(collection=collection, group=None)[COLUMNS]


def _lines(path: str | os.PathLike[str]) -> list[str]:
    with open(path, "rb") as file:
        # a download may have lost its suffix: gzip is recognised by its first two bytes
        packed = file.read(2) == b"\x1f\x8b"
    if not packed and str(path).endswith(".gz"):
        raise InputError(str(path), "it is not gzipped", "remove the suffix .gz from its name")
    opened: Any = gzip.open if packed else open
    try:
        with opened(path, "rt", encoding="utf-8") as file:
            text = file.read(LONGEST + 1)
        if len(text) > LONGEST:
            raise InputError(str(path), f"it has more than {LONGEST:,} characters", GMT_MEND)
        return text.splitlines()
    except (EOFError, UnicodeDecodeError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(str(path), f"it cannot be read ({error})", GMT_MEND) from error


def write_gmt(sets: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write sets (``COLUMNS``) as GMT, the source as the description."""
    lines = [
        "\t".join([name, str(part["source"].iloc[0]), *part["gene"]])
        for name, part in ((str(name), part) for name, part in sets.groupby("set", sort=False))
    ]
    Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")


def members(sets: pd.DataFrame) -> dict[str, list[str]]:
    """Return the genes of every set of one collection."""
    return {str(name): list(part) for name, part in sets.groupby("set", sort=False)["gene"]}


def collect(files: Mapping[str, str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the curated sets and the user's, collection → GMT file.

    Returns
    -------
    sets : DataFrame
        With the columns ``COLUMNS``.
    collections : DataFrame
        collection, file, sha256, n_sets, n_genes.
    """
    parts = [read_curated(), *(read_gmt(path, name) for name, path in files.items())]
    paths: list[str | os.PathLike[str]] = [CURATED_TABLE, *files.values()]
    overview = [
        {
            "collection": part["collection"].iloc[0],
            "file": f"resources/{CURATED_TABLE.name}" if path is CURATED_TABLE else str(path),
            "sha256": sha256_of(path),
            "n_sets": part["set"].nunique(),
            "n_genes": part["gene"].nunique(),
        }
        for part, path in zip(parts, paths, strict=True)
    ]
    return pd.concat(parts, ignore_index=True), pd.DataFrame(overview)
