"""As few digits as a number's use needs: the last one is worth the minimum of patients.

One patient who lies one standard deviation off moves a mean of n by the standard deviation / n, its
standard error / √n. Numbers leave on a grid whose step is at least as wide as `minimum` patients
move them, and the next of 1, 2 and 5 times a power of ten. For 300 patients that is a third to
three quarters of a standard error; docs/consortium.md has the price.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
NICE = np.array([1.0, 2.0, 5.0, 10.0])
# Of coefficients, loadings and other numbers whose standard deviation no patient has.
SIGNIFICANT = 2


def step_of(spread: Any, n: Any, minimum: int) -> Floats:
    """Return the step of the grid for means of n patients whose standard deviation is `spread`.

    It is the smallest of 1, 2 and 5 times a power of ten that is not below
    ``minimum * spread / n``; 0, which keeps a number, where nothing varies.
    """
    wanted = np.asarray(minimum * np.asarray(spread, dtype=float) / n)
    with np.errstate(divide="ignore", invalid="ignore"):
        power = 10.0 ** np.floor(np.log10(wanted))
        ratio = wanted / power
    place = np.searchsorted(NICE * (1 + 1e-9), np.nan_to_num(ratio, nan=1.0))
    return np.where(wanted > 0, NICE[np.minimum(place, 3)] * np.nan_to_num(power), 0.0)


def effect_step(error: Any) -> Floats:
    """Return the step of effects with these standard errors: the next below half of them.

    A meta-analysis loses nothing by that if it knows the step, and five patients' worth would cost
    calls (docs/consortium.md).
    """
    error = np.asarray(error, dtype=float)
    # the largest round number below x is ten over the smallest above 10 / x
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(error > 0, 10.0 / step_of(10.0 / (error / 2), 1, 1), 0.0)


def on_grid(values: Any, step: Any) -> Floats:
    """Return values rounded to multiples of a step; a step of 0 keeps them."""
    values, step = np.broadcast_arrays(np.asarray(values, float), np.asarray(step, float))
    used = np.where(step > 0, step, 1.0)
    multiples = np.round(values / used)
    # a division by a power of ten gives the very float that the decimal number is read as
    exponent = np.floor(np.log10(used) + 1e-9)
    digit = np.round(used / 10.0**exponent)
    whole = digit * multiples
    rounded = whole * 10.0 ** np.maximum(exponent, 0) / 10.0 ** np.maximum(-exponent, 0)
    return np.asarray(np.where(step > 0, rounded, values))


def scale_on_grid(scale: Any, step: Any) -> Floats:
    """Return standard deviations rounded, but not to 0."""
    return np.maximum(on_grid(scale, step), step)


def significant(values: Any, digits: int = SIGNIFICANT) -> Floats:
    """Return values rounded to some significant digits."""
    values = np.asarray(values, dtype=float)
    with np.errstate(divide="ignore"):
        exponent = np.floor(np.log10(np.abs(values)))
    power = 10.0 ** (np.nan_to_num(exponent, neginf=0.0) - digits + 1)
    return on_grid(values, power)
