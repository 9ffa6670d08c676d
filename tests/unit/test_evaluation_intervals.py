import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from trdomics.evaluation.intervals import (
    RESAMPLED,
    corrected_resampled_t,
    gains_table,
    performance_intervals,
    performance_table,
    resample,
)
from trdomics.evaluation.metrics import METRICS


@pytest.fixture
def cohort() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    label = rng.permutation(np.r_[np.zeros(40), np.ones(35)])
    odds = 1.2 * (label - 0.5)[:, None] + rng.normal(size=(75, 3))
    # rounding makes ties
    return label, np.round(1 / (1 + np.exp(-odds)), 1).clip(0.05, 0.95)


def predictions_of(
    scores: dict[str, np.ndarray], roles: dict[str, str], folds: np.ndarray
) -> pd.DataFrame:
    n_patients, n_repeats = folds.shape
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "feature_set": name,
                    "role": roles[name],
                    "repeat": repeat + 1,
                    "fold": folds[:, repeat],
                    "patient_id": [f"p{i:03d}" for i in range(n_patients)],
                    "probability": score[:, repeat],
                }
            )
            for name, score in scores.items()
            for repeat in range(n_repeats)
        ],
        ignore_index=True,
    )


@pytest.mark.parametrize("fixed_classes", [True, False])
@pytest.mark.parametrize("metric", RESAMPLED)
def test_resampled_metrics_equal_the_library_on_copied_patients(cohort, metric, fixed_classes):
    label, probability = cohort
    counts = resample(label, 5, seed=1, fixed_classes=fixed_classes)
    counts[0] = 1
    expected = []
    for count in counts.astype(int):
        drawn = np.repeat(np.arange(label.size), count)
        repeats = [METRICS[metric](label[drawn], column[drawn]) for column in probability.T]
        expected.append(np.mean(repeats))
    np.testing.assert_allclose(RESAMPLED[metric](label, probability, counts), expected, atol=1e-7)


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
            RESAMPLED["auroc"](label, probability[:, None], counts), [0.025, 0.975]
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


def test_corrected_t_by_hand():
    """k = 5, r = 1: s² = 0.00025, error = sqrt((1/5 + 1/4) s²), t = gain / error, 4 df."""
    differences = [0.02, 0.04, 0.05, 0.03, 0.06]
    result = corrected_resampled_t(differences, 0.25)
    error = np.sqrt((0.2 + 0.25) * 0.00025)
    assert result["gain"] == pytest.approx(0.04)
    # 2.7764 is the 97.5 % quantile of t with 4 degrees of freedom
    assert result["upper"] == pytest.approx(0.04 + 2.77645 * error, abs=1e-6)
    assert result["lower"] == pytest.approx(0.04 - 2.77645 * error, abs=1e-6)
    # t = 3.7712, two-sided p from the closed form of t with 4 degrees of freedom
    t = 0.04 / error
    tail = 0.5 - 0.5 * t / np.sqrt(t**2 + 4) * (1 + 2 / (t**2 + 4))
    assert result["pvalue"] == pytest.approx(2 * tail)


@pytest.mark.parametrize("differences", [[], [0.1], [0.1, 0.1]])
def test_corrected_t_without_variation_has_no_interval(differences):
    result = corrected_resampled_t(differences, 0.25)
    assert np.isnan([result["lower"], result["upper"], result["pvalue"]]).all()
    assert np.isnan(result["gain"]) == (not differences)


@pytest.fixture
def compared() -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(5)
    label = np.tile([0, 1], 30)
    folds = np.column_stack([np.arange(60) // 12 + 1, np.arange(60) // 2 % 5 + 1])
    noise = rng.normal(size=(60, 2))
    scores = {
        name: 1 / (1 + np.exp(-(strength * (label - 0.5)[:, None] + noise)))
        for name, strength in (("base", 0.3), ("better", 3.0), ("same", 0.3))
    }
    roles = {"base": "baseline", "better": "selected", "same": "candidate"}
    labels = pd.Series(label, index=[f"p{i:03d}" for i in range(60)])
    return predictions_of(scores, roles, folds), labels


def test_gains_are_paired_by_fold_and_positive_when_better(compared):
    predictions, labels = compared
    gains = gains_table(predictions, labels).set_index(["feature_set", "metric"])
    assert set(gains["baseline"]) == {"base"}
    assert "base" not in gains.index.get_level_values("feature_set")
    assert (gains["n_folds"] == 10).all()
    better = gains.loc["better"]
    assert (better["lower"] > 0).all()
    assert (better["pvalue"] < 0.01).all()
    assert gains.loc[("same", "auroc"), "gain"] == 0
    assert "no variation" in gains.loc[("same", "auroc"), "reason"]
    expected = []
    for _, fold in predictions.groupby(["repeat", "fold"]):
        scores = {name: part["probability"] for name, part in fold.groupby("feature_set")}
        truth = labels[fold["patient_id"].unique()].to_numpy()
        expected.append(
            METRICS["auroc"](truth, scores["better"].to_numpy())
            - METRICS["auroc"](truth, scores["base"].to_numpy())
        )
    by_hand = corrected_resampled_t(expected, 12 / 48)
    assert better.loc["auroc", ["gain", "lower", "upper", "pvalue"]].to_dict() == pytest.approx(
        by_hand
    )


def test_folds_of_one_class_are_left_out_of_auroc_gains_and_counted(compared):
    predictions, labels = compared
    first = predictions.query("repeat == 1 and fold == 1")["patient_id"].unique()
    labels = labels.copy()
    labels[first] = 1
    gains = gains_table(predictions, labels).set_index(["feature_set", "metric"])
    assert gains.loc[("better", "auroc"), "n_folds"] == 9
    assert gains.loc[("better", "brier"), "n_folds"] == 10


def test_unlabelled_patients_change_nothing(compared):
    predictions, labels = compared
    extra = predictions.query("patient_id == 'p000'").assign(patient_id="x")
    more = pd.concat([predictions, extra], ignore_index=True)
    labelled = labels.astype(float)
    labelled["x"] = np.nan
    pd.testing.assert_frame_equal(gains_table(more, labelled), gains_table(predictions, labels))
    pd.testing.assert_frame_equal(
        performance_table(more, labelled, n_samples=60, seed=1),
        performance_table(predictions, labels, n_samples=60, seed=1),
    )


def test_performance_table_has_every_feature_set_and_metric(compared):
    predictions, labels = compared
    table = performance_table(predictions, labels, n_samples=60, seed=1)
    assert len(table) == 3 * len(METRICS)
    assert table.columns.tolist() == [
        "feature_set",
        "role",
        "metric",
        "value",
        "lower",
        "upper",
        "n_patients",
        "n_positive",
        "reason",
    ]
    assert (table["n_patients"] == 60).all()
    assert (table["n_positive"] == 30).all()
