"""Factors against variables: the right test, effect, interval and family of p-values."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from trdomics.integration.associations import adjusted_test, associations, variable_kinds
from trdomics.integration.characterise import by_label, in_words

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


def confounded(n=400, seed=3):
    """Return a factor that follows the neutrophils, which differ by label, and one by label."""
    rng = np.random.default_rng(seed)
    label = pd.Series(rng.integers(0, 2, n).astype(float))
    sheet = pd.DataFrame(
        {"neutrophils": label + rng.normal(size=n), "site": rng.choice(["a", "b"], n)}
    )
    sheet.loc[:4, "neutrophils"] = np.nan
    cells = sheet["neutrophils"].fillna(0)
    factors = pd.DataFrame(
        {"Factor1": cells + 0.3 * rng.normal(size=n), "Factor2": label + rng.normal(size=n)}
    )
    return factors, sheet.assign(label=label)


def test_a_confounded_factor_loses_its_link_to_the_label_when_adjusted():
    factors, patients = confounded()
    names = ["neutrophils", "site"]
    found = associations(factors, patients, {"label": "label"}, confounders=names)
    rows = found.set_index("factor")
    assert (rows["padj"] < 1e-6).all()
    assert rows.loc["Factor1", "padj_adjusted"] > 0.05
    lower, upper = rows.loc["Factor1", ["auc_adjusted_lower", "auc_adjusted_upper"]]
    assert lower < 0.5 < upper
    assert rows.loc["Factor2", "padj_adjusted"] < 1e-6
    # two normal groups one standard deviation apart
    assert rows.loc["Factor2", "auc_adjusted"] == pytest.approx(0.76, abs=0.03)
    assert (rows["n_adjusted"] == len(patients) - 5).all()
    words = in_words(by_label(found).set_index("factor", drop=False).loc["Factor1"])
    assert f"; adjusted for the confounders {rows.loc['Factor1', 'auc_adjusted']:.2f} (" in words


def test_the_adjusted_test_says_why_it_cannot_be_made():
    factors, patients = confounded()
    factor, label = factors["Factor1"], patients["label"]
    twin = pd.DataFrame({"twin": label})
    assert adjusted_test(factor, label, twin)["reason_adjusted"] == (
        "the confounders determine the label"
    )
    assert "no confounders" in adjusted_test(factor, label, twin[[]])["reason_adjusted"]
    many = pd.DataFrame({"plate": np.arange(len(label)).astype(str)})
    assert "coefficients for" in adjusted_test(factor, label, many)["reason_adjusted"]


def test_adjusted_p_values_are_uniform_where_only_the_confounder_differs():
    pvalues = []
    for seed in range(100):
        factors, patients = confounded(n=80, seed=seed)
        tested = adjusted_test(factors["Factor1"], patients["label"], patients[["neutrophils"]])
        pvalues.append(tested["pvalue_adjusted"])
    assert stats.kstest(pvalues, "uniform").pvalue > 0.01


def test_every_column_has_one_kind():
    clinical = {
        "predictors": ["age"],
        "circular": ["score"],
        "confounders": ["site", "rin", "cells"],
        "technical": ["rin", "site"],
    }
    assert variable_kinds(clinical, "site") == {
        "label": "label",
        "site": "site",
        "rin": "technical",
        "age": "covariate",
        "score": "covariate",
        "cells": "covariate",
    }
    assert variable_kinds({**clinical, "confounders": []}, None)["site"] == "technical"
