"""Performance over cohorts: one value and its spread."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import t
from statsmodels.stats.meta_analysis import combine_effects

from trdomics.consortium.bundle import Bundle
from trdomics.consortium.disclosure import interval_error

COLUMNS = [
    "feature_set",
    "cohort",
    "value",
    "lower",
    "upper",
    "prediction_lower",
    "prediction_upper",
    "i2",
    "tau2",
    "k",
    "reason",
]
COMBINED = "all cohorts"
METRIC = "auroc"
# The selected procedure at sites that it was not trained on, within every cohort.
LEFT_OUT_SITES = "selected at left-out sites"


def auroc_table(bundles: Sequence[Bundle]) -> pd.DataFrame:
    """Return the AUROC of every feature set by cohort, and over all that have it.

    Random effects on the log-odds scale with Hartung, Knapp, Sidik and Jonkman's error, and an
    interval in which a new cohort's AUROC is expected (Debray 2017, doi 10.1136/bmj.i6460; Riley
    2011, doi 10.1136/bmj.d549).

    Returns
    -------
    DataFrame
        ``COLUMNS``; the rows of ``cohort`` = ``COMBINED`` are the combined ones.
    """
    parts = []
    for bundle in bundles:
        table = bundle.tables.get("performance.tsv")
        if table is not None:
            rows = table[table["metric"] == METRIC]
            parts.append(rows.assign(cohort=bundle.cohort))
        sites = bundle.tables.get("sites.tsv")
        if sites is not None:
            rows = sites.query("feature_set == 'selected' and validation == 'left_out'")
            rows = rows.rename(columns={"auroc": "value"})[["value", "lower", "upper"]]
            named = {"feature_set": LEFT_OUT_SITES, "cohort": bundle.cohort, "reason": None}
            parts.append(rows.assign(**named))
    if not parts:
        return pd.DataFrame(columns=COLUMNS)
    single = pd.concat(parts, ignore_index=True)[
        ["feature_set", "cohort", "value", "lower", "upper", "reason"]
    ]
    combined: list[dict[Any, Any]] = []
    for name, group in single.groupby("feature_set", sort=False):
        combined += group.to_dict("records")
        combined.append({"feature_set": name, "cohort": COMBINED, **combine_aurocs(group)})
    return pd.DataFrame(combined).reindex(columns=COLUMNS)


def combine_aurocs(table: pd.DataFrame) -> dict[str, Any]:
    """Combine the AUROCs of several cohorts.

    Parameters
    ----------
    table : DataFrame
        ``value``, ``lower``, ``upper``.
    """
    inside = (table[["value", "lower", "upper"]] > 0) & (table[["value", "lower", "upper"]] < 1)
    usable = table[inside.all(axis=1) & (table["upper"] > table["lower"])]
    k = len(usable)
    if k < 2:
        return {"k": k, "reason": "fewer than two cohorts with an AUROC between 0 and 1"}
    values = logit(usable["value"].to_numpy())
    errors = interval_error(logit(usable["lower"].to_numpy()), logit(usable["upper"].to_numpy()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        found = combine_effects(values, errors**2, method_re="iterated", maxiter=500)
    mean, tau2 = float(found.mean_effect_re), float(found.tau2)
    # with cohorts that happen to agree the estimated scale is too small: never below 1
    error = max(float(found.sd_eff_w_re_hksj), float(found.sd_eff_w_re))
    reach = float(t.isf(0.025, k - 1)) * error
    row = {
        "value": expit(mean),
        "lower": expit(mean - reach),
        "upper": expit(mean + reach),
        "i2": max(0.0, 1 - (k - 1) / found.q) if found.q > 0 else 0.0,
        "tau2": tau2,
        "k": k,
    }
    if k > 2:
        wide = float(t.isf(0.025, k - 2)) * np.sqrt(tau2 + error**2)
        row |= {"prediction_lower": expit(mean - wide), "prediction_upper": expit(mean + wide)}
    return row
