"""Check what README claims on cohorts that are drawn, each claim with its draws.

    python benchmarks/truth.py --part fdp --draws 10
    python benchmarks/truth.py --part identity --draws 10
    python benchmarks/truth.py --part subtypes --draws 3
    python benchmarks/truth.py --part null --draws 4 --permutations 25
    python benchmarks/truth.py --part pipeline --draws 8
    python benchmarks/truth.py --part nested --draws 20

Cohorts are drawn as the default one is, but lighter and from other seeds: every draw has other
patients, other effects and other reads. `fdp`: false discoveries under every adjustment set.
`identity`: sample swaps and a wrong sex in the sheet. `subtypes`: clouds without any. `null`: the
nested procedure on permuted labels. `pipeline`: cohorts of 1,000 cut to 300, on which everything is
learned anew (normalisation, MOFA, tuning, calibration), against the patients that were cut off;
calibration, intervals, and what the learning curve said of 600. `nested`: the default cohort from
other seeds with 3,000 genes, one repeat of the cross-validation: distance of the AUROC to that of
the true risk, and whether the slope's interval contains 1. Results: benchmarks/truth.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

import numpy as np
import pandas as pd
import yaml
from prediction import simulated
from scipy.special import expit
from subtypes_null import SHAPES, run

from trdomics.classification.feature_sets import SELECTED
from trdomics.classification.run_split import (
    nested_search,
    run_permutation,
    run_split,
    split_representations,
)
from trdomics.classification.splits import draw_share, draw_split, learning_shares, split_names
from trdomics.classification.training_sizes import fit_share
from trdomics.cohort.config import resolve_config
from trdomics.confounding.adjustment import adjustment, prepared_counts
from trdomics.confounding.plan import MINIMAL, cumulative
from trdomics.differential.counts import differential_counts
from trdomics.differential.design import build_design
from trdomics.evaluation.bootstrap import performance_intervals
from trdomics.evaluation.learning_curve import learning_curve
from trdomics.evaluation.metrics import measure
from trdomics.evaluation.out_of_fold import out_of_fold
from trdomics.files import read_table
from trdomics.identity.profile_matching import match_layers
from trdomics.identity.sex import call_sex, compare, expression_score
from trdomics.layers.normalise import normaliser
from trdomics.simulation.cohort import NEGATIVE, POSITIVE, Cohort, draw_cohort
from trdomics.simulation.draw import EXPLANATIONS, Simulation, simulate
from trdomics.simulation.features import read_genes, read_small_rnas
from trdomics.simulation.recovery import de_recovery
from trdomics.tables import CLINICAL, LayerTables

REPOSITORY = Path(__file__).resolve().parents[1]
GENES = read_genes(REPOSITORY / "resources" / "simulation_genes.tsv")
SMALL_RNAS = read_small_rnas(REPOSITORY / "resources" / "simulation_small_rnas.tsv")
CONTRAST = ["response", POSITIVE, NEGATIVE]
FDR, MIN_COUNT, MIN_SHARE, WINSORISE = 0.05, 10, 0.25, 0.95
# the main test, and what it would be without winsorising or DEGES
MAIN_TESTS = (
    ("as in the workflow", WINSORISE, True),
    ("all features", WINSORISE, False),
    ("not winsorised", None, True),
)
# of `fdp`; of 800 genes, a quarter differs in one direction
N_GENES = 800
# what a light run of the whole pipeline is
LIGHT = {"models": ["elastic_net"], "repeats": 1, "folds": 3, "inner_folds": 3, "learning_curve": 1}
CUT, TWICE, POPULATION = 300, 600, 1000


def drawn(
    seed: int, n_patients: int, n_genes: int, n_small_rnas: int
) -> tuple[Cohort, Simulation, dict[str, pd.DataFrame]]:
    """Draw a cohort and the counts of its two RNA layers, patients × features."""
    cohort = draw_cohort(n_patients, seed)
    sizes = {"genes": n_genes, "small_rnas": n_small_rnas, "variant_genes": 20}
    drawn = simulate(cohort, sizes | {"missing_layer": 0.08}, seed, GENES, SMALL_RNAS)
    tables = {}
    for layer, counts in (("mrna", drawn.mrna), ("small_rna", drawn.small_rna)):
        patient = {name: patient for patient, name in cohort.patients[f"{layer}_id"].items()}
        tables[layer] = counts.rename(columns=patient).T.sort_index()
    return cohort, drawn, tables


@cache
def light_config() -> dict[str, Any]:
    """Return the default config with two layers and what makes it light."""
    path = REPOSITORY / "config" / "config.yaml"
    config = yaml.safe_load(path.read_text("utf-8"))
    del config["layers"]["mutations"]
    for layer in config["layers"].values():
        layer.update(model_features=100, integration_features=100)
    config["integration"].update(factors=6, seeds=[1], max_iterations=60)
    config["classification"].update(LIGHT)
    return resolve_config(config, str(path))


def layer_tables(cohort: Cohort, tables: dict[str, pd.DataFrame]) -> LayerTables:
    """Return a cohort as the classifier takes it."""
    own = ["response", "mrna_id", "small_rna_id"]
    return LayerTables(
        {**tables, CLINICAL: cohort.patients.drop(columns=own)}, cohort.patients.index
    )


def fdp(draws: int, _: int) -> Iterator[dict[str, Any]]:
    """Test under every adjustment set; the main test with the full design beside them."""
    config = light_config()["differential"]
    sets = {MINIMAL: [], **config["adjustment_sets"]}
    for seed in range(1, draws + 1):
        cohort, simulation, tables = drawn(seed, 300, N_GENES, 20)
        counts = tables["mrna"]
        truth = simulation.features[simulation.features["layer"] == "mrna"]
        patients = cohort.patients.loc[counts.index]
        positive = (patients["response"] == POSITIVE).to_numpy()
        results = {}
        for normalised, groups in (("all features", None), ("DEGES", positive)):
            prepared = prepared_counts(counts, MIN_COUNT, MIN_SHARE, groups)
            table, _ = adjustment(patients, positive, sets, prepared, FDR)
            for name, columns in cumulative(sets).items():
                own = ["feature", *(f"{c}_{name}" for c in ("effect", "pvalue", "padj"))]
                found = table[own].set_axis(
                    ["feature", "log2_fold_change", "pvalue", "padj"], axis=1
                )
                formula = " + ".join(["response", *columns])
                results[f"voom: {name}; {normalised}"] = found, formula
        design = build_design(patients, config["design"], CONTRAST)
        filtered = {"min_count": MIN_COUNT, "min_share": MIN_SHARE, "fdr": FDR}
        for name, quantile, deges in MAIN_TESTS:
            found, _ = differential_counts(
                counts, design, **filtered, winsorise=quantile, deges=deges
            )
            results[f"PyDESeq2, full design; {name}"] = found, config["design"]
        for name, (found, formula) in results.items():
            part = de_recovery(found, truth, EXPLANATIONS, formula, FDR)
            keys = ("fdp", "power", "n_discoveries")
            yield {"test": name, "seed": seed, **{key: part[key] for key in keys}}


def identity(draws: int, _: int) -> Iterator[dict[str, Any]]:
    """Look for the two exchanged pairs and the one wrong sex of every cohort."""
    settings = light_config()["layers"]
    markers = read_table(REPOSITORY / "resources" / "sex_markers.tsv")
    for seed in range(1, draws + 1):
        cohort, simulation, tables = drawn(seed, 300, 1000, 200)
        normalised = [normaliser(settings[x]).fit_transform(tables[x]) for x in tables]
        match = match_layers(*normalised, seed=1, planted=0).summary
        swapped = {patient for pair in simulation.swaps for patient in pair}
        score = expression_score(
            tables["mrna"], simulation.mrna_features, settings["mrna"], markers
        )
        told = compare("mrna", score, call_sex(score), cohort.recorded_sex)
        wrong = set(told.loc[told["discordant"] == 1, "patient_id"])
        yield {
            "seed": seed,
            "swapped_found": len(swapped & set(match["flagged"])),
            "swapped_planted": len(swapped),
            "swap_false": len(set(match["flagged"]) - swapped),
            "swap_tested": match["n_patients"],
            "sex_found": int(cohort.wrong_sex in wrong),
            "sex_false": len(wrong - {cohort.wrong_sex}),
        }


def subtypes(draws: int, _: int) -> Iterator[dict[str, Any]]:
    """Look for subtypes in clouds that have none."""
    for shape in SHAPES:
        for seed, row in run(shape, draws, references=39).iterrows():
            yield {"shape": shape, "seed": seed, "found": int(row["n_subtypes"] > 1), "p": row["p"]}


def null(draws: int, permutations: int) -> Iterator[dict[str, Any]]:
    """Run the whole nested procedure on permuted labels of several cohorts."""
    config = light_config()
    for seed in range(1, draws + 1):
        cohort, _, tables = drawn(seed, 150, 150, 60)
        labels = pd.Series(cohort.positive.astype(float), cohort.patients.index)
        whole = layer_tables(cohort, tables)
        parts = []
        for name in split_names(1, LIGHT["folds"]):
            split = draw_split(name, labels, folds=LIGHT["folds"], seed=config["seed"])
            shared = split_representations(whole, labels, split, config)
            parts += [
                run_permutation(whole, labels, split, permutation, config, shared)
                for permutation in range(1, permutations + 1)
            ]
        for permutation, rows in pd.concat(parts).groupby("permutation"):
            found = performance_intervals(
                rows["label_permuted"], rows["probability"], n_samples=300, seed=1
            ).set_index("metric")
            auroc = found.loc["auroc"]
            yield {
                "seed": seed,
                "permutation": permutation,
                "auroc": auroc["value"],
                "interval_holds_half": int(auroc["lower"] <= 0.5 <= auroc["upper"]),
                "interval_above_half": int(auroc["lower"] > 0.5),
            }


def learned(
    whole: LayerTables, labels: pd.Series, train: pd.Index, test: pd.Index
) -> tuple[float, float]:
    """Return AUROC and calibration slope of the procedure fitted on some, for others."""
    search = nested_search(light_config())
    search.feature_sets = [f for f in search.feature_sets if f.selectable and not f.fusion]
    search.fit(whole.select(train), labels[train].to_numpy(dtype=int))
    risk = search.predict_proba(whole.select(test))[:, 1]
    truth = labels[test].to_numpy()
    return measure("auroc", truth, risk), measure("calibration_slope", truth, risk)


def pipeline(draws: int, _: int) -> Iterator[dict[str, Any]]:
    """Learn everything from 300 of 1,000 patients, and look at the others."""
    config = light_config()
    for seed in range(1, draws + 1):
        cohort, _, tables = drawn(seed, POPULATION, 200, 60)
        labels = pd.Series(cohort.positive.astype(float), cohort.patients.index)
        whole = layer_tables(cohort, tables)
        own = draw_share(labels, 100 * CUT // POPULATION, 1, seed).train
        others = labels.index.difference(own)
        some, cut = labels[own], whole.select(own)
        names = split_names(1, LIGHT["folds"])
        splits = [draw_split(n, some, folds=LIGHT["folds"], seed=config["seed"]) for n in names]
        predictions = pd.concat(
            [run_split(cut, some, split, config)["predictions"] for split in splits]
        )
        found = performance_intervals(
            *out_of_fold(predictions, some, SELECTED), n_samples=300, seed=1
        ).set_index("metric")
        shares = [fit_share(cut, some, s, config) for s in learning_shares(LIGHT["folds"])]
        _, curve, _ = learning_curve(shares, predictions, some, n_samples=300, seed=1)
        assert curve is not None
        itself = learned(whole, labels, own, others)
        # learned again from patients that the cohort does not have, and from twice as many
        again = (
            labels[others].groupby(labels[others]).sample(frac=CUT / len(others), random_state=1)
        )
        anew = learned(whole, labels, again.index, others.difference(again.index))
        more = own.append(again.index)
        twice = learned(whole, labels, more, labels.index.difference(more))
        reach, slope = found.loc["auroc"], found.loc["calibration_slope"]
        expected, lower, upper = curve.at(TWICE)
        yield {
            "seed": seed,
            "auroc": reach["value"],
            "lower": reach["lower"],
            "upper": reach["upper"],
            "itself": itself[0],
            "anew": anew[0],
            "holds_itself": int(reach["lower"] <= itself[0] <= reach["upper"]),
            "holds_anew": int(reach["lower"] <= anew[0] <= reach["upper"]),
            "slope": slope["value"],
            "slope_of_others": itself[1],
            "slope_holds_1": int(slope["lower"] <= 1 <= slope["upper"]),
            "expected_600": expected,
            "expected_lower": lower,
            "expected_upper": upper,
            "reached_600": twice[0],
            "expected_holds": int(lower <= twice[0] <= upper),
        }


def nested(draws: int, _: int) -> Iterator[dict[str, Any]]:
    """Cross-validate the default procedure in cohorts whose true risk is known."""
    for seed in range(101, 101 + draws):
        with TemporaryDirectory() as folder:
            config, tables, labels, risk = simulated(seed, Path(folder), CUT)
        folds = config["classification"]["folds"]
        splits = [draw_split(n, labels, folds=folds, seed=seed) for n in split_names(1, folds)]
        predictions = pd.concat(
            [run_split(tables, labels, split, config)["predictions"] for split in splits]
        )
        found = performance_intervals(
            *out_of_fold(predictions, labels, SELECTED), n_samples=500, seed=1
        ).set_index("metric")
        clinical = measure("auroc", *out_of_fold(predictions, labels, CLINICAL)[:2])
        slope, reach = found.loc["calibration_slope"], measure("auroc", labels, expit(risk))
        yield {
            "seed": seed,
            "true_risk": reach,
            "auroc": found.loc["auroc", "value"],
            "loss": reach - found.loc["auroc", "value"],
            "clinical": clinical,
            "slope": slope["value"],
            "slope_lower": slope["lower"],
            "slope_upper": slope["upper"],
            "slope_holds_1": int(slope["lower"] <= 1 <= slope["upper"]),
        }


PARTS: dict[str, tuple[Callable[[int, int], Iterator[dict[str, Any]]], str | None]] = {
    "fdp": (fdp, "test"),
    "identity": (identity, None),
    "subtypes": (subtypes, "shape"),
    "null": (null, None),
    "pipeline": (pipeline, None),
    "nested": (nested, None),
}


def main() -> None:
    """Print a row per draw as it comes, and the means at the end."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", choices=PARTS, required=True)
    parser.add_argument("--draws", type=int, default=10, help="cohorts (of subtypes: per shape)")
    parser.add_argument("--permutations", type=int, default=25, help="of each cohort's labels")
    asked = parser.parse_args()
    function, by = PARTS[asked.part]
    rows = []
    for row in function(asked.draws, asked.permutations):
        rows.append(row)
        print("\t".join(f"{v:.4g}" if isinstance(v, float) else str(v) for v in row.values()))
        sys.stdout.flush()
    table = pd.DataFrame(rows)
    groups = table.groupby(by, sort=False) if by else table.groupby(np.zeros(len(table)))
    print(groups.mean(numeric_only=True).drop(columns="seed").round(3).T.to_string())
    print(groups.max(numeric_only=True).drop(columns="seed").round(3).T.to_string())


if __name__ == "__main__":
    main()
