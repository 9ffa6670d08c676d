import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from sklearn.model_selection import StratifiedKFold

from trdomics.evaluation.metrics import measure
from trdomics.scoring.external_validation import (
    dealt,
    kind_of,
    net_benefit_interval,
    recalibrate,
    recalibration_curve,
    validation,
)

THRESHOLD = 0.3


def draw(n, seed, intercept=-1.0, slope=0.5):
    """Return labels and what a model that is off by a line in log odds says of them."""
    rng = np.random.default_rng(seed)
    said = rng.normal(scale=1.5, size=n)
    label = (rng.random(n) < expit(intercept + slope * said)).astype(float)
    return label, expit(said)


@pytest.mark.parametrize(
    ("n_positive", "kind"),
    [(9, "none"), (10, "intercept"), (29, "intercept"), (30, "intercept_slope")],
)
def test_the_rarer_class_decides_what_is_recalibrated(n_positive, kind):
    found, reason = kind_of(np.repeat([1.0, 0.0], [n_positive, 100]))
    assert found == kind
    assert (reason is None) == (kind != "none")


def test_what_the_model_is_off_by_is_found():
    label, probability = draw(20000, 1)
    intercept, slope, kind = recalibration_curve(label, probability, "intercept_slope")
    assert kind == "intercept_slope"
    assert intercept == pytest.approx(-1, abs=0.06)
    assert slope == pytest.approx(0.5, abs=0.04)
    # without a slope the mean is right, which is all an intercept can do
    intercept, slope, kind = recalibration_curve(label, probability, "intercept")
    assert kind == "intercept"
    assert slope == 1
    assert expit(intercept + logit(probability)).mean() == pytest.approx(label.mean(), abs=1e-6)


def test_order_is_never_turned():
    label, probability = draw(300, 2, intercept=0, slope=-1)
    assert recalibration_curve(label, probability, "intercept_slope")[1:] == (1.0, "intercept")
    assert kind_of(label)[0] == "intercept_slope"
    assert recalibrate(label, probability, seed=1)[1]["kind"] == "intercept"


def test_recalibration_mends_calibration_on_patients_it_has_not_seen():
    label, probability = draw(400, 3)
    recalibrated, found = recalibrate(label, probability, seed=1)
    assert found["kind"] == "intercept_slope"
    assert abs(measure("calibration_intercept", label, recalibrated)) < 0.1
    assert measure("calibration_slope", label, recalibrated) == pytest.approx(1, abs=0.15)
    assert abs(measure("calibration_intercept", label, probability)) > 0.5
    brier = [np.mean((label - p) ** 2) for p in (probability, recalibrated)]
    assert brier[1] < brier[0]


def test_cross_fitting_makes_no_skill_out_of_noise():
    """A recalibration that has seen the answers beats the known truth; a cross-fitted one not."""
    gains = []
    for seed in range(12):
        label, probability = draw(80, seed, intercept=0, slope=1)
        recalibrated, _ = recalibrate(label, probability, seed=1)
        gains.append(np.mean((label - probability) ** 2) - np.mean((label - recalibrated) ** 2))
    assert np.mean(gains) < 0


def test_patients_without_a_label_are_recalibrated_by_all_that_have_one():
    label, probability = draw(200, 5)
    label[:50] = np.nan
    recalibrated, found = recalibrate(label, probability, seed=1)
    expected = expit(found["intercept"] + found["slope"] * logit(probability[:50]))
    np.testing.assert_allclose(recalibrated[:50], expected)
    assert found["n_labelled"] == 150


def test_too_few_labels_leave_it_and_say_why():
    label, probability = draw(12, 6)
    recalibrated, found = recalibrate(label, probability, seed=1)
    assert np.isnan(recalibrated).all()
    assert "10 are needed" in found["reason"]


def test_net_benefit_is_that_of_the_definition():
    label = np.array([1.0, 1, 0, 0, 0])
    probability = np.array([0.9, 0.2, 0.8, 0.1, 0.1])
    found = net_benefit_interval(label, probability, 0.25, n_samples=100, seed=1)
    assert found["value"] == pytest.approx((1 - 1 * 0.25 / 0.75) / 5)
    assert found["treat_all"] == pytest.approx((2 - 3 * 0.25 / 0.75) / 5)
    assert found["lower"] <= found["value"] <= found["upper"]


def test_validation_stands_before_and_after():
    label, probability = draw(150, 7)
    recalibrated, _ = recalibrate(label, probability, seed=1)
    versions = {"frozen": probability, "recalibrated": recalibrated}
    table = validation(label, versions, 0.3, n_samples=100, seed=1)
    table = table.set_index(["version", "metric"])
    for version in versions:
        for metric in ("auroc", "brier", "calibration_slope", "calibration_intercept"):
            row = table.loc[(version, metric)]
            assert row["lower"] <= row["value"] <= row["upper"]
    assert table.loc[("frozen", "net_benefit"), "threshold"] == 0.3


def test_a_version_that_nobody_acts_on_has_no_net_benefit_and_says_why():
    label, probability = draw(80, 8)
    versions = {"frozen": probability, "moved": probability}
    table = validation(
        label, versions, 0.3, n_samples=100, seed=1, not_acted_on={"frozen": "not aimed at"}
    ).set_index(["version", "metric"])
    assert np.isnan(table.loc[("frozen", "net_benefit"), "value"])
    assert table.loc[("frozen", "net_benefit"), "reason"] == "not aimed at"
    assert np.isfinite(table.loc[("moved", "net_benefit"), "value"])


def test_intervals_of_a_scored_cohort_hold_the_truth():
    """Of a model that is right; the number of positives is chance, and moves the metrics."""
    rng = np.random.default_rng(9)
    risks = expit(rng.normal(size=200_000) - 1)
    acted = risks >= THRESHOLD
    false = THRESHOLD / (1 - THRESHOLD)
    truth = {
        "calibration_intercept": 0.0,
        "calibration_slope": 1.0,
        "brier": float((risks * (1 - risks)).mean()),
        "net_benefit": float((acted * (risks - (1 - risks) * false)).mean()),
    }
    covered = []
    for seed in range(150):
        probability = expit(rng.normal(size=100) - 1)
        label = (rng.random(100) < probability).astype(float)
        table = validation(label, {"frozen": probability}, THRESHOLD, n_samples=200, seed=seed)
        table = table.set_index("metric")
        covered.append({m: table["lower"][m] <= truth[m] <= table["upper"][m] for m in truth})
    shares = pd.DataFrame(covered).mean()
    # 0.95 nominal, 0.018 is the standard error of 150 cohorts; within class 0.58 to 0.84
    assert (shares >= 0.88).all(), shares.to_dict()


def test_patients_are_dealt_as_scikit_learn_deals_them():
    for seed in range(5):
        label = (np.random.default_rng(seed).random(30 + 11 * seed) < 0.3).astype(float)
        expected = np.zeros(len(label))
        splits = StratifiedKFold(5, shuffle=True, random_state=seed).split(label, label)
        for fold, (_, members) in enumerate(splits):
            expected[members] = fold
        np.testing.assert_array_equal(dealt(label, 5, seed), expected)
