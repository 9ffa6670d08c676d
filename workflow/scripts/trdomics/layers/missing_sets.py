"""Sets of layers that are taken away, and how tables name them; the report needs no more."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

# A name that no layer can have, and a separator that no layer's name can hold.
NOTHING, AND = "-", "+"
# Version of missing_layer_cost.json.
COST_FORMAT = 1
# All subsets of more layers would be too many; then each layer is dropped, and kept, alone.
MAX_COMPLETE = 4


def missing_sets(layers: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the sets of layers that are taken away, the empty one first.

    Parameters
    ----------
    layers : sequence of str
        Of the cohort, in the order of the config.

    Returns
    -------
    list of tuple of str
        By size; always one layer is left. All sets of up to four layers; of more those of one
        layer and those that leave one.
    """
    sizes = list(range(1, len(layers)))
    if len(layers) > MAX_COMPLETE:
        sizes = [1, len(layers) - 1]
    return [(), *(subset for size in sizes for subset in combinations(layers, size))]


def named(layers_missing: str) -> list[str]:
    """Return the names of the layers in a table's ``layers_missing``."""
    return [] if layers_missing == NOTHING else layers_missing.split(AND)
