"""Sites left out once: what is fitted without them, and what is said about them."""

import joblib
import numpy as np
import pandas as pd
import pytest
from classification_data import cohort, config
from scipy.special import expit

from trdomics.classification.run_split import nested_search, run_split
from trdomics.classification.splits import draw_split
from trdomics.cohort.site_plan import site_plan
from trdomics.evaluation.left_out_sites import (
    ALL,
    LEFT_OUT,
    MIXED,
    pooled_performance,
    site_performance,
    sites_summary,
)
from trdomics.evaluation.site_figures import sites_figure
from trdomics.tables import LayerTables

ODD = "west"
TABLES, LABELS = cohort(n=160, lacking=3)
SITES = pd.Series(
    [["north", "south", "east", "centre", ODD][i // 2 % 5] for i in range(len(LABELS))],
    LABELS.index,
)
SITES[SITES.index[SITES.eq("east")][:8]] = "north"
TABLES = TABLES.replace(clinical=TABLES["clinical"].assign(site=SITES))
# the signal of one site points the other way, as where another instrument was used
LABELS = LABELS.where(SITES != ODD, 1 - LABELS)
LEFT_OUT_SITES = {"s01": "centre", "s02": "east", "s03": "north", "s04": "south", "s05": ODD}
# with two folds a stack of 120 patients, a quarter of them of the odd site, learns poor weights
CONFIG = config(repeats=1, inner_folds=4, permutations=1)
DRAWS = {"n_samples": 200, "seed": 1}


def draw(name):
    site = LEFT_OUT_SITES.get(name)
    return draw_split(name, LABELS, folds=3, seed=5, sites=SITES, site=site)


def run(name):
    return run_split(TABLES, LABELS, draw(name), CONFIG)


@pytest.fixture(scope="module")
def results():
    return {split: run(split) for split in LEFT_OUT_SITES}


@pytest.fixture(scope="module")
def left_out(results):
    return pd.concat([part["predictions"] for part in results.values()], ignore_index=True)


@pytest.fixture(scope="module")
def mixed():
    return pd.concat([run(f"r1f{fold}")["predictions"] for fold in (1, 2, 3)], ignore_index=True)


@pytest.fixture(scope="module")
def plan():
    return site_plan(LABELS, SITES, minimum=5, inner_folds=2, left_out=LEFT_OUT_SITES)


@pytest.fixture(scope="module")
def performance(left_out, mixed, plan):
    return site_performance(left_out, mixed, LABELS, plan, **DRAWS)


def fitted_without(split, tables, labels):
    """Return a hash of every fitted object of the split's search."""
    train = draw(split).train
    search = nested_search(CONFIG).fit(tables.select(train), labels[train].to_numpy(dtype=int))
    return joblib.hash(
        {
            "representation": search.representation_,
            "models": search.models_,
            "calibrations": search.calibrations_,
            "candidates": search.candidates_,
        }
    )


def test_nothing_of_a_left_out_site_is_in_anything_fitted():
    before = fitted_without("s05", TABLES, LABELS)
    changed = {}
    for name, table in TABLES.items():
        table = table.copy()
        rows = table.index.isin(SITES.index[SITES == ODD])
        if name == "clinical":
            table.loc[rows, ["age", "failed"]] = 1e6
        else:
            table.loc[rows] = table.loc[rows] * 3 + 1
        changed[name] = table
    others = LABELS.where(SITES != ODD, 1 - LABELS)
    assert fitted_without("s05", LayerTables(changed, TABLES.patients), others) == before
    trained = changed["rna"].copy()
    trained.loc[trained.index.intersection(SITES.index[SITES == "north"])[0]] *= 3
    tables = TABLES.replace(rna=trained)
    assert fitted_without("s05", tables, LABELS) != before


def test_just_the_sites_patients_are_predicted_with_all_their_layers(results):
    for split, site in LEFT_OUT_SITES.items():
        predicted = results[split]["predictions"]
        assert set(predicted["patient_id"]) == set(SITES.index[SITES.eq(site)])
        assert predicted["probability"].between(0, 1).all()
        assert results[split]["without_layers"].empty


def test_a_site_that_training_never_saw_is_no_category_of_the_confounders(left_out):
    """Its patients are predicted by the other confounder, here the batch."""
    rows = left_out[(left_out["feature_set"] == "confounders") & (left_out["split"] == "s01")]
    batch = TABLES["clinical"]["batch"].reindex(rows["patient_id"]).to_numpy()
    by_batch = rows.groupby(batch)["decision"].agg(np.ptp)
    assert len(by_batch) == 2
    assert (by_batch < 1e-12).all()


def test_a_planted_site_effect_is_found(performance, left_out, mixed):
    selected = performance[
        (performance["feature_set"] == "selected")
        & (performance["metric"] == "auroc")
        & (performance["validation"] == LEFT_OUT)
    ].set_index("split")
    assert selected.loc["s05", "upper"] < 0.5
    others = selected.drop(index=["s05", ALL])
    assert others["value"].min() > 0.6
    # of 32 patients each: one interval may reach chance
    assert (others["lower"] > 0.5).sum() >= len(others) - 1
    pooled = pooled_performance(performance, left_out, mixed, LABELS, **DRAWS)
    row = pooled[(pooled["feature_set"] == "selected") & (pooled["validation"] == LEFT_OUT)].iloc[0]
    assert row["q_pvalue"] < 0.001
    assert row["i2"] > 0.7
    assert row["n_sites"] == 5
    # with sites mixed the model has met patients of the odd site: it is not as wrong about them
    together = performance[
        (performance["split"] == ALL)
        & (performance["metric"] == "auroc")
        & (performance["feature_set"] == "selected")
    ].set_index("validation")["value"]
    assert row["change"] == pytest.approx(together[LEFT_OUT] - together[MIXED])
    assert row["change_lower"] <= row["change"] <= row["change_upper"]


def test_every_site_has_all_metrics_for_the_model_and_its_baselines(performance):
    shown = performance[performance["split"] != ALL]
    sizes = shown.groupby(["split", "feature_set", "validation"]).size()
    assert (sizes == 4).all()
    assert set(shown["feature_set"]) == {"selected", "clinical", "confounders", "layers_present"}
    counts = shown.drop_duplicates("split").set_index("split")[["n_patients", "n_positive"]]
    for split, site in LEFT_OUT_SITES.items():
        truth = LABELS[SITES.eq(site)]
        assert counts.loc[split].tolist() == [len(truth), truth.sum()]


def test_a_site_too_small_has_a_row_with_the_reason(left_out, mixed):
    minimum = int(min((SITES[LABELS.eq(value)] == "east").sum() for value in (0, 1))) + 1
    plan = site_plan(LABELS, SITES, minimum=minimum, inner_folds=2, left_out=LEFT_OUT_SITES)
    small = plan[plan["reason"].str.contains("each needed")]
    assert "east" in set(small["site"])
    assert "north" not in set(small["site"])
    kept = left_out[~left_out["split"].isin(small["split"])]
    table = site_performance(kept, mixed, LABELS, plan, **DRAWS)
    row = table[table["site"] == "east"]
    assert len(row) == 1
    assert np.isnan(row["value"].iloc[0])
    assert "each needed" in row["reason"].iloc[0]


def site_of_right_risks(rng, n=50):
    """Return predictions of one site's patients, and their labels."""
    names = [f"p{i:03d}" for i in range(n)]
    probability = expit(rng.normal(size=n) - 1)
    rows = pd.DataFrame({"patient_id": names, "probability": probability, "repeat": 1})
    rows = rows.assign(feature_set="selected", role="selected", split="s01")
    return rows, pd.Series((rng.random(n) < probability).astype(float), names)


@pytest.mark.slow
def test_intervals_of_a_sites_calibration_and_brier_score_hold_the_truth():
    """How many of a site's patients are positive is chance, which drawing within class leaves out.

    The risks are right, so the intercept is 0 and the Brier score the mean of p (1 - p).
    """
    rng = np.random.default_rng(3)
    plan = pd.DataFrame({"split": ["s01"], "site": ["north"], "reason": [""]})
    truth = {"calibration_intercept": 0.0}
    risks = expit(rng.normal(size=100_000) - 1)
    truth["brier"] = float((risks * (1 - risks)).mean())
    covered = {(split, metric): [] for split in ("s01", ALL) for metric in truth}
    for _ in range(100):
        rows, labels = site_of_right_risks(rng)
        table = site_performance(rows, rows, labels, plan, n_samples=100, seed=1)
        table = table[table["validation"] == LEFT_OUT].set_index(["split", "metric"])
        for (split, metric), held in covered.items():
            row = table.loc[(split, metric)]
            held.append(row["lower"] < truth[metric] < row["upper"])
    shares = {key: np.mean(held) for key, held in covered.items()}
    assert shares["s01", "calibration_intercept"] > 0.88
    assert shares["s01", "brier"] > 0.88
    # all sites together: conditional on class sizes that the cohort fixed, which here it did not
    assert shares[ALL, "calibration_intercept"] < 0.8


def test_the_summary_says_why_there_is_nothing():
    nothing = pd.DataFrame(columns=["split", "site", "n_patients", "n_positive", "reason"])
    empty = pd.DataFrame(columns=["feature_set", "role", "repeat", "patient_id", "probability"])
    table = site_performance(empty, empty, LABELS, nothing, **DRAWS)
    pooled = pooled_performance(table, empty, empty, LABELS, **DRAWS)
    assert table.empty
    assert pooled.empty

    def reason(plan, column="site", wanted=True):
        part = site_performance(empty, empty, LABELS, plan, **DRAWS)
        summary = sites_summary(
            part, pooled, plan, column=column, wanted=wanted, confounders=["site"]
        )
        assert summary["n_left_out"] == 0
        return summary["reason"]

    assert "no column" in reason(nothing, column=None)
    one = site_plan(LABELS, pd.Series("only", LABELS.index), minimum=5, inner_folds=2)
    assert "one site only" in reason(one)
    none = site_plan(LABELS, SITES, minimum=5, inner_folds=2, left_out={})
    assert "switched off" in reason(none, wanted=False)
    figure = sites_figure(table, pooled)
    assert "No site was left out" in figure.axes[0].texts[0].get_text()


def test_the_figure_shows_every_site(performance, left_out, mixed):
    pooled = pooled_performance(performance, left_out, mixed, LABELS, **DRAWS)
    named = performance.assign(site=performance["site"].replace({"north": r"$\frac{ <b>"}))
    figure = sites_figure(named, pooled)
    figure.canvas.draw()
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert any(label.startswith("south (n = ") for label in labels)
    assert sum("mean site" in label for label in labels) == 1
    assert len(labels) == 8
