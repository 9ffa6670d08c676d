"""Find out which criterion finds a known number of subtypes.

Draws patients of 2 to 6 groups, with and without strong correlated factors that have nothing to do
with the groups, and chooses the number by several criteria. One line per setting and criterion:
how often the number was right, and its mean.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "workflow" / "scripts"))

from trdomics.subtypes import selection
from trdomics.subtypes.consensus import ambiguous_share, consensus_matrix
from trdomics.subtypes.reference import UnimodalReference

N_FACTORS, N_NUISANCE = 6, 2
# Consensus of a cloud is needed for RCSI alone; few draws, or it would take hours.
CLOUDS, RESAMPLES = 5, 30


def draw(
    rng: np.random.Generator, k: int, n: int, distance: float, nuisance: bool, even: bool
) -> NDArray[np.floating]:
    """Draw groups at the corners of a simplex, their spread being 1."""
    share = np.ones(k) / k if even else 0.75 ** np.arange(k) / (0.75 ** np.arange(k)).sum()
    group = rng.choice(k, n, p=share)
    values = rng.normal(size=(n, N_FACTORS)) + np.eye(N_FACTORS)[group] * distance / np.sqrt(2)
    if nuisance:
        common = rng.normal(size=(n, 1))
        return np.hstack([values, 1.5 * common + rng.normal(size=(n, N_NUISANCE))])
    return values


def chosen(values: NDArray[np.floating], seed: int, references: int) -> dict[str, int]:
    """Return the number by criterion; 1 where no number is significant and stable."""
    found = selection.find_subtypes(values, seed, references=references)
    table = found.table[found.table["k"] > 1].set_index("k")
    fit = table[(table["consensus"] >= selection.STABLE) & (table["p"] <= selection.LEVEL)]
    result = {"lowest PAC (the workflow's)": found.n_subtypes}
    if found.n_subtypes == 1:
        return result | dict.fromkeys(("largest z", "largest k", "RCSI", "gap"), 1)
    rng = np.random.default_rng(seed)
    reference = UnimodalReference().fit(values - values.mean(axis=0))
    cloud = pd.Series(0.0, index=table.index)
    for _ in range(CLOUDS):
        drawn = reference.draw(rng)
        for k in table.index:
            cloud[k] += ambiguous_share(consensus_matrix(drawn, k, rng, RESAMPLES)) / CLOUDS
    # M3C's relative cluster stability index; a PAC of 0 would be infinitely good
    rcsi = np.log10(cloud + 1e-3) - np.log10(table["pac"] + 1e-3)
    gap = table["null"] - table["criterion"]
    error = (table["null"] - table["null_lower"]) / 1.645
    enough = gap >= (gap - error).shift(-1, fill_value=-np.inf)
    return result | {
        "largest z": int(fit["z"].idxmax()),
        "largest k": int(fit.index.max()),
        "RCSI": int(rcsi[fit.index].idxmax()),
        "gap": int(enough.idxmax()),
    }


def main() -> None:
    """Print the numbers chosen, and how often each criterion was right."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10, help="data sets per setting")
    parser.add_argument("--references", type=int, default=99)
    parser.add_argument("--groups", type=int, nargs="+", default=[2, 3, 4, 5, 6])
    parser.add_argument("--distances", type=float, nargs="+", default=[5.0, 4.0])
    options = parser.parse_args()
    rows = []
    settings = itertools.product(options.groups, options.distances, (False, True))
    for (k, distance, nuisance), run in itertools.product(settings, range(options.runs)):
        seed = 1000 * k + run
        rng = np.random.default_rng([seed, int(10 * distance), int(nuisance)])
        values = draw(rng, k, (120, 240)[run % 2], distance, nuisance, run % 4 < 2)
        for name, number in chosen(values, seed, options.references).items():
            rows.append((k, distance, nuisance, name, number))
            print("data", *rows[-1], sep="\t", flush=True)
    table = pd.DataFrame(rows, columns=["k", "distance", "nuisance", "criterion", "chosen"])
    table["right"] = table["chosen"] == table["k"]
    print(table.pivot_table("right", ["k", "nuisance"], "criterion").round(2).to_string())
    print(table.groupby("criterion")["right"].agg(["mean", "size"]).round(3).to_string())


if __name__ == "__main__":
    main()
