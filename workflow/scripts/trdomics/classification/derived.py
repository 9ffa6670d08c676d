"""Tables with values per patient derived by other stages; each is a feature set.

A derived table is ``results/<cohort>/<name>/features.tsv``: ``patient_id`` and numeric columns. A
patient without a row is treated like one without a layer.
"""

from __future__ import annotations

from trdomics.config_types import CohortConfig
from trdomics.pharmacogenes.settings import germline_layer

PHARMACOGENES = "pharmacogenes"
MECHANISM = "mechanism"


def derived_tables(config: CohortConfig) -> dict[str, bool]:
    """Return the derived tables of a cohort, and whether each may enter the selected stack."""
    layer, _ = germline_layer(config)
    if layer is None:
        return {}
    return {PHARMACOGENES: False, **({MECHANISM: True} if config["mechanism"]["model"] else {})}
