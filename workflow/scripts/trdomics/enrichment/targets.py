"""Names of small RNAs and tables of their targets."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from trdomics.errors import InputError
from trdomics.inputs.text_table import read_user_table
from trdomics.shipped import shipped

TARGET_TABLE = shipped("resources/mirna_targets.tsv")
KEY = "enrichment.mirna.targets"
# hsa-miR-16-5p, hsa-let-7a-1, mmu-mir-124*, miR-21: species, number, copy, arm
NAME = re.compile(
    r"^(?:[a-z]{3,4}-)?(?P<stem>(?:mir|let)-?\d+[a-z]*)(?P<copy>(?:-\d+)*)(?P<arm>-[35]p|\*)?$",
    re.IGNORECASE,
)
MIRNA_COLUMNS = ("mirna", "mirna_name", "mature_mirna")
GENE_COLUMNS = ("gene", "symbol", "gene_symbol", "target", "ensembl_gene_id")
ENOUGH = 0.5


def mirna_key(name: str) -> tuple[str, str] | None:
    """Return stem and arm of a miRNA's name, or None for other names.

    ``hsa-miR-16-5p`` gives ("mir-16", "5p"), the precursors ``hsa-mir-16-1`` and ``-2`` both
    ("mir-16", ""). Species are not compared.
    """
    found = NAME.match(str(name).strip())
    if not found:
        return None
    stem = re.sub(r"^(mir|let)-?", r"\1-", found["stem"].lower())
    return stem, (found["arm"] or "").lstrip("-").lower()


def looks_like_mirnas(features: Iterable[str]) -> bool:
    """Return whether at least half of a layer's features are named like miRNAs."""
    keys = [mirna_key(name) for name in features]
    return bool(keys) and sum(key is not None for key in keys) >= ENOUGH * len(keys)


def read_targets(path: str | os.PathLike[str] | None) -> pd.DataFrame:
    """Read a table of miRNAs and their targets.

    Parameters
    ----------
    path : path or None
        TSV or CSV, gzipped or not, with a column of miRNAs (one of ``MIRNA_COLUMNS``) and one
        of genes (one of ``GENE_COLUMNS``: symbols or the layer's own names); optionally ``source``.
        None is the table of this project.

    Returns
    -------
    DataFrame
        mirna, gene, source; without duplicated pairs.

    Raises
    ------
    InputError
        If it cannot be read, lacks a column, or contains no miRNA.
    """
    file = TARGET_TABLE if path is None else Path(path)
    table = read_user_table(file, KEY, (), "give a column of miRNAs and one of genes")
    lower = {str(column).lower(): column for column in table.columns}
    chosen = {}
    for name, choices in (("mirna", MIRNA_COLUMNS), ("gene", GENE_COLUMNS)):
        present = [lower[choice] for choice in choices if choice in lower]
        if not present:
            raise InputError(
                f"{file} ({KEY})", f"has no column `{name}`", f"call one {' or '.join(choices)}"
            )
        chosen[name] = table[present[0]]
    source = table[lower["source"]] if "source" in lower else file.name
    result = pd.DataFrame(chosen).assign(source=source)
    result = result[(result["gene"] != "") & result["mirna"].map(mirna_key).notna()]
    if result.empty:
        raise InputError(f"{file} ({KEY})", "no row holds a miRNA", "name them as miRBase does")
    return result.drop_duplicates(["mirna", "gene"]).reset_index(drop=True)


def targets_of(features: Iterable[str], targets: pd.DataFrame) -> dict[str, list[str]]:
    """Return the listed targets of each feature.

    A mature miRNA has the targets listed for it and those listed without an arm; a precursor
    (``hsa-mir-21``), whose counts are those of both arms, has the targets of both.

    Parameters
    ----------
    targets : DataFrame
        mirna, gene.

    Returns
    -------
    dict
        Feature → genes, sorted; features without any are absent.
    """
    listed: dict[tuple[str, str], set[str]] = {}
    by_stem: dict[str, set[str]] = {}
    for name, part in targets.groupby("mirna")["gene"]:
        key = mirna_key(str(name))
        if key is not None:
            listed.setdefault(key, set()).update(part)
            by_stem.setdefault(key[0], set()).update(part)
    found = {}
    for feature in features:
        key = mirna_key(feature)
        if key is None:
            continue
        stem, arm = key
        genes = listed.get(key, set()) | listed.get((stem, ""), set()) if arm else set()
        genes = genes if arm else by_stem.get(stem, set())
        if genes:
            found[str(feature)] = sorted(genes)
    return found
