"""Panels: named lists of genes, miRNAs and variants, each with its evidence."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from trdomics.errors import InputError
from trdomics.inputs.text_table import read_user_table
from trdomics.shipped import REPOSITORY, shipped_or_own

GENE, MIRNA, VARIANT = "gene", "mirna", "variant"
KINDS = (GENE, MIRNA, VARIANT)
UP, DOWN = "up", "down"
# Folder of the panels that come with the workflow.
FOLDER = REPOSITORY / "resources" / "panels"
COLUMNS = ["member", "kind", "role", "expression", "carriers", "evidence", "source"]


def panel_files(names: Iterable[str]) -> dict[str, Path]:
    """Return the file of each panel of a config, by the panel's name.

    A name without a suffix is a panel that comes with the workflow; a file is named by its stem.
    """
    return {
        Path(name).name.split(".")[0]: shipped_or_own(name, "resources/panels", ".tsv")
        for name in names
    }


def shipped_panels() -> list[str]:
    """Return the names of the panels that come with the workflow."""
    return sorted(path.stem for path in FOLDER.glob("*.tsv"))


def read_panel(path: Path) -> pd.DataFrame:
    """Read a panel.

    Returns
    -------
    DataFrame
        ``member`` (symbol, miRNA or rsID), ``kind``, ``role``, ``expression`` and ``carriers``
        (expected in the positive class: ``up``, ``down`` or empty), ``evidence``, ``source``.

    Raises
    ------
    InputError
        If it cannot be read, lacks a column, or a row has another kind or direction, is listed
        twice or has no source.
    """
    where = f"{path} (panels)"
    fix = f"give a row per gene, miRNA or variant: {', '.join(COLUMNS)}"
    rows = read_user_table(path, "panels", COLUMNS, fix)[COLUMNS]
    allowed = {"kind": KINDS, "expression": (UP, DOWN, ""), "carriers": (UP, DOWN, "")}
    twice = rows.duplicated(["member", "kind"])
    for number, row in zip(rows.index, rows.to_dict("records"), strict=True):
        line = f"{where} line {number}"
        for column, values in allowed.items():
            if row[column] not in values:
                expected = ", ".join(value for value in values if value)
                raise InputError(line, f"`{column}` is {row[column]!r}", f"write {expected}")
        if not row["member"] or not row["source"]:
            raise InputError(line, "lacks a member or a source", "fill in both")
    if twice.any():
        raise InputError(where, f"{rows.loc[twice, 'member'].iloc[0]} is listed twice", "keep one")
    return rows.reset_index(drop=True)
