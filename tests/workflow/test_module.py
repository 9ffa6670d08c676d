"""Another repository uses the rules, under names of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest
import yaml
from running import REPOSITORY

from trdomics.files import read_json, write_table

# two cohorts by one workflow: their rules, paths and wildcards must not meet
FOREIGN = """
configfile: "settings.yaml"


module first:
    snakefile: "{snakefile}"
    config: config["first"]


module second:
    snakefile: "{snakefile}"
    config: config["second"]


use rule * from first as first_*
use rule * from second as second_*


rule everything:
    input:
        rules.first_all.input,
        rules.second_all.input,
    default_target: True
"""


@pytest.fixture()
def foreign(tmp_path, simulated):
    """Return a folder that has nothing of this project but sheets and a config."""
    settings = {}
    for name in ("first", "second"):
        text = yaml.safe_dump(simulated.settings, sort_keys=False)
        raw = f"{simulated.results}/"
        settings[name] = yaml.safe_load(text.replace("results/small/", raw))
        del settings[name]["simulation"]
        settings[name]["cohort"] = name
        settings[name]["samples"]["file"] = f"{name}.tsv"
        write_table(simulated.sheet, tmp_path / f"{name}.tsv")
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    return tmp_path


def snakemake(folder, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "snakemake", "--cores", "1", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_rules_run_from_another_repository_under_its_names(foreign):
    snakefile = REPOSITORY / "workflow" / "Snakefile"
    (foreign / "Snakefile").write_text(FOREIGN.format(snakefile=snakefile))
    plan = snakemake(foreign, "-n")
    assert plan.returncode == 0, plan.stderr[-4000:]
    for rule in (
        "first_report_summary",
        "second_report_summary",
        "second_classification_fit_split",
    ):
        assert rule in plan.stdout + plan.stderr
    target = "results/second/cohort/summary.json"
    done = snakemake(foreign, target)
    assert done.returncode == 0, done.stderr[-4000:]
    assert read_json(foreign / target)["n_patients"] > 0
    assert not (foreign / "results" / "first").exists()


def test_a_module_that_is_not_on_disk_is_refused_in_one_line(foreign):
    head = subprocess.run(
        ["git", "-C", str(REPOSITORY), "rev-parse", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    if not head:
        pytest.skip("the project is not a git repository here")
    snakefile = f"git+file://{REPOSITORY}/workflow/Snakefile@{head}"
    (foreign / "Snakefile").write_text(FOREIGN.format(snakefile=snakefile))
    done = snakemake(foreign, "-n")
    assert done.returncode != 0
    # a dry run prints to stdout
    printed = (done.stdout + done.stderr).splitlines()
    errors = [line for line in printed if line.startswith("error:")]
    assert len(errors) == 1, printed
    assert "clone or git submodule" in errors[0]
