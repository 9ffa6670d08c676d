"""Factors against variables: the right test, effect, interval and family of p-values."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from trdomics.integration.associations import associations, variable_kinds

N = 120


@pytest.fixture
def cohort():
    rng = np.random.default_rng(1)
    index = pd.Index([f"P{i}" for i in range(N)], name="patient_id")
    label = pd.Series(rng.integers(0, 2, N).astype(float), index)
    label.iloc[:10] = np.nan
    site = pd.Series(rng.choice(["north", "south", "west"], N), index)
    rin = pd.Series(rng.normal(8, 1, N), index)
    factors = pd.DataFrame(
        {
            "Factor1": label.fillna(0.5) * 1.5 + rng.normal(size=N),
            "Factor2": rin - 8 + 0.5 * rng.normal(size=N),
            "Factor3": (site == "west") * 2.0 + rng.normal(size=N),
        },
        index=index,
    )
    patients = pd.DataFrame(
        {
            "label": label,
            "site": site,
            "rin": rin,
            "batch": rng.choice(["1", "2", "3"], N),
            "smoker": rng.integers(0, 2, N),
            "constant": 1.0,
            "rare": [1.0, 0.0] * 2 + [np.nan] * (N - 4),
        },
        index=index,
    )
    return factors, patients


@pytest.fixture
def table(cohort):
    factors, patients = cohort
    kinds = {"label": "label", "site": "site", "rin": "technical"}
    kinds |= dict.fromkeys(["batch", "smoker", "constant", "rare"], "covariate")
    found = associations(
        factors,
        patients.sample(frac=1, random_state=0),
        kinds,
        label_names=("control", "case"),
    )
    return found.set_index(["factor", "variable"])


def test_the_label_has_an_auc_with_an_interval(cohort, table):
    factors, patients = cohort
    row = table.loc[("Factor1", "label")]
    case = factors.loc[patients["label"] == 1, "Factor1"]
    control = factors.loc[patients["label"] == 0, "Factor1"]
    wins = (case.to_numpy()[:, None] > control.to_numpy()[None, :]).mean()
    assert row["effect"] == pytest.approx(wins)
    assert row["lower"] < wins < row["upper"]
    assert row["lower"] > 0.5
    assert (row["effect_name"], row["contrast"], row["n"]) == ("auc", "case vs control", N - 10)


def test_a_numeric_variable_is_correlated(cohort, table):
    factors, patients = cohort
    row = table.loc[("Factor2", "rin")]
    expected = stats.spearmanr(factors["Factor2"], patients["rin"])
    assert row["effect"] == pytest.approx(expected.statistic)
    assert row["pvalue"] == pytest.approx(expected.pvalue)
    assert row["lower"] < row["effect"] < row["upper"]


def test_text_is_categories_also_where_it_looks_like_numbers(table):
    assert table.loc[("Factor3", "site"), "test"] == "Kruskal-Wallis"
    assert table.loc[("Factor3", "site"), "effect"] > 0.2
    assert table.loc[("Factor1", "batch"), "test"] == "Kruskal-Wallis"
    assert table.loc[("Factor1", "smoker"), "contrast"] == "1 vs 0"


@pytest.mark.parametrize(
    ("variable", "reason"),
    [("constant", "fewer than two groups"), ("rare", "fewer than 10 patients have a value")],
)
def test_what_cannot_be_tested_says_why(table, variable, reason):
    row = table.loc[("Factor1", variable)]
    assert np.isnan(row["pvalue"])
    assert np.isnan(row["padj"])
    assert reason in row["reason"]


def test_false_discoveries_are_controlled_over_the_whole_table(table):
    tested = table[table["pvalue"].notna()]
    assert len(tested) == 15
    expected = multipletests(tested["pvalue"], method="fdr_bh")[1]
    np.testing.assert_allclose(tested["padj"], expected)


def test_a_cohort_without_labels_has_the_reason(cohort):
    factors, patients = cohort
    found = associations(factors, patients.assign(label=np.nan), {"label": "label"})
    assert found["reason"].str.contains("fewer than").all()
    assert found["padj"].isna().all()


def test_every_column_has_one_kind():
    clinical = {
        "predictors": ["age"],
        "circular": ["score"],
        "confounders": ["site", "rin", "cells"],
        "technical": ["rin", "site"],
    }
    assert variable_kinds(clinical, {"site": "site"}) == {
        "label": "label",
        "site": "site",
        "rin": "technical",
        "age": "covariate",
        "score": "covariate",
        "cells": "covariate",
    }
    assert "site" not in variable_kinds({"predictors": ["age"]}, {"site": None})
