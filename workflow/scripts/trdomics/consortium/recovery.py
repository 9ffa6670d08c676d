"""How much of a pooled analysis a meta-analysis of its sites finds again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, norm

from trdomics.consortium.combine import combine_features
from trdomics.differential.counts import differential_counts
from trdomics.differential.design import build_design
from trdomics.simulation.cohort import NEGATIVE, POSITIVE
from trdomics.simulation.consortium import Consortium
from trdomics.simulation.draw import EXPLANATIONS
from trdomics.simulation.evaluation import de_recovery

COVARIATES = "sex + age + bmi + rin + neutrophils + lymphocytes + monocytes + medication"
CONTRAST = ["response", POSITIVE, NEGATIVE]
FDR = 0.05
# the workflow's own defaults
TESTING: dict[str, Any] = {"min_count": 10, "min_share": 0.25, "fdr": FDR, "winsorise": 0.95}


def tested(patients: pd.DataFrame, counts: pd.DataFrame, covariates: str) -> pd.DataFrame:
    """Return the workflow's differential expression of some patients, by gene."""
    design = build_design(patients, f"~ {covariates} + {CONTRAST[0]}", CONTRAST)
    results, _ = differential_counts(counts, design, **TESTING)
    return results.set_index("feature")


def compare_with_pooled(consortium: Consortium) -> pd.DataFrame:
    """Test every site, combine the sites, and compare with one test of all patients.

    The pooled test has the site among its covariates.

    Returns
    -------
    DataFrame
        A row per method: ``pooled``; the random effects of the workflow (``moderated``), of
        every feature on its own (``single``) and with Hartung, Knapp, Sidik and Jonkman's error;
        the fixed effect; every site alone. ``n_called`` at ``FDR``, ``fdp`` and ``power`` by the
        planted truth, ``recovered``: share of the pooled analysis' calls that are called too.
    """
    by_site = {
        site: tested(patients, consortium.counts[site], COVARIATES)
        for site, patients in consortium.patients.items()
    }
    pooled = tested(*consortium.pooled(), f"site + {COVARIATES}")
    effects, errors = (
        pd.DataFrame({site: results[column] for site, results in by_site.items()})
        for column in ("log2_fold_change", "lfc_se")
    )
    meta = combine_features(effects, errors)
    fixed = 2 * norm.sf((meta["effect_fixed"] / meta["se_fixed"]).abs())
    pvalues = {
        "random, moderated": meta["pvalue"],
        "random, single": meta["pvalue_single"],
        "random, HKSJ": meta["pvalue_hksj"],
        "fixed": pd.Series(fixed, index=meta.index),
    }
    methods = {"pooled": pooled}
    methods |= {name: adjusted(values, meta["effect"]) for name, values in pvalues.items()}
    methods |= {f"{site} alone": results for site, results in by_site.items()}
    called = pooled.index[pooled["padj"] < FDR]
    rows = []
    for name, results in methods.items():
        found = de_recovery(
            results.rename_axis("feature").reset_index(),
            consortium.truth,
            EXPLANATIONS,
            f"site + {COVARIATES}",
            FDR,
        )
        rows.append(
            {
                "method": name,
                "n_tested": found["n_tested"],
                "n_called": found["n_discoveries"],
                "fdp": found["fdp"],
                "power": found["power"],
                "recovered": (results["padj"].reindex(called) < FDR).mean(),
            }
        )
    return pd.DataFrame(rows)


def adjusted(pvalue: pd.Series, effect: pd.Series) -> pd.DataFrame:
    """Return a table of results with p-values adjusted by Benjamini and Hochberg."""
    table = pd.DataFrame({"log2_fold_change": effect, "pvalue": pvalue, "padj": np.nan})
    tested = table["pvalue"].notna()
    table.loc[tested, "padj"] = false_discovery_control(table.loc[tested, "pvalue"])
    return table
