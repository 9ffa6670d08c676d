"""Sets of layers that patients may have or lack."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

# With more layers there are too many sets to look at them all.
ALL_SUBSETS_OF = 4


def subset_name(layers: Iterable[str]) -> str:
    """Return a name of a set of layers, the same in whatever order they come."""
    return "+".join(sorted(layers))


def subsets(layers: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the sets of layers that are looked at: not the empty one, smallest first.

    Of more than four layers: one layer, all but one, and all.
    """
    n = len(layers)
    sizes = range(1, n + 1) if n <= ALL_SUBSETS_OF else sorted({1, n - 1, n})
    return [chosen for size in sizes for chosen in combinations(layers, size)]
