"""mofapy2's model, built with the fast nodes where they are exact."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

with warnings.catch_warnings():
    # importing mofapy2 switches the warnings of the whole process off
    from mofapy2.build_model.build_model import buildBiofam

Array = NDArray[np.floating]


def not_covered(views: Mapping[str, Array], likelihoods: Mapping[str, str]) -> str | None:
    """Return why the fast updates are not exact for these data, None if they are."""
    for view, values in views.items():
        if likelihoods[view] not in ("gaussian", "bernoulli"):
            return f"view {view} is {likelihoods[view]}"
        missing = np.isnan(values)
        if (missing.any(axis=1) & ~missing.all(axis=1)).any():
            return f"view {view} lacks single values, not whole patients"
    return None


class BuildModel(buildBiofam):
    """mofapy2's builder; with `fast`, nodes are replaced by subclasses that do the same faster."""

    def __init__(self, *args: Any, fast: bool) -> None:
        super().__init__(*args)
        self.fast = fast
