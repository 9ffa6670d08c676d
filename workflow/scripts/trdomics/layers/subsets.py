"""Subsets of layers that patients may have or lack, and their names in tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

# With more layers there are too many subsets to evaluate all.
ALL_SUBSETS_OF = 4
# A name that no layer can have, and a separator that no layer's name can contain.
NOTHING, AND = "-", "+"


def subset_name(layers: Iterable[str]) -> str:
    """Return a name of a set of layers, independent of their order."""
    return AND.join(sorted(layers))


def subsets(layers: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the non-empty sets of layers to evaluate, smallest first.

    With more than four layers: single layers, all but one, and all.
    """
    n = len(layers)
    sizes = range(1, n + 1) if n <= ALL_SUBSETS_OF else sorted({1, n - 1, n})
    return [chosen for size in sizes for chosen in combinations(layers, size)]


def missing_sets(layers: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the sets of layers to leave out: the empty one first, then all but the last.

    Those of :func:`subsets` in the order of the config; at least one layer is left.
    """
    return [(), *subsets(layers)[:-1]]


def joined(layers: Sequence[str]) -> str:
    """Return the names of layers as a table's cell; :func:`named` reads it."""
    return AND.join(layers) or NOTHING


def named(cell: str) -> list[str]:
    """Return the names of the layers in a table's cell."""
    return [] if cell == NOTHING else cell.split(AND)
