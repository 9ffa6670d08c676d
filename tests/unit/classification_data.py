"""A small cohort with a signal in every layer, for the tests of classification and scoring."""

import numpy as np
import pandas as pd

from trdomics.cohort.config import resolve_config
from trdomics.tables import LayerTables

N = 71  # unlike any number of features, so that a per-patient array shows by its shape
PATIENTS = pd.Index([f"patient-{i:03d}" for i in range(N)], name="patient_id")


def config(**classification):
    """Return a resolved config; layers and columns are those of :func:`cohort`."""
    options = {"repeats": 2, "folds": 3, "inner_folds": 3, "permutations": 0}
    layers = {
        "rna": {"type": "counts", "file": "rna.tsv", "vst_genes": 30, "model_features": 30},
        "protein": {"type": "continuous", "file": "protein.tsv", "max_missing": 0.5},
        "dna": {"type": "variants", "file": "dna.vcf", "max_allele_frequency": 1.0},
    }
    return resolve_config(
        {
            "cohort": "small",
            "seed": 5,
            "samples": {"file": "samples.tsv", "site": "site", "categorical": ["batch"]},
            "label": {"column": "outcome", "positive": "yes", "negative": "no"},
            "target_prevalence": 0.3,
            "clinical": {
                "predictors": ["age", "sex"],
                "confounders": ["site", "batch"],
                "circular": ["failed"],
            },
            "layers": layers,
            "integration": {
                "factors": 3,
                "seeds": [1],
                "max_iterations": 40,
                "convergence": "fast",
            },
            "classification": {"models": ["elastic_net"], **options, **classification},
        },
        "test",
    )


def cohort(n=N, seed=0, lacking=4, prefix="patient-"):
    """Return raw tables and labels; a few patients lack each layer."""
    rng = np.random.default_rng(seed)
    patients = pd.Index([f"{prefix}{i:03d}" for i in range(n)], name="patient_id")
    labels = pd.Series((np.arange(n) % 2).astype(float), patients)
    signal = labels.to_numpy() - 0.5
    latent = signal + rng.normal(scale=0.8, size=n)
    # what genes are is the same in every cohort
    genes = np.random.default_rng(99)
    means = np.exp(genes.uniform(3, 7, 40) + np.outer(latent, genes.normal(scale=0.3, size=40)))
    rna = pd.DataFrame(rng.negative_binomial(8, 8 / (8 + means)), patients)
    rna.columns = [f"gene{j}" for j in range(40)]
    protein = pd.DataFrame(
        np.outer(latent, genes.normal(size=25)) + rng.normal(scale=2, size=(n, 25)), patients
    )
    protein.columns = [f"protein{j}" for j in range(25)]
    protein = protein.mask(rng.random(protein.shape) < 0.03)
    dna = pd.DataFrame(rng.random((n, 24)) < 0.2, patients).astype(np.float32)
    dna.columns = pd.MultiIndex.from_tuples(
        [(f"1:{j}:A:C", f"G{j // 2}", "lof") for j in range(24)],
        names=["variant", "gene", "consequence_class"],
    )
    sheet = pd.DataFrame(
        {
            "age": 50 + 5 * signal + rng.normal(scale=8, size=n),
            "sex": rng.choice(["f", "m"], n).astype(object),
            "site": rng.choice(["north", "south", "west"], n).astype(object),
            "batch": rng.choice(["1", "2"], n).astype(object),
            "failed": 3 * signal + rng.normal(scale=0.2, size=n),
        },
        patients,
    )
    sheet.loc[patients[3], "age"] = np.nan
    sheet.loc[patients[5], "sex"] = np.nan
    tables = {"rna": rna, "protein": protein, "dna": dna}
    for i, name in enumerate(tables):
        gone = patients[i * lacking : (i + 1) * lacking]
        tables[name] = tables[name].drop(index=gone)
    return LayerTables({**tables, "clinical": sheet}, patients), labels
