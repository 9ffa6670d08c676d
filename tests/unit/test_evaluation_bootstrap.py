import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.special import logit
from scipy.stats import norm
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    roc_auc_score,
)

from trdomics.evaluation.bootstrap import performance_intervals, resample
from trdomics.evaluation.metrics import METRICS


@pytest.fixture
def cohort() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    label = rng.permutation(np.r_[np.zeros(40), np.ones(35)])
    odds = 1.2 * (label - 0.5)[:, None] + rng.normal(size=(75, 3))
    # rounding makes ties
    return label, np.round(1 / (1 + np.exp(-odds)), 1).clip(0.05, 0.95)


def with_library(metric: str, label: np.ndarray, probability: np.ndarray) -> float:
    """Return a metric as scikit-learn or statsmodels compute it."""
    odds = logit(probability)
    if metric == "calibration_slope":
        return float(sm.GLM(label, sm.add_constant(odds), sm.families.Binomial()).fit().params[1])
    if metric == "calibration_intercept":
        fit = sm.GLM(label, np.ones_like(odds), sm.families.Binomial(), offset=odds).fit()
        return float(fit.params[0])
    library = {
        "auroc": roc_auc_score,
        "auprc": average_precision_score,
        "balanced_accuracy": lambda y, p: balanced_accuracy_score(y, p >= 0.5),
        "brier": brier_score_loss,
    }
    return float(library[metric](label, probability))


@pytest.mark.parametrize("fixed_classes", [True, False])
@pytest.mark.parametrize("metric", METRICS)
def test_resampled_metrics_equal_the_library_on_copied_patients(cohort, metric, fixed_classes):
    label, probability = cohort
    counts = resample(label, 5, seed=1, fixed_classes=fixed_classes)
    counts[0] = 1
    expected = []
    for count in counts.astype(int):
        drawn = np.repeat(np.arange(label.size), count)
        repeats = [with_library(metric, label[drawn], column[drawn]) for column in probability.T]
        expected.append(np.mean(repeats))
    np.testing.assert_allclose(METRICS[metric](label, probability, counts), expected, atol=1e-7)


def test_resampling_keeps_class_sizes_and_is_seeded(cohort):
    label, _ = cohort
    counts = resample(label, 50, seed=1)
    assert (counts[:, label == 1].sum(axis=1) == 35).all()
    assert (counts[:, label == 0].sum(axis=1) == 40).all()
    np.testing.assert_array_equal(counts, resample(label, 50, seed=1))
    assert (counts != resample(label, 50, seed=2)).any()


def test_class_sizes_that_are_chance_vary_and_no_draw_is_of_one_class():
    label = np.r_[np.ones(2), np.zeros(38)]
    counts = resample(label, 500, seed=1, fixed_classes=False)
    assert (counts.sum(axis=1) == 40).all()
    positive = counts[:, :2].sum(axis=1)
    assert positive.min() == 1
    # binomial of 2 expected, without its zeros: 2 / (1 - e^-2)
    assert positive.mean() == pytest.approx(2.31, abs=0.2)
    np.testing.assert_array_equal(counts, resample(label, 500, seed=1, fixed_classes=False))
    alone = resample(np.zeros(10), 50, seed=1, fixed_classes=False)
    assert (alone.sum(axis=1) == 10).all()


def test_auroc_interval_covers_the_truth_in_95_of_100():
    rng = np.random.default_rng(7)
    truth, n_cohorts = norm.cdf(1.0 / np.sqrt(2)), 1000
    label = np.r_[np.zeros(60), np.ones(60)]
    covered = 0
    for seed in range(n_cohorts):
        probability = norm.cdf(rng.normal(size=120) + 1.0 * label)
        counts = resample(label, 200, seed)
        low, high = np.quantile(
            METRICS["auroc"](label, probability[:, None], counts), [0.025, 0.975]
        )
        covered += low <= truth <= high
    # three standard errors of 1,000 trials
    assert abs(covered / n_cohorts - 0.95) < 3 * np.sqrt(0.95 * 0.05 / n_cohorts)


def test_repeats_do_not_pass_for_patients(cohort):
    """Copying a repeat adds no information, so the interval stays as wide."""
    label, probability = cohort
    once = performance_intervals(label, probability[:, 0], n_samples=200, seed=1)
    thrice = performance_intervals(label, probability[:, [0, 0, 0]], n_samples=200, seed=1)
    pd.testing.assert_frame_equal(once, thrice)
    assert (once["lower"] < once["value"]).all()
    assert (once["value"] < once["upper"]).all()


def test_intervals_that_do_not_exist_say_why():
    label = np.array([0, 0, 0, 1, 1, 1])
    # one patient on the wrong side: in many resamples nothing separates the classes
    probability = np.array([0.1, 0.2, 0.7, 0.6, 0.8, 0.9])
    table = performance_intervals(label, probability, n_samples=200, seed=1).set_index("metric")
    assert np.isfinite(table.loc["calibration_slope", "value"])
    assert np.isnan(table.loc["calibration_slope", "lower"])
    assert "resamples" in table.loc["calibration_slope", "reason"]
    assert table.loc["auroc", "reason"] == ""
    few = performance_intervals(label, probability, n_samples=0, seed=1)
    assert few["lower"].isna().all()
    assert few["reason"].str.contains("fewer than 50").all()
