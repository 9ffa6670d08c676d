"""Tables per patient that a stage derives, each a feature set of its own.

A derived table is ``results/<cohort>/<name>/features.tsv``: ``patient_id`` and numeric columns. A
patient without a row lacks it, as one lacks a layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trdomics.pharmacogenes.settings import germline_layer

PHARMACOGENES = "pharmacogenes"
MECHANISM = "mechanism"


def derived_tables(config: Mapping[str, Any]) -> dict[str, bool]:
    """Return the derived tables of a cohort, and whether each is part of what is selected."""
    layer, _ = germline_layer(config)
    if layer is None:
        return {}
    return {PHARMACOGENES: False, **({MECHANISM: True} if config["mechanism"]["model"] else {})}
