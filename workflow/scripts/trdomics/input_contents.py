"""What the files of a cohort hold, as digests for the params of the rules that read them.

Such a rule is rerun where the content changes, whatever the file's time of change says.

Snakemake itself compares times: ``cp -p``, ``rsync -a`` and ``tar`` put another file in place under
an older one, and a copy of the same file is newer.
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
# Of a file: its size, its time of change in nanoseconds, and the digest of its content then.
Entry = tuple[int, int, str]


class Contents:
    """Digests of files, computed once and kept as long as size and time stay.

    Parameters
    ----------
    kept : path
        Where they are kept between calls.
    """

    def __init__(self, kept: str | os.PathLike[str]) -> None:
        self.kept = Path(kept)
        self.changed: list[str] = []
        self._entries: dict[str, Entry] = {}
        # whatever else is in the file, it is made anew
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            self._entries = {name: (*entry,) for name, entry in read_json(kept).items()}

    def digests(self, files: Iterable[str]) -> list[str]:
        """Return a digest of the content of each file, whatever it is called.

        A file whose content is another one than last time is added to ``changed``.
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
    """Return the CRC-32 of a file: five times faster than SHA-256, and no guard against attacks."""
    found = 0
    with open(path, "rb") as handle:
        while block := handle.read(BLOCK):
            found = zlib.crc32(block, found)
    return found
