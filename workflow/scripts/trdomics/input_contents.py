"""Digests of the content of a cohort's files, for the params of the rules that read them.

Such a rule reruns if the content changes, regardless of modification time.

Snakemake itself compares times: ``cp -p``, ``rsync -a`` and ``tar`` may install another file with
an older time, and a copy of the same file is newer.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Iterable
from pathlib import Path

from trdomics.errors import InputError
from trdomics.files import read_json, write_json

BLOCK = 1 << 22
# Size and modification time (ns) of a file, and the digest of its content at that time.
Entry = tuple[int, int, str]


class Contents:
    """Digests of files, computed once and valid while size and time are unchanged.

    Parameters
    ----------
    kept : path
        File in which they are kept between calls.
    """

    def __init__(self, kept: str | os.PathLike[str]) -> None:
        self.kept = Path(kept)
        self.changed: list[str] = []
        self._entries: dict[str, Entry] = {}
        # a file with any other content is rewritten
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            self._entries = {name: (*entry,) for name, entry in read_json(kept).items()}

    def digests(self, files: Iterable[str]) -> list[str]:
        """Return a digest of the content of each file, regardless of its name.

        Files with changed content are added to ``changed``.
        """
        return [self._of(file) for file in files]

    def _of(self, file: str) -> str:
        path = Path(file)
        try:
            state = path.stat()
            *before, known = self._entries.get(file, (0, 0, ""))
            if before == [state.st_size, state.st_mtime_ns]:
                return known
            found = f"{state.st_size}-{_checksum(path):08x}"
        except OSError as error:
            raise InputError(file, f"cannot be read ({error.strerror})", "check it") from error
        if known not in ("", found):
            self.changed.append(file)
        self._entries[file] = (state.st_size, state.st_mtime_ns, found)
        write_json(self._entries, self.kept)
        return found


def _checksum(path: Path) -> int:
    """Return the CRC-32 of a file: faster than SHA-256, but no protection against attacks."""
    found = 0
    with open(path, "rb") as handle:
        while block := handle.read(BLOCK):
            found = zlib.crc32(block, found)
    return found
