"""What the documentation has to name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from trdomics.cohort.schema import load_schema

README = (Path(__file__).parents[2] / "config" / "README.md").read_text("utf-8")


def keys(schema: Any) -> Iterator[str]:
    """Yield every key under any `properties`, wherever it stands in the schema."""
    if isinstance(schema, dict):
        for name, child in schema.items():
            if name == "properties" and isinstance(child, dict):
                yield from child
            yield from keys(child)
    elif isinstance(schema, list):
        for child in schema:
            yield from keys(child)


KEYS = sorted(set(keys(load_schema("config"))))


def test_the_keys_are_found():
    assert {"cohort", "lowest", "sha256", "target_layer", "min_quality"} <= set(KEYS)


@pytest.mark.parametrize("key", KEYS)
def test_config_readme_names_every_key(key):
    code = re.findall(r"`+[^`]+`+", README)
    assert any(re.search(rf"(?<![\w]){key}(?![\w])", span) for span in code)
