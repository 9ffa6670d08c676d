"""What every table and summary of a run holds, from ``resources/outputs.tsv``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from trdomics.files import read_json, read_table
from trdomics.shipped import shipped

# Rows of this file hold for every table.
COMMON = "*"
# Of these formats columns are documented, or the keys of JSON.
SUFFIXES = (".tsv", ".tsv.gz", ".parquet", ".json")
HEAD = """# What is in each table?

Made from `resources/outputs.tsv` by `make docs`; edit it there. Paths are relative to
`results/<cohort>/`. What stands in braces is a name of the cohort's own: `{layer}` a layer,
`{column}` a column of its sheet. Tables are tab-separated, `NA` or an empty field is a missing
value, and numbers have six significant digits. Of JSON files the keys of the first level are
listed; where one is null, `<key>_reason` says why.
"""


@dataclass(frozen=True)
class Column:
    """A column of a table, or a key of a JSON file; names in braces stand for any text."""

    name: str
    unit: str
    meaning: str

    def fits(self, name: str) -> bool:
        """Say whether this is the description of a column."""
        return bool(_pattern(self.name, ".+").fullmatch(name))


# Beside any key of JSON whose value is null.
REASON = Column("{key}_reason", "text", "why there is no value")


@dataclass(frozen=True)
class Output:
    """A file that the workflow writes, or several whose paths differ by the names in braces."""

    file: str
    meaning: str
    columns: tuple[Column, ...]

    def fits(self, path: str) -> bool:
        """Say whether this is the description of a file in the results of a cohort."""
        return bool(_pattern(self.file, "[^/]+").fullmatch(path))

    def undocumented(self, names: Iterable[str]) -> list[str]:
        """Return the columns, or keys, that are not described; a file without any has no header."""
        if not self.columns:
            return []
        known = list(self.columns)
        if self.file.endswith(".json"):
            known.append(REASON)
        return [name for name in names if not any(column.fits(name) for column in known)]


def read_outputs() -> list[Output]:
    """Return the description of every file; columns without one have that of every table."""
    rows = read_table(shipped("resources/outputs.tsv"), dtype=str, quoting=3).fillna("")
    columns: dict[str, list[Column]] = {file: [] for file in rows["file"]}
    meanings: dict[str, str] = {}
    for file, name, unit, meaning in rows.itertuples(index=False):
        if not name:
            meanings[file] = meaning
            continue
        if not meaning:
            common = next(column for column in columns[COMMON] if column.name == name)
            unit, meaning = common.unit, common.meaning
        columns[file].append(Column(name, unit, meaning))
    return [Output(file, meanings[file], tuple(own)) for file, own in columns.items()]


def written_columns(path: Path) -> list[str]:
    """Return the columns of a table, or the keys of JSON; of a list, those of all its objects."""
    if path.suffix == ".json":
        found = read_json(path)
        objects = found if isinstance(found, list) else [found]
        return list(dict.fromkeys(key for part in objects for key in part))
    if path.suffix == ".parquet":
        return [str(name) for name in pd.read_parquet(path).columns]
    return list(read_table(path, nrows=0).columns)


def outputs_page(outputs: Iterable[Output]) -> str:
    """Return docs/outputs.md."""
    parts, folder = [HEAD], ""
    for output in outputs:
        if output.file == COMMON:
            continue
        own = output.file.split("/")[0] if "/" in output.file else "The cohort's folder"
        if own != folder:
            folder = own
            parts.append(f"## {folder}\n")
        parts.append(f"### {output.file}\n\n{_escaped(output.meaning)}\n")
        if output.columns:
            named = "key" if output.file.endswith(".json") else "column"
            lines = [f"| {named} | unit | meaning |", "| --- | --- | --- |"]
            lines += [
                f"| `{column.name}` | {_escaped(column.unit)} | {_escaped(column.meaning)} |"
                for column in output.columns
            ]
            parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _pattern(name: str, anything: str) -> re.Pattern[str]:
    pieces = re.split(r"\{\w+\}", name)
    return re.compile(anything.join(map(re.escape, pieces)), re.DOTALL)


def _escaped(text: str) -> str:
    """Return text in which Markdown sees no tag and no cell; code stays as it is."""
    pieces = text.split("`")
    outside = [re.sub(r"([<>|*])", r"\\\1", piece) for piece in pieces[::2]]
    pieces[::2] = outside
    return "`".join(pieces)
