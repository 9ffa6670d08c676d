"""Performance combined over cohorts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from scipy.special import logit
from scipy.stats import t

from trdomics.consortium.bundle import Bundle
from trdomics.evaluation.pooling import KEYS, random_effects
from trdomics.intervals import Z95

COLUMNS = ["feature_set", "cohort", "value", "lower", "upper", "prediction_lower"]
COLUMNS += ["prediction_upper", "i2", "tau2", "k", "reason"]
COMBINED = "all cohorts"
METRIC = "auroc"
# The selected procedure at left-out sites, within every cohort.
LEFT_OUT_SITES = "selected at left-out sites"


def auroc_table(bundles: Sequence[Bundle]) -> pd.DataFrame:
    """Return the AUROC of every feature set by cohort, and combined over the cohorts that have it.

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
            rows = rows.rename(columns={"auroc": "value"})
            # their intervals are Student's, and so much wider than their standard errors with few
            # sites
            rows["quantile"] = t.isf(0.025, rows["n_sites"] - 1)
            named = {"feature_set": LEFT_OUT_SITES, "cohort": bundle.cohort, "reason": None}
            parts.append(rows.assign(**named))
    if not parts:
        return pd.DataFrame(columns=COLUMNS)
    shown = ["feature_set", "cohort", "value", "lower", "upper", "reason", "quantile"]
    single = pd.concat(parts, ignore_index=True).reindex(columns=shown)
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
        ``value``, ``lower``, ``upper``, and ``quantile``: by how many standard errors a bound lies
        off the value, missing for those of the normal distribution.
    """
    bounds = table[["value", "lower", "upper"]]
    usable = table[((bounds > 0) & (bounds < 1)).all(axis=1) & (table["upper"] > table["lower"])]
    k = len(usable)
    if k < 2:
        return {"k": k, "reason": "fewer than two cohorts with an AUROC between 0 and 1"}
    value, lower, upper = logit(usable[["value", "lower", "upper"]].to_numpy(dtype=float).T)
    errors = (upper - lower) / (2 * usable["quantile"].fillna(Z95).to_numpy(dtype=float))
    found = random_effects(value, errors**2)
    kept = {key: found[key] for key in KEYS[1:]} | {key: found[key] for key in ("i2", "tau2")}
    return {"value": found["auroc"], **kept, "k": k}
