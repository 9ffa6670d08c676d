"""What the command asks for, read before Snakemake tells the Snakefile, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from snakemake.cli import get_argument_parser


def is_target(name: str, arguments: Sequence[str]) -> bool:
    """Tell whether a word of a command is a target, and not the value of an option.

    Parameters
    ----------
    name : str
        The target.
    arguments : sequence of str
        Of the command, without its own name.
    """
    # building Snakemake's parser takes a moment, which most commands need not wait for
    if name not in arguments:
        return False
    known, _ = get_argument_parser().parse_known_args(list(arguments))
    return name in (known.targets or ())


def what_to_read(pages: Mapping[str, str], arguments: Sequence[str], otherwise: str) -> list[str]:
    """Return what is to be read after a command: that of its targets, or that of the default one.

    Parameters
    ----------
    pages : mapping of str to str
        Target → where its page lies, in words.
    arguments : sequence of str
        Of the command, without its own name.
    otherwise : str
        For a command without any of these targets.
    """
    return [text for name, text in pages.items() if is_target(name, arguments)] or [otherwise]


def left_out_of(manifest: str) -> str:
    """Return a line for each thing that a bundle leaves out, by its manifest, if that is there."""
    if not Path(manifest).exists():
        return ""
    reasons = json.loads(Path(manifest).read_text(encoding="utf-8"))["left_out"]
    return "".join(f"\nIt leaves out {reason}" for reason in reasons)
