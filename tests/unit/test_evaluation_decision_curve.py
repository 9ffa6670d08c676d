import numpy as np
import pytest

from trdomics.evaluation.decision_curve import (
    TREAT_ALL,
    TREAT_NONE,
    decision_table,
    net_benefit,
)

LABEL = np.array([1, 1, 1, 0, 0, 0, 0, 0])
PROBABILITY = np.array([0.9, 0.6, 0.2, 0.7, 0.3, 0.2, 0.1, 0.1])


def test_net_benefit_by_hand():
    curve = net_benefit(LABEL, PROBABILITY, thresholds=np.array([0.25, 0.5]))
    # at 0.25: 2 true and 2 false positives of 8, at odds 1/3; at 0.5: 2 and 1, at odds 1
    assert curve["net_benefit"].tolist() == pytest.approx([2 / 8 - 2 / 8 / 3, 2 / 8 - 1 / 8])
    assert curve[TREAT_ALL].tolist() == pytest.approx([3 / 8 - 5 / 8 / 3, 3 / 8 - 5 / 8])


def test_net_benefit_at_another_prevalence_by_hand():
    curve = net_benefit(LABEL, PROBABILITY, prevalence=0.1, thresholds=np.array([0.5]))
    # sensitivity 2/3, false positive rate 1/5
    assert curve["net_benefit"].iloc[0] == pytest.approx(2 / 3 * 0.1 - 1 / 5 * 0.9)
    assert curve[TREAT_ALL].iloc[0] == pytest.approx(0.1 - 0.9)


def test_repeats_are_averaged():
    both = np.column_stack([PROBABILITY, 1 - PROBABILITY])
    thresholds = np.array([0.3, 0.5])
    expected = [
        net_benefit(LABEL, column, thresholds=thresholds)["net_benefit"] for column in both.T
    ]
    np.testing.assert_allclose(
        net_benefit(LABEL, both, thresholds=thresholds)["net_benefit"], np.mean(expected, axis=0)
    )


def test_true_risks_beat_acting_on_all_or_none_also_at_the_target_prevalence():
    rng = np.random.default_rng(1)
    probability = rng.random(4000)
    label = (rng.random(4000) < probability).astype(int)
    table = decision_table({"model": (label, probability)}, target_prevalence=0.3)
    for _, rows in table.groupby("population"):
        wide = rows.pivot(index="threshold", columns="strategy", values="net_benefit")
        best_without = wide[[TREAT_ALL, TREAT_NONE]].max(axis=1)
        assert (wide["model"] > best_without - 0.005).all()
        assert (wide["model"] > best_without + 0.02).any()


def test_table_has_both_populations_for_every_strategy():
    models = {"a": (LABEL, PROBABILITY), "b": (LABEL, 1 - PROBABILITY)}
    table = decision_table(models, target_prevalence=0.3)
    assert table.groupby("population")["prevalence"].first().to_dict() == pytest.approx(
        {"cohort": 3 / 8, "target": 0.3}
    )
    counts = table.groupby(["population", "strategy"]).size().unstack()
    assert set(counts.columns) == {"a", "b", TREAT_ALL, TREAT_NONE}
    assert counts.nunique().eq(1).all()
    assert not table.isna().to_numpy().any()


def test_one_class_has_no_decision_curve():
    assert decision_table({"a": (np.ones(4), np.full(4, 0.5))}, 0.3).empty
