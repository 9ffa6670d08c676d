import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency, kruskal

from trdomics.integration.associations import LABEL
from trdomics.subtypes.associations import in_words, sentence, subtype_associations
from trdomics.subtypes.figures import association_figure, consensus_figure, criterion_figure
from trdomics.subtypes.selection import find_subtypes
from trdomics.subtypes.summary import headline

KINDS = {
    LABEL: "label",
    "sex": "covariate",
    "cells": "covariate",
    "rare": "site",
    "same": "technical",
    "gone": "technical",
}


@pytest.fixture
def subtypes():
    return pd.Series(np.repeat(["S1", "S2"], [60, 40]), index=[f"P{i}" for i in range(100)])


@pytest.fixture
def patients(subtypes):
    rng = np.random.default_rng(1)
    second = (subtypes == "S2").to_numpy()
    return pd.DataFrame(
        {
            LABEL: np.where(np.arange(100) < 5, np.nan, rng.integers(0, 2, 100)),
            "sex": np.where(second ^ (rng.random(100) < 0.05), "f", "m"),
            "cells": rng.normal(size=100) + second,
            "rare": np.where(np.isin(np.arange(100), [3, 70, 80, 90]), "x", "y"),
            "same": 1.0,
            "gone": np.nan,
        },
        index=subtypes.index,
    ).sample(frac=1, random_state=1)


def test_tests_and_effects_are_those_of_the_textbook(subtypes, patients):
    found = subtype_associations(subtypes, patients, KINDS, 1).set_index("variable")
    table = pd.crosstab(subtypes, patients["sex"].reindex(subtypes.index))
    expected = chi2_contingency(table, correction=False)
    assert found.index[0] == "sex"
    assert found.loc["sex", "pvalue"] == pytest.approx(expected[1])
    assert found.loc["sex", "effect"] == pytest.approx(np.sqrt(expected[0] / 100))
    cells = patients["cells"].reindex(subtypes.index)
    h, pvalue = kruskal(cells[subtypes == "S1"], cells[subtypes == "S2"])
    assert found.loc["cells", "pvalue"] == pytest.approx(pvalue)
    assert found.loc["cells", "effect"] == pytest.approx((h - 1) / 98)
    assert found.loc[LABEL, "n"] == 95
    assert found.loc[LABEL, "padj"] > 0.05


def test_where_few_are_expected_the_pvalue_is_permuted_and_reproducible(subtypes, patients):
    one, other = (
        subtype_associations(subtypes, patients, KINDS, 4).set_index("variable") for _ in range(2)
    )
    assert one.loc["rare", "test"] == "chi2, permuted"
    assert one.loc["rare", "pvalue"] == other.loc["rare", "pvalue"]
    # P(at least 3 of 4 in the second of 60 + 40, or none … as far off), hypergeometric
    assert 0.05 < one.loc["rare", "pvalue"] < 0.35


def test_what_cannot_be_tested_says_why(subtypes, patients):
    found = subtype_associations(subtypes, patients, KINDS, 1).set_index("variable")
    assert found.loc["same", "reason"] == "the same for all patients"
    assert found.loc["gone", "reason"] == "fewer than 10 patients have a value"
    without = subtype_associations(subtypes, patients, KINDS, 1, "one cloud")
    assert (without["reason"] == "no subtypes: one cloud").all()
    assert without["pvalue"].isna().all()


def test_one_sentence_says_what_subtypes_are(subtypes, patients):
    phrases = in_words(subtype_associations(subtypes, patients, KINDS, 1))
    assert phrases[0].startswith("sex (V 0.")
    assert sentence([60, 40], phrases, 0.005, "").startswith(
        "2 subtypes of 60, 40 patients (p = 0.005): they are associated with sex"
    )
    assert sentence([9, 8], [], 0.01, "").endswith("they are associated with no known variable.")
    assert sentence([100], [], 0.3, "one cloud") == "No subtypes: one cloud (p = 0.3)."
    assert sentence([9], [], float("nan"), "few") == "No subtypes: few."


@pytest.mark.parametrize("distance", [0.0, 8.0])
def test_headline_and_figures_know_subtypes_and_their_absence(subtypes, patients, distance):
    rng = np.random.default_rng(2)
    values = rng.normal(size=(100, 3)) + distance * (subtypes == "S2").to_numpy()[:, None]
    found = find_subtypes(values, 1, references=39)
    table = subtype_associations(subtypes, patients, KINDS, 1, found.reason)
    summary = headline(found, table, ["a", "b", "c"], 1)
    assert summary["n_subtypes"] == (2 if distance else 1)
    assert ("consensus_reason" in summary) == (distance == 0)
    assert ("label_padj_reason" in summary) == (distance == 0)
    names = [text.get_text() for text in association_figure(table, "x").axes[0].get_yticklabels()]
    assert ("sex (V)" in names) == (distance > 0)
    assert len(criterion_figure(found.table).axes[0].lines) >= 1
    drawn = consensus_figure(found.matrix, subtypes, "x").axes[1].images[0].get_array()
    assert drawn.shape == (100, 100)


def test_figures_say_that_nothing_was_tested(subtypes):
    few = find_subtypes(np.zeros((5, 2)), 1)
    assert "fewer than 30" in criterion_figure(few.table).axes[0].texts[0].get_text()
    assert consensus_figure(few.matrix, subtypes.head(5), "x").axes[1].images
