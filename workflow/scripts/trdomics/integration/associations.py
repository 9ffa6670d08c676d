"""Associations of each factor with the label, covariates, the site and technical columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from scipy.linalg import orth
from statsmodels.api import OLS

from trdomics.columns import as_text, is_quantity
from trdomics.config_types import ClinicalConfig
from trdomics.intervals import Z95
from trdomics.pvalues import adjusted

LABEL = "label"
VERSUS = " vs "
SMALLEST_GROUP = 3
FEWEST_PATIENTS = 10

COLUMNS = ["factor", "variable", "kind", "test", "effect_name", "effect", "lower", "upper"]
COLUMNS += ["contrast", "pvalue", "padj", "n", "reason", "auc_adjusted", "auc_adjusted_lower"]
COLUMNS += ["auc_adjusted_upper", "pvalue_adjusted", "padj_adjusted", "n_adjusted"]
COLUMNS += ["reason_adjusted"]


def variable_kinds(clinical: ClinicalConfig, site: str | None) -> dict[str, str]:
    """Return "label", "site", "technical" or "covariate" by column, each column once."""
    kinds = {LABEL: "label"}
    if site is not None:
        kinds[site] = "site"
    for column in clinical["technical"]:
        kinds.setdefault(column, "technical")
    for column in (*clinical["predictors"], *clinical["circular"], *clinical["confounders"]):
        kinds.setdefault(column, "covariate")
    return kinds


def associations(
    factors: pd.DataFrame,
    patients: pd.DataFrame,
    kinds: Mapping[str, str],
    *,
    label_names: tuple[str, str] = ("negative", "positive"),
    confounders: Sequence[str] = (),
) -> pd.DataFrame:
    """Test every factor against every variable, and against the label adjusted for the confounders.

    A variable with two values is tested by Mann–Whitney's test, with the AUC as effect (above 0.5:
    the factor is higher in the second value) with Hanley & McNeil's interval (1982, doi
    10.1148/radiology.143.1.7063747); a categorical one by Kruskal–Wallis with
    η² = (H − g + 1) / (n − g); a numeric one by Spearman's correlation with Bonett & Wright's
    interval (2000, doi 10.1007/BF02294183). False discoveries are controlled over the whole
    table (Benjamini & Hochberg 1995). The label's rows also have :func:`adjusted_test`, a separate
    family of tests.

    Parameters
    ----------
    factors : DataFrame, shape (n_patients, K)
        Index patient_id.
    patients : DataFrame
        Index patient_id; the columns of `kinds`, `label` being 1, 0 or missing. Categories are
        text, including numeric ones.
    label_names : pair of str
        Names of the label's 0 and 1.
    confounders : sequence of str
        Columns of `patients` that the association with the label is adjusted for.

    Returns
    -------
    DataFrame
        One row per factor and variable, see ``COLUMNS``. ``reason`` says why a test was not
        possible.
    """
    rows = []
    table = patients.reindex(factors.index)
    for variable, kind in kinds.items():
        values = table[variable]
        if variable == LABEL:
            values = values.map({0: label_names[0], 1: label_names[1]})
            order: list[Any] = list(label_names)
        else:
            order = sorted(values.dropna().unique())
        for factor in factors:
            tested = association(factors[factor].to_numpy(dtype=float), values, order)
            if variable == LABEL:
                tested |= adjusted_test(factors[factor], table[LABEL], table[list(confounders)])
            rows.append({"factor": factor, "variable": variable, "kind": kind, **tested})
    result = pd.DataFrame(rows, columns=COLUMNS)
    result["padj"] = adjusted(result["pvalue"])
    result["padj_adjusted"] = adjusted(result["pvalue_adjusted"])
    return result


def adjusted_test(factor: pd.Series, label: pd.Series, confounders: pd.DataFrame) -> dict[str, Any]:
    """Test a factor against the label, adjusted for confounders.

    The label's coefficient δ in the linear model of the factor on label and confounders, by its
    t test. It is reported as the AUC of two normal groups with this difference, Φ(δ / σ√2) with the
    residual standard deviation σ: the covariate-adjusted AUC if the confounders shift both groups
    alike (Janes & Pepe 2009, doi 10.1093/biomet/asp002). Its interval is that of δ.

    Parameters
    ----------
    factor, label : Series, shape (n_patients,)
        The label is 1, 0 or missing.
    confounders : DataFrame, n_patients rows
        Patients with missing values are left out.
    """
    if confounders.empty:
        return {"reason_adjusted": "the config names no confounders"}
    known = label.notna() & confounders.notna().all(axis=1)
    n = int(known.sum())
    complete = confounders[known]
    coded = [
        complete[name].to_numpy(dtype=float)[:, None]
        if is_quantity(complete[name])
        else pd.get_dummies(as_text(complete[name])).to_numpy(dtype=float)
        for name in complete
    ]
    # a basis of their span: one indicator per level is redundant
    covariates = orth(np.column_stack([np.ones(n), *coded]))
    design = np.column_stack([label[known], covariates])
    n_coefficients = design.shape[1]
    if n - n_coefficients < FEWEST_PATIENTS:
        few = f"{n_coefficients} coefficients for {n} patients"
        return {"n_adjusted": n, "reason_adjusted": few}
    if np.linalg.matrix_rank(design) < n_coefficients:
        return {"n_adjusted": n, "reason_adjusted": "the confounders determine the label"}
    fit = OLS(factor[known].to_numpy(float), design).fit()
    spread = np.sqrt(2 * fit.scale)
    if not spread > 0:
        return {"n_adjusted": n, "reason_adjusted": "the confounders determine the factor"}
    lower, upper = fit.conf_int()[0]
    return {
        "auc_adjusted": float(stats.norm.cdf(fit.params[0] / spread)),
        "auc_adjusted_lower": float(stats.norm.cdf(lower / spread)),
        "auc_adjusted_upper": float(stats.norm.cdf(upper / spread)),
        "pvalue_adjusted": float(fit.pvalues[0]),
        "n_adjusted": n,
    }


def association(
    factor: NDArray[np.floating], values: pd.Series, order: Sequence[Any]
) -> dict[str, Any]:
    """Test one factor, shape (n,), against a variable whose distinct values are `order`."""
    known = values.notna().to_numpy()
    x, v = factor[known], values[known].to_numpy()
    n = len(x)
    if n < FEWEST_PATIENTS:
        return {"n": n, "reason": f"fewer than {FEWEST_PATIENTS} patients have a value"}
    if np.ptp(x) == 0:
        return {"n": n, "reason": "the factor is constant"}
    if len(order) > 2 and is_quantity(values):
        return {"n": n, **numeric_test(x, v.astype(float))}
    groups = {value: x[v == value] for value in order}
    groups = {value: g for value, g in groups.items() if len(g) >= SMALLEST_GROUP}
    if len(groups) < 2:
        return {"n": n, "reason": f"fewer than two groups of {SMALLEST_GROUP} patients or more"}
    n = sum(map(len, groups.values()))
    if len(groups) == 2:
        (low_name, low), (high_name, high) = groups.items()
        return {"n": n, "contrast": f"{high_name}{VERSUS}{low_name}", **two_group_test(low, high)}
    return {"n": n, **several_groups_test(list(groups.values()))}


def several_groups_test(groups: Sequence[NDArray[np.floating]]) -> dict[str, Any]:
    """Return Kruskal–Wallis' test with η² = (H − g + 1) / (n − g) of g groups."""
    h, pvalue = stats.kruskal(*groups)
    spread = sum(map(len, groups)) - len(groups)
    effect = max(0.0, (h - len(groups) + 1) / spread) if spread else np.nan
    return {
        "test": "Kruskal-Wallis",
        "effect_name": "eta2",
        "effect": float(effect),
        "pvalue": float(pvalue),
    }


def numeric_test(x: NDArray[np.floating], v: NDArray[np.floating]) -> dict[str, Any]:
    """Return Spearman's correlation of two variables without missing values."""
    r, pvalue = stats.spearmanr(x, v)
    # a perfect correlation has no interval on Fisher's scale
    z = np.arctanh(np.clip(r, -1 + 1e-12, 1 - 1e-12))
    half = Z95 * np.sqrt((1 + r**2 / 2) / (len(x) - 3))
    return {
        "test": "Spearman",
        "effect_name": "rho",
        "effect": float(r),
        "lower": float(np.tanh(z - half)),
        "upper": float(np.tanh(z + half)),
        "pvalue": float(pvalue),
    }


def two_group_test(low: NDArray[np.floating], high: NDArray[np.floating]) -> dict[str, Any]:
    """Return the AUC of `high` compared with `low` and Mann–Whitney's test."""
    u, pvalue = stats.mannwhitneyu(high, low, alternative="two-sided")
    n1, n0 = len(high), len(low)
    auc = float(u / (n1 * n0))
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = (auc * (1 - auc) + (n1 - 1) * (q1 - auc**2) + (n0 - 1) * (q2 - auc**2)) / (n1 * n0)
    half = Z95 * float(np.sqrt(max(variance, 0.0)))
    return {
        "test": "Mann-Whitney",
        "effect_name": "auc",
        "effect": auc,
        "lower": max(0.0, auc - half),
        "upper": min(1.0, auc + half),
        "pvalue": float(pvalue),
    }
