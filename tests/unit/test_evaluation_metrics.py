import numpy as np
import pandas as pd
import pytest

from trdomics.evaluation.logistic_recalibration import log_odds
from trdomics.evaluation.metrics import METRICS, performance


def values(table: pd.DataFrame) -> pd.Series:
    return table.set_index("metric")["value"]


def test_known_values():
    label = np.array([0, 0, 1, 1, 0, 1])
    probability = np.array([0.1, 0.6, 0.4, 0.9, 0.4, 0.8])
    result = values(performance(label, probability))
    # of nine pairs seven are in order and one is tied
    assert result["auroc"] == pytest.approx(7.5 / 9)
    assert result["balanced_accuracy"] == pytest.approx((2 / 3 + 2 / 3) / 2)
    assert result["brier"] == pytest.approx(
        np.mean([0.1**2, 0.6**2, 0.6**2, 0.1**2, 0.4**2, 0.2**2])
    )


def test_true_probabilities_are_calibrated():
    rng = np.random.default_rng(3)
    probability = rng.beta(2, 2, size=60_000)
    label = (rng.random(probability.size) < probability).astype(int)
    result = values(performance(label, probability))
    assert result["calibration_slope"] == pytest.approx(1, abs=0.04)
    assert result["calibration_intercept"] == pytest.approx(0, abs=0.04)


def test_slope_and_intercept_find_a_known_distortion():
    rng = np.random.default_rng(4)
    odds = rng.normal(size=60_000)
    label = (rng.random(odds.size) < 1 / (1 + np.exp(-odds))).astype(int)
    too_extreme = 1 / (1 + np.exp(-2 * odds))
    too_high = 1 / (1 + np.exp(-(odds + 0.7)))
    assert values(performance(label, too_extreme))["calibration_slope"] == pytest.approx(
        0.5, abs=0.02
    )
    # the slope is fixed at 1, so that the whole shift lands in the intercept
    assert values(performance(label, too_high))["calibration_intercept"] == pytest.approx(
        -0.7, abs=0.04
    )


def test_repeats_are_averaged_after_the_metric_and_not_before():
    label = np.array([0, 1, 0, 1])
    right, wrong = np.array([0.2, 0.8, 0.3, 0.9]), np.array([0.8, 0.2, 0.9, 0.3])
    result = values(performance(label, np.column_stack([right, wrong]), ["auroc"]))
    assert result["auroc"] == pytest.approx(0.5)


def test_one_class_gives_reasons_and_still_a_brier_score():
    table = performance(np.ones(5), np.full(5, 0.8)).set_index("metric")
    assert table.loc["brier", "value"] == pytest.approx(0.04)
    others = table.drop("brier")
    assert others["value"].isna().all()
    assert (others["reason"] == "all patients are of one class").all()


@pytest.mark.parametrize(
    ("probability", "reason"),
    [
        ([0.4, 0.4, 0.4, 0.4], "equal"),
        ([0.1, 0.2, 0.8, 0.9], "separate"),
        ([0.9, 0.8, 0.2, 0.1], "separate"),
    ],
)
def test_a_slope_that_does_not_exist_says_why(probability, reason):
    table = performance([0, 0, 1, 1], probability).set_index("metric")
    assert np.isnan(table.loc["calibration_slope", "value"])
    assert reason in table.loc["calibration_slope", "reason"]
    assert np.isfinite(table.loc["auroc", "value"])


def test_a_slope_too_large_to_fit_says_so():
    # one of many patients on the wrong side by next to nothing
    probability = np.r_[np.full(200, 0.5 - 1e-4), 0.5 + 2e-4, np.full(200, 0.5 + 1e-4)]
    label = np.r_[np.zeros(201), np.ones(200)]
    table = performance(label, probability, ["calibration_slope"]).iloc[0]
    assert np.isnan(table["value"])
    assert "too large" in table["reason"]


def test_no_patient_gives_reasons():
    table = performance(np.array([]), np.array([]))
    assert table["metric"].tolist() == list(METRICS)
    assert table["value"].isna().all()
    assert (table["reason"] != "").all()


@pytest.mark.parametrize(
    ("label", "probability"),
    [([0, 2], [0.1, 0.2]), ([0, 1], [0.1, np.nan]), ([0, 1], [0.1, 1.2])],
)
def test_nonsense_is_refused(label, probability):
    with pytest.raises(ValueError, match="must"):
        performance(label, probability)


def test_certain_predictions_have_finite_log_odds():
    odds = log_odds([0.0, 0.5, 1.0])
    assert np.isfinite(odds).all()
    assert odds[1] == 0
    assert odds[0] == pytest.approx(-odds[2])


def test_a_slope_that_cannot_be_fitted_says_whether_the_predictions_are_alike():
    noise = 0.5 + 1e-5 * np.random.default_rng(0).normal(size=36)
    found = performance([1, 0] * 18, noise, ["calibration_slope"]).iloc[0]
    assert np.isnan(found["value"])
    assert found["reason"] == "the predictions hardly differ, so the slope is too large to fit"
