"""Contributions to out-of-fold predictions, over repeats and patients."""

import numpy as np
import pandas as pd
import pytest

from trdomics.evaluation.contributions import contributions_table, group_means

LABELS = pd.Series({"a": 1.0, "b": 0.0, "c": 0.0, "unlabelled": np.nan})
SPLITS = pd.DataFrame(
    [
        (1, "a", "layer", "rna", 1.0),
        (1, "b", "layer", "rna", -2.0),
        (1, "c", "layer", "rna", 0.5),
        (1, "a", "baseline", "baseline", -0.4),
        # the model of the second repeat that predicted `a` did not use the layer
        (2, "a", "predictor", "age", 0.6),
        (2, "b", "layer", "rna", -1.0),
        (2, "c", "layer", "rna", 0.5),
        (2, "a", "baseline", "baseline", -0.2),
    ],
    columns=["repeat", "patient_id", "kind", "group", "contribution"],
)


def test_what_a_repeat_did_not_use_counts_zero_and_the_sum_is_the_mean_of_the_log_odds():
    table = contributions_table(SPLITS, LABELS)
    found = table.set_index(["patient_id", "group"])["contribution"]
    assert found["a", "rna"] == pytest.approx(0.5)
    assert found["b", "rna"] == pytest.approx(-1.5)
    assert found["a"].sum() == pytest.approx((1.0 - 0.4 + 0.6 - 0.2) / 2)
    assert set(table["label"]) == {0, 1}


def test_groups_are_ordered_by_how_far_they_move_and_averaged_by_class():
    means = group_means(contributions_table(SPLITS, LABELS)).set_index("group")
    assert list(means.index) == ["rna", "age"]
    assert means.loc["rna", "size"] == pytest.approx((0.5 + 1.5 + 0.5) / 3)
    assert means.loc["rna", ["negative", "positive"]].tolist() == pytest.approx([-0.5, 0.5])
    assert means.loc["age", ["negative", "positive"]].tolist() == pytest.approx([0.0, 0.3])
