"""Archives exchanged by partners, read without trusting them.

Nothing is unpacked to disk and nothing in them is executed. What an archive declares about itself
is checked before reading, and verified during reading.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from trdomics.errors import InputError
from trdomics.files import replacing

MAX_BYTES = 2**29
MAX_MEMBERS = 10_000
AGAIN = "request the file again from its sender"
_BLOCK = 2**20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
# Fixed parts of a zip archive in bytes (PKWARE's APPNOTE 4.3.7, 4.3.12 and 4.3.16).
_LOCAL_HEADER, _DIRECTORY_ENTRY, _END_OF_DIRECTORY = 30, 46, 22
# Exceptions of zipfile and zlib for a damaged archive.
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError)

Source = str | os.PathLike[str] | bytes


def sha256_of(source: Source) -> str:
    """Return the SHA-256 of a file, or of bytes, in hexadecimal."""
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    with Path(source).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pack(contents: Mapping[str, bytes]) -> bytes:
    """Return a zip archive of members by name; the same members give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # the same on every system
            archive.writestr(entry, content)
    return buffer.getvalue()


def write_archive(contents: Mapping[str, bytes], path: str | os.PathLike[str]) -> None:
    """Write :func:`pack` of members to a file, completely or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(pack(contents))


def read_archive(
    source: Source,
    allowed: Iterable[str],
    *,
    max_bytes: int = MAX_BYTES,
    max_members: int = MAX_MEMBERS,
) -> dict[str, bytes]:
    """Read all members of a zip archive that may be damaged, tampered with or malicious.

    Parameters
    ----------
    allowed : iterable of str
        Regular expressions; the whole name of every member must match one.
    max_bytes : int
        Largest sum of the members' sizes, uncompressed.
    max_members : int
        Largest number of members.

    Returns
    -------
    dict of str to bytes
        In the order of the archive.

    Raises
    ------
    InputError
        If it is not a zip archive, is damaged, too large, or contains a folder, a link, a path that
        leads out of it, a duplicated or forbidden name, or anything encrypted.
    """
    name = "archive" if isinstance(source, bytes) else os.fspath(source)
    patterns = [re.compile(pattern) for pattern in allowed]
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            size = len(source) if isinstance(source, bytes) else Path(source).stat().st_size
            if size != _accounted(entries):
                raise InputError(name, "is damaged, or holds more than its members", AGAIN)
            _check_entries(entries, patterns, max_bytes, max_members, name)
            return _contents(archive, entries, max_bytes, name)
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(name, "no such file", "correct its path") from error
    except _DAMAGED as error:
        raise InputError(name, f"is not an archive, or is damaged ({error})", AGAIN) from error


def _accounted(entries: Iterable[zipfile.ZipInfo]) -> int:
    """Return the size of an archive of exactly these members, as written by :func:`pack`.

    zipfile ignores what it does not understand: data before the first member, or members hidden by
    a changed length in the directory.
    """
    names = 2 * sum(len(entry.orig_filename.encode()) for entry in entries)
    sizes = sum(_LOCAL_HEADER + entry.compress_size + _DIRECTORY_ENTRY for entry in entries)
    return names + sizes + _END_OF_DIRECTORY


def _check_entries(
    entries: list[zipfile.ZipInfo],
    patterns: list[re.Pattern[str]],
    max_bytes: int,
    max_members: int,
    where: str,
) -> None:
    if len(entries) > max_members:
        raise InputError(where, f"has {len(entries)} members, {max_members} are allowed", AGAIN)
    seen: set[str] = set()
    for entry in entries:
        # zipfile cuts names at a zero byte and converts the system's separators
        member, shown = entry.orig_filename, entry.orig_filename[:80]
        path = PurePosixPath(member)
        leads_out = path.is_absolute() or ".." in path.parts or ":" in member
        if leads_out or "\\" in member or "\0" in member:
            raise InputError(where, f"has a member whose path leads out of it: {shown!r}", AGAIN)
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if entry.is_dir() or kind not in (0, stat.S_IFREG):
            raise InputError(where, f"has a member that is not a file: {shown!r}", AGAIN)
        if member in seen:
            raise InputError(where, f"has the member {shown!r} twice", AGAIN)
        seen.add(member)
        if not any(pattern.fullmatch(member) for pattern in patterns):
            raise InputError(where, f"has a member that does not belong there: {shown!r}", AGAIN)
        if entry.flag_bits & _ENCRYPTED or entry.compress_type not in _METHODS:
            raise InputError(where, f"has a member of unknown compression: {shown!r}", AGAIN)
    if sum(entry.file_size for entry in entries) > max_bytes:
        raise InputError(where, f"holds more than {max_bytes / 2**20:.0f} MiB", AGAIN)


def _contents(
    archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], max_bytes: int, where: str
) -> dict[str, bytes]:
    """Read the members, without trusting their declared sizes."""
    contents, left = {}, max_bytes
    for entry in entries:
        blocks = []
        with archive.open(entry) as member:
            while block := member.read(_BLOCK):
                left -= len(block)
                if left < 0:
                    raise InputError(where, f"holds more than {max_bytes / 2**20:.0f} MiB", AGAIN)
                blocks.append(block)
        contents[entry.filename] = b"".join(blocks)
        if len(contents[entry.filename]) != entry.file_size:
            raise InputError(where, f"is damaged: {entry.filename[:80]!r} is cut short", AGAIN)
    return contents


def verify(contents: Mapping[str, bytes], checksums: Mapping[str, str], where: str) -> None:
    """Check that members match a list of checksums exactly.

    Raises
    ------
    InputError
        If a member is missing, superfluous or changed.
    """
    for name in checksums.keys() | contents.keys():
        if name not in contents:
            raise InputError(where, f"lacks its member {name!r}", AGAIN)
        if name not in checksums:
            raise InputError(where, f"has no checksum for its member {name!r}", AGAIN)
        if sha256_of(contents[name]) != checksums[name]:
            raise InputError(where, f"its member {name!r} differs from what was written", AGAIN)
