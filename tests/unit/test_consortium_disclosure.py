"""Numbers of patients, curves and descriptions that tell of no small group."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from trdomics.consortium.disclosure import (
    burden_effects,
    coarse,
    curves,
    description,
    lumped,
    risk_bins,
    rounded,
)
from trdomics.consortium.export import coarse_counts
from trdomics.evaluation.decision_curve import net_benefit

MINIMUM = 5


def test_counts_are_rounded_down_so_that_differences_tell_nothing():
    assert [coarse(n, 5) for n in (0, 4, 5, 9, 153)] == [0, 0, 5, 5, 150]
    told = coarse_counts({"n_training": 153, "inner": [{"n_x": 7}], "auc": 0.7, "n": True}, 5)
    assert told == {"n_training": 150, "inner": [{"n_x": 5}], "auc": 0.7, "n": True}


def test_bins_hold_enough_of_both_groups_and_the_curves_come_from_them():
    rng = np.random.default_rng(1)
    label = rng.integers(0, 2, 200)
    probability = np.clip(label * 0.3 + rng.uniform(0, 0.7, 200), 0, 1)
    bins = risk_bins(label, probability, MINIMUM)
    assert bins[["n_positive", "n_negative"]].min().min() >= MINIMUM
    assert bins[["n_positive", "n_negative"]].sum().sum() == 200
    assert bins["predicted"].is_monotonic_decreasing
    shown = curves(label, probability[:, None], MINIMUM)
    assert shown["roc"].iloc[[0, -1]].to_numpy().tolist() == [[0, 0], [1, 1]]
    assert (shown["calibration"]["n"] % MINIMUM == 0).all()
    everyone = shown["decision"]
    low = everyone[everyone["threshold"] == 0.05].iloc[0]
    assert low["net_benefit"] == pytest.approx(low["treat_all"], abs=0.011)
    assert risk_bins(np.array([1] * 4 + [0] * 90), np.linspace(0, 1, 94), MINIMUM).empty
    # groups that are separated perfectly leave one bin, whose curve would be that of chance
    apart, risk = np.repeat([1, 0], 50), np.linspace(1, 0, 100)
    assert len(risk_bins(apart, risk, MINIMUM)) == 1
    assert not curves(apart, risk[:, None], MINIMUM)


def test_curves_are_averaged_over_repeats_as_the_metrics_are():
    """Probabilities averaged first, of repeats that each are worse, have a greater AUROC."""
    rng = np.random.default_rng(3)
    label = np.arange(400) % 2
    probability = 1 / (1 + np.exp(1 - 2 * label[:, None] - rng.normal(scale=2.5, size=(400, 10))))
    mean = np.mean([roc_auc_score(label, column) for column in probability.T])
    averaged = roc_auc_score(label, probability.mean(axis=1))
    assert averaged > mean + 0.1
    shown = curves(label, probability, MINIMUM)
    area = np.trapezoid(shown["roc"]["true_positive_rate"], shown["roc"]["false_positive_rate"])
    assert area == pytest.approx(mean, abs=0.02)
    benefit = shown["decision"].set_index("threshold")["net_benefit"]
    exact = net_benefit(label, probability, thresholds=np.array([0.3, 0.5]))["net_benefit"]
    np.testing.assert_allclose(benefit[[0.3, 0.5]], exact, atol=0.025)
    calibration = shown["calibration"]
    assert calibration["n"].sum() <= 400
    assert (calibration["n"] >= 2 * MINIMUM).all()
    assert not curves(label[:8], probability[:8], MINIMUM)


def test_features_of_few_carriers_are_left_out():
    results = pd.DataFrame(
        {
            "feature": list("abcde"),
            "carriers_positive": [5, 4, 20, 97, 5],
            "carriers_negative": [5, 30, 20, 50, 5],
            "others_positive": [95, 96, 80, 3, 4],
            "others_negative": [95, 70, 80, 50, 90],
            "log_odds_ratio": [0.0, 1.0, np.inf, 0.3, 0.0],
            "lower": [-1.0, 0.1, 0.2, 0.1, -1.0],
            "upper": [1.0, 2.0, np.inf, 0.5, 1.0],
        }
    )
    # of e most are not known
    table = burden_effects(results, 5)
    assert table["feature"].tolist() == ["a"]
    # ten carriers: a step of 0.1, the next above a sixth of the error
    assert table["se"].iloc[0] == 0.5


def test_descriptions_have_no_extremes_and_no_small_groups():
    patients = pd.DataFrame(
        {
            "age": np.r_[np.linspace(20, 60, 99), 99.0],
            "smokes": [1] * 3 + [0] * 97,
            "drug": ["a"] * 60 + ["b"] * 33 + ["c"] * 4 + ["d"] * 3,
            "few": [1.0] * 4 + [np.nan] * 96,
        }
    )
    table = description(patients, list(patients), MINIMUM)
    assert set(table["column"]) == {"age", "drug"}
    assert not (table[["mean", "sd"]] == 99).any(axis=None)
    drug = table[table["column"] == "drug"].set_index("level")["share"]
    # of 100 patients, a last digit that is worth five of them
    assert drug.to_dict() == {"a": 0.6, "b": 0.35, "other": 0.05}
    # the next larger joins where the small ones are too few together
    assert lumped(pd.Series(list("aaaaaaaaab" + "c" * 6)), 5) == {"a": 9, "other": 7}
    assert (table["n"] % MINIMUM == 0).all()


def test_metrics_have_three_decimals_and_stay_inside_their_range():
    table = pd.DataFrame({"value": [0.712345, 0.99996, 0.00001, 1.0], "se": 0.0333333, "n": 1234.5})
    found = rounded(table, ["value", "se"])
    assert list(found["value"]) == [0.712, 0.999, 0.001, 1.0]
    assert list(found["se"]) == [0.033] * 4
    assert list(found["n"]) == [1234.5] * 4
