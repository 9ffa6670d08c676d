"""Ways to come from many candidates to one prediction, compared on patients not seen in training.

    python benchmarks/prediction.py decide drawn dense 1 2 3 --cache decisions
    python benchmarks/prediction.py decide simulated default 1 2 3 --cache decisions
    python benchmarks/prediction.py decide cohort tcga_ov r1f1 r1f2 --cache decisions
    python benchmarks/prediction.py table --cache decisions

`decide` represents the patients of a draw or of a split of a cohort, fits every candidate of a wide
grid in every inner fold and on all training patients, and keeps the decisions. `table` combines
them in every way, so that all ways see the same decisions. Drawn cohorts have 200 patients to train
on (the small ones 90), simulated ones 240; 800 and 1,000 others are predicted. A cohort needs
`--config`, and as `--results` the folder with its `cohort/patients.tsv` and
`layers/*/table.parquet`, which `snakemake` writes.
"""

from __future__ import annotations

import argparse
import pickle
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow" / "scripts"))

import numpy as np
import pandas as pd
import yaml
from scipy.optimize import minimize
from scipy.special import expit
from sklearn import config_context
from sklearn.model_selection import train_test_split
from statsmodels.api import GLM, add_constant
from statsmodels.genmod.families import Binomial

from trdomics.classification.calibration import Platt, prior_log_odds
from trdomics.classification.candidates import Candidate, Fits, fit_candidate, mean_auroc
from trdomics.classification.families import FAMILIES
from trdomics.classification.feature_sets import feature_sets
from trdomics.classification.run_split import nested_search
from trdomics.classification.splits import draw_split
from trdomics.classification.stacking import stack_weights
from trdomics.cohort.config import resolve_config
from trdomics.cohort.load import load_labels, load_tables
from trdomics.inputs.vcf import read_vcf
from trdomics.shipped import shipped
from trdomics.simulation.cohort import draw_cohort
from trdomics.simulation.draw import simulate
from trdomics.simulation.features import read_genes, read_small_rnas
from trdomics.simulation.sheet import make_sheet
from trdomics.simulation.variants import write_vcf
from trdomics.tables import CLINICAL, LayerTables

Floats = np.ndarray
LINEAR, TREES = ("elastic_net", "ridge"), ("random_forest", "gradient_boosting")
SIZES, VARIANCES = (20, 50, 200, None), (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
N_FEATURES, N_UNSEEN = 600, 800
# Informative features of each layer and half the difference of their class means in standard
# deviations; the same difference of one clinical column; training patients; share without a layer.
DRAWN: dict[str, tuple[list[tuple[int, float]], float, int, float]] = {
    "dense": ([(200, 0.10)] * 3, 0.3, 200, 0.06),
    "missing": ([(200, 0.10), (4, 0.42), (40, 0.2)], 0.3, 200, 0.3),
    "noise": ([(0, 0.0)] * 3, 0.6, 200, 0.06),
    "one dense": ([(200, 0.12), (0, 0.0), (0, 0.0)], 0.2, 200, 0.06),
    "small": ([(200, 0.10), (4, 0.42), (0, 0.0)], 0.3, 90, 0.06),
    "sparse": ([(4, 0.42)] * 3, 0.3, 200, 0.06),
}
# Tiny values (methylation, fractions) must not matter.
SCALES = (1.0, 0.01, 5.0)


def drawn(kind: str, seed: int) -> tuple[dict[str, Any], LayerTables, pd.Series, int]:
    """Draw three continuous layers with ten common factors of noise each, and clinical data."""
    layers, clinical, n_train, missing = DRAWN[kind]
    n = n_train + N_UNSEEN
    rng = np.random.default_rng([seed, list(DRAWN).index(kind)])
    patients = pd.Index([f"p{i:04d}" for i in range(n)], name="patient_id")
    labels = rng.permutation(np.arange(n) % 2)
    signs = 2 * labels - 1
    tables = {}
    for scale, (informative, effect) in zip(SCALES, layers, strict=True):
        noise = rng.normal(size=(n, 10)) @ rng.normal(size=(10, N_FEATURES)) * 0.25
        table = noise + rng.normal(size=(n, N_FEATURES))
        columns = rng.choice(N_FEATURES, informative, replace=False)
        table[:, columns] += signs[:, None] * effect * rng.choice([-1, 1], informative)
        name = f"layer{len(tables)}"
        names = [f"{name}_{j}" for j in range(N_FEATURES)]
        tables[name] = pd.DataFrame(table * scale, patients, names)[rng.random(n) > missing]
    sheet = pd.DataFrame(rng.normal(size=(n, 6)), patients, [f"c{j}" for j in range(6)])
    sheet["c0"] += signs * clinical
    sheet["site"] = rng.choice(["a", "b", "c"], n)
    config = resolve_config(
        {
            "cohort": "drawn",
            "seed": 5,
            "samples": {"file": "sheet.tsv", "site": "site"},
            "label": {"column": "outcome", "positive": "yes", "negative": "no"},
            "target_prevalence": 0.5,
            "clinical": {"predictors": [f"c{j}" for j in range(6)], "confounders": ["site"]},
            "layers": {name: {"type": "continuous", "file": f"{name}.tsv"} for name in tables},
            "integration": {
                "factors": 8,
                "seeds": [1],
                "convergence": "fast",
                "max_iterations": 40,
            },
            "classification": {"inner_folds": 4},
        },
        "drawn",
    )
    labelled = pd.Series(labels.astype(float), patients)
    return config, LayerTables({**tables, CLINICAL: sheet}, patients), labelled, n_train


def simulated(
    seed: int, folder: Path, n_patients: int
) -> tuple[dict[str, Any], LayerTables, pd.Series, pd.Series]:
    """Draw the default cohort with another seed, other patients and 3,000 genes."""
    raw = yaml.safe_load(Path("config/config.yaml").read_text())
    for derived in ("pharmacogenes", "mechanism"):
        raw.pop(derived)
    raw["simulation"]["genes"] = 3000
    raw["integration"] |= {"convergence": "fast", "max_iterations": 150}
    config = resolve_config(raw, "simulated")
    cohort = draw_cohort(n_patients, seed)
    simulation = simulate(
        cohort,
        config["simulation"],
        seed,
        read_genes(shipped("resources/simulation_genes.tsv")),
        read_small_rnas(shipped("resources/simulation_small_rnas.tsv")),
    )
    calls_path = folder / f"{seed}.vcf.gz"
    write_vcf(simulation.sites, simulation.sequenced, simulation.genotypes, str(calls_path))
    sheet = make_sheet(cohort, seed).set_index("patient_id")
    by_tube = {name: pd.Series(sheet.index, sheet[f"{name}_id"]) for name in ("mrna", "small_rna")}
    calls = read_vcf(
        str(calls_path),
        config["layers"]["mutations"],
        pd.Series(simulation.sequenced, simulation.sequenced),
    )
    tables = {
        "mrna": simulation.mrna.rename(columns=by_tube["mrna"]).T,
        "small_rna": simulation.small_rna.rename(columns=by_tube["small_rna"]).T,
        "mutations": calls.dosages,
    }
    label = config["label"]["column"]
    tables[CLINICAL] = sheet.drop(columns=[label, "mrna_id", "small_rna_id"])
    labels = (sheet[label] == config["label"]["positive"]).astype(float)
    risk = pd.Series(cohort.logit, cohort.patients.index)
    return config, LayerTables(tables, sheet.index), labels, risk


def grid(name: str, trees: bool) -> list[tuple[str, int | None, tuple[tuple[str, Any], ...]]]:
    """Return the wide grid of a family as sizes and parameters."""
    if name == "ridge":
        return [(name, size, (("variance", v),)) for size in SIZES for v in VARIANCES]
    if name in TREES and not trees:
        return []
    return [(name, 50, tuple(params.items())) for params in FAMILIES[name].grid]


def decide(
    config: dict[str, Any],
    tables: LayerTables,
    labels: pd.Series,
    parts: tuple[Sequence[str], Sequence[str]],
    trees: bool,
) -> dict[str, Any]:
    """Return the decisions of all candidates about training and unseen patients."""
    train, unseen = parts
    truth = labels[train].to_numpy(dtype=int)
    shared = nested_search(config).representations(tables.select(train), truth)
    test = shared.transform(tables.select(unseen))
    sets = feature_sets(config["layers"], config["clinical"])
    found = [
        Candidate(features, *entry)
        for features in sets
        if not features.fusion and "circular" not in features.blocks
        for family in (*LINEAR, *TREES)
        for entry in grid(family, trees)
    ]
    inner = {c: np.empty(len(truth)) for c in found}
    priors = np.empty(len(truth))
    start = time.process_time()
    with config_context(assume_finite=True, skip_parameter_validation=True):
        for rows, validation, seen, held_out in shared.folds:
            fits = Fits(seen, truth[rows], 0)
            priors[validation] = prior_log_odds(truth[rows])
            for c in found:
                inner[c][validation] = fit_candidate(c, fits).decision_function(held_out)
        fits = Fits(shared.blocks, truth, 0)
        outer = {c: fit_candidate(c, fits).decision_function(test) for c in found}
    print(f"{len(found)} candidates: {time.process_time() - start:.1f} s of CPU", flush=True)
    return {
        "sets": sets,
        "layers": list(config["layers"]),
        "labels": truth,
        "truth": labels[unseen].to_numpy(dtype=int),
        "folds": [validation for _, validation, _, _ in shared.folds],
        "priors": priors,
        "inner": inner,
        "outer": outer,
    }


Pair = tuple[Floats, Floats]  # decisions about training patients (out of fold), about unseen ones
Weigh = Callable[[Floats, Floats], tuple[Floats, float]]  # evidence, labels: weights, intercept


def log_loss(odds: Floats, labels: Floats) -> float:
    """Return the mean of minus the log likelihood."""
    return float(np.mean(np.logaddexp(0, np.where(labels == 1, -odds, odds))))


def slopes(evidence: Floats, labels: Floats) -> tuple[Floats, Floats]:
    """Return slope and intercept of Platt's curve of every column."""
    curves = [Platt().fit(column, labels) for column in evidence.T]
    return np.array([c.slope_ for c in curves]), np.array([c.intercept_ for c in curves])


def averaged(evidence: Floats, labels: Floats) -> tuple[Floats, float]:
    """Average calibrated log odds."""
    slope, intercept = slopes(evidence, labels)
    return slope / len(slope), float(intercept.mean())


def by_gain(evidence: Floats, labels: Floats) -> tuple[Floats, float]:
    """Average calibrated log odds with weights by the gain in log likelihood over the prior."""
    slope, intercept = slopes(evidence, labels)
    null = log_loss(np.full(len(labels), prior_log_odds(labels)), labels)
    losses = [
        log_loss(a * e + b, labels) for a, b, e in zip(slope, intercept, evidence.T, strict=True)
    ]
    gain = np.maximum((null - np.array(losses)) * len(labels), 0) + 0.5
    return slope * gain / gain.sum(), float(intercept @ gain / gain.sum())


def best_three(evidence: Floats, labels: Floats) -> tuple[Floats, float]:
    """Average the calibrated log odds of the three with the smallest log loss."""
    slope, intercept = slopes(evidence, labels)
    losses = [
        log_loss(a * e + b, labels) for a, b, e in zip(slope, intercept, evidence.T, strict=True)
    ]
    kept = np.isin(np.arange(len(slope)), np.argsort(losses, kind="stable")[:3])
    return slope * kept / 3, float(intercept[kept].mean())


def to_average(evidence: Floats, labels: Floats) -> tuple[Floats, float]:
    """Fit weights that are not negative, shrunk towards a multiple of the average's."""
    spread = np.sqrt((evidence**2).mean(axis=0))
    spread = np.where(spread > 0, spread, 1.0)
    scaled, centre = evidence / spread, averaged(evidence, labels)[0] * spread
    signs, k = np.where(labels == 1, 1.0, -1.0), evidence.shape[1]

    def loss(parameters: Floats) -> tuple[float, Floats]:
        margin = signs * (scaled @ parameters[:k] + parameters[k])
        away, pull = parameters[:k] - parameters[-1] * centre, -signs * expit(-margin)
        gradient = np.r_[scaled.T @ pull + 10 * away, pull.sum(), -10 * away @ centre]
        return float(np.logaddexp(0, -margin).sum() + 5 * away @ away), gradient

    start = np.r_[centre, prior_log_odds(labels), 1.0]
    bounds = [(0, None)] * k + [(None, None), (0, None)]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return found[:k] / spread, float(found[k])


def weighed(members: Sequence[Pair], split: dict[str, Any], weigh: Weigh) -> Pair:
    """Combine members by weights that are learned for each inner fold from the others."""
    labels = split["labels"]
    inner, outer = (np.column_stack([member[i] for member in members]) for i in (0, 1))
    decision = np.empty(len(labels))
    for rows in split["folds"]:
        others = np.setdiff1d(np.arange(len(labels)), rows)
        weights, intercept = weigh(inner[others], labels[others])
        decision[rows] = inner[rows] @ weights + intercept
    weights, intercept = weigh(inner, labels)
    return decision, outer @ weights + intercept


def kept(c: Candidate, *, trees: bool = False, narrow: bool = False) -> bool:
    """Return whether a candidate is of the library's grid, of the one before, or with trees."""
    if c.kind == "ridge":
        variance = dict(c.params)["variance"]
        if narrow:
            return variance in (0.1, 0.3, 1.0)
        return variance in (0.1, 1.0, 10.0, 30.0) and c.n_features != 20
    return c.kind == "elastic_net" or trees


def best_of(split: dict[str, Any], among: Callable[[Candidate], bool]) -> dict[str, Pair]:
    """Return the evidence of each set's candidate of the highest inner AUROC."""
    found: dict[str, tuple[float, Candidate]] = {}
    for c, decision in split["inner"].items():
        if among(c):
            score = mean_auroc(decision, split["labels"], split["folds"])
            if c.features.name not in found or score > found[c.features.name][0]:
                found[c.features.name] = score, c
    return {name: evidence_of(split, c) for name, (_, c) in found.items()}


def evidence_of(split: dict[str, Any], c: Candidate) -> Pair:
    """Return by how much a candidate moves the log odds."""
    prior = prior_log_odds(split["labels"])
    return split["inner"][c] - split["priors"], split["outer"][c] - prior


def tries(split: dict[str, Any]) -> dict[str, Pair]:
    """Return the decisions of every way."""
    labels, folds = split["labels"], split["folds"]
    stack = stack_weights
    may = [f.name for f in split["sets"] if f.selectable and not f.fusion]
    sets = best_of(split, kept)
    fused = {
        f.name: weighed([sets[block] for block in f.blocks], split, stack)
        for f in split["sets"]
        if f.fusion
    }
    named = {**sets, **fused}
    shown = {f"set: {name}": named[name] for name in named}
    reached = {n: mean_auroc(named[n][0], labels, folds) for n in (*may, *fused)}
    best = max(reached, key=reached.__getitem__)
    by_fold = [mean_auroc(named[best][0], labels, [rows]) for rows in folds]
    error = np.std(by_fold, ddof=1) / np.sqrt(len(by_fold))
    simple = next(name for name in reached if reached[name] >= reached[best] - error)
    singles = [sets[name] for name in may]
    everything = [named[name] for name in reached]
    narrow = best_of(split, lambda c: kept(c, narrow=True))
    ways = {
        "stack of the sets (the library)": weighed(singles, split, stack),
        "stack shrunk towards the average": weighed(singles, split, to_average),
        "average of the sets and stacks": weighed(everything, split, averaged),
        "average of the sets": weighed(singles, split, averaged),
        "average, weights by gain in log likelihood": weighed(everything, split, by_gain),
        "average of the best three": weighed(everything, split, best_three),
        "winner": named[best],
        "simplest within one standard error": named[simple],
        "super learner of all candidates": weighed(
            [evidence_of(split, c) for c in split["inner"] if kept(c) and c.features.selectable],
            split,
            stack,
        ),
        "stack, ridge variances up to 1": weighed([narrow[n] for n in may], split, stack),
        "average, ridge variances up to 1 (before)": weighed(
            [narrow[n] for n in may]
            + [
                weighed([narrow[block] for block in f.blocks], split, stack)
                for f in split["sets"]
                if f.fusion
            ],
            split,
            averaged,
        ),
    }
    if any(c.kind in TREES for c in split["inner"]):
        wooded = best_of(split, lambda c: kept(c, trees=True))
        ways["stack, trees among the candidates"] = weighed([wooded[n] for n in may], split, stack)
    plain = best_of(split, lambda c: c.kind == "ridge" and c.n_features is None)
    blocks = [plain[name] for name in (*split["layers"], CLINICAL)]
    ways["plain ridge late fusion, stacked"] = weighed(blocks, split, stack)
    ways["plain ridge late fusion, averaged"] = weighed(blocks, split, averaged)
    return {**ways, **shown}


def row(split: dict[str, Any], decisions: Pair) -> dict[str, float]:
    """Return AUROC, log loss and calibration slope on the unseen patients."""
    curve = Platt().fit(decisions[0], split["labels"])
    odds, truth = curve.slope_ * decisions[1] + curve.intercept_, split["truth"]
    fit = GLM(truth, add_constant(odds, has_constant="add"), family=Binomial()).fit()
    return {
        "auroc": mean_auroc(odds, truth, [np.arange(len(truth))]),
        "log_loss": log_loss(odds, truth),
        "slope": float(fit.params[1]),
    }


def table(cache: Path) -> pd.DataFrame:
    """Return a row per way and split."""
    rows = []
    for path in sorted(cache.glob("*.decisions")):
        split = pickle.loads(path.read_bytes())
        where = {"cohort": path.name.split(".")[0], "split": path.name}
        if split["risk"] is not None:
            truth = split["truth"]
            reach = mean_auroc(split["risk"], truth, [np.arange(len(truth))])
            rows.append({**where, "way": "the true risk", "auroc": reach})
        for way, decisions in tries(split).items():
            rows.append({**where, "way": way, **row(split, decisions)})
    return pd.DataFrame(rows)


def printed(results: pd.DataFrame) -> None:
    """Print means over splits, and standard errors of the difference to the library."""
    own = results[results["way"].str.contains("the library")].set_index("split")["auroc"]
    results = results.assign(lost=results["auroc"] - results["split"].map(own))
    print(results.groupby("cohort")["split"].nunique().to_string())
    for title, value, how, digits in (
        ("AUROC", "auroc", "mean", 3),
        ("difference to the library, by split", "lost", "mean", 3),
        ("its standard error", "lost", "sem", 3),
        ("calibration slope", "slope", "mean", 2),
        ("log loss", "log_loss", "mean", 3),
    ):
        shown = results.pivot_table(value, "way", "cohort", aggfunc=how, sort=False)
        print(f"\n{title}\n{shown.round(digits).to_string()}")


def main() -> None:
    """Keep decisions, or print the table of those that were kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("decide")
    one.add_argument("source", choices=["drawn", "simulated", "cohort"])
    one.add_argument("name")
    one.add_argument("splits", nargs="+", help="seeds, or names of a cohort's splits")
    one.add_argument("--config", type=Path)
    one.add_argument("--results", type=Path)
    one.add_argument("--trees", action="store_true")
    for command in (one, commands.add_parser("table")):
        command.add_argument("--cache", type=Path, required=True)
    options = parser.parse_args()
    if options.command == "table":
        printed(table(options.cache))
        return
    options.cache.mkdir(exist_ok=True, parents=True)
    for name in options.splits:
        risk = None
        if options.source == "cohort":
            config = resolve_config(yaml.safe_load(options.config.read_text()), "cohort")
            patients = options.results / "cohort" / "patients.tsv"
            paths = {n: options.results / "layers" / n / "table.parquet" for n in config["layers"]}
            tables, labels = load_tables(patients, paths, config), load_labels(patients)
            folds = config["classification"]["folds"]
            split = draw_split(name, labels, folds=folds, seed=config["seed"])
            train, unseen = split.train, split.test
        else:
            seed = int(name)
            if options.source == "drawn":
                config, tables, labels, n_train = drawn(options.name, seed)
            else:
                config, tables, labels, risk = simulated(seed, options.cache, 1240)
                n_train = 240
            train, unseen = train_test_split(
                labels.index.to_numpy(), train_size=n_train, stratify=labels, random_state=seed
            )
        found = decide(config, tables, labels, (train, unseen), options.trees)
        found["risk"] = None if risk is None else risk[unseen].to_numpy()
        (options.cache / f"{options.name}.{name}.decisions").write_bytes(pickle.dumps(found))


if __name__ == "__main__":
    main()
