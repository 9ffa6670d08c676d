"""Associations of the label: every column of the sheet compared between the two groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import chi2, chi2_contingency, fisher_exact, ncx2, ttest_ind

from trdomics.columns import as_text, is_quantity
from trdomics.confounding.plan import LAYER
from trdomics.intervals import Z95
from trdomics.pvalues import adjusted

COLUMNS = ["column", "roles", "kind", "measure", "effect", "lower", "upper"]
COLUMNS += ["standardised_difference", "standardised_lower", "standardised_upper", "pvalue", "padj"]
COLUMNS += ["n_positive", "n_negative", "missing_positive", "missing_negative", "missing_pvalue"]
COLUMNS += ["reason"]
DIFFERENCE, ODDS_RATIO, CRAMERS_V = "standardised difference", "odds ratio", "Cramér's V"
# Above it groups are commonly called unbalanced (Austin 2009, doi 10.1002/sim.3697).
UNBALANCED = 0.1
PERMUTATIONS = 2000
# With smaller expected counts, the chi-square approximation is invalid.
MIN_EXPECTED = 5


def confounding_table(
    patients: pd.DataFrame, roles: Mapping[str, Sequence[str]], seed: int
) -> pd.DataFrame:
    """Compare every column between the labelled groups.

    Parameters
    ----------
    roles : mapping
        Column to its roles.

    Returns
    -------
    DataFrame
        One row per column, with ``COLUMNS``; for a layer only if patients lack it. ``effect``
        with its 95 % interval is, by ``measure``: the standardised difference of a number (positive
        minus negative group; Welch's test), the odds ratio of a column with two values (of the
        later one in order; Fisher's test) or Cramér's V of a category (chi-square; permuted labels
        if expected counts are small). ``standardised_difference`` puts all on one scale; that of
        categories (Yang & Dalton 2012) has no sign. ``missing_*`` compare missingness.
        ``padj`` is after Benjamini and Hochberg; ``reason`` says why there is no estimate.
    """
    labelled = patients[patients["label"].notna()]
    positive = (labelled["label"] == 1).to_numpy()
    rows = []
    for i, (column, what) in enumerate(roles.items()):
        if what == [LAYER] and labelled[column].nunique() < 2:
            # a layer that all patients have
            continue
        rng = np.random.default_rng([seed, i])
        row = {"column": column, "roles": ", ".join(what)}
        rows.append(row | _compared(labelled[column], positive, rng))
    # a cohort whose config names no column has none to compare
    text = dict.fromkeys(("column", "roles", "kind", "measure", "reason"), object)
    table = pd.DataFrame(rows).reindex(columns=COLUMNS).astype(text)
    return table.assign(padj=adjusted(table["pvalue"]))


def table_summary(table: pd.DataFrame, fdr: float) -> dict[str, Any]:
    """Return the headline numbers of a table of :func:`confounding_table`.

    Returns
    -------
    dict
        ``n_columns``, ``n_unbalanced`` (a standardised difference of more than 0.1),
        ``n_significant``, ``differing`` (columns with an adjusted p-value below `fdr`, the largest
        difference first, circular ones and layers left out), ``layers_differ`` (layers that one
        group has more often, by the same p-value) and ``missing_differs`` (columns that one group
        lacks more often, unadjusted p < 0.05).
    """
    size = table["standardised_difference"].abs()
    significant = table["padj"] < fdr
    layer = table["roles"] == LAYER
    proper = significant & ~layer & ~table["roles"].str.contains("circular")
    ordered = table.assign(size=size)[proper].sort_values("size", ascending=False, kind="stable")
    return {
        "n_columns": len(table),
        "n_unbalanced": int((size > UNBALANCED).sum()),
        "n_significant": int(significant.sum()),
        "fdr": fdr,
        "differing": ordered["column"].tolist(),
        "layers_differ": table.loc[significant & layer, "column"].str.removeprefix("in_").tolist(),
        "missing_differs": table.loc[table["missing_pvalue"] < 0.05, "column"].tolist(),
    }


def _compared(
    values: pd.Series, positive: NDArray[np.bool_], rng: np.random.Generator
) -> dict[str, Any]:
    known = values.notna().to_numpy()
    lacking = [int((~known & side).sum()) for side in (positive, ~positive)]
    row: dict[str, Any] = {
        "n_positive": int((known & positive).sum()),
        "n_negative": int((known & ~positive).sum()),
        "missing_positive": lacking[0],
        "missing_negative": lacking[1],
        "kind": "number" if is_quantity(values) else "category",
    }
    if sum(lacking):
        there = [row["n_positive"], row["n_negative"]]
        row["missing_pvalue"] = float(fisher_exact([lacking, there]).pvalue)
    present, side = values[known], positive[known]
    if min(row["n_positive"], row["n_negative"]) < 2:
        return row | {"reason": "fewer than two patients of a group have a value"}
    if present.nunique() < 2:
        return row | {"reason": "the same value in all patients"}
    if present.nunique() == 2:
        later = (present == sorted(present.unique())[1]).to_numpy()
        return row | {"kind": "two values"} | _two_values(later, side)
    if row["kind"] == "number":
        return row | _number(present.to_numpy(float), side)
    return row | _category(as_text(present), side, rng)


def _number(values: NDArray[np.float64], side: NDArray[np.bool_]) -> dict[str, Any]:
    standardised = _standardised(values, side)
    return {
        **standardised,
        "measure": DIFFERENCE,
        "effect": standardised["standardised_difference"],
        "lower": standardised["standardised_lower"],
        "upper": standardised["standardised_upper"],
        "pvalue": float(ttest_ind(values[side], values[~side], equal_var=False).pvalue),
    }


def _standardised(values: NDArray[np.float64], side: NDArray[np.bool_]) -> dict[str, float]:
    """Difference of means over the root of the mean variance of the groups.

    Its error is that of Hedges & Olkin 1985, equation 5.14.
    """
    positive, negative = values[side], values[~side]
    n, m = len(positive), len(negative)
    spread = float(np.sqrt((positive.var(ddof=1) + negative.var(ddof=1)) / 2))
    difference = float(positive.mean() - negative.mean()) / spread if spread > 0 else np.nan
    reach = Z95 * float(np.sqrt((n + m) / (n * m) + difference**2 / (2 * (n + m))))
    return {
        "standardised_difference": difference,
        "standardised_lower": difference - reach,
        "standardised_upper": difference + reach,
    }


def _two_values(later: NDArray[np.bool_], side: NDArray[np.bool_]) -> dict[str, Any]:
    """Odds ratio with Woolf's interval; half a patient is added to each cell if one is empty."""
    cells = np.array([[(now & group).sum() for group in (side, ~side)] for now in (later, ~later)])
    pvalue = float(fisher_exact(cells).pvalue)
    filled = cells + 0.5 * bool((cells == 0).any())
    log_ratio = float(np.log(filled[0, 0] * filled[1, 1] / (filled[0, 1] * filled[1, 0])))
    reach = Z95 * float(np.sqrt((1 / filled).sum()))
    return {
        **_standardised(later.astype(float), side),
        "measure": ODDS_RATIO,
        "effect": float(np.exp(log_ratio)),
        "lower": float(np.exp(log_ratio - reach)),
        "upper": float(np.exp(log_ratio + reach)),
        "pvalue": pvalue,
    }


def _category(
    values: pd.Series, side: NDArray[np.bool_], rng: np.random.Generator
) -> dict[str, Any]:
    """Cramér's V and Yang & Dalton's distance, intervals by inverting the noncentral χ²."""
    codes, levels = pd.factorize(values, sort=True)
    cells = _crossed(codes, side, len(levels))
    test = chi2_contingency(cells, correction=False)
    pvalue = float(test.pvalue)
    if test.expected_freq.min() < MIN_EXPECTED:
        permuted = np.array(
            [
                _chi_square(_crossed(codes, rng.permutation(side), len(levels)))
                for _ in range(PERMUTATIONS)
            ]
        )
        beyond = (permuted >= test.statistic * (1 - 1e-12)).sum()
        pvalue = float((beyond + 1) / (PERMUTATIONS + 1))
    n, freedom = len(side), len(levels) - 1
    lower, upper = np.sqrt(_noncentrality(float(test.statistic), freedom) / n)
    distance = _category_difference(cells)
    # the squared distance divided by this is approximately χ² with as many degrees of freedom
    scale = side.sum() * (~side).sum() / n
    nearest, farthest = np.sqrt(_noncentrality(scale * distance**2, freedom) / scale)
    return {
        "measure": CRAMERS_V,
        "effect": float(np.sqrt(test.statistic / n)),
        "lower": float(lower),
        # V is at most 1
        "upper": min(float(upper), 1.0),
        "pvalue": pvalue,
        "standardised_difference": distance,
        "standardised_lower": float(nearest),
        "standardised_upper": float(farthest),
    }


def _noncentrality(statistic: float, freedom: int) -> NDArray[np.float64]:
    """Return the 95 % interval of the noncentrality of a χ² statistic (Smithson 2003, chapter 4).

    Its lower end is 0 if the statistic is not larger than expected by chance.
    """

    def solved(probability: float) -> float:
        if chi2.cdf(statistic, freedom) <= probability:
            return 0.0
        top = statistic + 10 * np.sqrt(statistic + freedom) + 30
        return float(brentq(lambda x: ncx2.cdf(statistic, freedom, x) - probability, 1e-9, top))

    return np.array([solved(0.975), solved(0.025)])


def _crossed(codes: NDArray[np.int64], side: NDArray[np.bool_], n: int) -> NDArray[np.int64]:
    return np.stack([np.bincount(codes[side], minlength=n), np.bincount(codes[~side], minlength=n)])


def _chi_square(cells: NDArray[np.int64]) -> float:
    expected = np.outer(cells.sum(axis=1), cells.sum(axis=0)) / cells.sum()
    there = expected > 0
    return float((((cells - expected)[there]) ** 2 / expected[there]).sum())


def _category_difference(cells: NDArray[np.int64]) -> float:
    """Return the Mahalanobis distance of two groups' shares of the levels.

    Yang & Dalton 2012, "A unified approach to measuring the effect size between two groups using
    SAS", SAS Global Forum 335-2012. It has no sign; for two levels it is |p₁ − p₂| over the root of
    the mean variance.
    """
    shares = cells / cells.sum(axis=1, keepdims=True)
    delta = (shares[0] - shares[1])[1:]
    covariance = sum(np.diag(share) - np.outer(share, share) for share in shares[:, 1:]) / 2
    return float(np.sqrt(max(delta @ np.linalg.pinv(covariance) @ delta, 0)))
