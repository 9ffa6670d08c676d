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
