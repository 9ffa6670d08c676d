"""Bundles of made-up cohorts that share effects and factors."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trdomics.consortium.bundle import table_bytes, with_manifest

GENES, RNAS, CARRIED = 300, 80, 30
GROUPS = {"positive": "TRD", "negative": "responder"}
MINIMUM = 5


def layer_table(layer, n, seed, share_absent=0.1, prefix="G"):
    """Return the effects of a layer: the first tenth differs, by the same amount everywhere."""
    truth = np.where(np.arange(n) < n // 10, 0.8, 0.0)
    rng = np.random.default_rng([seed, len(layer)])
    error = rng.uniform(0.1, 0.2, n)
    table = pd.DataFrame(
        {
            "feature": [f"{prefix}{i}" for i in range(n)],
            "symbol": [f"{prefix}S{i}" for i in range(n)],
            "effect": truth + error * rng.normal(size=n),
            "se": error,
        }
    )
    return table[rng.random(n) >= share_absent]


def weights(n, seed, prefix="G", k=3):
    """Return weights of factors that all cohorts share, in an order and with signs of their own."""
    shared = np.random.default_rng(0).normal(size=(n, k))
    rng = np.random.default_rng([seed, 9])
    own = shared[:, rng.permutation(k)] * rng.choice([-1, 1], k) + 0.3 * rng.normal(size=(n, k))
    table = pd.DataFrame(own, columns=[f"Factor{i + 1}" for i in range(k)])
    table.insert(0, "feature", [f"{prefix}{i}" for i in range(n)])
    return table


def performance(seed):
    rng = np.random.default_rng([seed, 3])
    rows = []
    for name, centre in (("selected", 0.75), ("clinical", 0.66), ("confounders", 0.58)):
        value = centre + 0.02 * rng.normal()
        rows.append(
            {
                "feature_set": name,
                "role": "selected" if name == "selected" else "baseline",
                "metric": "auroc",
                "value": value,
                "lower": value - 0.06,
                "upper": value + 0.06,
                "se": 0.03,
                "reason": None,
            }
        )
    return pd.DataFrame(rows)


def description(cohort, **changes):
    counts = {"n_positive": 70, "n_negative": 75}
    layer = {"design": "~ age + response", "patients": counts}
    return {
        "format": 3,
        "software": "0.1.0",
        "cohort": cohort,
        "minimum_count": MINIMUM,
        "label": GROUPS,
        "contrast": GROUPS,
        "patients": counts,
        "layers": {
            "mrna": {**layer, "type": "counts", "effect": "log2 fold change"},
            "small_rna": {**layer, "type": "counts", "effect": "log2 fold change"},
            "mutations": {**layer, "type": "variants", "effect": "log odds ratio"},
        },
        "left_out": ["mutations: rare ones"],
        **changes,
    }


def tables(seed):
    return {
        "effects/mrna.tsv": layer_table("mrna", GENES, seed),
        "effects/small_rna.tsv": layer_table("small_rna", RNAS, seed, prefix="mir-"),
        "effects/mutations.tsv": layer_table("mutations", CARRIED, seed, prefix="M"),
        "factors/mrna.tsv": weights(GENES, seed),
        "performance.tsv": performance(seed),
        "calibration.tsv": pd.DataFrame(
            {"feature_set": "selected", "predicted": [0.8, 0.2], "observed": [0.7, 0.3], "n": 70}
        ),
    }


def members(cohort, seed, changed=None, **changes):
    """Return a bundle's members; `changed` tables stand in place of the made-up ones."""
    files = {**tables(seed), **(changed or {})}
    return with_manifest(
        description(cohort, **changes), {name: table_bytes(t) for name, t in files.items()}
    )
