"""Whether intervals and the check for unlike patients keep what they promise.

    python benchmarks/scoring.py interval [--sets 16] [--patients 200]
    python benchmarks/scoring.py shift [--populations 5] [--cohorts 10]
    python benchmarks/scoring.py shift --config cohort.yaml [--folder FOLDER] [--cohorts 10]
    python benchmarks/scoring.py validation --patients 100 --sets 300

`interval`: draws training sets from one truth; how often the interval that a model of one of them
gives a new patient holds what a model of another one says. One line per kind of model.
`shift`: trains on a cohort, scores others of the same population; the share of their patients who
are called unlike training (nominal 1 %), and of the cohorts that are warned of (nominal 5 %).
`validation`: draws labelled cohorts of which a model says the true risk; how often the 95 %
interval of a metric holds its value in the whole population, of the model and of the recalibrated
one. By what is drawn: patients within their class, all patients alike (the workflow's), or all
alike with the recalibration fitted again in every resample (of every fourth cohort, being slow).
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))
# the cohorts that the unit tests draw
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "unit"))

import numpy as np
import yaml
from classification_data import cohort, config
from numpy.typing import NDArray
from replicate_data import KINDS, calibrated, draw, refitter
from scipy.special import expit
from sklearn.model_selection import StratifiedKFold, train_test_split

from trdomics.classification.run_split import nested_search
from trdomics.cohort.config import resolve_config
from trdomics.cohort.load import load_labels, load_tables
from trdomics.evaluation.bootstrap import performance_intervals, resample
from trdomics.evaluation.logistic_recalibration import log_odds
from trdomics.evaluation.metrics import METRICS, measure
from trdomics.frozen_model.half_samples import HalfSampleReplicates
from trdomics.frozen_model.training_summaries import TrainingSummaries
from trdomics.scoring.external_validation import (
    kind_of,
    net_benefit_interval,
    recalibrate,
    recalibration_curve,
    validation,
)
from trdomics.scoring.out_of_distribution import assess, shift_summary
from trdomics.tables import LayerTables

Floats = NDArray[np.float64]
Intervals = dict[str, tuple[float, float]]
NEW = 200
POPULATION, RESAMPLES, THRESHOLD, FOLDS = 20_000, 200, 0.3, 5
REFITTED_EVERY = 4
JUDGED = ("auroc", "brier", "calibration_slope", "calibration_intercept")
NET_BENEFIT = "net_benefit"
AS_IS, RECALIBRATED = "as it is", "recalibrated"


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


def trained_reference(settings: Any, tables: LayerTables, truth: NDArray[np.int64]) -> Any:
    """Return what a model knows of its training patients, without the model itself."""
    representations = nested_search(settings).representations(tables, truth)
    reference = TrainingSummaries().fit(representations, tables)
    return SimpleNamespace(representation=representations.representation, reference=reference)


def flagged_and_warned(model: Any, tables: LayerTables) -> tuple[float, bool]:
    """Return the share of patients that are called unlike training, and whether one is warned."""
    patients, shift = assess(model, tables)
    warned = shift_summary(patients, shift)["warning"] is not None
    return float(patients["outlier_vs_training"].mean()), warned


def flagged(population: int, cohorts: int) -> list[tuple[float, bool]]:
    """Return by new cohort the share of flagged patients, and whether it is warned of."""
    tables, labels = cohort(n=160, seed=1000 + population, lacking=8)
    model = trained_reference(config(), tables, labels.to_numpy())
    return [
        flagged_and_warned(
            model, cohort(n=100, seed=100 * population + seed, prefix="new-", lacking=5)[0]
        )
        for seed in range(cohorts)
    ]


def flagged_of_real(folder: Path, file: str, draws: int) -> list[tuple[float, bool]]:
    """Return the same of a real cohort, divided at random."""
    with contextlib.chdir(folder):
        settings = resolve_config(yaml.safe_load(Path(file).read_text("utf-8")), file)
        results = Path("results", settings["cohort"])
        layers = {name: results / "layers" / name / "table.parquet" for name in settings["layers"]}
        patients = results / "cohort" / "patients.tsv"
        labels = load_labels(patients).dropna()
        tables = load_tables(patients, layers, settings).select(labels.index)
    truth = labels.reindex(tables.patients).to_numpy(dtype=int)
    found = []
    for seed in range(draws):
        seen, unseen = train_test_split(
            np.arange(len(truth)), test_size=0.4, stratify=truth, random_state=seed
        )
        model = trained_reference(settings, tables.take(seen), truth[seen])
        found.append(flagged_and_warned(model, tables.take(unseen)))
    return found


def labelled(n: int, seed: int) -> tuple[Floats, Floats]:
    """Return labels, 3 of 10 positive, and the true risks, which the model says."""
    rng = np.random.default_rng(seed)
    risk = expit(rng.normal(size=n) - 1)
    return (rng.random(n) < risk).astype(float), risk


def worth(label: Floats, probability: Floats) -> dict[str, float]:
    """Return every metric of many patients."""
    benefit = net_benefit_interval(label, probability, THRESHOLD, n_samples=0, seed=0)
    return {m: measure(m, label, probability) for m in JUDGED} | {NET_BENEFIT: benefit["value"]}


def net_benefits(label: Floats, probability: Floats, counts: Floats) -> Floats:
    """Return the net benefit of every resample."""
    weight = np.where(label == 1, 1.0, -THRESHOLD / (1 - THRESHOLD)) / len(label)
    return np.asarray(counts @ (weight * (probability >= THRESHOLD)))


def limits(values: Floats) -> tuple[float, float]:
    """Return the middle 95 % of the values that exist."""
    lower, upper = np.nanquantile(values, [0.025, 0.975])
    return float(lower), float(upper)


def within_class(label: Floats, probability: Floats) -> Intervals:
    """Return intervals of patients drawn within their class, as for a cohort of chosen sizes."""
    table = performance_intervals(label, probability, n_samples=RESAMPLES, seed=1, metrics=JUDGED)
    found = {row.metric: (row.lower, row.upper) for row in table.itertuples()}
    benefits = net_benefits(label, probability, resample(label, RESAMPLES, 1))
    return found | {NET_BENEFIT: limits(benefits)}


def all_alike(label: Floats, probability: Floats) -> Intervals:
    """Return the workflow's intervals."""
    table = validation(label, {AS_IS: probability}, THRESHOLD, RESAMPLES, seed=1)
    return {row.metric: (row.lower, row.upper) for row in table.itertuples()}


def fitted_again(label: Floats, probability: Floats) -> Intervals:
    """Return intervals with the cross-fitted recalibration fitted again in every resample."""
    kind, odds = kind_of(label)[0], log_odds(probability)
    drawn: dict[str, list[float]] = {metric: [] for metric in (*JUDGED, NET_BENEFIT)}
    for number, counts in enumerate(resample(label, RESAMPLES, 1, fixed_classes=False)):
        moved = np.zeros(len(label))
        dealer = StratifiedKFold(FOLDS, shuffle=True, random_state=number)
        for seen, unseen in dealer.split(label, label):
            copies = np.repeat(seen, counts[seen].astype(int))
            a, b, _ = recalibration_curve(label[copies], probability[copies], kind)
            moved[unseen] = expit(a + b * odds[unseen])
        for metric in JUDGED:
            value = METRICS[metric](label, moved[:, None], counts[None])
            drawn[metric].append(float(value[0]))
        drawn[NET_BENEFIT].append(float(net_benefits(label, moved, counts[None])[0]))
    return {metric: limits(np.array(values)) for metric, values in drawn.items()}


def validation_coverage(cohorts: int, patients: int) -> dict[tuple[str, str, str], float]:
    """Return by version, kind of resample and metric the share of intervals that hold the truth."""
    everyone, risk = labelled(POPULATION, 10_000_000)
    as_is = worth(everyone, risk)
    held: dict[tuple[str, str, str], list[bool]] = {}
    for seed in range(cohorts):
        label, said = labelled(patients, seed)
        recalibrated, found = recalibrate(label, said, seed)
        used = worth(everyone, expit(found["intercept"] + found["slope"] * log_odds(risk)))
        judged = [
            (AS_IS, "within class", as_is, within_class(label, said)),
            (AS_IS, "all alike", as_is, all_alike(label, said)),
            (RECALIBRATED, "within class", used, within_class(label, recalibrated)),
            (RECALIBRATED, "all alike", used, all_alike(label, recalibrated)),
        ]
        if seed % REFITTED_EVERY == 0:
            judged.append((RECALIBRATED, "fitted again", used, fitted_again(label, said)))
        for version, way, truth, intervals in judged:
            for metric, value in truth.items():
                inside = intervals[metric][0] <= value <= intervals[metric][1]
                held.setdefault((version, way, metric), []).append(inside)
    return {key: float(np.mean(values)) for key, values in held.items()}


def main() -> None:
    """Print a table of what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["interval", "shift", "validation"])
    parser.add_argument("--sets", type=int, default=16, help="training sets, or labelled cohorts")
    parser.add_argument("--patients", type=int, default=200, help="in each of them")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--populations", type=int, default=5)
    parser.add_argument("--cohorts", type=int, default=10, help="scored per population")
    parser.add_argument("--config", help="of a real cohort, for `shift`")
    parser.add_argument("--folder", type=Path, default=Path(), help="where it was run")
    options = parser.parse_args()
    if options.what == "interval":
        print("model\tfusion\tcovered\twidth")
        for kind, fusion in itertools.product(options.kinds, (False, True)):
            held, width = coverage(kind, fusion, options.sets, options.patients)
            print(f"{kind}\t{fusion}\t{held:.3f}\t{width:.3f}", flush=True)
        return
    if options.what == "validation":
        print("version\tresampled\tmetric\tcovered")
        for key, share in validation_coverage(options.sets, options.patients).items():
            print(*key, f"{share:.3f}", sep="\t")
        return
    if options.config:
        found = flagged_of_real(options.folder, options.config, options.cohorts)
    else:
        numbers = range(options.populations)
        found = [each for number in numbers for each in flagged(number, options.cohorts)]
    shares, warned = zip(*found, strict=True)
    print("cohorts\tpatients_flagged\tcohorts_warned_of")
    print(f"{len(shares)}\t{np.mean(shares):.4f}\t{np.mean(warned):.3f}")


if __name__ == "__main__":
    main()
