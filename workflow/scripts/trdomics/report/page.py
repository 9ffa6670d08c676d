"""The summary page: self-contained HTML from tables and figures."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from trdomics.files import replacing

_MIME = {".svg": "image/svg+xml", ".png": "image/png"}


def embedded(path: str | os.PathLike[str]) -> str:
    """Return a figure as a data URI, so that the page needs no other file."""
    path = Path(path)
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    return f"data:{_MIME[path.suffix]};base64,{data}"


def render(template: str | os.PathLike[str], context: Mapping[str, Any]) -> str:
    """Fill the page's template.

    Labels, layer names and ids come from users' files: everything is escaped, and a variable
    missing from the context is an error rather than blank.
    """
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    text = Path(template).read_text(encoding="utf-8")
    return environment.from_string(text).render(**context)


def write_page(html: str, path: str | os.PathLike[str]) -> None:
    """Write the page completely or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(html, encoding="utf-8")
