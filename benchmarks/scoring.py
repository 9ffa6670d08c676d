"""Whether a patient's interval and the check for unlike patients keep what they promise.

    python benchmarks/scoring.py interval [--sets 16] [--patients 200]
    python benchmarks/scoring.py shift [--populations 5] [--cohorts 10]

`interval`: draws training sets from one truth; how often the interval that a model of one of them
gives a new patient holds what a model of another one says. One line per kind of model.
`shift`: trains on a cohort, scores others of the same population; the share of their patients who
are called unlike training (nominal 1 %), and of the cohorts that are warned of (nominal 5 %).
"""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))
# the cohorts that the unit tests draw
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "unit"))

import numpy as np
from classification_data import cohort, config
from replicate_data import KINDS, calibrated, draw, refitter

from trdomics.classification.nested import nested_search
from trdomics.classification.replicates import HalfSampleReplicates
from trdomics.classification.training_reference import TrainingReference
from trdomics.scoring.shift import judge, shift_summary

NEW = 200


def coverage(kind: str, fusion: bool, sets: int, patients: int) -> tuple[float, float]:
    """Return the share of other models' probabilities that intervals hold, and their mean width."""
    new, _ = draw(NEW, 10_000)
    refit = refitter(kind, fusion)
    drawn = [draw(patients, seed) for seed in range(sets)]
    predictions = [calibrated(*one, refit)(new) for one in drawn]
    held, widths = [], []
    for number, (blocks, labels) in enumerate(drawn):
        replicates = HalfSampleReplicates(seed=1).fit(blocks, labels, refit)
        lower, upper = replicates.interval(new, predictions[number], [[]] * NEW)
        widths.append((upper - lower).mean())
        held += [
            ((other >= lower) & (other <= upper)).mean()
            for position, other in enumerate(predictions)
            if position != number
        ]
    return float(np.mean(held)), float(np.mean(widths))


def flagged(population: int, cohorts: int) -> tuple[list[float], list[bool]]:
    """Return by new cohort the share of flagged patients, and whether it is warned of."""
    tables, labels = cohort(n=160, seed=1000 + population, lacking=8)
    representations = nested_search(config()).representations(tables, labels.to_numpy())
    reference = TrainingReference().fit(representations, tables)
    model = SimpleNamespace(representation=representations.representation, reference=reference)
    shares, warned = [], []
    for seed in range(cohorts):
        new, _ = cohort(n=100, seed=100 * population + seed, prefix="new-", lacking=5)
        patients, shift = judge(model, new)
        shares.append(float(patients["unlike_training"].mean()))
        warned.append(shift_summary(patients, shift)["warning"] is not None)
    return shares, warned


def main() -> None:
    """Print a table of what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["interval", "shift"])
    parser.add_argument("--sets", type=int, default=16)
    parser.add_argument("--patients", type=int, default=200, help="in a training set")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--populations", type=int, default=5)
    parser.add_argument("--cohorts", type=int, default=10, help="scored per population")
    options = parser.parse_args()
    if options.what == "interval":
        print("model\tfusion\tcovered\twidth")
        for kind, fusion in itertools.product(options.kinds, (False, True)):
            held, width = coverage(kind, fusion, options.sets, options.patients)
            print(f"{kind}\t{fusion}\t{held:.3f}\t{width:.3f}", flush=True)
        return
    shares, warned = [], []
    for population in range(options.populations):
        found = flagged(population, options.cohorts)
        shares += found[0]
        warned += found[1]
    print("cohorts\tpatients_flagged\tcohorts_warned_of")
    print(f"{len(shares)}\t{np.mean(shares):.4f}\t{np.mean(warned):.3f}")


if __name__ == "__main__":
    main()
