"""Quantiles that are not a single patient's value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

NEIGHBOURS = 5


def neighbour_quantiles(
    values: NDArray[np.float64], shares: Sequence[float] | NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return quantiles as means of the five or six values around them.

    ``np.quantile`` returns a single patient's value if (n - 1) times the share is whole, and an
    average of two patients otherwise.

    Parameters
    ----------
    values : array, shape (n,)
        NaN are left out.
    shares : sequence of float, length q

    Returns
    -------
    array, shape (q,)
        NaN with fewer than ``NEIGHBOURS`` values.
    """
    known = np.sort(values[~np.isnan(values)])
    if len(known) < NEIGHBOURS:
        return np.full(len(shares), np.nan)
    reach = NEIGHBOURS / 2
    found = []
    for share in shares:
        position = (len(known) - 1) * share
        first = min(max(int(np.ceil(position - reach)), 0), len(known) - NEIGHBOURS)
        last = max(min(int(np.floor(position + reach)), len(known) - 1), NEIGHBOURS - 1)
        found.append(known[first : last + 1].mean())
    return np.array(found)
