"""The whole workflow on real cohorts; they are not part of the project and may be absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from running import REPOSITORY, run, write_config

from trdomics.files import read_json, read_table

DATA = Path(os.environ.get("TRDOMICS_REAL_DATA", REPOSITORY.parent / "shared" / "data"))

FEWER_FITS = {"folds": 3, "inner_folds": 2, "permutations": 3, "leave_one_site_out": False}

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason="the real cohorts (../shared/data) are absent"),
]


def settings(name: str) -> dict:
    """Return a cohort's config, with fewer fits than its file asks for."""
    text = (Path(__file__).parent / f"{name}.yaml").read_text("utf-8")
    config = yaml.safe_load(text.replace("DATA/", f"{DATA}/"))
    config["classification"] |= FEWER_FITS
    return config


def whole(folder: Path, config: dict) -> Path:
    done = run(folder, write_config(folder, config))
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return folder / "results" / config["cohort"]


@pytest.fixture(scope="module")
def ovarian(tmp_path_factory) -> Path:
    return whole(tmp_path_factory.mktemp("ov"), settings("tcga_ov"))


@pytest.fixture(scope="module")
def adrenal(tmp_path_factory) -> Path:
    return whole(tmp_path_factory.mktemp("acc"), settings("tcga_acc"))


def selected(results: Path, metric: str = "auroc") -> dict:
    performance = read_table(results / "classification" / "performance.tsv")
    chosen = performance[
        (performance["feature_set"] == "selected") & (performance["metric"] == metric)
    ]
    return chosen.iloc[0].to_dict()


def test_ovarian_patients_and_layers_are_those_of_the_readme(ovarian):
    cohort = read_json(ovarian / "cohort" / "summary.json")
    assert (cohort["n_patients"], cohort["n_excluded"]) == (459, 30)
    assert {name: layer["n_patients"] for name, layer in cohort["layers"].items()} == {
        "mrna": 272,
        "mirna": 359,
        "mutations": 339,
    }


def test_ovarian_response_is_no_better_predicted_than_single_layers_are_known_to(ovarian):
    """Single layers reach 0.45-0.65; far above 0.70 would be a leak."""
    auroc = selected(ovarian)
    assert 0.40 < auroc["value"] < 0.72
    assert auroc["lower"] < auroc["value"] < auroc["upper"]


def test_ovarian_patients_without_a_label_are_scored(ovarian):
    patients = read_table(ovarian / "cohort" / "patients.tsv")
    scored = read_table(ovarian / "scoring" / "predictions.tsv")
    assert set(scored["patient_id"]) == set(patients.loc[patients["label"].isna(), "patient_id"])
    assert scored["probability"].between(0, 1).all()


def test_adrenal_classes_are_read_from_expression(adrenal):
    """C1A and C1B were defined on this expression data, so anything but a high AUROC is a fault."""
    assert selected(adrenal)["value"] > 0.9
    differential = read_json(adrenal / "differential" / "mrna" / "summary.json")
    assert differential["share_tested"] > 0.1
