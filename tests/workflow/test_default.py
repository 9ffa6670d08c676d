"""The default cohort, whole: what was planted is found, and the page says how well."""

from __future__ import annotations

import pytest

from trdomics.files import read_json, read_table

TOLERATED_FDP = 0.07
MATCHED = 0.9
SHORTFALL = 0.04


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def results(default_results):
    return default_results


@pytest.fixture(scope="module")
def recovery(results):
    return read_json(results / "simulation" / "recovery.json")


def test_few_of_the_genes_called_different_are_not(recovery):
    for layer, found in recovery["differential"].items():
        assert found["fdp"] <= TOLERATED_FDP, layer
    assert recovery["differential"]["mrna"]["power"] > 0.3


def test_every_planted_factor_is_matched(recovery):
    assert all(abs(factor["r"]) >= MATCHED for factor in recovery["factors"]), recovery["factors"]


def test_the_planted_mix_ups_are_found_and_nobody_else_is_accused(recovery):
    identity = recovery["identity"]
    for part in (identity["exchanged"], identity["wrong_sex"]):
        assert part["n_planted"] and part["n_missed"] == 0 and part["n_false"] == 0
    assert identity["exchanged"]["n_partners_named"] == identity["exchanged"]["n_pairs"] == 2


def test_adjustment_takes_away_what_is_confounded_and_leaves_the_label(recovery):
    by_set = recovery["adjustment"]["layers"]["mrna"]
    last = by_set[recovery["adjustment"]["sets"]["mrna"][-1]]
    assert last["confounded_removed"] >= 0.95 and last["label_kept"] >= 0.85
    assert last["fdp"] <= TOLERATED_FDP < by_set["minimal"]["fdp"]


def test_the_selected_model_comes_close_to_the_best_reachable_and_beats_the_confounders(
    results, recovery
):
    auc = recovery["auc"]
    assert auc["best"] - auc["selected"] <= SHORTFALL
    assert auc["selected"] <= auc["best"] + SHORTFALL
    gains = read_table(results / "classification" / "gains.tsv")
    over = gains.query("feature_set == 'selected' and metric == 'auroc'").set_index("baseline")
    assert over.loc["confounders", "lower"] > 0


def test_the_page_shows_both_baselines_and_the_truth(results):
    assert "simulation" in read_json(results / "summary.json")
    page = (results / "summary.html").read_text("utf-8")
    for shown in (
        "confounders alone",
        "clinical predictors alone",
        "Recovery of the planted truth",
    ):
        assert shown in page
