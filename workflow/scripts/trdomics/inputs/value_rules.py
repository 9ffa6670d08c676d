"""Allowed values of a matrix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trdomics.inputs.estimates import look_like_counts

Mask = Callable[[NDArray[np.float64]], NDArray[np.bool_]]


@dataclass(frozen=True)
class ValueRule:
    """A forbidden kind of value.

    Attributes
    ----------
    wrong : callable
        Maps values, shape (n_features, n_samples), to a mask of those that break the rule.
    problem : str
        Text after the value in the error: " is a negative count".
    """

    wrong: Mask
    problem: str
    fix: str


@dataclass(frozen=True)
class ValueRules:
    """Requirements on the values of a matrix, besides being finite numbers.

    Attributes
    ----------
    forbidden : tuple of ValueRule
        In the order of checking.
    are_counts : bool
        Whether they are counts of reads: estimated ones are rounded, normalised ones refused, and
        a sample of zeros was not measured.
    take_log2 : bool
        Whether logarithms are to be taken, which do not correct counts for library size.
    """

    forbidden: tuple[ValueRule, ...] = ()
    are_counts: bool = False
    take_log2: bool = False

    def fit(self, values: NDArray[np.float64], named_counts: bool) -> bool:
        """Return whether a new matrix, shape (n_features, n_samples), satisfies the rules.

        See :func:`trdomics.inputs.estimates.look_like_counts`.
        """
        if any(rule.wrong(values).any() for rule in self.forbidden):
            return False
        return not self.are_counts or look_like_counts(values, named_counts)
