"""A simulated consortium, and how much of a pooled analysis a meta-analysis of its sites finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, norm

from trdomics.consortium.meta_analysis import combine_features
from trdomics.differential.counts import differential_counts
from trdomics.differential.design import build_design
from trdomics.simulation import counts
from trdomics.simulation.cohort import NEGATIVE, POSITIVE, SITES, draw_cohort
from trdomics.simulation.draw import ALL_GENES, EXPLANATIONS, MRNA_LIMITS, MRNA_READS
from trdomics.simulation.features import MRNA, covariate_values, draw_effects, name_features
from trdomics.simulation.recovery import de_recovery

# A site's laboratory loses this share of a gene's reads at most, beside what site_batch plants.
LARGEST_LOSS = 0.5


@dataclass(frozen=True)
class Consortium:
    """Sites and the truth that they share.

    Attributes
    ----------
    patients : dict of str to DataFrame
        By site: the columns of the sheet, indexed by patient.
    counts : dict of str to DataFrame
        By site: patients × genes.
    truth : DataFrame
        Planted truth of the genes.
    """

    patients: dict[str, pd.DataFrame]
    counts: dict[str, pd.DataFrame]
    truth: pd.DataFrame

    def pooled(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the patients and counts of all sites, one below the other."""
        return pd.concat(self.patients.values()), pd.concat(self.counts.values())


def draw_consortium(
    n_patients: int, genes: pd.DataFrame, n_genes: int, seed: int, n_sites: int = 4
) -> Consortium:
    """Draw patients once and hand them to the sites at which they were recruited.

    The planted batch factor differs between sites. Beyond it every site loses a share of its own
    of each gene's reads: binomial thinning, which leaves a negative binomial count with its
    dispersion as it is.

    Parameters
    ----------
    n_patients : int
        Drawn over all of the simulator's sites, of which the first `n_sites` are kept.
    genes : DataFrame
        Curated names, see :func:`trdomics.simulation.features.read_genes`.
    n_genes : int
    seed : int
        Of patients and counts.
    """
    cohort = draw_cohort(n_patients, seed)
    rng = np.random.default_rng([seed, n_genes])
    scale = n_genes / ALL_GENES
    truth = draw_effects(name_features(genes, n_genes, "GENE", rng), MRNA, MRNA_READS * scale, rng)
    limits = (MRNA_LIMITS[0] * scale, MRNA_LIMITS[1] * scale)
    libraries = counts.draw_libraries(n_patients, MRNA_READS * scale, limits, rng)
    values = covariate_values(cohort.patients, cohort.factors)
    drawn = counts.draw_counts(truth, values, libraries, rng).T
    patients, measured = {}, {}
    for site in SITES[:n_sites]:
        here = cohort.patients["site"] == site
        kept = rng.uniform(1 - LARGEST_LOSS, 1, n_genes)
        patients[site] = cohort.patients[here]
        reads = rng.binomial(drawn[here].to_numpy(), kept)
        measured[site] = pd.DataFrame(
            reads, index=patients[site].index, columns=drawn.columns.astype(str)
        )
    return Consortium(patients, measured, truth)


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


def recovered(results: pd.DataFrame, consortium: Consortium) -> dict[str, Any]:
    """Compare a test's results, by feature, with what was planted given all covariates."""
    return de_recovery(
        results.rename_axis("feature").reset_index(),
        consortium.truth,
        EXPLANATIONS,
        f"site + {COVARIATES}",
        FDR,
    )


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
        found = recovered(results, consortium)
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
