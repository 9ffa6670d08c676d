"""Whether two sets of genotypes come from the same person."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trdomics.identity.profile_matching import Match

MIN_SITES = 30
# In RNA, sites are called only where there are reads: pairs with fewer sites in common are not
# compared.
MIN_SHARED = 20
# If wrong pairs do not agree less than own pairs by at least this much, the sites do not
# distinguish people.
_LEAST_GAP = 0.1


def why_not(first: pd.DataFrame, second: pd.DataFrame) -> str:
    """Return why two layers' genotypes cannot be compared, empty if they can."""
    n = len(first.index.intersection(second.index))
    if n < 2:
        return f"{n} patients have both layers, 2 are needed"
    sites = len(first.columns.intersection(second.columns))
    if sites < MIN_SITES:
        return f"the layers share {sites} common variants, {MIN_SITES} are needed"
    return ""


def match_genotypes(first: pd.DataFrame, second: pd.DataFrame) -> Match:
    """Compare two layers' genotypes of all pairs of patients at shared sites.

    The score is the share of the sites called in both at which the genotypes are equal. The
    threshold is midway between the median of the own pairs and that of the wrong ones.

    `first` and `second` are of :func:`trdomics.identity.genotypes.read_genotypes`.

    Raises
    ------
    ValueError
        See :func:`why_not`.
    """
    reason = why_not(first, second)
    if reason:
        raise ValueError(reason)
    shared = first.index.intersection(second.index)
    sites = first.columns.intersection(second.columns)
    agreement = concordance(
        first.loc[shared, sites].to_numpy(), second.loc[shared, sites].to_numpy(), MIN_SHARED
    )
    n = len(shared)
    own, wrong = np.diag(agreement), agreement[~np.eye(n, dtype=bool)]
    threshold = float((np.nanmedian(own) + np.nanmedian(wrong)) / 2)
    usable = bool(np.nanmedian(own) - np.nanmedian(wrong) >= _LEAST_GAP)
    flagged = usable & (own < threshold)
    best = np.nan_to_num(agreement, nan=-1.0).argmax(axis=1)
    names = [str(name) for name in shared]
    partner = [
        names[best[i]]
        if flagged[i] and best[i] != i and agreement[i, best[i]] > threshold
        else None
        for i in range(n)
    ]
    found = dict(zip(names, partner, strict=True))
    summary = {
        "n_sites": len(sites),
        "threshold": threshold,
        "power": float(np.mean(wrong < threshold)),
        "usable": usable,
        "swaps": [[a, b] for a, b in found.items() if b is not None and a < b and found[b] == a],
    }
    return Match.of(agreement, agreement, flagged, found, summary)


def concordance(first: np.ndarray, second: np.ndarray, least: int = 1) -> np.ndarray:
    """Return the share of equal genotypes of every pair, shape (n_first, n_second).

    Dosages have the shape (n, n_sites), NaN where not called. NaN for pairs with fewer than `least`
    sites called in both.
    """
    both = (~np.isnan(first)).astype(np.float32) @ (~np.isnan(second)).astype(np.float32).T
    equal = np.zeros_like(both)
    for dosage in (0, 1, 2):
        equal += (first == dosage).astype(np.float32) @ (second == dosage).astype(np.float32).T
    return np.where(both >= least, equal / np.maximum(both, 1), np.nan).astype(float)
