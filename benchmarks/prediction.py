"""Ways to come from many candidates to one prediction, compared on held-out patients.

    python benchmarks/prediction.py drawn dense --seeds 4
    python benchmarks/prediction.py drawn sparse --seeds 4
    python benchmarks/prediction.py cohort config/config.yaml results/simulated --splits r1f1 r1f2

A cohort needs its `cohort/patients.tsv` and `layers/*/table.parquet`, which `snakemake` writes.
Every way sees the same inner out-of-fold decisions of the same candidates, and is calibrated by
Platt's curve through its own out-of-fold decisions. Printed: mean AUROC over splits or seeds,
calibration slope and Brier score of all test patients together.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow" / "scripts"))

import numpy as np
import pandas as pd
import yaml
from scipy.special import expit
from sklearn import config_context
from sklearn.model_selection import StratifiedKFold, train_test_split
from statsmodels.api import GLM, add_constant
from statsmodels.genmod.families import Binomial

from trdomics.classification.calibration import Platt, prior_log_odds
from trdomics.classification.candidates import Fits, candidates, fit_candidate, mean_auroc
from trdomics.classification.feature_blocks import DenseBlocks
from trdomics.classification.feature_sets import FeatureSet, feature_sets
from trdomics.classification.outer_split import split_representations
from trdomics.classification.splits import draw_split
from trdomics.classification.stacking import stack_weights
from trdomics.cohort.config import resolve_config
from trdomics.cohort.load import load_labels, load_tables
from trdomics.cohort.settings import Clinical

LINEAR = ("elastic_net", "ridge")
N, FEATURES = 400, 600
# informative features of a layer, and half the difference of their class means in units of the sd
DRAWN = {"dense": (200, 0.10), "sparse": (4, 0.42)}


def drawn_blocks(kind: str, seed: int) -> tuple[DenseBlocks, np.ndarray]:
    """Draw three layers with ten common factors of noise each, and clinical data."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(N) % 2)
    informative, effect = DRAWN[kind]
    values, present = {}, {}
    for layer in ("one", "two", "three"):
        noise = rng.normal(size=(N, 10)) @ rng.normal(size=(10, FEATURES)) * 0.25
        table = noise + rng.normal(size=(N, FEATURES))
        columns = rng.choice(FEATURES, informative, replace=False)
        signs = rng.choice([-1, 1], informative)
        table[:, columns] += (2 * labels[:, None] - 1) * effect * signs
        present[layer] = rng.random(N) > 0.06
        scaled = (table - table.mean(axis=0)) / table.std(axis=0)
        values[layer] = np.where(present[layer][:, None], scaled, 0)
    values["clinical"] = rng.normal(size=(N, 8))
    values["clinical"][:, 0] += (labels - 0.5) * 0.6
    present["clinical"] = np.ones(N, dtype=bool)
    return DenseBlocks(values, present), labels


def drawn_split(kind: str, seed: int) -> dict[str, Any]:
    """Train on half of the drawn patients, test on the others."""
    blocks, labels = drawn_blocks(kind, seed)
    train, test = train_test_split(np.arange(N), test_size=0.5, stratify=labels, random_state=seed)
    seen, truth = blocks.take(train), labels[train]
    dealt = StratifiedKFold(4, shuffle=True, random_state=1).split(truth, truth)
    layers = ("one", "two", "three")
    sets = [FeatureSet(name, (name,)) for name in ("clinical", *layers)]
    sets += [
        FeatureSet("early", layers),
        FeatureSet("late_fusion", (*layers, "clinical"), fusion=True),
    ]
    return {
        "sets": sets,
        "folds": [(a, b, seen.take(a), seen.take(b)) for a, b in dealt],
        "blocks": seen,
        "labels": truth,
        "test": blocks.take(test),
        "truth": labels[test],
    }


def cohort_splits(path: str, results: Path, names: list[str]) -> list[dict[str, Any]]:
    """Represent the patients of some splits of a cohort."""
    config = resolve_config(yaml.safe_load(Path(path).read_text()), path)
    layers = {layer: results / "layers" / layer / "table.parquet" for layer in config["layers"]}
    tables = load_tables(results / "cohort" / "patients.tsv", layers, config)
    labels = load_labels(results / "cohort" / "patients.tsv")
    splits = []
    for name in names:
        folds = config["classification"]["folds"]
        split = draw_split(name, labels, folds=folds, seed=config["seed"])
        shared = split_representations(tables, labels, split, config)
        splits.append(
            {
                "sets": feature_sets(config["layers"], Clinical.of(config["clinical"])),
                "folds": shared.folds,
                "blocks": shared.blocks,
                "labels": labels[split.train].to_numpy(dtype=int),
                "test": shared.transform(tables.select(split.test)),
                "truth": labels[split.test].to_numpy(dtype=int),
            }
        )
    return splits


def tries(split: dict[str, Any], kinds: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Return calibrated log odds of the test patients by every way."""
    labels, folds = split["labels"], split["folds"]
    parts = [validation for _, validation, _, _ in folds]
    found = [c for c in candidates(split["sets"], kinds) if "circular" not in c.features.blocks]
    inner = {c: np.empty(len(labels)) for c in found}
    priors = np.empty(len(labels))
    for train, validation, seen, unseen in folds:
        fits = Fits(seen, labels[train], 0)
        priors[validation] = prior_log_odds(labels[train])
        for c in found:
            inner[c][validation] = fit_candidate(c, fits).decision_function(unseen)
    fits = Fits(split["blocks"], labels, 0)
    outer = {c: fit_candidate(c, fits).decision_function(split["test"]) for c in found}
    scores = {c: mean_auroc(inner[c], labels, parts) for c in found}

    def stack(members: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
        evidence = np.column_stack([decision - priors for decision, _ in members])
        unseen = np.column_stack([test - prior_log_odds(labels) for _, test in members])
        decision = np.empty(len(labels))
        for rows in parts:
            others = np.setdiff1d(np.arange(len(labels)), rows)
            weights, intercept = stack_weights(evidence[others], labels[others])
            decision[rows] = intercept + evidence[rows] @ weights
        weights, intercept = stack_weights(evidence, labels)
        return decision, intercept + unseen @ weights

    sets: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for features in split["sets"]:
        own = [c for c in found if c.features == features]
        if own:
            best = max(own, key=scores.__getitem__)
            sets[features.name] = inner[best], outer[best]
    for features in split["sets"]:
        if features.fusion:
            sets[features.name] = stack([sets[name] for name in features.blocks])
    may = [f.name for f in split["sets"] if f.selectable]
    reached = {name: mean_auroc(sets[name][0], labels, parts) for name in may}
    best = max(may, key=reached.__getitem__)
    by_fold = [mean_auroc(sets[best][0], labels, [rows]) for rows in parts]
    error = np.std(by_fold, ddof=1) / np.sqrt(len(by_fold))
    simple = next(name for name in may if reached[name] >= reached[best] - error)
    curves = {name: Platt().fit(sets[name][0], labels) for name in may}

    def average(weights: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
        total = sum(weights.values())
        return tuple(
            sum(
                weights[name] / total * (curves[name].slope_ * sets[name][i])
                + weights[name] / total * curves[name].intercept_
                for name in may
            )
            for i in (0, 1)
        )

    ways = {f"set: {name}": both for name, both in sets.items()} | {
        "winner": sets[best],
        "simplest within one standard error": sets[simple],
        "average": average(dict.fromkeys(may, 1.0)),
        "average, weights (AUROC - 0.5)^2": average(
            {name: max(reached[name] - 0.5, 1e-3) ** 2 for name in may}
        ),
        "average, weights exp(AUROC / 0.03)": average(
            {name: float(np.exp((reached[name] - reached[best]) / 0.03)) for name in may}
        ),
        "stack of the sets": stack(
            [sets[f.name] for f in split["sets"] if f.selectable and not f.fusion]
        ),
        "stack of all candidates": stack(
            [(inner[c], outer[c]) for c in found if c.features.selectable]
        ),
    }
    result = {}
    for name, (decision, test) in ways.items():
        curve = Platt().fit(decision, labels)
        result[name] = curve.slope_ * test + curve.intercept_
    return result


def report(splits: list[dict[str, Any]], kinds: tuple[str, ...]) -> pd.DataFrame:
    """Return a row per way, over all splits."""
    with config_context(assume_finite=True, skip_parameter_validation=True):
        found = [(tries(split, kinds), split["truth"]) for split in splits]
    rows = []
    for name in found[0][0]:
        odds = np.concatenate([result[name] for result, _ in found])
        truth = np.concatenate([labels for _, labels in found])
        aurocs = [mean_auroc(r[name], t, [np.arange(len(t))]) for r, t in found]
        slope = GLM(truth, add_constant(odds), family=Binomial()).fit().params[1]
        rows.append((name, np.mean(aurocs), slope, np.mean((expit(odds) - truth) ** 2)))
    return pd.DataFrame(rows, columns=["way", "auroc", "slope", "brier"])


def main() -> None:
    """Print the table that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    drawn = commands.add_parser("drawn")
    drawn.add_argument("kind", choices=DRAWN)
    drawn.add_argument("--seeds", type=int, default=4)
    cohort = commands.add_parser("cohort")
    cohort.add_argument("config")
    cohort.add_argument("results", type=Path)
    cohort.add_argument("--splits", nargs="+", default=["r1f1", "r1f2", "r1f3", "r1f4", "r1f5"])
    parser.add_argument("--models", nargs="+", default=LINEAR)
    arguments = parser.parse_args()
    if arguments.command == "drawn":
        splits = [drawn_split(arguments.kind, seed) for seed in range(arguments.seeds)]
    else:
        splits = cohort_splits(arguments.config, arguments.results, arguments.splits)
    print(report(splits, tuple(arguments.models)).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
