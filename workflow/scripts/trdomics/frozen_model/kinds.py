"""Kinds of values that a stored object may have in an attribute; each is a yes-or-no question.

They ask for exact types: a subclass, or another type that behaves alike, is not what was written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Check = Callable[[Any], bool]
# Beyond what any count, seed or number of a model is; comparing with them also refuses NaN.
MOST, LARGEST = 2**32, 1e300


def text(value: Any) -> bool:
    """Return whether it is text."""
    return type(value) in (str, np.str_)


def names(value: Any) -> bool:
    """Return whether it is a list (or a tuple) of text."""
    return type(value) in (list, tuple) and all(text(item) for item in value)


def names_once(value: Any) -> bool:
    """Return whether it is a list (or a tuple) of text, none of it twice."""
    return names(value) and len(set(value)) == len(value)


def flag(value: Any) -> bool:
    """Return whether it is true or false."""
    return type(value) in (bool, np.bool_)


def count(value: Any) -> bool:
    """Return whether it is an integer from 0 to 2³²."""
    return type(value) in (int, np.int32, np.int64) and 0 <= value <= MOST


def number(value: Any) -> bool:
    """Return whether it is a finite number."""
    known = type(value) in (int, float, np.int64, np.float32, np.float64)
    return known and bool(-LARGEST < value < LARGEST)


def number_or_nan(value: Any) -> bool:
    """Return whether it is a finite number or NaN."""
    return number(value) or (type(value) in (float, np.float64) and value != value)


def scalar(value: Any) -> bool:
    """Return whether it is a number, text, a truth value or None."""
    return value is None or text(value) or flag(value) or number(value)


def anything_of(*checks: Check) -> Check:
    """Return the question whether one of several is answered with yes."""
    return lambda value: any(check(value) for check in checks)


def optional(check: Check) -> Check:
    """Return the question whether it is None or of a kind."""
    return lambda value: value is None or check(value)


def exactly(*expected: Any) -> Check:
    """Return the question whether it is one of some values, of the same type. NaN is NaN."""

    def check(value: Any) -> bool:
        return any(
            type(value) is type(one) and bool(value == one or (value != value and one != one))
            for one in expected
        )

    return check


def list_of(check: Check) -> Check:
    """Return the question whether it is a list of a kind."""
    return lambda value: type(value) is list and all(check(item) for item in value)


def dict_of(check: Check) -> Check:
    """Return the question whether it is a dict of a kind by text."""
    return lambda value: (
        type(value) is dict and all(text(key) and check(item) for key, item in value.items())
    )


def record(required: dict[str, Check], more: dict[str, Check] | None = None) -> Check:
    """Return the question whether it is a dict of just these keys, those of `more` or not."""

    def check(value: Any) -> bool:
        kinds = {**required, **(more or {})}
        return (
            type(value) is dict
            and required.keys() <= value.keys() <= kinds.keys()
            and all(kinds[key](item) for key, item in value.items())
        )

    return check


def array(dtypes: str, ndim: int = 1, *, gaps: bool = False) -> Check:
    """Return the question whether it is a plain array.

    Parameters
    ----------
    dtypes : str
        Kinds of numpy's dtypes that it may have, such as ``"f"`` or ``"iu"``.
    ndim : int
    gaps : bool
        Whether numbers may be infinite or NaN.
    """

    def check(value: Any) -> bool:
        if type(value) is not np.ndarray or value.ndim != ndim or value.dtype.kind not in dtypes:
            return False
        if not value.dtype.isnative or (value.dtype.itemsize > 8 and value.dtype.kind in "fiu"):
            return False
        return gaps or value.dtype.kind != "f" or bool(np.isfinite(value).all())

    return check


def values(*expected: float) -> Check:
    """Return the question whether it is an array of numbers with these values."""
    kind = array("fi")
    return lambda value: kind(value) and value.tolist() == list(expected)


def features(value: Any) -> bool:
    """Return whether it is an array of text, none of it twice.

    Of a table whose columns have one name n times, pandas takes n² by n names.
    """
    return array("U")(value) and len(np.unique(value)) == len(value)


def names_array(value: Any) -> bool:
    """Return whether it is an array of text stored as objects."""
    return array("O")(value) and all(text(item) for item in value)


def as_written(steps: Sequence[tuple[str, Check]]) -> Check:
    """Return the question whether it is a list of pairs of just these names and kinds."""
    return lambda value: (
        type(value) is list
        and len(value) == len(steps)
        and all(
            type(found) is tuple and len(found) == 2 and found[0] == name and check(found[1])
            for found, (name, check) in zip(value, steps, strict=True)
        )
    )
