"""Sources of the user's gene sets: files, or URLs that a rule downloads."""

from __future__ import annotations

import http.client
import os
import re
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlparse

from trdomics.archive import sha256_of
from trdomics.config_types import GeneSetsFile
from trdomics.errors import InputError
from trdomics.files import replacing
from trdomics.inputs.gene_sets import CURATED

KEY = "config enrichment.gene_sets"
TIMEOUT = 60  # seconds without a response
MAX_BYTES, BLOCK = 2**28, 2**20


class SameHost(urllib.request.HTTPRedirectHandler):
    """Follows redirects within a host only.

    Other redirects could lead to services in the machine's own network, which trust it.
    """

    def redirect_request(
        self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: Any
    ) -> Any:
        """Return the request of a redirect, or raise URLError."""
        before, after = urlparse(req.full_url), urlparse(newurl)
        if (before.scheme, before.netloc) != (after.scheme, after.netloc):
            raise urllib.error.URLError(f"it redirects to {after.scheme}://{after.netloc}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def is_url(location: str) -> bool:
    """Return whether a location is a URL, not a path."""
    return urlparse(location).scheme in ("http", "https", "ftp")


def gene_set_sources(entries: Sequence[str | GeneSetsFile]) -> dict[str, dict[str, Any]]:
    """Name the user's collections.

    Parameters
    ----------
    entries : sequence of str or mapping
        Paths or addresses; or mappings with ``file`` and ``sha256``.

    Returns
    -------
    dict
        Collection (the file's name without its suffixes, in safe characters) →
        ``file`` (a path or an address), ``sha256`` (or None), ``url`` (bool).

    Raises
    ------
    InputError
        If two have the same name.
    """
    found: dict[str, dict[str, Any]] = {}
    for entry in entries:
        known = {"file": entry, "sha256": None} if isinstance(entry, str) else dict(entry)
        location = str(known["file"])
        file_name = PurePosixPath(urlparse(location).path if is_url(location) else location).name
        name = re.sub(r"(\.gmt)?(\.gz)?$", "", file_name, count=1)
        name = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip(".") or "gene_sets"
        if name in found or name == CURATED:
            raise InputError(KEY, f"there are two collections {name!r}", "rename one of the files")
        found[name] = {**known, "sha256": known.get("sha256"), "url": is_url(location)}
    return found


def check_sum(path: str | os.PathLike[str], expected: str | None) -> None:
    """Raise an InputError if a file does not have the checksum in the config, if any."""
    if expected is not None and (found := sha256_of(path)) != expected.lower():
        raise InputError(
            str(path),
            f"its sha256 is {found}, not {expected}",
            f"correct the checksum in {KEY}, or get the file that it belongs to",
        )


def download(url: str, path: str | os.PathLike[str], expected: str | None) -> None:
    """Download a file completely or not at all.

    Raises
    ------
    InputError
        If the URL cannot be reached or redirects to another host, or the file is too large or has
        another checksum.
    """
    request = urllib.request.Request(url, headers={"User-Agent": "trd-multiomics"})
    opener = urllib.request.build_opener(SameHost)
    with replacing(path) as temporary:
        try:
            with opener.open(request, timeout=TIMEOUT) as answer, temporary.open("wb") as file:
                while block := answer.read(BLOCK):
                    file.write(block)
                    if file.tell() > MAX_BYTES:
                        raise OSError(f"it is larger than {MAX_BYTES / 2**20:g} MiB")
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            reason = getattr(error, "reason", None) or error
            raise InputError(
                f"{KEY} {url}",
                f"it cannot be downloaded ({reason})",
                "download it where there is internet and give its path instead",
            ) from error
        try:
            check_sum(temporary, expected)
        except InputError as error:
            raise InputError(f"{KEY} {url}", error.problem, error.fix) from error
