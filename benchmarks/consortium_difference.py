"""Whether coarser effects or noise hide the patient that two bundles differ by, and what they cost.

    python benchmarks/consortium_difference.py [--victims 24] [--seeds 1 2] [--draws 10]

Two exports of one cohort (120 patients, 2,000 features), the second without one patient. The
attacker knows the patient's profile and guesses the label from the difference of the effects. Both
exports are rounded to a step, or get normal noise of their own, in multiples of a standard error.
The price is paid by a meta-analysis of four cohorts in which 6 % of 8,000 features have an effect
from N(0, 0.3²), with a standard error of 0.1: the share of the exact calls that is made again, at a
false discovery rate of 5 % with the added variance known.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
PATIENTS, FEATURES = 120, 2000
ERROR, COHORTS = 0.1, 4
SIZES = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)


def main() -> None:
    """Print a row per kind and size of the disturbance."""
    sys.path[:0] = [str(REPOSITORY / place) for place in ("workflow/scripts", "tests/unit")]
    import numpy as np
    import pandas as pd

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--victims", type=int, default=24, help="per seed")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--draws", type=int, default=10, help="of the meta-analysis")
    options = parser.parse_args()
    rng = np.random.default_rng(5)
    guesses = [row for seed in options.seeds for row in guessed(seed, options.victims, rng)]
    found = pd.DataFrame(guesses, columns=["kind", "size", "right"])
    kept = pd.DataFrame(
        [row for _ in range(options.draws) for row in called_again(rng)],
        columns=["kind", "size", "called_again"],
    )
    keys = ["kind", "size"]
    table = pd.concat([found.groupby(keys).mean(), kept.groupby(keys).mean()], axis=1)
    print(table.round(3).to_string())


def disturbed(values: Any, errors: Any, kind: str, size: float, rng: Any) -> Any:
    """Return values rounded to the next step above `size` errors, or with noise of that size."""
    from trdomics.consortium.digits import on_grid, step_of

    if kind == "rounded":
        return on_grid(values, step_of(size * errors, 1, 1))
    return values + rng.normal(size=values.shape) * size * errors


def guessed(seed: int, victims: int, rng: Any) -> list[tuple[str, float, float]]:
    """Return kind, size and whether the label is found, for every victim.

    Where nothing moves there is nothing to guess by, which is right half of the time.
    """
    import numpy as np
    from attacks import differences, people

    sheet, values = people(PATIENTS, FEATURES, seed)
    centre = values.mean()
    columns = ["log2_fold_change", "lfc_se"]
    whole = differences(sheet, values).set_index("feature")[columns].T.to_numpy()
    rows = []
    for victim in rng.choice(sheet.index, victims, replace=False):
        rest = sheet.drop(index=victim)
        less = differences(rest, values).set_index("feature")[columns].T.to_numpy()
        profile = (values.loc[victim] - centre).to_numpy()
        truth = 1 if sheet.loc[victim, "response"] == "TRD" else -1
        for kind in ("rounded", "noise"):
            for size in SIZES:
                moved = disturbed(*whole, kind, size, rng) - disturbed(*less, kind, size, rng)
                sign = np.sign(np.cov(moved, profile)[0, 1])
                rows.append((kind, size, 0.5 if sign == 0 else float(sign == truth)))
    return rows


def called_again(rng: Any) -> list[tuple[str, float, float]]:
    """Return kind, size and the share of the exact calls that is made again, of one draw."""
    import numpy as np
    from scipy.stats import false_discovery_control, norm

    from trdomics.consortium.digits import step_of

    n = 8000
    effects = np.where(rng.random(n) < 0.06, rng.normal(0, 0.3, n), 0)
    errors = np.full((COHORTS, n), ERROR)
    observed = effects + rng.normal(size=errors.shape) * errors
    exact = np.array([])
    rows = []
    for kind in ("rounded", "noise"):
        for size in SIZES:
            values = disturbed(observed, errors, kind, size, rng)
            step = step_of(size * ERROR, 1, 1)
            added = step**2 / 12 if kind == "rounded" else (size * ERROR) ** 2
            mean_error = np.sqrt((ERROR**2 + added) / COHORTS)
            called = (
                false_discovery_control(2 * norm.sf(np.abs(values.mean(axis=0)) / mean_error))
                < 0.05
            )
            exact = called if size == 0 else exact
            rows.append((kind, size, float((called & exact).sum() / exact.sum())))
    return rows


if __name__ == "__main__":
    main()
