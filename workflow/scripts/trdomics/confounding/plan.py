"""Columns to compare and adjust for, from the config.

The rules import this at every start: nothing here may import a slow library.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from trdomics.cohort.config import ESTIMATED_CELLS, design_and_contrast
from trdomics.cohort.formula import design_columns
from trdomics.config_types import CohortConfig

MINIMAL = "minimal"
BLOOD = "blood"
# The role of the columns that indicate layers.
LAYER = "layer"


def technical_columns(config: CohortConfig) -> list[str]:
    """Return the site's column, if there is one, and the technical ones."""
    site = config["samples"]["site"]
    return list(
        dict.fromkeys([*([] if site is None else [site]), *config["clinical"]["technical"]])
    )


def measured_cells(config: CohortConfig) -> list[str]:
    """Return the columns of the measured cell fractions."""
    return list((config["cells"]["columns"] or {}).values())


def adjustment_sets(config: CohortConfig) -> dict[str, list[str]]:
    """Return the columns that each set adds to the previous one.

    They are those of ``differential.adjustment_sets`` or, if it is null, non-empty sets of the
    technical columns, the cells, the other confounders and the rest of the design.

    Returns
    -------
    dict
        Name to columns, in order; the first is ``minimal`` and adjusts for nothing.
    """
    clinical, given = config["clinical"], config["differential"]["adjustment_sets"]
    if given is not None:
        return {MINIMAL: [], **{name: list(columns) for name, columns in given.items()}}
    design, contrast = design_and_contrast(config)
    measured = measured_cells(config)
    is_estimated = not measured and config["cells"]["signature"] is not None
    candidates = {
        "technical": technical_columns(config),
        "cells": [*measured, ESTIMATED_CELLS] if is_estimated else measured,
        "confounders": clinical["confounders"],
        "all": design_columns(design),
    }
    taken = {config["label"]["column"], contrast[0], *clinical["circular"]}
    sets: dict[str, list[str]] = {MINIMAL: []}
    for name, columns in candidates.items():
        new = [column for column in dict.fromkeys(columns) if column not in taken]
        # a user may declare a blood count technical
        if name == "technical":
            new = [column for column in new if column not in measured]
        taken |= set(new)
        if new:
            sets[name] = new
    return sets


def cumulative(sets: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return all columns that each set adjusts for: its own and those of the sets before it."""
    so_far: list[str] = []
    result = {}
    for name, columns in sets.items():
        so_far = list(dict.fromkeys([*so_far, *columns]))
        result[name] = so_far
    return result


def with_estimated(
    sets: Mapping[str, Sequence[str]], names: Sequence[str]
) -> tuple[dict[str, list[str]], list[str]]:
    """Replace ``estimated_cells`` by the columns of the estimated fractions.

    Parameters
    ----------
    sets : mapping of name to the columns that a set adds
    names : sequence of str
        Columns of the estimated fractions; empty if there are none.

    Returns
    -------
    sets : dict
    without : list of str
        Sets that are left out because they had only the estimated fractions.
    """
    result, without = {}, []
    for name, columns in sets.items():
        put = [new for old in columns for new in (names if old == ESTIMATED_CELLS else [old])]
        if columns and not put:
            without.append(name)
        else:
            result[name] = put
    return result, without


def column_roles(
    config: CohortConfig,
    sets: Mapping[str, Sequence[str]],
    layers: Iterable[str] = (),
    quality: Sequence[str] = (),
) -> dict[str, list[str]]:
    """Return the columns to compare, with their roles in the config.

    `sets` is of :func:`adjustment_sets`; indicators of the `layers` are compared as well, and
    columns of read `quality` are technical.

    Returns
    -------
    dict
        Column to its roles; the site first, then technical columns, cells, confounders, the
        columns of the sets, predictors, circular ones, and ``in_<layer>``.
    """
    clinical, site = config["clinical"], config["samples"]["site"]
    lists = {
        "site": [] if site is None else [site],
        "technical": [*clinical["technical"], *quality],
        "cells": measured_cells(config),
        "confounder": clinical["confounders"],
        "covariate": [column for columns in sets.values() for column in columns],
        "predictor": clinical["predictors"],
        "circular": clinical["circular"],
    }
    roles: dict[str, list[str]] = {}
    for role, columns in lists.items():
        for column in columns:
            if column not in (config["label"]["column"], ESTIMATED_CELLS):
                known = roles.setdefault(column, [])
                if role not in known and not (role == "covariate" and known):
                    known.append(role)
    return roles | {f"in_{layer}": [LAYER] for layer in layers}


def own_signature(config: CohortConfig) -> str | None:
    """Return the user's signature file; None without one or for that of blood."""
    signature = config["cells"]["signature"]
    return None if signature == BLOOD else signature
