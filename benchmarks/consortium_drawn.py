"""Meta-analysis of drawn estimates whose truth is known, for two, three and four cohorts.

    python benchmarks/consortium_drawn.py [--cohorts 2 3 4] [--features 8000] [--seeds 1 2 3 4]
        [--differing 0.06] [--output drawn.tsv]

Errors are about 0.15 (log-normal, sd 0.3 of the logarithm) and a share of the features has a
mean effect, drawn from N(0, 0.3²). One row per number of cohorts and scenario, means over the
seeds: the share of wrong calls (no mean effect) at a nominal false discovery rate of 5 % by method,
and how many of the moderated 95 % intervals hold the mean effect, by whether the feature differs
between cohorts and by how large its I² came out.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

REPOSITORY = Path(__file__).resolve().parents[1]
FDR = 0.05
ERROR, SPREAD = 0.15, 0.3
DIFFERING, EFFECT = 0.06, 0.3  # share of the features with a mean effect, and its sd
LARGE_I2 = 0.75
# Between cohorts: the standard deviation, and the share of the features that have it.
SCENARIOS = {
    "none": (0.0, 0.0),
    "every feature, 0.1": (0.1, 1.0),
    "every feature, 0.2": (0.2, 1.0),
    "three in ten, 0.2": (0.2, 0.3),
    "one in ten, 0.3": (0.3, 0.1),
}


def draw(
    scenario: str, n: int, k: int, seed: int, differing: float = DIFFERING
) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray, np.ndarray]:
    """Return estimates, errors (n features × k cohorts), true means, and which features differ."""
    rng = np.random.default_rng(seed)
    tau, share = SCENARIOS[scenario]
    error = np.exp(rng.normal(np.log(ERROR), SPREAD, (n, k)))
    mean = np.where(rng.random(n) < differing, rng.normal(0, EFFECT, n), 0.0)
    differs = rng.random(n) < share
    spread = np.sqrt(error**2 + np.where(differs, tau, 0.0)[:, None] ** 2)
    effect = mean[:, None] + rng.normal(size=(n, k)) * spread
    return pd.DataFrame(effect), pd.DataFrame(error), mean, differs


def judged(found: pd.DataFrame, mean: np.ndarray, differs: np.ndarray) -> dict[str, float]:
    """Return shares of wrong calls by method and of intervals that hold the truth."""
    from scipy.stats import false_discovery_control, norm

    fixed = 2 * norm.sf(np.abs(found["effect_fixed"] / found["se_fixed"]))
    methods = {
        "moderated": found["pvalue"],
        "single": found["pvalue_single"],
        "fixed": fixed,
        "hksj": found["pvalue_hksj"].fillna(1.0),
    }
    row: dict[str, float] = {}
    for name, pvalue in methods.items():
        called = false_discovery_control(pvalue) < FDR
        row[f"called_{name}"] = called.sum()
        row[f"wrong_{name}"] = (called & (mean == 0)).sum() / max(called.sum(), 1)
    covered = ((found["lower"] <= mean) & (mean <= found["upper"])).to_numpy()
    large = (found["i2"] > LARGE_I2).to_numpy()
    parts = {"all": covered >= 0, "same": ~differs, "differing": differs, "large_i2": large}
    return row | {
        f"covered_{name}": covered[part].mean() if part.any() else np.nan
        for name, part in parts.items()
    }


def main() -> None:
    """Combine every draw that was asked for."""
    sys.path.insert(0, str(REPOSITORY / "workflow" / "scripts"))
    from trdomics.consortium.meta_analysis import combine_features
    from trdomics.files import write_table

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cohorts", type=int, nargs="+", default=[2, 3, 4])
    parser.add_argument("--features", type=int, default=8000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4])
    parser.add_argument("--differing", type=float, default=DIFFERING)
    parser.add_argument("--output", help="table to write")
    options = parser.parse_args()
    rows = []
    for k in options.cohorts:
        for scenario in SCENARIOS:
            for seed in options.seeds:
                effects, errors, mean, differs = draw(
                    scenario, options.features, k, seed, options.differing
                )
                found = judged(combine_features(effects, errors), mean, differs)
                rows.append({"k": k, "scenario": scenario, "seed": seed, **found})
            latest = pd.DataFrame(rows).query("k == @k and scenario == @scenario")
            print(latest.round(3).to_string(index=False), flush=True)
    table = pd.DataFrame(rows)
    means = table.drop(columns="seed").groupby(["k", "scenario"], sort=False).mean()
    print(means.round(3).to_string())
    if options.output:
        write_table(table, options.output)


if __name__ == "__main__":
    main()
