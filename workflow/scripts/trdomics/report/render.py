"""The summary page: self-contained HTML from tables and figures."""

from __future__ import annotations

import base64
import gzip
import json
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined

from trdomics.files import replacing
from trdomics.names import CAPITALS, TITLES, display_name
from trdomics.report.glossary import Glossary
from trdomics.shipped import shipped

# What pages share: look and frame, and what draws in them.
SHARED = (
    shipped("workflow/report/base.html.j2"),
    shipped("workflow/report/draw.js"),
    shipped("workflow/report/explore.js"),
)
_MIME = {".svg": "image/svg+xml", ".png": "image/png"}


def embedded(path: str | os.PathLike[str]) -> str:
    """Return a figure as a data URI, so that the page needs no other file."""
    path = Path(path)
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    return f"data:{_MIME[path.suffix]};base64,{data}"


def short(values: Iterable[float], digits: int = 3) -> list[float | None]:
    """Round to significant digits; what is not finite is None."""
    return [float(f"{v:.{digits}g}") if math.isfinite(v) else None for v in values]


def packed(content: Any) -> str:
    """Return data as a page holds them: gzipped JSON in base64, which no name can break out of."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode("utf-8"), mtime=0)).decode("ascii")


def render(template: str | os.PathLike[str], context: Mapping[str, Any]) -> str:
    """Fill the page's template.

    Labels, layer names and ids come from users' files: everything is escaped, and a variable
    missing from the context is an error rather than blank.
    """
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=DictLoader({path.name: path.read_text(encoding="utf-8") for path in SHARED}),
    )
    glossary = Glossary()
    environment.filters["explained"] = glossary.explain
    environment.filters["display_name"] = display_name
    environment.globals |= {"glossary": glossary, "titles": TITLES, "capitals": CAPITALS}
    text = Path(template).read_text(encoding="utf-8")
    return environment.from_string(text).render(**context)


def write_page(html: str, path: str | os.PathLike[str]) -> None:
    """Write the page completely or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(html, encoding="utf-8")
