import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from trdomics.evaluation.calibration_curve import calibration_curve, calibration_table
from trdomics.evaluation.metrics import performance
from trdomics.evaluation.prevalence import shift_prevalence


def test_shift_is_bayes_rule_with_other_prior_odds():
    source, target, p = 0.5, 0.2, 0.7
    likelihood_ratio = (p / (1 - p)) / (source / (1 - source))
    odds = likelihood_ratio * target / (1 - target)
    assert shift_prevalence(p, source, target) == pytest.approx(odds / (1 + odds))


def test_shift_goes_back_and_keeps_the_order():
    p = np.linspace(0.01, 0.99, 30)
    moved = shift_prevalence(p, 0.51, 0.3)
    assert (np.diff(moved) > 0).all()
    assert (moved < p).all()
    np.testing.assert_allclose(shift_prevalence(moved, 0.3, 0.51), p)


def test_shift_calibrates_where_only_the_prevalence_differs():
    """Patients of a class look alike in both places: then the moved risks are right."""
    rng = np.random.default_rng(2)
    label = np.r_[np.ones(12_000), np.zeros(28_000)]
    # two normals a distance of 1.2 apart; the log odds at prevalence 0.5 are 1.2 x
    x = rng.normal(size=label.size) + 1.2 * (label - 0.5)
    at_half = 1 / (1 + np.exp(-1.2 * x))
    moved = shift_prevalence(at_half, 0.5, 0.3)
    values = performance(label, moved).set_index("metric")["value"]
    assert values["calibration_intercept"] == pytest.approx(0, abs=0.04)
    assert values["calibration_slope"] == pytest.approx(1, abs=0.04)
    assert performance(label, at_half).set_index("metric").loc[
        "calibration_intercept", "value"
    ] == pytest.approx(np.log(0.3 / 0.7), abs=0.04)


@pytest.mark.parametrize(("source", "target"), [(0, 0.3), (0.5, 1), (np.nan, 0.3)])
def test_shift_from_or_to_certainty_is_refused(source, target):
    with pytest.raises(ValueError, match="within"):
        shift_prevalence([0.5], source, target)


def test_curve_by_hand():
    label = np.array([0, 0, 0, 1, 0, 1, 1, 1])
    probability = np.array([0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9])
    curve = calibration_curve(label, probability, n_bins=2)
    assert curve["n"].tolist() == [4, 4]
    assert curve["predicted"].tolist() == pytest.approx([0.25, 0.75])
    assert curve["observed"].tolist() == [0.25, 0.75]
    low, high = proportion_confint(1, 4, method="wilson")
    assert (curve.loc[0, "lower"], curve.loc[0, "upper"]) == pytest.approx((low, high))


@pytest.mark.parametrize("n", range(2, 40))
def test_the_interval_of_a_bin_holds_its_share(n):
    """Also of bins without events, where rounding leaves Wilson's bound above zero."""
    curve = calibration_curve(np.repeat([0, 1], n), np.linspace(0, 1, 2 * n), n_bins=2)
    assert curve["observed"].tolist() == [0, 1]
    assert (curve["lower"] <= curve["observed"]).all()
    assert (curve["upper"] >= curve["observed"]).all()


def test_repeats_do_not_narrow_the_curve():
    rng = np.random.default_rng(1)
    probability = rng.random(80)
    label = (rng.random(80) < probability).astype(int)
    once = calibration_curve(label, probability)
    thrice = calibration_curve(label, np.column_stack([probability] * 3))
    assert len(once) == 8
    assert once["n"].sum() == pytest.approx(80)
    np.testing.assert_allclose(once.to_numpy(), thrice.to_numpy())


def test_equal_probabilities_share_a_bin():
    curve = calibration_curve([0, 1, 1, 0, 1], [0.6] * 5)
    assert len(curve) == 1
    assert curve.loc[0, "observed"] == pytest.approx(0.6)
    mostly = calibration_curve([0, 1, 1, 0, 1], [0.6, 0.6, 0.6, 0.6, 0.9])
    assert mostly["n"].sum() == 5
    assert (np.diff(mostly["predicted"]) > 0).all()


def test_table_counts_every_patient_once_in_curve_and_histogram():
    rng = np.random.default_rng(1)
    label = np.tile([0, 1], 20)
    probability = rng.random((40, 3))
    table = calibration_table(label, probability, "a", target_prevalence=0.3)
    parts = table.groupby("part")
    assert parts["n"].sum().to_dict() == pytest.approx({"curve": 40, "histogram": 40})
    assert table["positive"].sum() == pytest.approx(20)
    np.testing.assert_allclose(
        table["recalibrated"], shift_prevalence(table["predicted"], 0.5, 0.3)
    )
