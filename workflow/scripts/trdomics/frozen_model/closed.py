"""The machinery of a closed structure: which attributes an object has, and of what kind each is.

A file that describes objects can give them any attribute, also one in the place of a method, and
put any object where another belongs. So each class has a full list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from trdomics.frozen_model.kinds import Check, exactly


@dataclass(frozen=True)
class Closed:
    """What the objects of a class consist of.

    Attributes
    ----------
    parameters, fitted : dict of str to Check
        Attributes and their kinds; the latter are there in fitted objects only.
    rule : callable
        Whether attributes fit together; may also raise ValueError, to say more.
    """

    parameters: Mapping[str, Check] = field(default_factory=dict)
    fitted: Mapping[str, Check] = field(default_factory=dict)
    rule: Callable[[Any], bool] = lambda part: True


CLASSES: dict[type, Closed] = {}


def parameters_of(template: Any, **free: Check) -> dict[str, Check]:
    """Return the question for each parameter whether it is that of a template.

    Parameters
    ----------
    template : estimator
        Unfitted, as this workflow makes it.
    **free : Check
        Attributes that may differ, with their kinds.
    """
    return {name: free.get(name, exactly(value)) for name, value in vars(template).items()}


def check_part(part: Any, *, unfitted: bool = False) -> None:
    """Check an object and all within it.

    Raises
    ------
    ValueError
        If its class is not on the list, if it has another attribute or lacks one, or if one is not
        of its kind. `unfitted` ones need no fitted attributes.
    """
    name = type(part).__name__
    if type(part) not in CLASSES:
        raise ValueError(f"a {name} is no part of a model")
    closed = CLASSES[type(part)]
    kinds = {**closed.parameters, **closed.fitted}
    found = vars(part)
    fitted = found.keys() == kinds.keys()
    if not fitted and not (unfitted and found.keys() == closed.parameters.keys()):
        odd = min(map(str, found.keys() ^ kinds.keys()))
        raise ValueError(f"a {name} has its attributes not as written: {odd[:60]}")
    for attribute, value in found.items():
        if not kinds[attribute](value):
            raise ValueError(f"{name}.{attribute} is not what a model has there")
    if fitted and not closed.rule(part):
        raise ValueError(f"the parts of a {name} do not fit together")


def part_of(*classes: type, unfitted: bool = False) -> Check:
    """Return the question whether it is a sound object of one of some classes."""

    def check(value: Any) -> bool:
        if type(value) not in classes:
            return False
        check_part(value, unfitted=unfitted)
        return True

    return check
