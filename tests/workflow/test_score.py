"""The frozen model on another cohort: fewer layers, other order, more and fewer features."""

from __future__ import annotations

import copy as copying
import shutil

import numpy as np
import pandas as pd
import pytest
from browser import assert_accessible
from conftest import copied, lay_out
from running import run, undocumented, write_config
from scipy.special import expit

from trdomics.files import read_json, read_table

N_PATIENTS = 40


@pytest.fixture(scope="module")
def scored(ran, tmp_path_factory):
    """Return a partner's cohort, scored: the small one's first patients, matrices rearranged."""
    settings = copying.deepcopy(ran.settings)
    settings["cohort"] = "partner"
    settings["pharmacogenes"]["medication"] = None
    sheet = ran.sheet.head(N_PATIENTS)
    cohort = lay_out(tmp_path_factory.mktemp("partner") / "run", settings, sheet)
    names = {name for column in sheet if column.endswith("_id") for name in sheet[column]}
    for layer in ("mrna", "small_rna"):
        table = pd.read_csv(ran.folder / settings["layers"][layer]["file"], sep="\t", index_col=0)
        table = table[[name for name in table.columns if name in names]]
        extra = pd.DataFrame(7, index=["NOVEL1", "NOVEL2"], columns=table.columns)
        table = pd.concat([table.sample(frac=1, random_state=1), extra])
        settings["layers"][layer]["file"] = f"{layer}.tsv"
        table.to_csv(cohort.folder / f"{layer}.tsv", sep="\t")
        settings["layers"][layer].pop("features", None)
    settings["layers"]["mutations"]["file"] = str(ran.folder / "mutations.vcf")
    settings["scoring"]["model"] = str(ran.results / "classification" / "model")
    done = score(cohort)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    assert "Read results/partner/scoring/scoring.html" in done.stderr
    return cohort


@pytest.fixture
def partner(scored, tmp_path):
    """Return a copy of the scored cohort for a test that changes it."""
    return copied(scored, tmp_path / "partner")


@pytest.fixture(scope="module")
def manifest(ran):
    return read_json(ran.results / "classification" / "model" / "model.json")


def score(cohort):
    write_config(cohort.folder, cohort.settings)
    return run(cohort.folder, cohort.config, "score")


def predictions(cohort) -> pd.Series:
    table = read_table(cohort.results / "scoring" / "predictions.tsv")
    return table.set_index("patient_id")["probability"]


def test_patients_are_scored_whatever_the_order_of_features_and_with_superfluous_ones(
    scored, tmp_path
):
    everything = predictions(scored)
    assert len(everything) == N_PATIENTS
    assert everything.between(0, 1).all()
    summary = read_json(scored.results / "scoring" / "summary.json")
    assert summary["external"] is True
    table = read_table(scored.results / "scoring" / "predictions.tsv")
    inside = table["probability"].between(table["probability_lower"], table["probability_upper"])
    assert inside.all()
    written = [path.name for path in (scored.results / "scoring").iterdir()]
    assert undocumented(scored.results, [f"scoring/{name}" for name in written]) == []
    # they are training patients
    assert table["outlier_vs_training"].mean() < 0.2
    assert not read_table(scored.results / "scoring" / "shift.tsv").empty
    assert summary["metrics"]["auroc"]["value"] > 0.5
    assert len(summary["calibration"]) == N_PATIENTS // 10
    # the config has a target prevalence: one acts on the probability that was moved there
    target = scored.settings["target_prevalence"]
    moved = summary["metrics_at_target_prevalence"]
    assert moved["net_benefit"]["threshold"] == summary["threshold"] == target
    assert "value" not in summary["metrics"]["net_benefit"]
    assert sum(row["n"] for row in summary["expected"]) == N_PATIENTS
    page = (scored.results / "scoring" / "scoring.html").read_text(encoding="utf-8")
    assert "Do the patients resemble the training patients?" in page
    assert "Calibration slope" in page
    assert f"at the target prevalence, {target:.2f}" in page

    terms = read_table(scored.results / "scoring" / "contributions.tsv")
    sums = terms.groupby("patient_id")["contribution"].sum().reindex(everything.index)
    np.testing.assert_allclose(expit(sums), everything, atol=1e-4)
    page = (scored.results / "scoring" / "patients.html").read_text(encoding="utf-8")
    assert page.count("not for use in patient care") == N_PATIENTS
    for name in ("scoring.html", "patients.html"):
        assert_accessible(scored.results / "scoring" / name, tmp_path)

    # the model was trained on these patients, so it must tell them apart
    patients = read_table(scored.results / "cohort" / "patients.tsv")
    labels = patients.set_index("patient_id")["label"]
    assert everything[labels == 1].mean() > everything[labels == 0].mean()


def test_patients_without_a_layer_are_scored_or_refused_where_nothing_is_left(partner, manifest):
    everything = predictions(partner)
    lacking = next(iter(manifest["layers"]), None)
    if lacking is None:
        pytest.skip("the small cohort's model needs no layer")
    del partner.settings["layers"][lacking]
    done = score(partner)
    told = done.stdout + done.stderr
    if len(manifest["layers"]) == 1 and not manifest["predictors"]:
        assert done.returncode != 0
        assert f"nothing that the model uses ({lacking})" in told
        return
    assert done.returncode == 0, told[-4000:]
    fewer = predictions(partner)
    assert fewer.between(0, 1).all()
    assert not np.allclose(fewer, everything.reindex(fewer.index))


def test_another_platforms_names_are_mapped_and_give_the_same_numbers(partner):
    path = partner.folder / partner.settings["layers"]["mrna"]["file"]
    table = pd.read_csv(path, sep="\t", index_col=0)
    before = predictions(partner)
    theirs = [f"ENSG{i:011d}" for i in range(len(table))]
    names = pd.DataFrame({"theirs": theirs, "ours": table.index})
    names.to_csv(partner.folder / "names.tsv", sep="\t", index=False)
    table.set_axis([f"{name}.{i % 9 + 1}" for i, name in enumerate(theirs)]).to_csv(path, sep="\t")
    partner.settings["scoring"]["feature_names"] = {"mrna": "names.tsv"}
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
    assert "has no column `ours`" in done.stdout + done.stderr


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


def test_a_cohort_that_lacks_too_many_features_is_refused(partner, manifest):
    counts = [name for name in ("mrna", "small_rna") if name in manifest["layers"]]
    if not counts:
        pytest.skip("the small cohort's model needs no counts")
    path = partner.folder / partner.settings["layers"][counts[0]]["file"]
    table = pd.read_csv(path, sep="\t", index_col=0)
    needed = manifest["layers"][counts[0]]["features"]
    table.drop(index=needed[: len(needed) // 2]).to_csv(path, sep="\t")
    shutil.rmtree(partner.results / "scoring")
    done = score(partner)
    assert done.returncode != 0
    told = done.stdout + done.stderr
    assert counts[0] in told
    assert "max_missing_features" in told
    assert not (partner.results / "scoring" / "predictions.tsv").exists()
