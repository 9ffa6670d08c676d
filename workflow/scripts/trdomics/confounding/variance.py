"""Variance partition of every feature among label, site, cells and other covariates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trdomics.confounding.sets import MIN_FREEDOM, coded

LABEL, RESIDUAL, OTHER, SITE, ALL = "label", "residual", "other", "site", "all"
# 2^8 least squares of all features take seconds; each further group doubles that.
MAX_GROUPS = 8
# Share of variance above which a group counts as relevant for a feature.
SIZEABLE = 0.02

Floats = NDArray[np.float64]


def variance_groups(sets: Mapping[str, Sequence[str]], site: str | None) -> dict[str, list[str]]:
    """Return the groups of columns for the variance partition.

    Parameters
    ----------
    sets : mapping of name to the columns that an adjustment set adds
        Each is a group, but those of ``all`` stand for themselves.
    site : str or None
        Its column is a separate group.

    Returns
    -------
    dict
        Group to columns; with the label at most ``MAX_GROUPS``; the rest is one group, ``other``.
    """
    groups: dict[str, list[str]] = {} if site is None else {SITE: [site]}
    for name, columns in sets.items():
        new = [column for column in columns if column != site]
        if name == ALL:
            # a column may have the name of a set
            groups |= {
                (column if column not in groups else f"{column} (column)"): [column]
                for column in new
            }
        elif new:
            # a set may have the name of the site's group
            groups[name if name != SITE else f"{name} (set)"] = new
    names = list(groups)
    if len(names) + 1 > MAX_GROUPS:
        kept, merged = names[: MAX_GROUPS - 2], names[MAX_GROUPS - 2 :]
        rest = [column for name in merged for column in groups[name]]
        groups = {name: groups[name] for name in kept} | {OTHER: rest}
    return groups


def variance_partition(
    values: pd.DataFrame,
    patients: pd.DataFrame,
    positive: NDArray[np.bool_],
    groups: Mapping[str, Sequence[str]],
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Divide the variance of every feature among groups of columns.

    The share of a group is what it adds to R², averaged over all orders in which the groups can
    enter (Lindeman, Merenda & Gold 1980; "lmg" of Grömping 2006, doi 10.18637/jss.v017.i01; the
    Shapley value of R²). Shares are non-negative and add up, with the residual, to 1; variance
    explained by two groups in common is divided between them. They are not adjusted for chance:
    ``expected_by_chance`` is the expected share of noise with as many coefficients.

    Parameters
    ----------
    values : DataFrame, shape (n_patients, n_features)
        Variance-stabilised, none missing.
    patients : DataFrame, n_patients rows in the order of `values`
        Without missing values in the columns of the groups.
    positive : ndarray of bool, shape (n_patients,)

    Returns
    -------
    table : DataFrame, one row per feature that varies
        ``feature``, ``label``, a column per group, ``residual``, and ``label_unique``: R² that the
        label adds to all other groups.
    summary : dict
        ``n_patients``, ``n_features``, ``n_constant`` (left out), and by group ``median``,
        ``mean``, ``expected_by_chance``, ``n_coefficients`` and ``share_sizeable`` (features of
        which the group explains 2 % or more beyond chance). ``reason`` if nothing could be
        computed; the table then has no rows.
    """
    blocks = {LABEL: positive.astype(float)[:, None]}
    for name, columns in groups.items():
        coefficients = [v for column in columns for v in coded(patients[column]).values()]
        if coefficients:
            blocks[name] = np.column_stack(coefficients)
    names = list(blocks)
    freedom = len(values) - 1 - sum(block.shape[1] for block in blocks.values())
    one_group = positive.all() or not positive.any()
    if freedom < MIN_FREEDOM or one_group:
        reason = f"{freedom} degrees of freedom are left for {len(values)} patients"
        if one_group:
            reason = "the patients who have all covariates are of one group"
        empty = pd.DataFrame(columns=["feature", *names, RESIDUAL, "label_unique"])
        return empty, {"n_patients": len(values), "n_features": 0, "n_constant": 0} | {
            "reason": reason
        }
    centred = values.to_numpy(float) - values.to_numpy(float).mean(axis=0)
    total = (centred**2).sum(axis=0)
    varies = total > 1e-12 * max(float(total.max(initial=0)), 1e-300)
    summary: dict[str, Any] = {
        "n_patients": len(values),
        "n_features": int(varies.sum()),
        "n_constant": int((~varies).sum()),
    }
    explained = _explained(centred[:, varies] / np.sqrt(total[varies]), blocks)
    shares, k = {}, len(names)
    for name in names:
        others = [other for other in names if other != name]
        share = np.zeros(int(varies.sum()))
        for size in range(k):
            weight = 1 / (k * comb(k - 1, size))
            for subset in combinations(others, size):
                gain = explained[frozenset((*subset, name))] - explained[frozenset(subset)]
                share += weight * gain
        shares[name] = share
    full = explained[frozenset(names)]
    table = pd.DataFrame({"feature": values.columns[varies].astype(str), **shares})
    table[RESIDUAL] = 1 - full
    table["label_unique"] = full - explained[frozenset(names) - {LABEL}]
    by_chance = {name: _rank(block) / (len(values) - 1) for name, block in blocks.items()}
    summary["groups"] = {
        name: {
            "median": float(table[name].median()),
            "mean": float(table[name].mean()),
            "expected_by_chance": by_chance[name],
            "n_coefficients": int(blocks[name].shape[1]),
            "share_sizeable": float((table[name] >= by_chance[name] + SIZEABLE).mean()),
        }
        for name in names
    }
    summary["residual_median"] = float(table[RESIDUAL].median())
    return table, summary


def _explained(unit: Floats, blocks: Mapping[str, Floats]) -> dict[frozenset[str], Floats]:
    """Return R² of every feature for every subset of the groups.

    Cross products are computed once: R² = cᵀ G⁺ c, with G of the subset's columns and c of those
    with the feature.
    """
    names = list(blocks)
    columns = np.column_stack([block - block.mean(axis=0) for block in blocks.values()])
    ends = np.cumsum([0, *(blocks[name].shape[1] for name in names)])
    cross, gram = columns.T @ unit, columns.T @ columns
    result = {frozenset[str](): np.zeros(unit.shape[1])}
    for size in range(1, len(names) + 1):
        for subset in combinations(range(len(names)), size):
            chosen = np.concatenate([np.arange(ends[i], ends[i + 1]) for i in subset])
            inverse = np.linalg.pinv(gram[np.ix_(chosen, chosen)], rcond=1e-9, hermitian=True)
            part = cross[chosen]
            result[frozenset(names[i] for i in subset)] = (part * (inverse @ part)).sum(axis=0)
    return result


def _rank(block: Floats) -> int:
    return int(np.linalg.matrix_rank(block - block.mean(axis=0)))
