"""A simulated consortium: sites that measure patients of one truth, each in its own way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from trdomics.simulation import counts
from trdomics.simulation.cohort import SITES, draw_cohort
from trdomics.simulation.draw import ALL_GENES, MRNA_LIMITS, MRNA_READS
from trdomics.simulation.features import MRNA, covariate_values, draw_effects, name_features

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
