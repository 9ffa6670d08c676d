"""Associations of subtypes with the label, covariates, site, technical columns, missing layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from trdomics.columns import is_quantity
from trdomics.integration.associations import FEWEST_PATIENTS, LABEL, several_groups_test
from trdomics.names import display_name
from trdomics.pvalues import adjusted

COLUMNS = ["variable", "kind", "test", "effect_name", "effect", "pvalue", "padj", "n", "reason"]
PERMUTATIONS = 4999
FEWEST_EXPECTED = 5


def subtype_associations(
    subtypes: pd.Series,
    patients: pd.DataFrame,
    kinds: Mapping[str, str],
    seed: int,
    without: str = "",
) -> pd.DataFrame:
    """Test whether subtypes differ in each variable.

    Categories by χ² with Cramér's V as effect (with expected counts below five, the p-value is from
    4,999 permutations), numbers by Kruskal–Wallis with η² = (H − g + 1) / (n − g). False
    discoveries are controlled over the table (Benjamini & Hochberg 1995).

    Parameters
    ----------
    patients : DataFrame
        Index patient_id; the columns of `kinds`, `label` being 1, 0 or missing.
    without : str
        Why there are no subtypes, if there are none.

    Returns
    -------
    DataFrame
        One row per variable, the strongest first, see ``COLUMNS``. ``reason`` says why a test was
        not possible.
    """
    rng = np.random.default_rng(seed)
    table = patients.reindex(subtypes.index)
    rows = []
    for variable, kind in kinds.items():
        row: dict[str, Any] = {"variable": variable, "kind": kind}
        if without:
            rows.append({**row, "reason": f"no subtypes: {without}"})
            continue
        values = table[variable]
        if variable == LABEL:
            values = values.astype("string")
        rows.append({**row, **_one(subtypes, values, rng)})
    result = pd.DataFrame(rows).reindex(columns=COLUMNS)
    result["padj"] = adjusted(result["pvalue"])
    result = result.astype({"effect": float, "pvalue": float, "padj": float})
    return result.sort_values(
        ["padj", "effect", "variable"], ascending=[True, False, True], ignore_index=True
    )


def _one(subtypes: pd.Series, values: pd.Series, rng: np.random.Generator) -> dict[str, Any]:
    known = values.notna().to_numpy()
    groups, found = subtypes[known].to_numpy(), values[known]
    n = len(found)
    if n < FEWEST_PATIENTS:
        return {"n": n, "reason": f"fewer than {FEWEST_PATIENTS} patients have a value"}
    if found.nunique() < 2:
        return {"n": n, "reason": "the same for all patients"}
    if len(set(groups)) < 2:
        return {"n": n, "reason": "known in one subtype only"}
    if is_quantity(found) and found.nunique() > 2:
        values_of = [found.to_numpy(float)[groups == name] for name in np.unique(groups)]
        return {"n": n, **several_groups_test(values_of)}
    return {"n": n, **_categories(groups, pd.factorize(found)[0], rng)}


def _categories(groups: np.ndarray, codes: np.ndarray, rng: np.random.Generator) -> dict[str, Any]:
    counts = stats.contingency.crosstab(groups, codes).count
    statistic, pvalue, _, expected = stats.chi2_contingency(counts, correction=False)
    test = "chi2"
    if expected.min() < FEWEST_EXPECTED:
        # margins are fixed, so only Σ observed² / expected varies
        one = np.eye(counts.shape[0])[np.unique(groups, return_inverse=True)[1]]
        other = np.eye(counts.shape[1])[codes]
        drawn = np.array(
            [
                ((one.T @ rng.permutation(other) - expected) ** 2 / expected).sum()
                for _ in range(PERMUTATIONS)
            ]
        )
        test = "chi2, permuted"
        pvalue = (1 + (drawn >= statistic - 1e-9).sum()) / (PERMUTATIONS + 1)
    smaller = min(counts.shape) - 1
    return {
        "test": test,
        "effect_name": "cramers_v",
        "effect": float(np.sqrt(statistic / (counts.sum() * smaller))),
        "pvalue": float(pvalue),
    }


SYMBOLS = {"cramers_v": "V", "eta2": "η²"}


def in_words(associations: pd.DataFrame, level: float = 0.05) -> list[str]:
    """Return a phrase per significant association, such as "sex (V 0.99, adjusted p 1e-60)"."""
    significant = associations[associations["padj"] < level]
    return [
        f"{display_name(row['variable'])} ({SYMBOLS[row['effect_name']]} {row['effect']:.2f}, "
        f"adjusted p {row['padj']:.1g})"
        for row in significant.to_dict("records")
    ]


def sentence(sizes: Sequence[int], phrases: Sequence[str], pvalue: float, reason: str) -> str:
    """Describe in one sentence whether there are subtypes, and their associations."""
    if reason:
        tested = "" if np.isnan(pvalue) else f" (p = {pvalue:.2g})"
        return f"No subtypes: {reason}{tested}."
    shown = ", ".join(map(str, sizes))
    follows = (
        f"they are associated with {'; '.join(phrases[:5])}"
        if phrases
        else "they are associated with no known variable"
    )
    return f"{len(sizes)} subtypes of {shown} patients (p = {pvalue:.2g}): {follows}."
