"""Reads the cost of missing layers stored beside a frozen model, which is not trusted.

Separate from its creation, so that reading a bundle needs no machine-learning libraries.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trdomics.errors import InputError
from trdomics.frozen_model.manifest import AGAIN
from trdomics.partner_json import parse_partner_json
from trdomics.schema import load_schema

FILE = "missing_layer_cost.json"
MAX_BYTES = 2**20


def read_missing_layer_cost(
    folder: str | os.PathLike[str], manifest: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return the costs stored beside a frozen model; None if there are none.

    Raises
    ------
    InputError
        If the file was not made by :func:`missing_layer_cost_summary`, or is of another model.
    """
    path = Path(folder) / FILE
    if not path.is_file():
        return None
    if path.stat().st_size > MAX_BYTES:
        raise InputError(str(path), f"is larger than {MAX_BYTES // 2**10} KiB", AGAIN)
    return parse_missing_layer_cost(path.read_bytes(), manifest["sha256"], str(path))


def parse_missing_layer_cost(content: bytes, sha256: str, where: str) -> dict[str, Any]:
    """Parse the cost of missing layers from a file that may be damaged or malicious.

    Parameters
    ----------
    sha256 : str
        Checksum of the model that it should belong to.

    Raises
    ------
    InputError
        If it is not JSON, has other keys, or is of another model.
    """
    found = parse_partner_json(content, load_schema("missing_layer_cost"), where, AGAIN)
    if found["sha256"] != sha256:
        raise InputError(where, "does not belong to the model beside it", AGAIN)
    return found
