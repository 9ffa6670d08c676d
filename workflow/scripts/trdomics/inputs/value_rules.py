"""What the values of a matrix may be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Mask = Callable[[NDArray[np.float64]], NDArray[np.bool_]]


@dataclass(frozen=True)
class ValueRule:
    """A value that must not be.

    Attributes
    ----------
    wrong : callable
        Values, shape (n_features, n_samples), to a mask of those that break the rule.
    problem : str
        What follows the value in the error: " is a negative count".
    fix : str
    """

    wrong: Mask
    problem: str
    fix: str


@dataclass(frozen=True)
class ValueRules:
    """All that is asked of the values of a matrix, beyond that they are finite numbers.

    Attributes
    ----------
    forbidden : tuple of ValueRule
        In the order in which they are looked for.
    is_zero_nothing : bool
        Whether a sample of zeros was not measured; otherwise one without any value was not.
    nothing : str
        What such a sample has.
    dtype : type
        Of the table that is returned.
    """

    forbidden: tuple[ValueRule, ...] = ()
    is_zero_nothing: bool = False
    nothing: str = "no value at all"
    dtype: type = np.float64

    def allow(self, values: NDArray[np.float64]) -> bool:
        """Return whether no value breaks a rule."""
        return not any(rule.wrong(values).any() for rule in self.forbidden)

    def empty(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which samples were not measured, shape (n_samples,)."""
        lacking = values == 0 if self.is_zero_nothing else np.isnan(values)
        return np.asarray(lacking.all(axis=0))
