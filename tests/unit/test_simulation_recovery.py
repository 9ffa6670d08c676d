import numpy as np
import pandas as pd
import pytest

from trdomics.simulation.figures import draw_recovery
from trdomics.simulation.recovery import (
    auc_recovery,
    de_recovery,
    differs,
    factor_correlations,
    factor_recovery,
    labels_as_drawn,
    recovery_table,
)

EXPLAINED_BY = {"cells": ["neutrophils", "medication"], "batch": ["site"]}
FULL = "~ site + neutrophils + medication + response"


@pytest.fixture
def truth() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "feature": list("abcdef"),
            "effect_cells": [0, 0, 0.5, 0, 0, 0],
            "effect_batch": [0, 0, 0, 0.5, 0, 0],
            "planted_log2_fold_change": [-0.5, 0.1, 0, 0, 0, 0],
            "differs_by": ["label", "label", "cells", "none", "none", "none"],
        }
    )


@pytest.fixture
def results() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "feature": list("abcde"),
            "log2_fold_change": [-0.4, 0.2, 0.3, 0.0, 0.1],
            "pvalue": [1e-5, 0.2, 1e-3, 0.9, np.nan],
            "padj": [1e-4, 0.3, 0.01, 0.9, np.nan],
        }
    )


def test_what_the_design_adjusts_for_does_not_count_as_true(truth):
    assert differs(truth, EXPLAINED_BY, FULL).tolist() == [True, True] + [False] * 4
    minimal = differs(truth, EXPLAINED_BY, "~ site + neutrophils + response")
    assert minimal.tolist() == [True, True, True, False, False, False]
    assert differs(truth, EXPLAINED_BY, "~ response").tolist() == [True] * 4 + [False] * 2


def test_false_discoveries_and_power(results, truth):
    found = de_recovery(results, truth, EXPLAINED_BY, FULL, 0.05)
    assert found["n_tested"] == 4
    assert (found["n_discoveries"], found["n_true_discoveries"]) == (2, 1)
    assert (found["fdp"], found["power"], found["power_sizeable"]) == (0.5, 0.5, 1.0)
    assert found["discoveries_by_cause"] == {"cells": 1, "label": 1}


def test_without_discoveries_none_is_false(results, truth):
    found = de_recovery(results.assign(padj=1.0), truth, EXPLAINED_BY, FULL, 0.05)
    assert (found["fdp"], found["power"]) == (0.0, 0.0)


def test_without_planted_effects_there_is_no_power(results, truth):
    nothing = truth.assign(planted_log2_fold_change=0.0)
    found = de_recovery(results, nothing, EXPLAINED_BY, FULL, 0.05)
    assert (found["fdp"], found["power"], found["power_sizeable"]) == (1.0, None, None)


@pytest.fixture
def correlations() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    planted = pd.DataFrame(rng.normal(size=(50, 2)), columns=["immune", "site"])
    found = pd.DataFrame(
        {
            "Factor1": rng.normal(size=50),
            "Factor2": -planted["immune"] + 0.1 * rng.normal(size=50),
            "Factor3": planted["site"],
        }
    )
    ids = [f"P{i}" for i in range(50)]
    planted.insert(0, "patient_id", ids)
    found.insert(0, "patient_id", ids)
    # other patients and another order must not matter
    found = pd.concat([found, pd.DataFrame({"patient_id": ["other"]})]).iloc[::-1]
    return factor_correlations(found, planted)


def test_factors_are_matched_whatever_their_sign(correlations):
    best = factor_recovery(correlations)
    assert best["planted"].tolist() == ["immune", "site"]
    assert best["factor"].tolist() == ["Factor2", "Factor3"]
    assert best["r"].iloc[0] < -0.97
    assert best["r"].iloc[1] == pytest.approx(1)


def test_a_factor_that_is_switched_off_is_no_match():
    rng = np.random.default_rng(0)
    ids = [f"P{i}" for i in range(50)]
    planted = pd.DataFrame({"patient_id": ids, "immune": rng.normal(size=50)})
    dead = 1e-170 * rng.normal(size=50)
    found = pd.DataFrame({"patient_id": ids, "Factor1": rng.normal(size=50), "Factor2": dead})
    correlations = factor_correlations(found, planted)
    assert correlations.loc["immune", "Factor2"] == 0
    assert factor_recovery(correlations)["factor"].tolist() == ["Factor1"]


def test_auc_against_the_best_reachable():
    performance = pd.DataFrame(
        [
            ("mofa", "candidate", "auroc", 0.74),
            ("selected", "selected", "auroc", 0.77),
            ("selected", "selected", "brier", 0.2),
            ("clinical", "baseline", "auroc", 0.67),
        ],
        columns=["feature_set", "role", "metric", "value"],
    )
    found = auc_recovery(performance, 0.8)
    assert found["shortfall"] == pytest.approx(0.03)
    assert (found["selected"], found["clinical"], found["confounders"]) == (0.77, 0.67, None)


def test_permuted_labels_are_noticed():
    truth = pd.DataFrame({"patient_id": ["a", "b", "c"], "true_label": [1, 0, 1]})
    kept = pd.DataFrame({"patient_id": ["c", "b", "a"], "label": [1, 0, np.nan]})
    assert labels_as_drawn(kept, truth)
    assert not labels_as_drawn(kept.assign(label=[0, 1, np.nan]), truth)


def test_table_and_figure_show_every_part(correlations, results, truth):
    factors = factor_recovery(correlations)
    differential = {"mrna": de_recovery(results, truth, EXPLAINED_BY, FULL, 0.05)}
    identity = {"wrong_sex": {"n_found": 1, "n_false": 0, "reason": None}}
    adjustment = {"mrna": {"cells": {"sensitivity": 0.4}}}
    table = recovery_table(differential, factors, {"best": 0.8}, identity, adjustment)
    assert set(table["part"]) == {"differential", "factor", "auc", "identity", "adjustment"}
    assert table.query("item == 'mrna, cells'")["value"].item() == 0.4
    assert table.query("item == 'mrna' and measure == 'fdp'")["value"].item() == 0.5
    axes = draw_recovery(correlations).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["immune", "site"]
    assert len(axes.collections[0].get_array().ravel()) == 6
