"""Find out how often subtypes are found where there are none.

Draws patients of one cloud, of several shapes, and looks for subtypes as the workflow does. One
line per shape: the runs that found none, and the smallest p-values.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "workflow" / "scripts"))

from trdomics.subtypes.selection import find_subtypes, weigh

SIZES = (80, 200, 300)
N_FACTORS = 8
# Shares of variance that MOFA's factors explain: few strong ones, many weak ones.
EXPLAINED = 0.2 * 0.7 ** np.arange(N_FACTORS)


def correlated(rng: np.random.Generator, n: int) -> NDArray[np.floating]:
    """Draw normal factors of a random covariance."""
    return rng.normal(size=(n, N_FACTORS)) @ rng.normal(size=(N_FACTORS, N_FACTORS))


def skewed(rng: np.random.Generator, n: int) -> NDArray[np.floating]:
    """Draw exponential strongest factors, as a cell fraction or a reaction of few would be."""
    values = rng.normal(size=(n, N_FACTORS))
    values[:, :2] = rng.exponential(size=(n, 2))
    return values


def heavy_tailed(rng: np.random.Generator, n: int) -> NDArray[np.floating]:
    """Draw a strongest factor of Student's t with three degrees of freedom."""
    values = rng.normal(size=(n, N_FACTORS))
    values[:, 0] = rng.standard_t(3, n)
    return values


def skewed_correlated(rng: np.random.Generator, n: int) -> NDArray[np.floating]:
    """Draw log-normal factors that go together."""
    mixing = np.eye(N_FACTORS) + 0.4
    return np.exp(0.4 * rng.normal(size=(n, N_FACTORS)) @ np.linalg.cholesky(mixing @ mixing).T / 2)


def bounded(rng: np.random.Generator, n: int) -> NDArray[np.floating]:
    """Draw uniform factors: of all with one mode the nearest to two."""
    return rng.uniform(size=(n, N_FACTORS))


def missing_layer(rng: np.random.Generator, n: int) -> NDArray[np.floating]:
    """Draw normal factors, a tenth of the patients drawn towards zero on three of them.

    So are the factors of patients who lack a layer that explains too little to leave them out.
    """
    values = rng.normal(size=(n, N_FACTORS))
    values[rng.random(n) < 0.1, :3] *= 0.3
    return values


SHAPES = {
    "normal": lambda rng, n: rng.normal(size=(n, N_FACTORS)),
    "correlated": correlated,
    "skewed": skewed,
    "heavy-tailed": heavy_tailed,
    "skewed and correlated": skewed_correlated,
    "uniform": bounded,
    "missing layer": missing_layer,
}


def run(shape: str, runs: int, references: int) -> pd.DataFrame:
    """Look for subtypes in `runs` clouds of a shape, with the workflow's weighing of factors."""
    names = [f"Factor{i + 1}" for i in range(N_FACTORS)]
    variance = pd.DataFrame({"view": "x", "factor": names, "r2": EXPLAINED})
    rows = []
    for seed in range(runs):
        rng = np.random.default_rng([seed, *map(ord, shape)])
        n = SIZES[seed % len(SIZES)]
        factors = pd.DataFrame(SHAPES[shape](rng, n), columns=names)
        found = find_subtypes(weigh(factors, variance).to_numpy(float), seed, references=references)
        rows.append({"n": n, "n_subtypes": found.n_subtypes, "p": found.pvalue})
    return pd.DataFrame(rows)


def main() -> None:
    """Print one line per shape and one of all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=100, help="clouds per shape")
    parser.add_argument("--references", type=int, default=199)
    parser.add_argument("--shapes", nargs="+", choices=list(SHAPES), default=list(SHAPES))
    options = parser.parse_args()
    print("shape\truns\tnone_found\tp_below_0.05\tsmallest_p")
    parts = []
    for shape in options.shapes:
        part = run(shape, options.runs, options.references)
        parts.append(part)
        _say(shape, part)
    _say("all", pd.concat(parts))


def _say(name: str, part: pd.DataFrame) -> None:
    none, low = int((part["n_subtypes"] == 1).sum()), int((part["p"] <= 0.05).sum())
    print(f"{name}\t{len(part)}\t{none}\t{low}\t{part['p'].min():.3f}", flush=True)


if __name__ == "__main__":
    main()
