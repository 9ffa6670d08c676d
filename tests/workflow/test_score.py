"""The frozen model on another cohort: fewer layers, other order, more and fewer features."""

from __future__ import annotations

import copy as copying

import numpy as np
import pandas as pd
import pytest
from conftest import lay_out
from running import run

from trdomics.files import read_json, read_table

N_PATIENTS = 40


@pytest.fixture
def partner(ran, sheet, tmp_path):
    """Lay out a cohort of its own from the small one's first patients, its matrices rearranged."""
    settings = copying.deepcopy(ran.settings)
    settings["cohort"] = "partner"
    del settings["simulation"]
    simulated = ran.results / "simulation"
    cohort = lay_out(tmp_path / "partner", settings, sheet.head(N_PATIENTS))
    names = set(cohort_names(sheet.head(N_PATIENTS)))
    for layer in ("mrna", "small_rna"):
        table = pd.read_csv(simulated / f"{layer}_counts.tsv.gz", sep="\t", index_col=0)
        table = table[[name for name in table.columns if name in names]]
        extra = pd.DataFrame(7, index=["NOVEL1", "NOVEL2"], columns=table.columns)
        table = pd.concat([table.sample(frac=1, random_state=1), extra])
        path = cohort.folder / f"{layer}.tsv"
        table.to_csv(path, sep="\t")
        settings["layers"][layer]["file"] = str(path)
        settings["layers"][layer].pop("features", None)
    settings["layers"]["mutations"]["file"] = str(simulated / "mutations.vcf.gz")
    settings["scoring"]["model"] = str(ran.results / "classification" / "model")
    return cohort


def cohort_names(sheet: pd.DataFrame) -> list[str]:
    columns = [name for name in sheet.columns if name.endswith("_id")]
    return [name for column in columns for name in sheet[column]]


def score(partner):
    partner.config.write_text(
        pd.Series(partner.settings).to_json(), encoding="utf-8"
    )  # YAML reads JSON
    return run(partner.folder, partner.config, "score")


def predictions(partner) -> pd.Series:
    table = read_table(partner.results / "scoring" / "predictions.tsv")
    return table.set_index("patient_id")["probability"]


def test_order_and_superfluous_features_change_nothing_and_layers_may_lack(partner, ran):
    done = score(partner)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    assert "The page to read lies at results/partner/scoring/scoring.html" in done.stderr
    everything = predictions(partner)
    assert len(everything) == N_PATIENTS
    assert everything.between(0, 1).all()
    summary = read_json(partner.results / "scoring" / "summary.json")
    assert summary["external"] is True
    table = read_table(partner.results / "scoring" / "predictions.tsv")
    inside = table["probability"].between(table["probability_lower"], table["probability_upper"])
    assert inside.all()
    # they are training patients
    assert table["outlier_vs_training"].mean() < 0.2
    assert not read_table(partner.results / "scoring" / "shift.tsv").empty
    assert summary["metrics"]["auroc"]["value"] > 0.5
    # the config has a target prevalence: one acts on the probability that was moved there
    target = partner.settings["target_prevalence"]
    moved = summary["metrics_at_target_prevalence"]
    assert moved["net_benefit"]["threshold"] == summary["threshold"] == target
    assert "value" not in summary["metrics"]["net_benefit"]
    assert sum(row["n"] for row in summary["expected"]) == N_PATIENTS
    page = (partner.results / "scoring" / "scoring.html").read_text(encoding="utf-8")
    assert "Are they like the training patients?" in page
    assert f"at the target prevalence, {target:.2f}" in page

    # the model was trained on these patients, so it must tell them apart
    labels = read_table(partner.results / "cohort" / "patients.tsv").set_index("patient_id")[
        "label"
    ]
    assert everything[labels == 1].mean() > everything[labels == 0].mean()

    manifest = read_json(ran.results / "classification" / "model" / "model.json")
    lacking = next(iter(manifest["layers"]), None)
    if lacking is None:
        pytest.skip("the small cohort's model needs no layer")
    del partner.settings["layers"][lacking]
    partner.settings["cohort"] = "partner_without"
    done = score(partner)
    told = done.stdout + done.stderr
    if len(manifest["layers"]) == 1 and not manifest["predictors"]:
        assert done.returncode != 0
        assert f"nothing that the model uses ({lacking})" in told
        return
    assert done.returncode == 0, told[-4000:]
    fewer = read_table(partner.folder / "results/partner_without/scoring/predictions.tsv")
    fewer = fewer.set_index("patient_id")["probability"]
    assert fewer.between(0, 1).all()
    assert not np.allclose(fewer, everything.reindex(fewer.index))


def test_another_platforms_names_are_mapped_and_give_the_same_numbers(partner):
    path = partner.settings["layers"]["mrna"]["file"]
    table = pd.read_csv(path, sep="\t", index_col=0)
    expected = score(partner)
    assert expected.returncode == 0, (expected.stdout + expected.stderr)[-4000:]
    before = predictions(partner)
    theirs = [f"ENSG{i:011d}" for i in range(len(table))]
    names = pd.DataFrame({"theirs": theirs, "ours": table.index})
    names.to_csv(partner.folder / "names.tsv", sep="\t", index=False)
    table.set_axis([f"{name}.{i % 9 + 1}" for i, name in enumerate(theirs)]).to_csv(path, sep="\t")
    partner.settings["scoring"]["feature_names"] = {"mrna": str(partner.folder / "names.tsv")}
    done = score(partner)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    pd.testing.assert_series_equal(predictions(partner), before)
    summary = read_json(partner.results / "scoring" / "summary.json")
    assert summary["feature_names"]["mrna"]["n_mapped"] == len(table)

    names.rename(columns={"ours": "symbol"}).to_csv(
        partner.folder / "names.tsv", sep="\t", index=False
    )
    done = score(partner)
    assert done.returncode != 0
    assert "has the columns theirs, symbol; name them" in done.stdout + done.stderr


def test_a_tampered_model_is_refused_in_one_line(partner, ran):
    folder = partner.folder / "model"
    folder.mkdir()
    for name in ("model.safetensors", "model.json"):
        content = bytearray((ran.results / "classification" / "model" / name).read_bytes())
        if name == "model.safetensors":
            content[len(content) // 2] ^= 1
        (folder / name).write_bytes(bytes(content))
    partner.settings["scoring"]["model"] = str(folder)
    done = score(partner)
    assert done.returncode != 0
    assert "is not the file its manifest describes" in done.stdout + done.stderr


def test_a_cohort_that_lacks_too_many_features_is_refused(partner, ran):
    manifest = read_json(ran.results / "classification" / "model" / "model.json")
    counts = [name for name in ("mrna", "small_rna") if name in manifest["layers"]]
    if not counts:
        pytest.skip("the small cohort's model needs no counts")
    path = partner.settings["layers"][counts[0]]["file"]
    table = pd.read_csv(path, sep="\t", index_col=0)
    needed = manifest["layers"][counts[0]]["features"]
    table.drop(index=needed[: len(needed) // 2]).to_csv(path, sep="\t")
    done = score(partner)
    assert done.returncode != 0
    told = done.stdout + done.stderr
    assert counts[0] in told
    assert "max_missing_features" in told
    assert not (partner.results / "scoring" / "predictions.tsv").exists()
