"""What the figures that can be asked are drawn from."""

import numpy as np
import pandas as pd
import pytest

from trdomics.evaluation.decision_curve import decision_table
from trdomics.report.explore import consequences, factors, printed, thresholds, volcano


def test_a_volcano_has_every_tested_feature_and_prefers_shrunken_effects():
    results = pd.DataFrame(
        {
            "feature": ["g1", "g2", "g3"],
            "symbol": ["</script><img onerror=x>", "g2", "g3"],
            "log2_fold_change": [2.0, 1.0, np.nan],
            "log2_fold_change_shrunken": [1.5, 0.1, np.nan],
            "pvalue": [0.0, 0.5, np.nan],
            "padj": [0.0, 0.6, np.nan],
        }
    )
    found = volcano(results, ["ill", "well"], 0.05)
    assert found["feature"] == ["g1", "g2"]
    assert found["symbol"] == ["</script><img onerror=x>", None]
    assert (found["x"], found["called"]) == ([1.5, 0.1], [1, 0])
    # a p-value of zero has a finite height
    assert found["y"] == pytest.approx([300, 0.301])
    assert found["label"] == "log2 fold change, ill / well, shrunken"


def test_a_factor_has_what_is_known_of_it_the_strongest_first():
    variance = pd.DataFrame(
        {"view": ["rna"] * 2, "factor": ["Factor1", "total"], "r2": [-0.01, 0.5]}
    )
    top = pd.DataFrame(
        {
            "factor": "Factor1",
            "view": "rna",
            "rank": [2, 1],
            "feature": ["b", "a"],
            "symbol": ["B", "A"],
            "scaled": [-0.5, 1.0],
        }
    )
    associations = pd.DataFrame(
        {
            "factor": "Factor1",
            "variable": ["rin", "current_dose", "none"],
            "effect_name": ["rho", "eta2", "rho"],
            "effect": [0.2, 0.9, np.nan],
            "pvalue": [0.5, 0.001, np.nan],
            "padj": [0.5, 0.002, np.nan],
        }
    )
    sets = pd.DataFrame(
        {"factor": ["Factor1"], "set": ["T"], "layer": ["rna"], "score": [1.0], "padj": [0.01]}
    )
    words = pd.DataFrame({"factor": ["Factor1"], "sentence": ["Factor1 follows nothing."]})
    (found,) = factors(variance, top, associations, sets, words)
    assert found["variance"] == {"rna": 0.0}
    assert found["weights"] == {"rna": [["a", "A", 1.0], ["b", "B", -0.5]]}
    assert found["associations"] == [["current dose", "η²", 0.9, 0.002], ["RIN", "ρ", 0.2, 0.5]]
    assert found["sets"] == [["T", "RNA", 1.0, 0.01]]


def test_consequences_are_100_patients_and_those_of_the_definition():
    label = np.array([1, 1, 1, 0, 0, 0, 0, 0, 0, 0])
    probability = np.array([0.9, 0.6, 0.1, 0.7, 0.2, 0.2, 0.1, 0.1, 0.1, 0.1])
    table = decision_table({"selected": (label, probability)}, target_prevalence=0.3)
    (population,) = thresholds(table)
    at = population["threshold"].index(0.5)
    found = consequences(population, at)
    assert (found["true"], found["missed"], found["false"], found["spared"]) == (20, 10, 10, 60)
    assert found["treated"] == 30
    (shown,) = printed([population])
    assert shown["percent"] == 30
    assert [row["threshold"] for row in shown["rows"]] == [10, 20, 30, 40, 50]
    for row in shown["rows"]:
        assert row["true"] + row["missed"] + row["false"] + row["spared"] == 100
