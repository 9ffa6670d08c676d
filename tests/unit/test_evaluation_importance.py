import numpy as np
import pandas as pd
import pytest

from trdomics.evaluation.importance import (
    chosen_table,
    importance_table,
    mean_overlap,
    models_in_words,
)


@pytest.fixture
def chosen() -> pd.DataFrame:
    rows = [
        # split, feature set, role, model, number of features, inner AUROC, weight
        ("r1f1", "mrna", "candidate", "elastic_net", "top 50", 0.70, 0.4),
        ("r1f1", "mofa", "candidate", "ridge", "all", 0.60, 0.0),
        ("r1f1", "clinical", "baseline", "elastic_net", "top 50", 0.80, 0.6),
        ("r1f1", "clinical", "baseline", "random_forest", "top 50", 0.70, 0.0),
        ("r1f1", "combined", "selected", "stack", None, 0.81, 0.0),
        ("r1f2", "mrna", "candidate", "random_forest", "top 50", 0.65, 0.2),
        ("r1f2", "mofa", "candidate", "ridge", "all", 0.66, 0.5),
        ("r1f2", "clinical", "baseline", "elastic_net", "top 50", 0.60, 0.3),
        ("r1f2", "combined", "selected", "stack", None, 0.79, 0.0),
    ]
    columns = ["split", "feature_set", "role", "model", "n_features", "inner_auc", "weight"]
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


def test_members_of_a_stack_that_use_a_feature_are_added_up(importance, chosen):
    rows = [
        ("r1f1", "late_fusion", "elastic_net", "mrna", "A", 1.0),
        ("r1f1", "late_fusion", "ridge", "mrna", "A", -2.0),
        ("r1f1", "late_fusion", "random_forest", "mrna", "A", 3.0),
        ("r1f1", "late_fusion", "ridge", "mrna", "B", 2.0),
    ]
    stack = pd.DataFrame(rows, columns=importance.columns)
    twice = pd.concat([stack, stack.assign(split="r1f2")])
    table = importance_table(twice, chosen).set_index("feature")
    assert table["share"].to_dict() == pytest.approx({"A": 0.75, "B": 0.25})
    assert table["used"].tolist() == table["top20"].tolist() == [1, 1]
    # the trees say nothing of the direction
    assert table["direction"].to_dict() == {"A": -1, "B": 1}


def test_shares_sum_to_one(importance, chosen):
    table = importance_table(importance, chosen)
    assert table.groupby("feature_set")["share"].sum().tolist() == pytest.approx([1, 1])


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


def test_chosen_counts_models_and_numbers_of_features_by_set(chosen):
    table = chosen_table(chosen).set_index(["feature_set", "model", "n_features"])
    assert table.loc[("mrna", "elastic_net", "top 50"), "n_splits"] == 1
    assert table.loc[("mrna", "random_forest", "top 50"), "share"] == 0.5
    assert table.loc[("mofa", "ridge", "all"), ["n_splits", "share"]].tolist() == [2, 1]
    assert table.loc[("mofa", "ridge", "all"), "inner_auc"] == pytest.approx(0.63)
    assert table["weight"].groupby("feature_set").sum().to_dict() == pytest.approx(
        {"clinical": 0.45, "combined": 0, "mofa": 0.25, "mrna": 0.3}
    )
    # a worse model of the same set and split does not count
    assert ("clinical", "random_forest", "top 50") not in table.index
    assert table.groupby("feature_set")["share"].sum().tolist() == [1, 1, 1, 1]


def test_models_in_words_leave_out_what_is_made_of_others(chosen):
    assert models_in_words(chosen_table(chosen)) == {
        "clinical": "weight 45%; elastic net, top 50 features: 2",
        "mofa": "weight 25%; ridge, all features: 2",
        "mrna": "weight 30%; elastic net, top 50 features: 1; random forest, top 50 features: 1",
    }
