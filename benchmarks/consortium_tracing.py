"""Whether rounded effects tell who took part, and which group a patient was in who left.

    python benchmarks/consortium_tracing.py COUNTS [--patients 60 90] [--features 250 1000]

COUNTS has features in rows and samples in columns, as TSV or Parquet. Labels are drawn at random,
so that effects hold nothing but who took part; they are rounded as in a bundle. The attacker has
profiles: of those who took part, of as many others, and of the rest as a reference. Printed are
AUCs of membership, and how often the label is found of one of 1, 5, … patients that the second of
two bundles lacks.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
LEFT, MINIMUM = (1, 5, 20, 40), 5


def main() -> None:
    """Print a row for each number of patients and features."""
    sys.path[:0] = [str(REPOSITORY / place) for place in ("workflow/scripts", "tests/unit")]
    import numpy as np
    import pandas as pd
    from attacks import tracing
    from sklearn.metrics import roc_auc_score

    from trdomics.consortium.digits import effect_step, on_grid, scale_on_grid, step_of

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("counts", type=Path)
    parser.add_argument("--patients", type=int, nargs="+", default=[60, 90])
    parser.add_argument("--features", type=int, nargs="+", default=[250, 1000])
    parser.add_argument("--draws", type=int, default=12)
    options = parser.parse_args()
    read = pd.read_parquet if options.counts.suffix == ".parquet" else pd.read_csv
    given = {} if options.counts.suffix == ".parquet" else {"sep": "\t", "index_col": 0}
    counts = read(options.counts, **given).select_dtypes("number").T
    levels = np.log2(counts.div(counts.sum(axis=1), axis=0) * 1e6 + 1)
    levels = levels.loc[:, (counts >= 10).mean() >= 0.25]
    rng = np.random.default_rng(0)

    def effects(profiles: pd.DataFrame, group: np.ndarray) -> pd.Series:
        """Return rounded differences of means."""
        high, low = profiles[group > 0], profiles[group < 0]
        error = np.sqrt(high.var() / len(high) + low.var() / len(low))
        step = effect_step(scale_on_grid(error, step_of(error, len(profiles), MINIMUM)))
        return pd.Series(on_grid(high.mean() - low.mean(), step), profiles.columns)

    rows = []
    for n in options.patients:
        for size in options.features:
            for _ in range(options.draws):
                order = rng.permutation(len(levels))
                chosen = levels.iloc[order, rng.permutation(levels.shape[1])[:size]]
                inside, outside, reference = chosen[:n], chosen[n : 2 * n], chosen[2 * n :]
                group = rng.permutation(np.arange(n) % 2 * 2 - 1)
                other = rng.permutation(group)
                whole = effects(inside, group)
                own, foreign = (tracing(whole, p, reference) for p in (inside, outside))
                row = {
                    "patients": n,
                    "features": size,
                    "membership": roc_auc_score(
                        np.arange(2 * n) < n, np.r_[group * own, other * foreign]
                    ),
                    "label": float((np.sign(own) == group).mean()),
                }
                for left in LEFT:
                    moved = whole - effects(inside[left:], group[left:])
                    found = np.sign(tracing(moved, inside[:left], reference))
                    row[f"label of {left} who left"] = float((found == group[:left]).mean())
                rows.append(row)
    keys = ["patients", "features"]
    print(pd.DataFrame(rows).groupby(keys).mean().round(2).to_string())


if __name__ == "__main__":
    main()
