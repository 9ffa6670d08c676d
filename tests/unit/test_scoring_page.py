"""What the page of a scored cohort says of single patients and of missing layers."""

import numpy as np
import pandas as pd
import pytest

from trdomics.scoring.expected_loss import expected_losses, sentence
from trdomics.scoring.page import calibration_figure, standing_out
from trdomics.scoring.summary import calibration_rows


def test_the_most_unlike_patients_are_named_first_and_ten_of_them():
    order = np.arange(40)
    predictions = pd.DataFrame(
        {
            "patient_id": [f"p{i}" for i in order],
            "outlier_vs_training": (order >= 28).astype(float),
            "outlier_vs_training_p": 0.01 / (order + 1),
            "outlier_vs_training_in": np.where(order % 2 == 0, "rna", "factor distance"),
        }
    )
    # nobody knows whether these two are
    predictions.loc[[0, 38], ["outlier_vs_training", "outlier_vs_training_p"]] = np.nan
    named = standing_out(predictions)
    assert [row["patient"] for row in named] == ["p39", *(f"p{i}" for i in range(37, 28, -1))]
    assert named[0] == {"patient": "p39", "check": "factor distance", "p": "0.00025"}
    assert standing_out(predictions.iloc[:28]) == []


def test_the_lines_of_missing_layers_add_up():
    row = {"layers_missing": ["rna"], "n": 1, "auroc": 0.924, "loss": 0.066, "reason": ""}
    row |= {"loss_low": -0.001, "loss_high": 0.12, "ranks": True}
    told = "1 patient lacks RNA: expected AUROC 0.92 instead of 0.99, a loss of 0.07"
    assert sentence(row) == f"{told} (0.00 to 0.12)"
    few = {**row, "loss_low": None, "reason": "3 splits, 5 needed"}
    assert sentence(few) == f"{told} (no interval: 3 splits, 5 needed)"
    unused = {**few, "loss": 0.0, "reason": "no model ranks by it"}
    assert sentence(unused).endswith(
        "AUROC 0.92, as with all layers (no interval: no model ranks by it)"
    )
    # what nobody writes, but a stranger can
    half = {**row, "loss_high": None, "reason": "one end"}
    assert sentence(half) == f"{told} (no interval: one end)"
    nothing = {**row, "layers_missing": [], "n": 2}
    assert sentence(nothing) == "2 patients lack no layer: expected AUROC 0.92"


def test_who_has_nothing_that_the_model_uses_is_not_promised_what_the_procedure_reaches():
    losses = {
        "missing_layer_cost": [
            {"layers_missing": [], "auroc": 0.72, "loss": 0.0, "reason": ""},
            {"layers_missing": ["rna"], "auroc": 0.73, "loss": -0.01, "reason": ""},
        ]
    }
    scored = pd.DataFrame({"layers_missing": ["-", "rna"]})
    blind = expected_losses(scored, losses, {"layers": ["rna"], "predictors": []})
    assert [row["auroc"] for row in blind] == [0.72, 0.5]
    assert blind[1]["loss"] == pytest.approx(0.22)
    assert "0.50, no better than chance: the model uses nothing" in sentence(blind[1])
    sighted = expected_losses(scored, losses, {"layers": ["rna"], "predictors": ["age"]})
    assert sighted[1]["auroc"] == 0.73
    other = expected_losses(scored, losses, {"layers": ["rna", "dna"], "predictors": []})
    assert other[1]["auroc"] == 0.73


def test_the_calibration_figure_has_a_point_per_bin_and_says_slope_and_intercept():
    rng = np.random.default_rng(2)
    probability = rng.random(47)
    label = (rng.random(47) < probability).astype(float)
    predictions = pd.DataFrame({"label": label, "probability": probability})
    predictions.loc[:6, "label"] = np.nan
    rows = calibration_rows(predictions)
    assert [row["n"] for row in rows] == [10, 10, 10, 10]
    assert all(row["lower"] <= row["observed"] <= row["upper"] for row in rows)
    assert calibration_rows(predictions.head(26)) == []

    slope = {"value": 0.8, "lower": 0.3, "upper": 1.4}
    found = {"calibration_slope": slope, "calibration_intercept": {"value": -0.1}}
    summary = {"calibration": rows, "metrics": found, "positive": "TRD"}
    figure = calibration_figure(summary)
    assert len(figure["points"]) == len(rows)
    assert "slope 0.80 (0.30 to 1.40)" in figure["text"]
    first, top = figure["points"][0], figure["ideal"]["y"][1]
    # higher on the page is a larger share
    assert top <= float(first["upper"]) <= float(first["y"]) <= float(first["lower"])
    assert calibration_figure({**summary, "calibration": []}) is None
