"""How a command ends: what to read of what it made."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path

from trdomics.files import read_json


def what_to_read(pages: Mapping[str, str], started: datetime.datetime) -> list[str]:
    """Return what is said of the pages that a run made.

    Parameters
    ----------
    pages : mapping of str to str
        File -> what is said of it. The manifest of a bundle says as well what that leaves out.
    """
    made = {
        file: text
        for file, text in pages.items()
        if Path(file).exists() and Path(file).stat().st_mtime >= started.timestamp()
    }
    return [
        text + (left_out_of(file) if file.endswith(".json") else "") for file, text in made.items()
    ]


def left_out_of(manifest: str) -> str:
    """Return a line for each thing that a bundle leaves out, by its manifest."""
    return "".join(f"\nIt leaves out {reason}" for reason in read_json(manifest)["left_out"])
