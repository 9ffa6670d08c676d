"""Files that come with the workflow."""

from __future__ import annotations

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]


def shipped(name: str) -> Path:
    """Return a file that comes with the workflow, by its path in the repository.

    Written as a literal, the file's content belongs to the digest of the scripts that read it, see
    :mod:`trdomics.code_digest`.
    """
    return REPOSITORY / name


def shipped_or_own(name: str, folder: str, suffix: str) -> Path:
    """Return the file of a config's name: a file as it is, what is shipped without a suffix."""
    return Path(name) if Path(name).suffix else shipped(f"{folder}/{name}{suffix}")
