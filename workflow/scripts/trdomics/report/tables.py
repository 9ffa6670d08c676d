"""Tables as pages: searched, sorted, and with the meaning of their columns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from trdomics.files import read_table
from trdomics.names import display_name
from trdomics.report.outputs import Output

# Columns whose values are names in the config, or names of the workflow's own.
NAMES = ("layer", "first", "second", "feature_set", "baseline", "metric", "kind", "status")
# Characters up to which a text stays on one line, and from which its column needs room.
SHORT, LONG = 18, 45
# Files of the results that a text names; those of any layer cannot be linked.
FILE = re.compile(r"\b(?:[\w-]+/)*[\w-]+\.(?:tsv|svg|json|html|md|bib)\b")


@dataclass(frozen=True)
class ReportTable:
    """A table that Snakemake's report shows as a page.

    Attributes
    ----------
    stage, result : str
        Where it is in the report's menu.
    file : str
        Path below ``results/<cohort>/``.
    caption : str
        Name of the caption.
    of : mapping
        The layer or panel, by ``layer`` or ``panel``.
    """

    stage: str
    result: str
    file: str
    caption: str
    of: Mapping[str, str] = field(default_factory=dict)

    @property
    def page(self) -> str:
        """The page's path, beside the table."""
        return self.file.removesuffix(".tsv") + ".html"

    @property
    def title(self) -> str:
        """The heading of the page."""
        return ": ".join([self.result, *map(display_name, self.of.values())])


def shown_table(path: str) -> pd.DataFrame:
    """Read a table; one of what could not be computed may not even have columns."""
    try:
        return read_table(path)
    except pd.errors.EmptyDataError:
        return pd.DataFrame()


def table_context(table: pd.DataFrame, described: Output, title: str) -> dict[str, Any]:
    """Return what the template needs of a table.

    Parameters
    ----------
    table : DataFrame
        As read from its file.
    described : Output
        What the file and its columns hold.
    title : str
        The heading.

    Returns
    -------
    dict
        ``title``, ``file`` (its name), ``meaning``, ``columns`` (of name, look, unit
        and meaning) and ``rows`` of cells, each a list of texts and linked files.
    """
    depth = described.file.count("/")
    shown = [[_cell(name, value, depth) for value in table[name]] for name in table.columns]
    columns = []
    for name, cells in zip(table.columns, shown, strict=True):
        known = next((column for column in described.columns if column.fits(name)), None)
        columns.append(
            {
                "name": name,
                "look": _look(table[name], cells),
                "unit": _plain(known.unit) if known else "",
                "meaning": _plain(known.meaning) if known else "",
            }
        )
    return {
        "title": title,
        "file": described.file.rsplit("/", 1)[-1],
        "meaning": _plain(described.meaning),
        "columns": columns,
        "rows": list(zip(*shown, strict=True)),
        "home": "../" * depth,
    }


def _look(column: pd.Series, cells: list[list[tuple[str, str | None]]]) -> str:
    """Return the class of a column's cells: ``n`` of numbers, or by the length of its texts."""
    if pd.api.types.is_numeric_dtype(column):
        return "n"
    length = max((sum(len(text) for text, _ in cell) for cell in cells), default=0)
    return "whole" if length <= SHORT else "wide" if length >= LONG else ""


def _cell(name: str, value: Any, depth: int) -> list[tuple[str, str | None]]:
    """Return the pieces of a cell: texts, and files with the way to them."""
    if pd.isna(value):
        return []
    if isinstance(value, float):
        return [
            (f"{value:.0f}" if value.is_integer() or abs(value) >= 1000 else f"{value:.4g}", None)
        ]
    text = display_name(str(value)) if name in NAMES else str(value)
    if name == "answer":
        text = _plain(text)
    pieces, end = [], 0
    if name in ("answer", "evidence"):
        for found in FILE.finditer(text):
            if text[max(0, found.start() - 2) : found.start()] == ">/":
                continue
            pieces += [(text[end : found.start()], None), (found[0], "../" * depth + found[0])]
            end = found.end()
    return [piece for piece in [*pieces, (text[end:], None)] if piece[0]]


def _plain(text: str) -> str:
    """Return text of the shipped tables without the marks of code."""
    return text.replace("`", "")
