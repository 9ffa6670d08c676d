"""What a missing layer costs, measured on patients who have all of them."""

import json

import numpy as np
import pandas as pd
import pytest
from classification_data import cohort, config

from trdomics.classification.missing_layers import predict_without_layers
from trdomics.classification.run_split import nested_search
from trdomics.errors import InputError
from trdomics.evaluation.missing_layer_cost import (
    missing_layer_cost_summary,
    missing_layer_cost_table,
)
from trdomics.evaluation.site_figures import missing_layer_cost_figure
from trdomics.files import plain, write_json
from trdomics.frozen_model.read_missing_layer_cost import FILE, read_missing_layer_cost
from trdomics.layers.subsets import missing_sets, named
from trdomics.tables import LayerTables

LAYERS = ["rna", "protein", "dna"]
TABLES, LABELS = cohort(lacking=5)
NEW, NEW_LABELS = cohort(n=40, seed=8, lacking=4, prefix="new-")
SHA = "0" * 64
WHERE = {"split": "r1f1", "repeat": 1, "fold": 1}


@pytest.fixture(scope="module")
def search():
    return nested_search(config(inner_folds=2)).fit(TABLES, LABELS.to_numpy(dtype=int))


def by_missing(predicted):
    return predicted.pivot_table(index="patient_id", columns="layers_missing", values="probability")


def test_all_subsets_of_few_layers_and_the_outermost_of_many():
    assert missing_sets(["a"]) == [()]
    assert missing_sets(["a", "b"]) == [(), ("a",), ("b",)]
    assert len(missing_sets(list("abcd"))) == 15
    many = missing_sets(list("abcde"))
    assert len(many) == 11
    assert {len(missing) for missing in many} == {0, 1, 4}


@pytest.mark.parametrize("feature_set", ["late_fusion_mofa", "early", "mofa", "rna", "clinical"])
def test_a_layer_taken_away_is_one_that_the_patients_never_had(search, feature_set):
    model = search.risk_model(feature_set)
    before = {name: table.copy() for name, table in NEW.items()}
    predicted = predict_without_layers(model, NEW, LAYERS, WHERE)
    complete = NEW.patients[np.logical_and.reduce([NEW.profiled(layer) for layer in LAYERS])]
    assert set(predicted["patient_id"]) == set(complete)
    assert len(complete) == 40 - 3 * 4
    wide = by_missing(predicted)
    assert set(wide.columns) == {"-", "rna", "protein", "dna", "rna+protein"} | {
        "rna+dna",
        "protein+dna",
    }
    whole = NEW.select(complete)
    assert np.allclose(wide.loc[complete, "-"], model.predict_proba(whole)[:, 1])
    kept = {name: table for name, table in whole.items() if name not in ("rna", "dna")}
    lacking = model.predict_proba(LayerTables(kept, complete))[:, 1]
    assert np.allclose(wide.loc[complete, "rna+dna"], lacking)
    for name, table in before.items():
        pd.testing.assert_frame_equal(table, NEW[name])


def test_a_layer_that_the_model_does_without_costs_nothing(search):
    wide = by_missing(predict_without_layers(search.risk_model("rna"), NEW, LAYERS, WHERE))
    assert (wide["-"] == wide["protein+dna"]).all()
    assert np.ptp(wide["-"]) > 0.01
    # without its only layer the model knows no more than the share of each class
    assert np.ptp(wide["rna"]) < 1e-12


def test_nobody_with_all_layers_gives_a_table_without_rows(search):
    only = {name: table for name, table in NEW.items() if name != "dna"}
    predicted = predict_without_layers(
        search.risk_model("early"), LayerTables(only, NEW.patients), LAYERS, WHERE
    )
    assert predicted.empty
    table = missing_layer_cost_table(predicted, LABELS, n_samples=100, seed=1)
    summary = missing_layer_cost_summary(table, LAYERS, {"sha256": "a"})
    assert summary["missing_layer_cost"] == []
    assert "all layers" in summary["reason"]
    assert "No cost" in missing_layer_cost_figure(table).axes[0].texts[0].get_text()


def drawn(n=200, folds=5, seed=0):
    """Return predictions in which layer a carries the signal and layer b none."""
    rng = np.random.default_rng(seed)
    patients = [f"p{i:03d}" for i in range(n)]
    labels = pd.Series(np.arange(n) % 2, patients, dtype=float)
    signal = rng.normal(size=n) + 1.2 * labels.to_numpy()
    scores = {"-": signal, "a": rng.normal(size=n), "b": signal}
    parts = [
        pd.DataFrame(
            {
                "patient_id": patients,
                "repeat": 1,
                "fold": rng.permutation(np.arange(n) % folds) if name == "-" else 0,
                "layers_missing": name,
                "probability": 1 / (1 + np.exp(-score)),
            }
        )
        for name, score in scores.items()
    ]
    for part in parts[1:]:
        part["fold"] = parts[0]["fold"].to_numpy()
    return pd.concat(parts, ignore_index=True), labels


def test_the_layer_that_carries_the_signal_is_the_one_that_is_missed():
    predictions, labels = drawn()
    table = missing_layer_cost_table(predictions, labels, n_samples=200, seed=1)
    rows = table.set_index("layers_missing")
    assert rows.loc["a", "loss_low"] > 0.1
    assert rows.loc["a", "pvalue"] < 0.05
    assert rows.loc["a", "auroc_low"] < 0.5 < rows.loc["a", "auroc_high"]
    assert rows.loc["-", "auroc_low"] > 0.65
    assert rows.loc["b", "loss"] == 0
    assert "no chosen model" in rows.loc["b", "reason"]
    assert rows["n_folds"].tolist() == [5, 5, 5]
    whole = rows.loc["-", "auroc"]
    assert rows.loc["a", "auroc"] + rows.loc["a", "loss"] == pytest.approx(whole)
    assert len(missing_layer_cost_figure(table).axes) == 2


def test_few_splits_give_a_loss_without_an_interval():
    predictions, labels = drawn(folds=4)
    row = missing_layer_cost_table(predictions, labels, n_samples=100, seed=1).set_index(
        "layers_missing"
    )
    assert row.loc["a", "loss"] > 0.1
    assert row.loc["a", ["loss_low", "loss_high", "pvalue"]].isna().all()
    assert row.loc["a", "reason"] == "4 splits, 5 needed"


def test_the_interval_of_a_loss_leads_to_no_auroc_beyond_0_and_1():
    # five folds whose AUROC without layer a is perfect or reversed
    predictions, labels = drawn(n=40)
    truth = predictions["patient_id"].map(labels)
    reverse = (predictions["layers_missing"] == "a") & (predictions["fold"] < 2)
    predictions["probability"] = 0.5 + np.where(reverse, -0.4, 0.4) * (truth - 0.5)
    row = missing_layer_cost_table(predictions, labels, n_samples=100, seed=1).set_index(
        "layers_missing"
    )
    found = row.loc["a"]
    assert row.loc["-", "auroc"] == 1
    assert 0 < found["loss"] < 1
    assert (found["loss_low"], found["loss_high"]) == (0, 1)
    assert found["pvalue"] > 0.05


def test_what_lies_beside_the_model_belongs_to_it(tmp_path):
    predictions, labels = drawn()
    table = missing_layer_cost_table(predictions, labels, n_samples=100, seed=1)
    summary = missing_layer_cost_summary(table, ["a", "b"], {"sha256": SHA})
    assert [row["layers_missing"] for row in summary["missing_layer_cost"]] == [[], ["a"], ["b"]]
    assert summary["n_patients"] == 200
    assert read_missing_layer_cost(tmp_path, {"sha256": SHA}) is None
    write_json(summary, tmp_path / FILE)
    found = read_missing_layer_cost(tmp_path, {"sha256": SHA})
    assert found["missing_layer_cost"][1]["loss"] == pytest.approx(table["loss"][1])
    assert found["missing_layer_cost"][2]["loss_low"] is None
    with pytest.raises(InputError, match="does not belong"):
        read_missing_layer_cost(tmp_path, {"sha256": "other"})
    (tmp_path / FILE).write_text("[1]", encoding="utf-8")
    with pytest.raises(InputError, match="not a JSON object"):
        read_missing_layer_cost(tmp_path, {"sha256": SHA})
    rows = summary["missing_layer_cost"]
    for change, told in (
        ({"patients": ["p1"]}, "patients"),
        ({"format": 2}, "format"),
        ({"n_patients": -1}, "n_patients"),
        ({"missing_layer_cost": rows[0]}, "missing_layer_cost"),
        ({"missing_layer_cost": [{**rows[0], "auroc": "<b>"}]}, "auroc"),
        ({"missing_layer_cost": [{**rows[0], "loss_high": 1.2}]}, "loss_high"),
        ({"missing_layer_cost": [{**rows[0], "layers_missing": ["<b>"]}]}, "layers_missing"),
    ):
        write_json({**summary, **change}, tmp_path / FILE)
        with pytest.raises(InputError, match=told):
            read_missing_layer_cost(tmp_path, {"sha256": SHA})
    text = json.dumps(plain({**summary, "missing_layer_cost": rows[:1]}))
    (tmp_path / FILE).write_text(text.replace('"loss": 0.0', '"loss": NaN'), encoding="utf-8")
    with pytest.raises(InputError, match="is not JSON"):
        read_missing_layer_cost(tmp_path, {"sha256": SHA})
    (tmp_path / FILE).write_text("[" * 2**20 + "]", encoding="utf-8")
    with pytest.raises(InputError, match="larger"):
        read_missing_layer_cost(tmp_path, {"sha256": SHA})


def test_names_of_layers_survive_the_table():
    assert named("-") == []
    assert named("rna+dna") == ["rna", "dna"]
