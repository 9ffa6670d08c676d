import numpy as np
import pandas as pd
import pytest

from trdomics.evaluation.importance import (
    chosen_table,
    importance_table,
    mean_overlap,
    winners_in_words,
)


@pytest.fixture
def chosen() -> pd.DataFrame:
    rows = [
        # split, feature set, role, model, inner AUROC, winner
        ("r1f1", "mrna", "candidate", "elastic_net", 0.70, 1),
        ("r1f1", "mofa", "candidate", "elastic_net", 0.60, 0),
        ("r1f1", "clinical", "baseline", "elastic_net", 0.80, 0),
        ("r1f2", "mrna", "candidate", "random_forest", 0.65, 0),
        ("r1f2", "mofa", "candidate", "elastic_net", 0.66, 1),
        ("r1f2", "clinical", "baseline", "elastic_net", 0.60, 0),
    ]
    columns = ["split", "feature_set", "role", "model", "inner_auc", "chosen"]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture
def importance() -> pd.DataFrame:
    rows = [
        ("r1f1", "mrna", "elastic_net", "mrna", "A", 3.0),
        ("r1f1", "mrna", "elastic_net", "mrna", "B", -1.0),
        ("r1f1", "mrna", "elastic_net", "mrna", "C", 0.0),
        ("r1f1", "mofa", "elastic_net", "mofa", "Factor1", 1.0),
        ("r1f1", "mofa", "elastic_net", "clinical", "age", -1.0),
        ("r1f2", "mrna", "random_forest", "mrna", "A", 0.25),
        ("r1f2", "mrna", "random_forest", "mrna", "C", 0.75),
        ("r1f2", "mofa", "elastic_net", "mofa", "Factor1", -2.0),
        ("r1f2", "mofa", "elastic_net", "mofa", "Factor2", 1.0),
        ("r1f2", "mofa", "elastic_net", "clinical", "age", 1.0),
    ]
    columns = ["split", "feature_set", "model", "block", "feature", "importance"]
    return pd.DataFrame(rows, columns=columns)


def test_shares_use_and_direction_by_hand(importance, chosen):
    table = importance_table(importance, chosen).set_index(["feature_set", "feature"])
    mrna = table.loc["mrna"]
    assert mrna.index.tolist() == ["A", "C", "B"]
    assert mrna["share"].tolist() == pytest.approx([(0.75 + 0.25) / 2, 0.75 / 2, 0.25 / 2])
    assert mrna["used"].tolist() == [1.0, 0.5, 0.5]
    # the forest has no direction: A's comes from the one linear model, C has none
    assert mrna["direction"].tolist() == [1, 0, -1]
    assert mrna.loc["A", "same_sign"] == 1
    assert np.isnan(mrna.loc["C", "same_sign"])
    # {A, B} against {A, C}
    assert mrna["overlap"].tolist() == pytest.approx([1 / 3] * 3)
    age = table.loc[("mofa", "age")]
    assert (age["direction"], age["same_sign"]) == (0, 0.5)


def test_factors_of_different_mofas_are_not_matched_by_number(importance, chosen):
    table = importance_table(importance, chosen)
    mofa = table[table["feature_set"] == "mofa"].set_index("feature")
    assert set(mofa.index) == {"all factors", "age"}
    assert mofa.loc["all factors", "share"] == pytest.approx((1 / 2 + 3 / 4) / 2)
    assert mofa.loc["all factors", "direction"] == 0
    assert np.isnan(mofa.loc["all factors", "same_sign"])


def test_selected_is_whatever_won_each_split(importance, chosen):
    table = importance_table(importance, chosen)
    selected = table[table["feature_set"] == "selected"].set_index("feature")
    assert selected["share"].to_dict() == pytest.approx(
        {"A": 0.375, "all factors": 0.375, "age": 0.125, "B": 0.125}
    )
    assert selected["overlap"].iloc[0] == 0


def test_shares_sum_to_one(importance, chosen):
    table = importance_table(importance, chosen)
    assert table.groupby("feature_set")["share"].sum().tolist() == pytest.approx([1, 1, 1])


def test_order_of_rows_changes_nothing(importance, chosen):
    pd.testing.assert_frame_equal(
        importance_table(importance, chosen),
        importance_table(importance.sample(frac=1, random_state=3), chosen),
    )


def test_models_that_use_nothing_give_an_empty_table(importance, chosen):
    table = importance_table(importance.assign(importance=0.0), chosen)
    assert table.empty
    assert "share" in table


def test_top_counts_twenty_features_only(chosen):
    rows = pd.DataFrame(
        {
            "split": np.repeat(["r1f1", "r1f2"], 30),
            "feature_set": "mrna",
            "model": "elastic_net",
            "block": "mrna",
            "feature": [f"g{i:02d}" for i in range(30)] * 2,
            # the second split has the order turned round
            "importance": np.r_[np.arange(30, 0, -1), np.arange(1, 31)],
        }
    )
    table = importance_table(rows, chosen)
    mrna = table[table["feature_set"] == "mrna"].set_index("feature")
    assert mrna.loc[["g00", "g15", "g29"], "top20"].tolist() == [0.5, 1.0, 0.5]
    assert mrna["overlap"].iloc[0] == pytest.approx(10 / 30)


def test_overlap():
    a, b, c = frozenset("ab"), frozenset("bc"), frozenset("ab")
    assert mean_overlap([a, b, c]) == pytest.approx((1 / 3 + 1 + 1 / 3) / 3)
    assert np.isnan(mean_overlap([a]))


def test_chosen_counts_winners_and_lists_the_others(chosen):
    table = chosen_table(chosen).set_index(["feature_set", "model"])
    assert table.loc[("mrna", "elastic_net"), "n_won"] == 1
    assert table.loc[("mrna", "random_forest"), "n_won"] == 0
    assert table.loc[("mofa", "elastic_net"), ["n_splits", "n_won"]].tolist() == [2, 1]
    assert table.loc[("mofa", "elastic_net"), "inner_auc"] == pytest.approx(0.63)
    # a baseline does not win, however good
    assert table.loc[("clinical", "elastic_net"), "share_won"] == 0
    assert table["share_won"].sum() == 1


def test_winners_in_words(chosen):
    text = winners_in_words(chosen_table(chosen))
    assert text.startswith("Of 2 splits")
    assert "mofa 1" in text
    assert "elastic_net 2" in text
    assert "clinical" not in text
    assert winners_in_words(chosen_table(chosen.assign(chosen=0))).startswith("No feature set")
