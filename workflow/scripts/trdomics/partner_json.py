"""JSON from a partner, read without trusting it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

from trdomics.errors import InputError
from trdomics.files import plain
from trdomics.schema import ClosedSchema

MAX_DIGITS = 15
# The key of a description's own checksum, if it has one.
CHECKSUM = "checksum"


def with_checksum(description: Mapping[str, Any]) -> dict[str, Any]:
    """Return a description with the checksum of all its other keys."""
    whole = plain(dict(description))
    whole.pop(CHECKSUM, None)
    text = json.dumps(whole, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return {**whole, CHECKSUM: hashlib.sha256(text.encode()).hexdigest()}


def format_of(schema: Mapping[str, Any]) -> int:
    """Return the version of the format that a schema describes."""
    return int(schema["properties"]["format"]["const"])


def parse_partner_json(
    content: bytes, schema: Mapping[str, Any], where: str, fix: str
) -> dict[str, Any]:
    """Read a description that may be damaged or malicious.

    Parameters
    ----------
    content : bytes
        One JSON object with the key ``format``.
    schema : mapping
        Its schema, of :func:`trdomics.schema.load_schema`; no other ``format`` can be read.
    where, fix : str
        Name used in errors, and the fix that they suggest.

    Raises
    ------
    InputError
        If it is not a JSON object, has another format, holds infinite numbers or text that
        cannot be written, does not fit the schema, or was changed after it was written.
    """
    version = format_of(schema)
    try:
        found = strict_json(content)
    except (ValueError, RecursionError) as error:
        raise InputError(where, f"is not JSON ({error})", fix) from error
    if not isinstance(found, dict):
        raise InputError(where, "is not a JSON object", fix)
    if isinstance(found.get("format"), bool) or found.get("format") != version:
        raise InputError(
            where,
            f"has format {str(found.get('format'))[:20]}, this version reads {version}",
            "use the version of the workflow that wrote it",
        )
    try:
        resolved: dict[str, Any] = ClosedSchema(schema).resolve(found, where)
    except RecursionError as error:
        raise InputError(where, "is nested too deeply", fix) from error
    if CHECKSUM in schema["properties"] and with_checksum(found) != found:
        raise InputError(where, "differs from what was written: its checksum does not match", fix)
    return resolved


def strict_json(content: bytes) -> Any:
    """Read JSON that may be malicious.

    Raises
    ------
    ValueError, RecursionError
        If it is not JSON, or contains a number that is not finite or a text that cannot be written.
    """
    found = json.loads(
        content.decode("utf-8"), parse_constant=_refused, parse_float=_finite, parse_int=_countable
    )
    # half of a surrogate pair can be escaped in JSON, but not written to a file
    json.dumps(found, ensure_ascii=False).encode("utf-8")
    return found


def _refused(name: str) -> None:
    """Refuse NaN and infinities, which are not JSON and pass every bound."""
    raise ValueError(f"{name} is not a number")


def _finite(text: str) -> float:
    """Return a number, unless it is too large to be one, such as 1e999."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is not a number")
    return number


def _countable(text: str) -> int:
    """Return a whole number, unless a float could not hold it."""
    if len(text) > MAX_DIGITS:
        raise ValueError(f"{text[:20]}… is not a number")
    return int(text)
