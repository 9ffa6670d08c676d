"""Rounding to as few digits as needed: one unit of the last digit is worth the minimum of patients.

A patient one standard deviation from the mean changes a mean of n by the standard deviation / n,
its standard error / √n. Shared numbers are on a grid with a step at least as large as the change by
`minimum` patients, rounded up to 1, 2 or 5 times a power of ten. For 300 patients that is a third
to three quarters of a standard error; docs/consortium.md has the price.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
NICE = np.array([1.0, 2.0, 5.0, 10.0])
# Digits of coefficients, loadings and other numbers without a standard deviation between patients.
SIGNIFICANT = 2


def step_of(spread: Any, n: Any, minimum: int) -> Floats:
    """Return the step of the grid for means of n patients with standard deviation `spread`.

    It is the smallest of 1, 2 and 5 times a power of ten that is not below
    ``minimum * spread / n``; 0, which leaves a number unchanged, if nothing varies.
    """
    wanted = np.asarray(minimum * np.asarray(spread, dtype=float) / n)
    with np.errstate(divide="ignore", invalid="ignore"):
        power = 10.0 ** np.floor(np.log10(wanted))
        ratio = wanted / power
    place = np.searchsorted(NICE * (1 + 1e-9), np.nan_to_num(ratio, nan=1.0))
    return np.where(wanted > 0, NICE[np.minimum(place, 3)] * np.nan_to_num(power), 0.0)


def effect_step(error: Any) -> Floats:
    """Return the step of effects with these standard errors: the largest step up to half of them.

    A meta-analysis that knows the step loses nothing, while a step worth five patients would cost
    calls (docs/consortium.md).
    """
    error = np.asarray(error, dtype=float)
    # the largest round number below x is ten over the smallest above 10 / x
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(error > 0, 10.0 / step_of(10.0 / (error / 2), 1, 1), 0.0)


def on_grid(values: Any, step: Any) -> Floats:
    """Return values rounded to multiples of a step; a step of 0 leaves them unchanged."""
    values, step = np.broadcast_arrays(np.asarray(values, float), np.asarray(step, float))
    used = np.where(step > 0, step, 1.0)
    multiples = np.round(values / used)
    # a division by a power of ten gives the same float as reading the decimal number
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
