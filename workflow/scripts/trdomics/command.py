"""What the command asks for, read before Snakemake tells the Snakefile."""

from __future__ import annotations

from collections.abc import Sequence

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
