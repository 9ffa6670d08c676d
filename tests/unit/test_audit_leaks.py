"""Four planted leaks and a clean pipeline: which check catches which?"""

from __future__ import annotations

import functools
from pathlib import Path

import audit_pipeline
import pandas as pd
import pytest

from trdomics.audit.checks import check
from trdomics.audit.claim import FAILS, HOLDS, UNCHECKED
from trdomics.audit.claims import Refits, refitted
from trdomics.audit.command import PERMUTATION, runs_of, write_given
from trdomics.audit.refit import Difference
from trdomics.audit.settings import resolve_audit

REFIT = "pipeline {labels} {features} {predictions}"


def settings(folder: Path, **changes) -> dict:
    audit = {
        "name": "tried",
        "predictions": str(folder / "predictions.tsv"),
        "columns": {"fold": "fold"},
        "sheet": str(folder / "sheet.tsv"),
        "site": "site",
        "confounders": ["site", "age"],
        "features": str(folder / "features.tsv"),
        "permutations": 5,
        "bootstrap": 50,
    }
    return resolve_audit({"audit": audit | changes}, "audit.yaml")["audit"]


def audited(folder: Path, leak: str = "none", **changes):
    """Return what the audit of a pipeline finds; its refit command is called in this process."""
    predict = functools.partial(audit_pipeline.predict, leak=leak)
    predict(folder / "sheet.tsv", folder / "features.tsv", folder / "predictions.tsv")
    audit = settings(folder, **changes)
    written = {}
    for run in runs_of(audit):
        labels, changed, out = (
            folder / f"{run}.{key}.tsv" for key in ("labels", "features", "out")
        )
        predict(labels, Path(write_given(run, audit, str(labels), str(changed))), out)
        written[run] = str(out)
    return check(audit, written)


def statuses(found) -> pd.Series:
    return found.tables["claims"].set_index("key")["status"]


def failing(found) -> set[str]:
    return set(statuses(found).loc[lambda s: s == FAILS].index)


def test_of_a_clean_pipeline_every_claim_that_was_checked_holds(tmp_path):
    audit_pipeline.draw(tmp_path, signal=0.8)
    found = audited(tmp_path, refit=REFIT)
    assert failing(found) == set()
    assert set(statuses(found).loc[lambda s: s == UNCHECKED].index) == {"not_trained_on"}
    null = found.tables["null"]
    assert null.loc[null["permutation"] > 0, "auroc"].mean() < 0.52
    assert found.summary["notes"] == []


def test_selection_before_splitting_is_seen_with_the_refit_command_only(tmp_path):
    audit_pipeline.draw(tmp_path, signal=0.0, n_features=200)
    found = audited(tmp_path, "selection")
    # of noise, and nothing of what the table shows is wrong with it
    performance = found.tables["performance"].set_index(["feature_set", "metric"])["value"]
    assert performance["model", "auroc"] > 0.7
    assert failing(found) == set()
    with_command = audited(tmp_path, "selection", refit=REFIT)
    assert failing(with_command) == {"null", "blind_to_labels", "blind_to_features"}
    null = with_command.tables["null"]
    assert null.loc[null["permutation"] > 0, "auroc"].min() > 0.6


def test_supervised_scaling_and_normalisation_of_all_are_seen_with_the_refit_command(tmp_path):
    audit_pipeline.draw(tmp_path, signal=0.8)
    assert "blind_to_labels" in failing(audited(tmp_path, "supervised_scaling", refit=REFIT))
    # without labels it does no harm that a null would show
    assert failing(audited(tmp_path, "normalisation", refit=REFIT)) == {"blind_to_features"}


def test_without_other_features_or_the_same_predictions_less_can_be_said():
    null = pd.DataFrame({"permutation": range(4), "auroc": [0.7, 0.5, 0.48, 0.51]})
    same, other = Difference(40, 0, 0.0, True), Difference(40, 30, 0.2, True)
    found = {claim.key: claim for claim in refitted(Refits(same, same, None, null))}
    assert found["blind_to_labels"].status == HOLDS
    assert found["blind_to_features"].status == UNCHECKED
    # a pipeline that is not deterministic cannot be asked what changes its predictions
    found = {claim.key: claim for claim in refitted(Refits(other, other, other, null))}
    assert found["made_again"].status == FAILS
    assert found["blind_to_labels"].status == found["blind_to_features"].status == UNCHECKED
    assert found["null"].status == HOLDS


def test_a_patient_in_two_folds_is_seen_by_its_id_or_by_its_features(tmp_path):
    audit_pipeline.draw(tmp_path, signal=0.5, twice=12)
    columns = {"fold": "fold", "sample": "sample"}
    with_ids = audited(tmp_path, columns=columns, features=None)
    assert failing(with_ids) == {"one_fold"}
    assert with_ids.summary["n_in_several_folds"] == 12
    assert set(with_ids.tables["patients"]["problem"]) == {"tested in several folds"}
    assert any("12 patients have several predictions" in n for n in with_ids.summary["notes"])
    # under other names
    hidden = audited(tmp_path, columns={"fold": "fold", "patient": "sample"}, sheet=None, site=None,
                     confounders=[], features=None)  # fmt: skip
    assert failing(hidden) == set()
    features = pd.read_csv(tmp_path / "features.tsv", sep="\t")
    features.rename(columns={"patient_id": "sample"}).to_csv(
        tmp_path / "named.tsv", sep="\t", index=False
    )
    seen = check(
        settings(tmp_path, columns={"fold": "fold", "patient": "sample"}, sheet=None, site=None,
                 confounders=[], features=str(tmp_path / "named.tsv")), {}
    )  # fmt: skip
    assert failing(seen) == {"no_copies"}
    pairs = seen.tables["duplicates"]
    assert (pairs["other_sample"] == pairs["sample"] + ".b").all()
    assert len(pairs) == 12


def test_a_model_of_the_site_is_no_better_than_the_site(tmp_path):
    audit_pipeline.draw(tmp_path, signal=0.0, site=0.85)
    found = audited(tmp_path)
    assert {"more_than_site", "more_than_confounders", "within_sites"} <= failing(found)
    assert statuses(found)["discriminates"] == HOLDS
    assert found.summary["within_sites"]["value"] == pytest.approx(0.5, abs=0.12)
    assert set(found.tables["sites"]["site"]) == {"A", "B"}


def test_a_single_test_set_is_checked_as_far_as_it_goes(tmp_path):
    audit_pipeline.draw(tmp_path, signal=0.8)
    audited(tmp_path)
    found = check(settings(tmp_path, columns={}), {})
    assert statuses(found)["one_fold"] == UNCHECKED
    assert statuses(found)["more_than_site"] == HOLDS
    assert any("five were drawn" in note for note in found.summary["notes"])


def test_exchanged_labels_are_of_one_fold_and_keep_the_classes(tmp_path):
    audit_pipeline.draw(tmp_path)
    audited(tmp_path)
    audit = settings(tmp_path, refit=REFIT)
    runs = runs_of(audit)
    assert [run for run in runs if run.startswith(PERMUTATION)] == [
        f"permutation_{i}" for i in range(1, 6)
    ]
    given = {}
    for run in runs:
        path = tmp_path / f"{run}.tsv"
        write_given(run, audit, str(path), str(tmp_path / "changed.tsv"))
        given[run] = pd.read_csv(path, sep="\t").set_index("patient_id")["label"]
        assert given[run].sum() == 80
    folds = pd.read_csv(tmp_path / "predictions.tsv", sep="\t").set_index("patient_id")["fold"]
    changed = given["held_out_labels"] != given["true_labels"]
    assert set(folds[changed.index[changed]]) == {0}
    assert changed.sum() == 32
    shuffled = given["permutation_1"] != given["permutation_2"]
    assert 40 < shuffled.sum() < 120
