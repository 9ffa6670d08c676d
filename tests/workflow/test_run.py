"""The whole chain, as a user runs it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time

import pandas as pd
from conftest import lay_out
from running import TELLING, command, results_of, run

from trdomics.files import read_json, read_table
from trdomics.frozen_model.missing_layer_cost import read_missing_layer_cost
from trdomics.layers.subsets import missing_sets


def test_every_stage_leaves_its_summary_and_the_page_is_self_contained(ran):
    summary = read_json(ran.results / "summary.json")
    layers = list(ran.settings["layers"])
    assert {"cohort", "integration", "classification", "scoring", "simulation"} <= set(summary)
    assert list(summary["differential"]) == sorted(layers)
    page = (ran.results / "summary.html").read_text("utf-8")
    auroc = summary["classification"]["selected"]["auroc"]
    assert f"{auroc['value']:.2f} ({auroc['lower']:.2f} to {auroc['upper']:.2f})" in page
    assert not re.search(r"""(src|href)=["'](?!data:)""", page)
    assert "nan" not in re.sub(r"data:[^\"]+", "", page)


def test_every_site_is_left_out_once_or_named_with_the_reason(ran):
    patients = read_table(ran.results / "cohort" / "patients.tsv")
    labelled = patients.dropna(subset=["label"]).set_index("patient_id")
    summary = read_json(ran.results / "summary.json")["sites"]
    told = [row["site"] for row in (*summary["sites"], *summary["not_left_out"])]
    assert sorted(told) == sorted(labelled["site"].unique())
    assert summary["n_left_out"] > 2
    splits = read_table(ran.results / "classification" / "splits.tsv").dropna(subset=["site"])
    assert splits["split"].nunique() == summary["n_left_out"]
    assert (labelled.loc[splits["patient_id"], "site"].to_numpy() == splits["site"]).all()
    for split, rows in splits.groupby("split"):
        predicted = read_table(ran.results / f"classification/splits/{split}/predictions.tsv")
        assert set(predicted["patient_id"]) == set(rows["patient_id"])
    page = (ran.results / "summary.html").read_text("utf-8")
    auroc = summary["together"]["selected"]["left_out"]["auroc"]
    assert f"{auroc['value']:.2f} ({auroc['lower']:.2f} to {auroc['upper']:.2f})" in page


def test_the_cost_of_missing_layers_lies_beside_the_model_it_belongs_to(ran):
    model = ran.results / "classification" / "model"
    found = read_missing_layer_cost(model, read_json(model / "model.json"))
    patients = read_table(ran.results / "cohort" / "patients.tsv").dropna(subset=["label"])
    layers = list(ran.settings["layers"])
    complete = patients[[f"in_{name}" for name in layers]].all(axis=1)
    assert found["n_patients"] == complete.sum()
    assert found["layers"] == layers
    missing = [tuple(row["layers_missing"]) for row in found["missing_layer_cost"]]
    assert missing == missing_sets(layers)
    assert all(0 <= row["auroc"] <= 1 for row in found["missing_layer_cost"])


def test_a_second_call_has_nothing_to_do(ran):
    again = run(ran.folder, ran.config, "--dry-run")
    assert again.returncode == 0, again.stderr
    assert "Nothing to be done" in again.stdout + again.stderr


def test_everything_is_written_under_results_logs_and_benchmarks(ran):
    written = {path.name for path in ran.folder.iterdir()} - {".snakemake", ".cache"}
    assert written == {"config", "cohort.yaml", "results", "logs", "benchmarks"}


def test_a_killed_run_on_one_core_ends_with_the_results_of_two(ran, small_config, sheet, tmp_path):
    cohort = lay_out(tmp_path / "killed", small_config, sheet)
    targets = [f"results/{small_config['cohort']}/{name}" for name in TELLING]
    for reached in ("layers/mrna/table.parquet", "classification/splits.tsv"):
        process = subprocess.Popen(
            command(cohort.folder, cohort.config, *targets, cores=1),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + 300
        while not (cohort.results / reached).exists():
            assert process.poll() is None, f"ended before {reached} was made"
            assert time.monotonic() < deadline
            time.sleep(0.2)
        # a moment later other jobs are in the midst of it
        time.sleep(2)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert run(cohort.folder, cohort.config, "--unlock").returncode == 0
    done = run(cohort.folder, cohort.config, *targets, cores=1)
    assert done.returncode == 0, done.stderr[-6000:]
    made, expected = results_of(cohort.results), results_of(ran.results)
    assert set(TELLING) <= set(made)
    assert made == {name: expected.get(name) for name in made}


def test_a_changed_setting_reruns_only_what_depends_on_it(copy):
    settings = json.loads(json.dumps(copy.settings))
    settings["classification"]["bootstrap"] = 100
    copy.config.write_text(json.dumps(settings), encoding="utf-8")
    planned = run(copy.folder, copy.config, "--dry-run", "--quiet", "rules")
    assert planned.returncode == 0, planned.stderr
    told = planned.stdout + planned.stderr
    counted = dict(re.findall(r"^(\w+)\s+(\d+)$", told, flags=re.MULTILINE))
    assert "classification_performance" in counted
    assert not {"fit_split", "simulate_cohort", "differential_expression"} & set(counted)


def test_snakemakes_own_report_holds_every_figure(ran):
    made = run(ran.folder, ran.config, "--report", "report.zip")
    assert made.returncode == 0, made.stderr
    assert (ran.folder / "report.zip").stat().st_size > 100_000
    (ran.folder / "report.zip").unlink()


def test_labels_out_of_chance_are_not_predicted(ran, small_config, sheet, tmp_path):
    column = small_config["label"]["column"]
    shuffled = sheet.assign(**{column: sheet[column].sample(frac=1, random_state=5).to_numpy()})
    cohort = lay_out(tmp_path / "shuffled", small_config, shuffled)
    targets = [
        f"results/{small_config['cohort']}/classification/performance.tsv",
        f"results/{small_config['cohort']}/differential/mrna/results.tsv",
    ]
    done = run(cohort.folder, cohort.config, *targets)
    assert done.returncode == 0, done.stderr[-6000:]
    performance = read_table(cohort.results / "classification" / "performance.tsv")
    auroc = performance.query("feature_set == 'selected' and metric == 'auroc'").iloc[0]
    assert auroc["lower"] <= 0.5 <= auroc["upper"]
    genes = read_table(cohort.results / "differential" / "mrna" / "results.tsv")
    assert (genes["padj"] < 0.05).mean() < 0.01
    truth = pd.read_csv(ran.results / "simulation" / "truth" / "patients.tsv", sep="\t")
    assert truth.equals(
        pd.read_csv(cohort.results / "simulation" / "truth" / "patients.tsv", sep="\t")
    )
