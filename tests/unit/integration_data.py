"""A small cohort with planted factors, for the tests of the integration stage."""

import numpy as np
import pandas as pd

from trdomics.tables import LayerTables

LIKELIHOODS = {"expression": "gaussian", "protein": "gaussian", "mutation": "bernoulli"}
SIZES = {"expression": 80, "protein": 40, "mutation": 50}


def planted(n=60, seed=0, n_factors=3, lacking=5):
    """Return views with planted factors, and the factors; a few patients lack each view."""
    rng = np.random.default_rng(seed)
    patients = pd.Index([f"P{i:03d}" for i in range(n)])
    z = rng.normal(size=(n, n_factors))
    tables = {}
    for i, (view, d) in enumerate(SIZES.items()):
        w = rng.normal(size=(d, n_factors)) * (rng.random((d, n_factors)) < 0.5)
        signal = z @ w.T
        if LIKELIHOODS[view] == "bernoulli":
            chance = 1 / (1 + np.exp(-1.5 * signal + 0.5))
            values = (rng.random((n, d)) < chance).astype(float)
        else:
            values = signal + rng.normal(scale=0.7, size=(n, d)) + 5 * rng.normal(size=d)
        names = [f"{view}_{j}" for j in range(d)]
        table = pd.DataFrame(values, index=patients, columns=names)
        gone = patients[i * lacking : (i + 1) * lacking]
        tables[view] = table.drop(index=gone)
    return LayerTables(tables, patients), pd.DataFrame(z, index=patients)
