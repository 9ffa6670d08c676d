"""The record of a run: what it was made from, readable as a Process Run Crate."""

import datetime
import hashlib
import json
from pathlib import Path

import pytest
from rocrate.rocrate import ROCrate

from trdomics.files import read_json
from trdomics.provenance import record_run, seeds

CONFIG = {"cohort": "c", "seed": 3, "integration": {"seeds": [1, 2], "factors": 4}}
# as Snakemake writes it
LOG = """
localrule cohort_harmonise:
    jobid: 2
Finished jobid: 2 (Rule: cohort_harmonise)
Finished jobid: 3 (Rule: layers_table)
Finished jobid: 4 (Rule: layers_table)
4 of 5 steps (80%) done
"""
FAILED = """
Error in rule layers_qc:
    message: None
    jobid: 5
    rule: layers_qc
    jobs:
        rule identity_sex:
            jobid: 6
"""
BEFORE = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


@pytest.fixture()
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("sheet.tsv").write_text("patient_id\nsecret-patient-1\n")
    Path("snakemake.log").write_text(LOG)
    monkeypatch.setattr("sys.argv", ["snakemake", "--cores", "2"])
    Path("results/c/cohort").mkdir(parents=True)
    Path("results/c/cohort/table.tsv").write_text("x\n1\n")
    return Path("results/c")


def record(folder, started=BEFORE, succeeded=True):
    inputs = ["sheet.tsv", "sheet.tsv", "not_there.tsv"]
    return record_run(folder, CONFIG, inputs, started, ["snakemake.log"], succeeded=succeeded)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_the_record_holds_inputs_results_seeds_versions_and_the_command(folder):
    found = read_json(record(folder))
    assert found["run"]["command"] == ["snakemake", "--cores", "2"]
    assert found["run"]["status"] == "succeeded"
    assert found["seeds"] == {"seed": 3, "integration.seeds": [1, 2]}
    assert found["config"] == CONFIG
    text = "patient_id\nsecret-patient-1\n"
    assert found["inputs"] == [
        {"file": "sheet.tsv", "bytes": len(text), "sha256": digest(text)},
    ]
    assert found["results"] == [
        {"file": "cohort/table.tsv", "bytes": 4, "sha256": digest("x\n1\n")}
    ]
    assert {"python", "snakemake", "mofapy2", "scikit-learn"} <= set(found["software"])
    assert set(found["environments"]) >= {"core.yaml", "classification.yaml"}


def test_no_patient_is_in_it(folder):
    record(folder)
    for name in ("provenance.json", "ro-crate-metadata.json"):
        assert "secret" not in (folder / name).read_text()


def test_no_folder_of_the_machine_is_in_it(folder, tmp_path, monkeypatch):
    command = ["--configfile", f"{tmp_path}/mine.yaml", f"--directory={tmp_path}", "a/b.tsv"]
    monkeypatch.setattr("sys.argv", ["snakemake", *command])
    config = {**CONFIG, "samples": f"{tmp_path}/sheet.tsv", "sets": "https://x.org/a/b.gmt"}
    files = [f"{tmp_path}/sheet.tsv"]
    path = record_run(folder, config, files, BEFORE, [f"{tmp_path}/snakemake.log"], succeeded=True)
    for name in ("provenance.json", "ro-crate-metadata.json"):
        assert str(tmp_path.parent) not in (folder / name).read_text()
    found = read_json(path)
    assert found["run"]["command"][1:] == [
        *("--configfile", "mine.yaml", f"--directory={tmp_path.name}", "a/b.tsv")
    ]
    assert found["inputs"][0]["file"] == "sheet.tsv"
    assert found["config"]["sets"] == "https://x.org/a/b.gmt"


def test_the_crate_is_read_back_with_its_action_and_its_files(folder):
    record(folder)
    crate = ROCrate(folder)
    action = crate.get("#run")
    assert action.type == "CreateAction"
    assert action["instrument"].type == "SoftwareApplication"
    assert [entity["name"] for entity in action["object"]] == ["sheet.tsv"]
    assert {entity.id for entity in action["result"]} == {"cohort/table.tsv", "provenance.json"}
    assert crate.root_dataset["conformsTo"].id == "https://w3id.org/ro/wfrun/process/0.5"
    recorded = crate.get("provenance.json")["sha256"]
    assert recorded == digest((folder / "provenance.json").read_text())
    graph = json.loads((folder / "ro-crate-metadata.json").read_text())["@graph"]
    assert len({entity["@id"] for entity in graph}) == len(graph)


def test_a_failed_run_says_so(folder):
    assert read_json(record(folder, succeeded=False))["run"]["status"].startswith("failed")
    assert "FailedActionStatus" in (folder / "ro-crate-metadata.json").read_text()


def test_failed_jobs_are_named_and_a_later_run_keeps_the_earlier_ones(folder):
    Path("snakemake.log").write_text(LOG + FAILED)
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
    # one that failed before it wrote anything is recorded all the same
    found = read_json(record(folder, later, succeeded=False))
    lost = ["identity_sex", "layers_qc"]
    assert found["run"]["failed"] == lost
    said = "jobs that failed: identity_sex, layers_qc"
    assert said in (folder / "ro-crate-metadata.json").read_text()
    Path("snakemake.log").write_text(LOG)
    found = read_json(record(folder))
    assert found["run"]["status"] == "succeeded"
    assert found["run"]["jobs"] == {"cohort_harmonise": 1, "layers_table": 2}
    assert [run["failed"] for run in found["earlier_runs"]] == [lost]
    assert len(read_json(record(folder))["earlier_runs"]) == 2
    (folder / "provenance.json").write_text("{ cut off")
    assert read_json(record(folder))["earlier_runs"] == []


def test_a_run_that_wrote_nothing_leaves_the_record_of_the_one_that_did(folder):
    record(folder)
    before = (folder / "provenance.json").read_text()
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
    assert record(folder, started=later) is None
    assert (folder / "provenance.json").read_text() == before


def test_seeds_are_found_at_any_depth():
    config = {"a": {"b": {"seed": 1}}, "seeds": [2], "seedling": 3}
    assert dict(seeds(config)) == {"a.b.seed": 1, "seeds": [2]}
