import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency

from trdomics.confounding.figures import FAR, love_figure
from trdomics.confounding.plan import column_roles
from trdomics.confounding.predictability import predictability
from trdomics.confounding.table import COLUMNS, ODDS_RATIO, confounding_table, table_summary
from trdomics.files import save_figure


@pytest.fixture(scope="module")
def patients():
    rng = np.random.default_rng(4)
    n = 200
    label = np.repeat([1.0, 0.0], n // 2)
    table = pd.DataFrame({"label": label}, index=[f"P{i}" for i in range(n)])
    table["same"] = rng.normal(size=n)
    table["shifted"] = rng.normal(size=n) + 0.8 * label
    table["site"] = np.where(
        label == 1, rng.choice(list("abc"), n, p=[0.6, 0.2, 0.2]), rng.choice(list("abc"), n)
    )
    table["smoker"] = (rng.random(n) < np.where(label == 1, 0.7, 0.4)).astype(float)
    table["constant"] = 1.0
    table["lacking"] = np.where((label == 1) & (rng.random(n) < 0.4), np.nan, table["same"])
    table.loc["P0", "label"] = np.nan
    return table


ROLES = {
    name: ["confounder"] for name in ("same", "shifted", "site", "smoker", "constant", "lacking")
}


@pytest.fixture(scope="module")
def table(patients):
    return confounding_table(patients, ROLES, seed=1)


def test_each_kind_of_column_has_its_measure(table):
    rows = table.set_index("column")
    assert list(table.columns) == COLUMNS
    assert rows.loc["shifted", "measure"] == "standardised difference"
    assert rows.loc["smoker", "measure"] == "odds ratio"
    assert rows.loc["site", "measure"] == "Cramér's V"
    assert rows.loc["constant", "reason"] == "the same value in all patients"
    assert np.isnan(rows.loc["constant", "padj"])


def test_effects_have_their_textbook_values(table, patients):
    rows, known = table.set_index("column"), patients[patients["label"].notna()]
    groups = known.groupby("label")["shifted"]
    spread = np.sqrt(groups.var().mean())
    difference = (groups.mean()[1.0] - groups.mean()[0.0]) / spread
    assert rows.loc["shifted", "effect"] == pytest.approx(difference)
    cells = pd.crosstab(known["smoker"], known["label"]).to_numpy()
    ratio = cells[1, 1] * cells[0, 0] / (cells[1, 0] * cells[0, 1])
    assert rows.loc["smoker", "effect"] == pytest.approx(ratio)
    test = chi2_contingency(pd.crosstab(known["site"], known["label"]), correction=False)
    assert rows.loc["site", "pvalue"] == pytest.approx(test.pvalue)
    assert rows.loc["site", "effect"] == pytest.approx(np.sqrt(test.statistic / 199))


def test_intervals_hold_the_estimate_and_find_the_differences(table):
    known = table[table["effect"].notna()]
    assert (known["lower"] <= known["effect"]).all() and (known["effect"] <= known["upper"]).all()
    rows = table.set_index("column")
    assert rows.loc[["shifted", "site", "smoker"], "padj"].max() < 0.05
    assert rows.loc["same", "lower"] < 0 < rows.loc["same", "upper"]
    assert rows.loc["lacking", "missing_pvalue"] < 0.001


def test_two_values_have_the_standardised_difference_of_their_shares(patients):
    named = patients.assign(smoker=patients["smoker"].map({1.0: "yes", 0.0: "no"}))
    row = confounding_table(named, {"smoker": ["covariate"]}, seed=1).iloc[0]
    shares = (
        named[named["label"].notna()].groupby("label")["smoker"].agg(lambda s: (s == "yes").mean())
    )
    spread = np.sqrt((shares * (1 - shares)).mean())
    expected = (shares[1.0] - shares[0.0]) / spread
    assert row["standardised_difference"] == pytest.approx(expected, rel=0.02)


def test_intervals_of_cramers_v_cover_it():
    rng = np.random.default_rng(8)
    positive, negative = np.array([0.5, 0.3, 0.2]), np.array([0.3, 0.3, 0.4])
    middle = (positive + negative) / 2
    true = np.sqrt((((positive - middle) ** 2 + (negative - middle) ** 2) / middle).sum() / 2)
    covered = []
    for seed in range(200):
        site = [
            *rng.choice(list("abc"), 150, p=positive),
            *rng.choice(list("abc"), 150, p=negative),
        ]
        frame = pd.DataFrame({"label": np.repeat([1.0, 0.0], 150), "site": site})
        row = confounding_table(frame, {"site": ["site"]}, seed).iloc[0]
        covered.append(row["lower"] <= true <= row["upper"])
    assert 0.9 <= np.mean(covered) <= 0.99


def test_rare_levels_are_tested_by_permutation():
    label = np.repeat([1.0, 0.0], 10)
    frame = pd.DataFrame({"label": label, "site": [*"aaaaaaaabc", *"bbbbbbbbca"]})
    row = confounding_table(frame, {"site": ["site"]}, seed=2).iloc[0]
    assert 1 / 2001 <= row["pvalue"] < 0.05
    again = confounding_table(frame, {"site": ["site"]}, seed=2).iloc[0]
    assert row["pvalue"] == again["pvalue"]


def test_the_summary_names_what_differs(table):
    summary = table_summary(table, 0.05)
    assert set(summary["differing"]) == {"shifted", "site", "smoker"}
    assert summary["missing_differs"] == ["lacking"]


def test_a_label_that_follows_the_site_is_told_and_a_free_one_is_not(patients, table, tmp_path):
    told = predictability(patients, ["shifted", "site"], ["site"], n_samples=200, seed=3)
    assert told["lower"] > 0.5
    assert told["pvalue"] == pytest.approx(0.001)
    assert "determine the label" in told["warning"]
    one = predictability(patients, ["site"], ["site"], n_samples=200, seed=3)
    assert "site determines the label" in one["warning"]
    free = predictability(patients, ["same"], [], n_samples=200, seed=3)
    assert free["warning"] is None
    assert free["lower"] < 0.5 < free["upper"]
    figure = love_figure(table, 0.05, told)
    # an arrow for each difference, or end of its interval, beyond the axis
    ends = table[["standardised_lower", "standardised_upper"]].abs().max(axis=1)
    arrows = [line for line in figure.axes[0].lines if line.get_marker() == ">"]
    assert len(arrows) == (ends > FAR).sum() > 0
    save_figure(figure, tmp_path / "love.svg")
    assert (tmp_path / "love.svg").stat().st_size > 1000


def test_no_technical_columns_give_a_reason(patients, table, tmp_path):
    none = predictability(patients, [], [], n_samples=100, seed=1)
    assert none["auc"] is None
    assert "neither a site nor technical" in none["auc_reason"]
    save_figure(love_figure(table.iloc[:0], 0.05, none), tmp_path / "love.svg")
    assert (tmp_path / "love.svg").stat().st_size > 500


def test_who_has_a_layer_is_compared_where_patients_lack_it():
    label = np.repeat([1.0, 0.0], 30)
    has = np.r_[np.ones(30), np.arange(30) % 3 == 0]
    frame = pd.DataFrame({"label": label, "in_rna": 1.0, "in_noise": has})
    no_columns = {key: [] for key in ("technical", "confounders", "predictors", "circular")}
    nothing = {
        "samples": {"site": None},
        "label": {"column": "label"},
        "clinical": no_columns,
        "cells": {"columns": None},
    }
    roles = column_roles(nothing, {}, ["rna", "noise"])
    table = confounding_table(frame, roles, seed=1)
    row = table.set_index("column").loc["in_noise"]
    assert "in_rna" not in set(table["column"])
    assert (row["roles"], row["measure"]) == ("layer", ODDS_RATIO)
    assert row["effect"] > 10
    summary = table_summary(table, 0.05)
    assert (summary["layers_differ"], summary["differing"]) == (["noise"], [])


def test_a_cohort_without_columns_has_an_empty_table():
    table = confounding_table(pd.DataFrame({"label": [1.0, 0.0, np.nan]}), {}, seed=1)
    assert list(table) == COLUMNS
    assert table_summary(table, 0.05)["n_columns"] == 0
