"""The end of a command: which pages to read."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path

from trdomics.files import read_json


def what_to_read(pages: Mapping[str, str], started: datetime.datetime) -> list[str]:
    """Return the message about the pages written by a run.

    Parameters
    ----------
    pages : mapping of str to str
        File -> its description. For a bundle's manifest, what the bundle leaves out is added.
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
    """Return one line for each part that a bundle leaves out, from its manifest."""
    return "".join(f"\nIt leaves out {reason}" for reason in read_json(manifest)["left_out"])
