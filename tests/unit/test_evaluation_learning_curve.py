"""The learning curve: what is measured, the law through it, and what it says of more patients."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from trdomics.classification.splits import SHARES, draw_share, learning_shares
from trdomics.evaluation.learning_curve import (
    EXTRAPOLATED,
    MEASURED,
    LearningCurve,
    Sizes,
    curve_table,
    learning_curve,
    learning_summary,
    settling_size,
)
from trdomics.evaluation.site_figures import learning_curve_figure
from trdomics.report.validation import more_patients

N = 300
BOOTSTRAP = {"n_samples": 100, "seed": 1}


def law(m):
    """Return the AUROC that m patients give: 0.73 of 60, 0.79 of 240, 0.81 of 600."""
    return 0.85 - 0.93 * m**-0.5


def drawn_fits(law, seed, luck=0.1):
    """Return predictions of shares and of five folds whose AUROC follows a law but for chance.

    `luck` is the standard deviation that the choice of 60 patients to train on gives to the
    distance of the classes; patients' noise is mostly the same in all fits.
    """
    rng = np.random.default_rng(seed)
    labels = pd.Series(rng.permutation(np.arange(N) % 2).astype(float), dtype=float)
    labels.index = [f"P{i:03d}" for i in range(N)]
    noise = pd.Series(rng.normal(size=N), labels.index)

    def predicted(test, m):
        distance = np.sqrt(2) * norm.ppf(law(m)) + luck * np.sqrt(60 / m) * rng.normal()
        score = distance * labels[test] + 0.9 * noise[test]
        score += np.sqrt(1 - 0.81) * rng.normal(size=len(test))
        return {"patient_id": test, "probability": norm.cdf(score), "feature_set": "selected"}

    shares = []
    for share in SHARES:
        parts = []
        for draw in (1, 2):
            split = draw_share(labels, share, draw, seed)
            where = {"share": share, "draw": draw, "n_train": len(split.train), "reason": np.nan}
            parts.append(pd.DataFrame(predicted(split.test, len(split.train)) | where))
        shares.append(pd.concat(parts))
    splits = []
    for repeat in (1, 2, 3):
        for fold, test in enumerate(np.array_split(rng.permutation(labels.index), 5)):
            part = predicted(pd.Index(test), N - len(test))
            splits.append(pd.DataFrame(part | {"split": f"r{repeat}f{fold}"}))
    return shares, pd.concat(splits), labels


@pytest.fixture(scope="module")
def fitted():
    return learning_curve(*drawn_fits(law, seed=1), **BOOTSTRAP)


def exact(auroc, error=0.001):
    n_train = np.array([60.0, 84, 120, 168, 240])
    return Sizes(n_train, auroc(n_train), error**2 * np.eye(5), np.full(5, 2))


def test_a_law_without_noise_is_extrapolated():
    curve = LearningCurve.of(exact(law))
    for m in (60, 240, 300, 600):
        value, lower, upper = curve.at(m)
        assert value == pytest.approx(law(m), abs=0.004)
        assert lower <= value <= upper
    assert curve.at(600)[2] - curve.at(600)[1] < 0.02


def test_a_flat_curve_promises_nothing():
    curve = LearningCurve.of(exact(lambda m: 0.7 + 0 * m))
    assert curve.at(600)[2] < 0.71


def test_the_interval_widens_beyond_what_was_measured(fitted):
    _, curve, _ = fitted
    widths = [curve.at(m)[2] - curve.at(m)[1] for m in (240, 300, 600, 900)]
    assert widths == sorted(widths)
    assert curve.at(900)[2] <= 1


def test_the_interval_holds_what_more_patients_give():
    held = []
    for seed in range(10):
        _, curve, _ = learning_curve(*drawn_fits(law, seed), **BOOTSTRAP)
        _, lower, upper = curve.at(2 * N)
        held.append(lower <= law(2 * N) <= upper)
    # if 95 % of the cohorts hold it, 8 or more of 10 do with a chance of 99 %
    assert sum(held) >= 8


def test_luck_in_whom_one_is_trained_on_widens_the_intervals():
    calm, lucky = (
        learning_curve(*drawn_fits(law, 5, luck), **BOOTSTRAP)[0].errors for luck in (0.0, 0.8)
    )
    assert (lucky[:4] > 1.3 * calm[:4]).all()


def test_shares_are_nested_stratified_and_below_the_splits():
    labels = pd.Series([1.0] * 40 + [0.0] * 80 + [np.nan] * 5, [f"P{i}" for i in range(125)])
    smaller, larger = (draw_share(labels, share, 1, seed=3) for share in (28, 56))
    assert set(smaller.train) < set(larger.train)
    assert labels[smaller.train].value_counts().to_dict() == {0: 22, 1: 11}
    assert set(smaller.train) | set(smaller.test) == set(labels.dropna().index)
    assert not set(smaller.train) & set(smaller.test)
    assert list(draw_share(labels.sample(frac=1), 28, 1, 3).train) == list(smaller.train)
    assert set(draw_share(labels, 28, 2, 3).train) != set(smaller.train)
    assert learning_shares(5) == list(SHARES)
    assert learning_shares(2) == [20, 28, 40]


def test_more_patients_in_words(fitted):
    sizes, curve, reason = fitted
    gain = {"gain": 0.08, "lower": 0.01, "upper": 0.15, "n_folds": 25}
    rows = {"feature_set": "selected", "baseline": "clinical", "metric": "auroc", **gain}
    summary = learning_summary(curve, pd.DataFrame([rows]), N, reason)
    assert summary["more"]["n_more"] == N
    assert summary["now"]["auroc"] <= summary["more"]["auroc"]
    # standard error 0.034 at 300; (1.96 + 0.84) of it must be 0.05
    assert summary["settles"]["n_patients"] == pytest.approx(
        300 * (2.8 * 0.0339 / 0.05) ** 2, rel=0.01
    )
    said = more_patients(summary)
    assert "With 300 more patients like these, the expected AUROC is 0.8" in said
    assert "about 1,08" in said
    table = curve_table(sizes, curve, N, reason)
    assert (table["kind"] == MEASURED).sum() == 5
    assert table.loc[table["kind"] == EXTRAPOLATED, "n_train"].max() == 3 * N
    assert learning_curve_figure(table, N).axes[0].get_xlabel() == "training patients"


def test_without_enough_sizes_the_reason_is_given():
    shares, splits, labels = drawn_fits(law, seed=2)
    why = "2 patients of a class are too few for 4 inner folds"
    small = [pd.DataFrame([{"share": 20, "draw": 1, "n_train": 9, "reason": why}])] * 2
    sizes, curve, reason = learning_curve([*small, *shares[2:]], splits, labels, **BOOTSTRAP)
    assert curve is None
    assert reason == f"fewer than 4 training sizes: {why}"
    summary = learning_summary(
        curve, pd.DataFrame(columns=["feature_set", "baseline", "metric"]), N, reason
    )
    assert why in more_patients(summary)
    assert "there are no clinical predictors" in more_patients(summary)
    text = learning_curve_figure(curve_table(sizes, curve, N, reason), N).axes[0].texts[0]
    assert why in text.get_text()
    assert "is 0" in learning_curve([], splits, labels, **BOOTSTRAP)[2]


def test_a_gain_without_an_interval_settles_nothing():
    assert settling_size(np.nan, np.nan, 25, 300)["reason"] == "the gain has no interval"
    assert settling_size(0.0, 0.2, 1, 300)["n_patients"] is None
