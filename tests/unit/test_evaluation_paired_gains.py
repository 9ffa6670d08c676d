import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from trdomics.evaluation.bootstrap import performance_table
from trdomics.evaluation.metrics import METRICS
from trdomics.evaluation.paired_gains import corrected_resampled_t, gains_table


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
            roc_auc_score(truth, scores["better"].to_numpy())
            - roc_auc_score(truth, scores["base"].to_numpy())
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
