"""`snakemake audit` as a user calls it: a page of a pipeline with a leak, or one line."""

from __future__ import annotations

import shutil
import sys

import pytest
import yaml
from browser import assert_accessible
from running import REPOSITORY, run

from trdomics.files import read_json, read_table

sys.path.insert(0, str(REPOSITORY / "tests" / "unit"))
import audit_pipeline

TAG = "<b>site</b>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with predictions of a pipeline that selects features before splitting."""
    folder = tmp_path_factory.mktemp("audit")
    shutil.copy(REPOSITORY / "tests/unit/audit_pipeline.py", folder / "pipeline.py")
    audit_pipeline.draw(folder, signal=0.4)
    sheet = (folder / "sheet.tsv").read_text("utf-8").replace("\tA\t", f"\t{TAG}\t")
    (folder / "sheet.tsv").write_text(sheet, "utf-8")
    files = (folder / name for name in ("sheet.tsv", "features.tsv", "predictions.tsv"))
    audit_pipeline.predict(*files, leak="selection")
    return folder


def config_of(folder, **changes):
    audit = {
        "name": "rival",
        "predictions": "predictions.tsv",
        "columns": {"fold": "fold"},
        "sheet": "sheet.tsv",
        "site": "site",
        "confounders": ["site", "age"],
        "features": "features.tsv",
        "refit": f"{sys.executable} pipeline.py --leak selection --labels {{labels}} "
        "--features {features} --out {predictions}",
        "permutations": 5,
        "bootstrap": 50,
    }
    path = folder / "audit.yaml"
    path.write_text(yaml.safe_dump({"audit": audit | changes}), "utf-8")
    return path


def test_the_page_says_which_claims_hold_and_which_fail(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY / "workflow" / "scripts"))
    done = run(folder, config_of(folder), "audit")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Read results/rival/audit.html" in done.stdout + done.stderr
    results = folder / "results" / "rival"
    status = read_table(results / "audit" / "claims.tsv").set_index("key")["status"]
    assert status["null"] == status["blind_to_labels"] == "fails"
    assert status["made_again"] == "holds"
    page = (results / "audit.html").read_text("utf-8")
    assert "labels, the procedure finds nothing." in page
    assert TAG not in page
    assert page.count("data:image/svg+xml") == 3
    assert_accessible(results / "audit.html", tmp_path)
    assert read_json(results / "audit" / "summary.json")["n_patients"] == 160
    assert read_json(results / "provenance.json")["run"]["status"] == "succeeded"
    # the files of patients are the group's alone
    assert (results / "audit" / "patients.tsv").stat().st_mode & 0o007 == 0


def test_what_is_wrong_is_said_before_any_job(folder):
    done = run(folder, config_of(folder, site="centre"), "audit", "--dry-run")
    told = (done.stdout + done.stderr).splitlines()
    errors = [line for line in told if line.startswith("error: ")]
    assert done.returncode == 1
    assert len(errors) == 1
    assert "sheet.tsv: no column `centre`, which `audit.site` names" in errors[0]
