"""What a run would do is reported as it is, and every problem at once."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from model_files import write_manifest

from trdomics.check.plan import cohort_plan, plan_in_words
from trdomics.check.precheck import problems
from trdomics.cohort.config import resolve_config

N = 30
READINGS = {
    "rna": {"n_features": 25, "layout": "featureCounts", "notes": ["left out 4 rows"]},
    "protein": {"n_features": 7, "layout": "", "notes": []},
}


@pytest.fixture
def raw(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(3)
    ids = [f"p{i:02d}" for i in range(N)]
    sheet = pd.DataFrame(
        {
            "patient_id": ids,
            "response": [*(["yes", "no"] * (N // 2))[:-2], "", ""],
            "site": ["a"] * 20 + ["b"] * 10,
            "age": rng.normal(45, 9, N).round(1),
            "exclude": ["1"] + ["0"] * (N - 1),
        }
    )
    sheet.loc[20:, "response"] = ["no"] * 8 + ["", ""]
    sheet.to_csv("sheet.tsv", sep="\t", index=False)
    values = rng.poisson(20, (25, N))
    names = [*ids[: N - 4], "x1", "x2", "x3", "x4"]
    pd.DataFrame(values, [f"g{i}" for i in range(25)], names).to_csv(
        "rna.tsv", sep="\t", index_label="gene"
    )
    pd.DataFrame(rng.normal(size=(7, N)), [f"m{i}" for i in range(7)], ids).to_csv(
        "protein.tsv", sep="\t", index_label="name"
    )
    return {
        "cohort": "mine",
        "samples": {"file": "sheet.tsv", "site": "site"},
        "label": {"column": "response", "positive": "yes", "negative": "no"},
        "clinical": {"predictors": ["age"]},
        "layers": {
            "rna": {"type": "counts", "file": "rna.tsv"},
            "protein": {"type": "continuous", "file": "protein.tsv"},
        },
        "classification": {"folds": 3, "inner_folds": 3},
    }


@pytest.mark.parametrize(
    ("predictor", "named"),
    [
        (lambda y: np.where(y == "yes", 4, 2) + 3 * (np.arange(N) == 1), True),
        (lambda y: np.where(y == "yes", "k1", np.where(np.arange(N) % 3, "k2", "k3")), True),
        (lambda y: np.where(y == "yes", 4, 2) + 3 * (np.arange(N) % 3 == 1), False),
        (lambda y: [f"level {i % 6}" for i in range(N)], False),
    ],
)
def test_a_predictor_that_alone_predicts_the_label_is_named(raw, predictor, named):
    sheet = pd.read_csv("sheet.tsv", sep="\t", dtype=str, keep_default_na=False)
    sheet.assign(scale=predictor(sheet["response"])).to_csv("sheet.tsv", sep="\t", index=False)
    raw["clinical"]["predictors"] = ["scale"]
    warnings = cohort_plan(resolve_config(raw, "mine.yaml"), READINGS)["warnings"]
    found = [w for w in warnings if w.startswith("column scale: alone it predicts the label with")]
    assert len(found) == named


@pytest.mark.parametrize("listed", [False, True])
def test_patients_without_a_row_in_a_maf_are_counted(raw, listed):
    header = "Hugo_Symbol\tChromosome\tStart_Position\tReference_Allele\tTumor_Seq_Allele2"
    rows = [f"TP53\t17\t{100 + i}\tC\tT\tMissense_Mutation\tp{i:02d}" for i in range(24)]
    text = "\n".join([f"{header}\tVariant_Classification\tTumor_Sample_Barcode", *rows])
    Path("m.maf").write_text(text + "\n")
    Path("all.txt").write_text("\n".join(f"p{i:02d}" for i in range(N)))
    raw["layers"]["mutations"] = {"type": "variants", "file": "m.maf"}
    if listed:
        raw["layers"]["mutations"]["profiled"] = "all.txt"
    plan = cohort_plan(resolve_config(raw, "mine.yaml"), READINGS)
    found = [warning for warning in plan["warnings"] if "have no row in the MAF" in warning]
    assert found == [] if listed else found[0].startswith("layer mutations: 6 patients have no row")


def test_patients_layers_and_sites_are_counted(raw):
    plan = cohort_plan(resolve_config(raw, "mine.yaml"), READINGS)
    assert plan["patients"] == {
        "in_sheet": 30,
        "excluded": 1,
        "without_layers": 0,
        "taking_part": 29,
        "positive": 9,
        "negative": 18,
        "unlabelled": 2,
    }
    assert plan["sites"]["b"] == {"positive": 0, "negative": 8, "unlabelled": 2}
    assert plan["layers"]["rna"] == {"type": "counts", "n_patients": 25, **READINGS["rna"]}
    assert plan["layers"]["protein"]["n_features"] == 7
    told = "\n".join(plan["warnings"])
    assert "layer rna: 4 samples in the layer, not in the sheet: x1, x2, x3, …" in told
    assert "layer rna: left out 4 rows" in told
    assert "site b: its labelled patients are not of both classes" in told
    assert "p00" not in told


def test_nearly_empty_samples_are_not_counted_as_measured(raw):
    readings = {**READINGS, "rna": {**READINGS["rna"], "nearly_empty": ["p01", "p02"]}}
    plan = cohort_plan(resolve_config(raw, "mine.yaml"), readings)
    assert plan["layers"]["rna"]["n_patients"] == 23
    assert plan["patients"]["taking_part"] == 29


def test_one_file_as_two_layers_is_said(raw):
    raw["layers"]["again"] = dict(raw["layers"]["rna"])
    file = raw["layers"]["rna"]["file"]
    plan = cohort_plan(resolve_config(raw, "mine.yaml"), READINGS)
    assert f"layers rna and again: they are the same file, {file}" in plan["warnings"]


def test_the_words_hold_the_numbers(raw):
    config = resolve_config(raw, "mine.yaml")
    lines = plan_in_words(cohort_plan(config, READINGS), config)
    text = "\n".join(lines)
    assert "29 take part of 30" in text
    assert "label response: 9 yes, 18 no, 2 without a label" in text
    assert "layer rna: counts, 25 patients, 25 features, read as featureCounts" in lines
    assert "baselines: clinical" in text
    assert "15 splits (5 × 3 folds)" in text
    # site b has one class only, so that neither can be separated from the other
    assert "sites left out, each once: none" in lines
    assert lines[-1].startswith("warning: ")


def test_all_problems_are_found_and_nothing_is_left_behind(raw, tmp_path):
    raw["layers"]["lost"] = {"type": "counts", "file": "nowhere.tsv"}
    raw["classification"]["folds"] = 25
    rna = pd.read_csv("rna.tsv", sep="\t", index_col=0)
    rna.rename(columns=lambda name: f"other-{name}").to_csv("rna.tsv", sep="\t")
    found = [str(p) for p in problems(resolve_config(raw, "mine.yaml"))]
    assert len(found) == 3, found
    assert "nowhere.tsv" in found[0]
    assert "classification.folds" in found[1]
    assert "it shares no patient with the sheet" in found[2]
    assert not (tmp_path / "results").exists()


def test_sites_that_are_left_out_are_named(raw):
    sheet = pd.read_csv("sheet.tsv", sep="\t", dtype=str)
    sheet["site"] = (["north", "north", "south", "south"] * N)[:N]
    sheet.to_csv("sheet.tsv", sep="\t", index=False)
    raw["classification"]["min_site_class"] = 2
    config = resolve_config(raw, "mine.yaml")
    lines = plan_in_words(cohort_plan(config, {}), config)
    assert "sites left out, each once: north, south" in lines
    assert "layer rna: counts, 25 patients, read when the other layers were made" in lines


def test_a_layer_that_was_measured_in_one_class_more_often_is_told(raw):
    sheet = pd.read_csv("sheet.tsv", sep="\t", dtype=str)
    lacking = sheet.loc[sheet["response"] == "no", "patient_id"][3:]
    rna = pd.read_csv("rna.tsv", sep="\t", index_col=0)
    rna.drop(columns=[*lacking], errors="ignore").to_csv("rna.tsv", sep="\t")
    config = resolve_config(raw, "mine.yaml")
    lines = plan_in_words(cohort_plan(config, READINGS), config)
    assert "baselines: clinical, layers_present" in lines
    assert any("9 of 9 yes and 3 of 18 no have it" in line for line in lines), lines


def test_what_a_frozen_model_does_not_use_and_what_it_lacks_is_told(raw):
    write_manifest(Path(), {"positive": "ill", "negative": "well"}, ["rna", "dna"])
    warnings = cohort_plan(resolve_config({**raw, "scoring": {"model": "."}}, "x"), READINGS)[
        "warnings"
    ]
    told = "\n".join(warnings)
    assert "layer protein: the frozen model does not use it; its layers are dna, rna" in told
    assert "layer rna: the frozen" not in told
    assert "the frozen model's layer dna is not in the config" in told
    assert "probabilities refer to ill (against well)" in told
    # which matters only where a model is trained
    empty = "`clinical.confounders` is empty"
    assert empty not in told
    assert empty in "\n".join(cohort_plan(resolve_config(raw, "x"), READINGS)["warnings"])
