"""What a panel's summary says in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def headline(name: str, summary: Mapping[str, Any]) -> str:
    """Return in one or two sentences what was measurable and what differs."""
    found = summary["significant"]
    differing = (
        f"{len(found)} of them differ{'s' if len(found) == 1 else ''} at a false discovery rate of "
        f"{summary['fdr']:.0%} within the panel: {', '.join(found)}."
        if found
        else f"None differs at a false discovery rate of {summary['fdr']:.0%} within the panel."
    )
    return (
        f"Of {summary['n_members']} members of the panel {name}, {summary['n_tested']} could be "
        f"tested in this cohort. {differing}"
    )


def directions(summary: Mapping[str, Any]) -> str:
    """Compare the expected directions with those found."""
    n = summary["n_expected"]
    if not n:
        return "No tested member has an expected direction."
    left = n - summary["n_confirmed"] - summary["n_contradicted"]
    return (
        f"Of {n} tests with an expected direction, the interval is on that side of zero in "
        f"{summary['n_confirmed']}, on the other in {summary['n_contradicted']}, and includes zero "
        f"in {left}."
    )
