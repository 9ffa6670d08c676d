"""The sample-swap test for all pairs of layers."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import pandas as pd

from trdomics.identity import genotype_matching, profile_matching
from trdomics.identity.profile_matching import USEFUL_POWER, Match

COLUMNS = ["first", "second", "method", "patient_id", "score", "rank_first", "rank_second"]
COLUMNS += ["n_candidates", "flagged", "likely_partner", "sexes_differ"]


def match_all(
    normalised: Mapping[str, pd.DataFrame],
    genotypes: Mapping[str, pd.DataFrame],
    sex: pd.DataFrame,
    seed: int,
    place: pd.Series | None = None,
) -> tuple[pd.DataFrame, list[dict[str, Any]], dict[tuple[str, str], Match]]:
    """Test every pair of layers: by genotypes if both have them, otherwise by profiles.

    Parameters
    ----------
    normalised : mapping of layer to DataFrame, patients × features
    genotypes : mapping of layer to DataFrame
        Of the layers that have them.
    sex : DataFrame
        ``sex.tsv``; different molecular sexes of a patient's layers are shown beside.
    place : Series, optional
        Site by patient, within which swaps are planted to estimate the power.

    Returns
    -------
    table : DataFrame
        ``COLUMNS``, one row per pair of layers and patient.
    summaries : list of dict
        One per pair: `first`, `second`, `method`, `reason` (null if patients were evaluated),
        and the match's summary.
    matches : dict
        The matches that were computed, by pair.
    """
    message = {
        str(layer): part.set_index("patient_id")["sex"] for layer, part in sex.groupby("layer")
    }
    tables, summaries, matches = [], [], {}
    for first, second in combinations(normalised, 2):
        by_genotype = first in genotypes and second in genotypes
        method = "genotypes" if by_genotype else "profiles"
        source = genotypes if by_genotype else normalised
        a, b = source[first], source[second]
        reason = (genotype_matching if by_genotype else profile_matching).why_not(a, b)
        head = {"first": first, "second": second, "method": method}
        if reason:
            summaries.append({**head, "reason": reason})
            continue
        match = (
            genotype_matching.match_genotypes(a, b)
            if by_genotype
            else profile_matching.match_layers(a, b, seed, place=place)
        )
        matches[first, second] = match
        table = match.patients.assign(**head)
        table["sexes_differ"] = _sexes_differ(table["patient_id"], message, first, second)
        tables.append(table[COLUMNS])
        weak = f"too little in common: the test would detect {match.summary['power']:.0%} of swaps"
        told_why = None if match.summary["usable"] else f"{weak}, {USEFUL_POWER:.0%} are needed"
        summaries.append({**head, "reason": told_why, **match.summary})
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)
    return table, summaries, matches


def _sexes_differ(
    patients: pd.Series, message: Mapping[str, pd.Series], first: str, second: str
) -> pd.Series:
    """Return 1 if two layers show different sexes, 0 if the same, NA if one shows none."""
    if first not in message or second not in message:
        return pd.Series(pd.NA, index=patients.index, dtype="Int64")
    a, b = patients.map(message[first]), patients.map(message[second])
    known = a.isin(["female", "male"]) & b.isin(["female", "male"])
    return (a != b).astype("Int64").where(known)
