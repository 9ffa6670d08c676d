"""The whole chain, as a user runs it."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from conftest import lay_out
from running import TELLING, results_of, run, undocumented
from scipy.special import logit

from trdomics.files import read_json, read_table
from trdomics.frozen_model.read_missing_layer_cost import read_missing_layer_cost
from trdomics.layers.subsets import missing_sets


def test_every_stage_leaves_its_summary_and_the_page_is_self_contained(ran):
    summary = read_json(ran.results / "summary.json")
    layers = list(ran.settings["layers"])
    assert {"cohort", "integration", "classification", "scoring"} <= set(summary)
    assert list(summary["differential"]) == sorted(layers)
    page = (ran.results / "summary.html").read_text("utf-8")
    auroc = summary["classification"]["selected"]["auroc"]
    assert f"{auroc['value']:.2f} ({auroc['lower']:.2f} to {auroc['upper']:.2f})" in page
    links = set(re.findall(r"""(?:src|href)=["'](?!data:|#)([^"']*)""", page))
    # other pages of the run, which the page does without
    pages = {"genes.html", "mechanism/mechanism.html", "pharmacogenes/pharmacogenes.html"}
    pages |= {"classification/model/CARD.html", "reporting/methods.md", "reporting/references.bib"}
    pages |= {"reporting/tripod_ai.html", "reporting/probast_ai.html"}
    assert links == pages | {f"panels/{name}/panel.html" for name in ran.settings["panels"]}
    assert all((ran.results / link).is_file() for link in links)
    assert len(page) < 4e6
    assert not re.search(
        r"\bnan\b", re.sub(r"data:[^\"]+|<script.*?</script>", "", page, flags=re.S)
    )


def test_every_site_is_left_out_once_or_named_with_the_reason(ran):
    patients = read_table(ran.results / "cohort" / "patients.tsv")
    labelled = patients.dropna(subset=["label"]).set_index("patient_id")
    summary = read_json(ran.results / "summary.json")["sites"]
    told = [row["site"] for row in (*summary["sites"], *summary["not_left_out"])]
    assert sorted(told) == sorted(labelled["site"].unique())
    assert summary["n_left_out"] > 2
    splits = sorted((ran.results / "classification" / "splits").glob("s*/predictions.tsv"))
    assert len(splits) == summary["n_left_out"]
    left_out = []
    for path in splits:
        tested = set(read_table(path)["patient_id"])
        (site,) = labelled.loc[sorted(tested), "site"].unique()
        assert tested == set(labelled.index[labelled["site"] == site])
        left_out.append(site)
    assert sorted(left_out) == sorted(row["site"] for row in summary["sites"])
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


def test_every_table_and_column_of_a_run_is_documented(ran):
    # the splits of one kind are alike
    written = [name for name in results_of(ran.results) if "/splits/" not in name or "s01" in name]
    assert len(written) > 150
    assert undocumented(ran.results, written) == []


def test_contributions_to_out_of_fold_predictions_add_up_to_their_log_odds(ran):
    folder = ran.results / "classification"
    predictions = read_table(folder / "predictions.tsv").query("feature_set == 'selected'")
    log_odds = logit(predictions.set_index("patient_id")["probability"])
    table = read_table(folder / "contributions.tsv")
    found = table.groupby("patient_id")["contribution"].sum()
    expected = log_odds.groupby("patient_id").mean()
    np.testing.assert_allclose(found, expected[found.index], atol=1e-3)
    assert len(found) == len(expected)
    assert {"baseline", "layer", "predictor"} <= set(table["kind"])


def test_a_second_call_has_nothing_to_do(ran):
    again = run(ran.folder, ran.config, "--dry-run")
    assert again.returncode == 0, again.stderr
    assert "Nothing to be done" in again.stdout + again.stderr


def test_everything_is_written_under_results_logs_and_benchmarks(ran):
    written = {path.name for path in ran.folder.iterdir()} - {".snakemake", ".cache"}
    given = {"config", ran.config.name, "mrna_features.tsv", "medication.tsv"} | {
        layer["file"] for layer in ran.settings["layers"].values()
    }
    assert written == given | {"results", "logs", "benchmarks"}


def test_only_owner_and_group_read_what_is_written(ran):
    folders = [ran.folder / name for name in ("results", "logs", "benchmarks")]
    written = [path for folder in folders for path in folder.rglob("*")]
    assert len(written) > 50
    assert not [path for path in written if path.lstat().st_mode & 0o007 and not path.is_symlink()]


def test_blocks_of_patients_are_written_for_permutations_only(ran):
    splits = ran.results / "classification" / "splits"
    sizes = {path.parent.name: path.stat().st_size for path in splits.glob("*/blocks.npz")}
    assert {name[0] for name in sizes} == {"r", "s"}
    # labels are permuted in the cross-validation, and not where a site is left out
    assert all((size > 0) == name.startswith("r") for name, size in sizes.items())


def test_logs_and_provenance_hold_no_patient_and_no_folder(ran):
    texts = [path for path in (ran.folder / "logs").rglob("*") if path.is_file()]
    texts += [ran.results / "provenance.json", ran.results / "ro-crate-metadata.json"]
    names = set(read_table(ran.results / "cohort" / "patients.tsv")["patient_id"])
    assert len(texts) > 20
    for path in texts:
        text = path.read_text("utf-8")
        assert str(ran.folder) not in text, path
        assert not [name for name in names if name in text], path


@pytest.mark.slow
def test_an_uninterrupted_run_on_one_core_has_the_results_of_a_killed_one_on_two(
    ran, lay_out_nasty, tmp_path
):
    cohort = lay_out_nasty(tmp_path / "one_core")
    targets = [f"results/nasty/{name}" for name in TELLING]
    done = run(cohort.folder, cohort.config, *targets, cores=1)
    assert done.returncode == 0, done.stderr[-6000:]
    made, expected = results_of(cohort.results), results_of(ran.results)
    assert set(TELLING) <= set(made)
    assert made == {name: expected.get(name) for name in made}


@pytest.mark.slow
def test_labels_out_of_chance_are_not_predicted(simulated, small_config, sheet, tmp_path):
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
    truth = pd.read_csv(simulated.results / "simulation" / "truth" / "patients.tsv", sep="\t")
    assert truth.equals(
        pd.read_csv(cohort.results / "simulation" / "truth" / "patients.tsv", sep="\t")
    )
