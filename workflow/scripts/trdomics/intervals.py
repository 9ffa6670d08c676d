"""Constants of intervals used in several packages."""

from __future__ import annotations

import math

# Half the width of a 95 % interval of the standard normal distribution, in standard errors.
Z95 = 1.959963984540054


def with_interval(value: float, lower: float | None, upper: float | None) -> str:
    """Return ``0.78 (0.73 to 0.82)``; without the interval if there is none."""
    if lower is None or upper is None or math.isnan(lower):
        return f"{value:z.2f}"
    return f"{value:z.2f} ({lower:z.2f} to {upper:z.2f})"
