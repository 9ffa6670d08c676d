"""JSON that a partner wrote, read without trusting it."""

from __future__ import annotations

import json
from typing import Any

from trdomics.cohort.schema import ClosedSchema, load_schema
from trdomics.errors import InputError


def parse_partner_json(
    content: bytes, schema: str, version: int, where: str, mend: str
) -> dict[str, Any]:
    """Read a description that may be damaged or hostile.

    Parameters
    ----------
    content : bytes
        One JSON object with the key ``format``.
    schema : str
        Its schema in ``workflow/schemas``.
    version : int
        The only ``format`` that can be read.
    where, mend : str
        What errors name, and what they tell the user to do.

    Raises
    ------
    InputError
        If it is no JSON object, of another format, or does not fit the schema.
    """
    try:
        found = json.loads(content.decode("utf-8"), parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise InputError(where, f"is no JSON ({error})", mend) from error
    if not isinstance(found, dict):
        raise InputError(where, "is no JSON object", mend)
    if found.get("format") != version:
        raise InputError(
            where,
            f"has format {str(found.get('format'))[:20]}, this version reads {version}",
            "use the version of the workflow that wrote it",
        )
    resolved: dict[str, Any] = ClosedSchema(load_schema(schema)).resolve(found, where)
    return resolved


def _refused(name: str) -> None:
    """Refuse NaN and infinities, which are no JSON and fit every bound."""
    raise ValueError(f"{name} is no number")
