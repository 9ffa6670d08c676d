"""A partner begins a cohort from matrices and is told what would be run."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from conftest import copied
from running import REPOSITORY, run

from trdomics.files import read_json


@pytest.fixture(scope="module")
def partner(tmp_path_factory, simulated):
    """Return a folder with matrices, a clinical table without labels, and the labels."""
    cohort = copied(simulated, tmp_path_factory.mktemp("partner") / "cohort")
    shutil.copytree(cohort.results / "simulation", cohort.folder / "data")
    cohort.sheet.drop(columns="response").to_csv(cohort.folder / "clinical.csv", index=False)
    return cohort.folder, cohort.sheet.set_index("patient_id")["response"]


def begin(folder, *arguments):
    return subprocess.run(
        [sys.executable, str(REPOSITORY / "workflow" / "scripts" / "cohort_init.py"), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


LAYERS = (
    "mrna=data/mrna_counts.tsv.gz",
    "small_rna=data/small_rna_counts.tsv.gz",
    "mutations=data/mutations.vcf.gz",
)


def test_from_matrices_to_a_checked_cohort(partner):
    folder, labels = partner
    done = begin(folder, "mine", *LAYERS, "--clinical", "clinical.csv")
    assert done.returncode == 0, done.stderr
    assert "mutations: variants" in done.stdout
    settings = yaml.safe_load((folder / "config" / "mine.yaml").read_text("utf-8"))
    ids = {name: layer.get("id_column") for name, layer in settings["layers"].items()}
    assert ids == {"mrna": "mrna_id", "small_rna": "small_rna_id", "mutations": None}
    again = begin(folder, "mine", *LAYERS)
    assert again.returncode == 1
    assert re.fullmatch(r"error: config/mine\.yaml: is there already.*\n", again.stderr)

    # before the label is filled in, that is what is told
    config = folder / "config" / "mine.yaml"
    empty = run(folder, config, "check", cores=1)
    assert empty.returncode != 0
    assert "error: config/mine.tsv column `response`" in empty.stdout + empty.stderr

    sheet = pd.read_csv(folder / "config" / "mine.tsv", sep="\t", dtype=str).set_index("patient_id")
    sheet["response"] = labels
    sheet.to_csv(folder / "config" / "mine.tsv", sep="\t")
    config.write_text(config.read_text("utf-8").replace("positive: resistant", "positive: TRD"))
    checked = run(folder, config, "check", cores=1)
    assert checked.returncode == 0, checked.stderr
    counts = labels.value_counts()
    assert f"{counts['TRD']} TRD, {counts['responder']} responder" in checked.stdout
    assert re.search(r"^layer mrna: counts, \d+ patients, 700 features$", checked.stdout, re.M)


def test_every_problem_is_told_at_once(partner, small_config):
    folder, _labels = partner
    settings = yaml.safe_load(yaml.safe_dump(small_config))
    del settings["simulation"]
    settings["cohort"] = "faulty"
    settings["pharmacogenes"]["medication"] = "nowhere/medication.tsv"
    settings["samples"]["file"] = "config/samples.tsv"
    for name, layer in settings["layers"].items():
        layer["file"] = f"nowhere/{name}.vcf" if name == "mutations" else f"nowhere/{name}.tsv"
        layer.pop("features", None)
    settings["classification"]["folds"] = 100  # of 120 patients
    config = folder / "faulty.yaml"
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")
    told = run(folder, config, "check", cores=1)
    assert told.returncode != 0
    errors = [line for line in told.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 5, told.stderr
    assert sum("no such file" in line for line in errors) == 4
    assert any("classification.folds" in line for line in errors)


def test_failed_and_resumed_runs_leave_their_provenance(partner, small_config):
    folder, labels = partner
    settings = yaml.safe_load(yaml.safe_dump(small_config))
    config = folder / "small.yaml"
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")
    wrapper = folder / "wrapper.smk"
    wrapper.write_text(f"""
include: "{REPOSITORY}/workflow/Snakefile"

rule broken:
    output: "results/small/broken.txt"
    shell: "exit 1"
""")

    def call(target):
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(wrapper), "--cores", "1"]
        return subprocess.run(
            [*command, target, "--configfile", str(config)],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )

    def recorded():
        return read_json(folder / "results" / "small" / "provenance.json")

    assert call("results/small/broken.txt").returncode != 0
    run_of_it = recorded()["run"]
    assert run_of_it["status"].startswith("failed")
    assert run_of_it["failed"] == ["broken"]
    done = call("results/small/cohort/confounding.tsv")
    assert done.returncode == 0, done.stderr[-3000:]
    resumed = recorded()
    assert resumed["run"]["status"] == "succeeded"
    assert resumed["run"]["jobs"]["confounding_table"] == 1
    assert resumed["earlier_runs"][-1]["failed"] == run_of_it["failed"]
    written = [folder / "results/small" / n for n in ("provenance.json", "ro-crate-metadata.json")]
    text = "".join(path.read_text("utf-8") for path in written)
    assert not [patient for patient in labels.index if patient in text]
    made = {entry["file"]: entry["sha256"] for entry in resumed["inputs"]}
    file = settings["layers"]["mrna"]["file"]
    assert made[file] == hashlib.sha256((folder / file).read_bytes()).hexdigest()


MODULE = """
configfile: "{config}"

module trd:
    snakefile: "{snakefile}"
    config: config
    {prefix}

use rule * from trd as trd_*

{handlers}
rule everything:
    input:
        rules.trd_all.input,
    default_target: True
"""


@pytest.mark.parametrize("prefix", ["", "moved"])
def test_as_a_module_with_provenance_or_under_a_prefix(partner, small_config, prefix):
    folder, _ = partner
    settings = yaml.safe_load(yaml.safe_dump(small_config))
    del settings["simulation"]
    settings["cohort"] = f"inside{prefix}"
    settings["pharmacogenes"]["medication"] = str(folder / "data" / "medication.tsv")
    settings["samples"]["file"] = str(folder / "config" / "samples.tsv")
    for layer in settings["layers"].values():
        layer["file"] = str(folder / "data" / Path(layer["file"]).name)
        layer.pop("features", None)
    config, snakefile = folder / f"{prefix}module.yaml", folder / f"{prefix}module.smk"
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")
    snakefile.write_text(
        MODULE.format(
            config=config,
            snakefile=REPOSITORY / "workflow" / "Snakefile",
            prefix=f'prefix: "{prefix}"' if prefix else "",
            handlers="" if prefix else "onsuccess:\n    trd.onsuccess()\n\n",
        )
    )
    target = Path(prefix, "results", settings["cohort"], "cohort", "patients.tsv")
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile), "--cores", "1"]
    done = subprocess.run(
        [*command, str(target)], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert (folder / target).exists()
    assert (folder / prefix / "logs" / settings["cohort"] / "cohort_harmonise.log").exists()
    if prefix:
        assert not (folder / "results" / settings["cohort"] / "cohort" / "patients.tsv").exists()
    else:
        told = read_json(folder / "results" / settings["cohort"] / "provenance.json")
        assert told["run"]["jobs"] == {"trd_cohort_harmonise": 1}
