"""What a cohort shares: its model without those who are alone, its tables without small groups."""

import json
import zipfile

import numpy as np
import pandas as pd
import pytest
from attacks import membership
from classification_data import cohort
from export_data import (
    LABEL,
    LABELS,
    MINIMUM,
    TABLES,
    exported,
    fitted_search,
    frozen_model,
    patients_sheet,
    raw_tables,
    read,
)
from model_files import closed, opened
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from trdomics.archive import sha256_of, write_archive
from trdomics.consortium.audit import audit
from trdomics.consortium.bundle import (
    LOSS_FILE,
    MODEL_FILES,
    SITE_VALUES,
    json_bytes,
    read_bundle,
    with_manifest,
)
from trdomics.consortium.disclosure import shareable_losses
from trdomics.consortium.export import Export
from trdomics.consortium.shareable_model import RARE, shareable
from trdomics.errors import InputError
from trdomics.frozen_model.read_missing_layer_cost import read_missing_layer_cost
from trdomics.frozen_model.store import dumps, load_model, loads
from trdomics.partner_json import with_checksum
from trdomics.parts import take_apart
from trdomics.scoring.expected_loss import NOT_MEASURED, expected_losses
from trdomics.scoring.out_of_distribution import FEW_FOLDS, assess


@pytest.fixture(scope="module")
def sheet():
    return patients_sheet()


@pytest.fixture(scope="module")
def fitted():
    return fitted_search()


@pytest.fixture(scope="module")
def content():
    return exported()


def test_the_export_refuses_to_write_a_patient(content, sheet):
    export, _ = content
    with pytest.raises(InputError, match="single patients"):
        export.members({"g7"})


def test_the_shared_model_predicts_as_before_but_for_who_is_alone(fitted, sheet, content):
    search, tables = fitted
    model = search.risk_model("mofa_clinical")
    _, members = content
    shared = loads(members[MODEL_FILES[0]], "memory").risk
    before, after = model.predict_proba(tables)[:, 1], shared.predict_proba(tables)[:, 1]
    alone = (sheet == "the only one").any(axis=1).to_numpy()
    assert alone.sum() == 1
    # rounded numbers move nobody far, and keep the order
    assert np.abs(before - after)[~alone].max() < 0.05
    assert spearmanr(before[~alone], after[~alone]).statistic > 0.995
    names = json.loads(members["model/model.json"])["blocks"]["clinical"]
    assert any(RARE.format(1) in name for name in names)


def test_who_gets_the_bundle_can_load_its_model(content, tmp_path):
    _, members = content
    write_archive(members, tmp_path / "a.zip")
    read_bundle(tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        archive.extractall(tmp_path)
    folder = tmp_path / "model"
    assert {f"model/{path.name}" for path in folder.iterdir()} == {*MODEL_FILES, LOSS_FILE}
    _, told = load_model(folder)
    assert told["n_training"] % MINIMUM == 0
    assert told["inner_auc"] == round(told["inner_auc"], 3)
    losses = read_missing_layer_cost(folder, told)
    scored = pd.DataFrame({"layers_missing": ["-", "rna", "rna+protein", "rna+protein+dna"]})
    description = {"layers": ["rna", "protein", "dna"], "predictors": ["age"]}
    rows = expected_losses(scored, losses, description)
    assert [row["auroc"] for row in rows] == [0.725, 0.712, 0.712, None]
    # the exact loss is nearer to 0.012, which would not lead from 0.712 to 0.725
    assert rows[1]["loss"] == 0.013
    assert rows[1]["auroc_high"] == 0.999
    assert rows[3]["reason"] == NOT_MEASURED
    counts = [
        losses["n_patients"],
        losses["n_positive"],
        losses["missing_layer_cost"][1]["n_patients"],
    ]
    assert counts == [60, 30, 60]


def test_a_model_whose_numbers_were_not_rounded_is_refused(content):
    name = MODEL_FILES[0]
    found = audit({name: dumps(frozen_model("mofa_clinical"))}, [], [], MINIMUM)
    assert any("has numbers of more than 8 digits" in reason for reason in found)
    assert audit({name: content[1][name]}, [], [], MINIMUM) == []


def test_nobody_is_recognised_as_a_training_patient(content):
    """One draw of the attacks; test_consortium_attacks.py has all."""
    shared = loads(content[1][MODEL_FILES[0]], "memory")
    members = membership(shared, TABLES, LABELS)
    others = membership(shared, *cohort(seed=11, prefix="other-"))
    for attack, score in members.items():
        label = np.r_[np.ones(len(score)), np.zeros(len(others[attack]))]
        assert roc_auc_score(label, np.r_[score, others[attack]]) <= 0.6, attack


def test_what_layers_cost_few_patients_is_not_told(content):
    losses = json.loads(content[1][LOSS_FILE])
    few = shareable_losses({**losses, "n_patients": 63, "n_positive": 59}, MINIMUM)
    assert few["missing_layer_cost"] == []
    assert few["n_patients"] == 0
    assert "fewer than 5 patients of a class" in few["reason"]
    empty = {
        **losses,
        "missing_layer_cost": [],
        "n_patients": 0,
        "n_positive": 0,
        "reason": "one layer",
    }
    assert shareable_losses(empty, MINIMUM) == empty


@pytest.mark.parametrize(
    "change", [{"sha256": "0" * 64}, {"patients": ["p1"]}, {"missing_layer_cost": [{"auroc": 0.7}]}]
)
def test_a_bundle_with_other_losses_is_refused(content, tmp_path, change):
    members = dict(content[1])
    losses = {**json.loads(members[LOSS_FILE]), **change}
    members[LOSS_FILE] = json.dumps(losses).encode()
    write_archive(with_manifest(without_files(members), only_files(members)), tmp_path / "a.zip")
    with pytest.raises(InputError, match="missing_layer_cost"):
        read_bundle(tmp_path / "a.zip")


def test_the_shared_model_holds_no_statistic_of_few(sheet, content):
    shared = loads(content[1][MODEL_FILES[0]], "memory")
    # seventy-one patients leave a tenth more than the minimum, but not than ten
    levels = shared.reference.levels_["rna"]
    assert levels["n"] % MINIMUM == 0
    assert all(pattern["n"] % MINIMUM == 0 for pattern in shared.reference.patterns_.values())
    assert np.isfinite(levels["deciles"]).all()
    tree, arrays = take_apart(shared)
    # of the selection only which features are kept; no statistic, no count of what was fitted
    assert {name.rpartition("/")[2] for name in arrays if name.startswith("classifier")} == {
        *("columns", "priors", "fitted", "constants", "coefficients"),
        *("weights", "intercepts", "slopes", "offsets"),
    }
    assert "fold_sizes" not in json.dumps([tree, list(arrays)])
    model = frozen_model("mofa_clinical")
    strict = shareable(model, sheet, raw_tables(), 10).reference
    assert "deciles" not in strict.levels_["rna"]
    assert np.isfinite(strict.levels_["rna"]["sd"])
    hidden = shareable(model, sheet, raw_tables(), 80).reference
    assert not hidden.patterns_
    assert np.isnan([hidden.levels_["rna"][key] for key in ("mean", "sd")]).all()


def test_means_of_small_folds_are_not_shared(fitted, sheet):
    _, tables = fitted
    model = frozen_model("mofa_clinical")

    def held_out(frozen):
        patterns = frozen.reference.patterns_.values()
        return [found for pattern in patterns for found in pattern["held_out"].values()]

    sizes = np.concatenate([found["fold_sizes"] for found in held_out(model)])
    least = int(np.median(sizes)) + 1
    assert sizes.min() >= MINIMUM
    assert (sizes < least).any()
    assert (sizes >= least).any()
    shared = held_out(shareable(model, sheet, raw_tables(), least))
    kept = [size for size in sizes if size >= least]
    assert sum(len(found["fold_means"]) for found in shared) <= len(kept)
    assert not any("fold_sizes" in found for found in shared)
    none = shareable(model, sheet, raw_tables(), int(sizes.max()) + 1)
    assert not any(len(found["fold_means"]) for found in held_out(none))
    # and who gets such a model can still compare
    patients, shift = assess(none, tables)
    assert patients["outlier_vs_training"].notna().any()
    rows = shift[shift["name"].str.contains("reproduction error")]
    assert len(rows)
    assert set(rows["reason"]) == {FEW_FOLDS}
    assert rows["p"].isna().all()


def test_weights_of_features_with_few_known_carriers_are_left_out(sheet):
    export = Export("one", LABEL, ["response", "TRD", "responder"], sheet, MINIMUM)
    counts = {"carriers_positive": [4, 3, 9, 9], "carriers_negative": [0, 3, 9, 9]}
    counts |= {"others_positive": [20, 20, 2, 2], "others_negative": [20, 20, 2, 3]}
    tested = pd.DataFrame({"feature": list("abcd"), **counts, "log_odds_ratio": 0.1})
    tested = tested.assign(lower=-1.0, upper=1.0)
    groups = {"n_positive": 30, "n_negative": 30, "design": "~ response"}
    export.effects("dna", "binary", tested, groups)
    weights = pd.DataFrame({"feature": list("abcde"), "symbol": None, "Factor1": 0.5})
    export.factors("dna", weights, tested)
    assert list(read(export.files, "factors/dna.tsv")["feature"]) == ["b", "d"]
    assert "effects/dna.tsv" not in export.files


def test_a_group_that_is_too_small_cannot_be_exported(sheet):
    few = sheet[(sheet["label"] == 0) | (sheet["label"] == 1).cumsum().le(4)]
    with pytest.raises(InputError, match="fewer than 5"):
        Export("one", LABEL, ["response", "TRD", "responder"], few, MINIMUM)


def test_the_bundle_is_read_again_and_is_the_same_file_twice(content, tmp_path):
    _, members = content
    write_archive(members, tmp_path / "a.zip")
    write_archive(with_manifest(without_files(members), only_files(members)), tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    bundle = read_bundle(tmp_path / "a.zip")
    assert bundle.manifest["patients"]["n_positive"] % MINIMUM == 0


def test_a_model_that_was_planted_in_a_bundle_is_refused_where_it_is_used(content, tmp_path):
    _, members = content
    model, told = MODEL_FILES
    tree, arrays = opened(members[model])
    changed = closed({**tree, "run": "os.system"}, arrays)
    described = with_checksum({**json.loads(members[told]), "sha256": sha256_of(changed)})
    for name, written in ((model, changed), (told, json_bytes(described))):
        (tmp_path / name.split("/")[1]).write_bytes(written)
    with pytest.raises(InputError, match=r"model\.safetensors: .*a key that no model has"):
        load_model(tmp_path)


def without_files(members):
    told = json.loads(members["manifest.json"])
    del told["files"]
    return told


def only_files(members):
    return {name: content for name, content in members.items() if name != "manifest.json"}


def test_a_design_names_no_site(sheet):
    export = Export("one", LABEL, ["response", "TRD", "responder"], sheet, MINIMUM, "site")
    results = pd.DataFrame(
        {"feature": ["g"], "symbol": "g", "base_mean": 1.0, "log2_fold_change": 1.0, "lfc_se": 0.1}
    )
    design = "~ C(site, contr.treatment('north')) + northern_light + response"
    groups = {"n_positive": 30, "n_negative": 30, "design": design}
    export.effects("rna", "counts", results, groups)
    told = export.layers["rna"]["design"]
    assert "'north'" not in told
    assert "northern_light" in told


def test_two_sites_are_not_combined_since_each_knows_its_own(sheet):
    sites = pd.DataFrame({"feature_set": ["selected", "clinical"], "role": "selected"})
    sites = sites.assign(validation="left_out", n_sites=[2, 3], auroc=0.71234567, upper=0.99999)
    export = Export("one", LABEL, ["response", "TRD", "responder"], sheet, MINIMUM)
    export.sites(sites.reindex(columns=sites.columns.union(SITE_VALUES)))
    table = read(export.files, "sites.tsv")
    assert list(table["feature_set"]) == ["clinical"]
    assert list(table["auroc"].astype(float)) == [0.712]
    assert list(table["upper"].astype(float)) == [0.999]
    assert any("could compute the other's" in reason for reason in export.left_out)


def test_metrics_and_prevalence_are_too_short_to_count_patients(content):
    _, members = content
    told = json.loads(members["model/model.json"])["prevalence"]
    assert told != LABELS.mean()
    assert told == round(told, 2)
    table = read(members, "performance.tsv")
    assert list(table["se"].astype(float)) == [0.051]


def test_the_export_searches_its_sites_but_for_words_that_it_needs(sheet):
    names = np.array(["northfield", "age", "responder", "one", "female_only"])
    known = sheet.assign(site=names[np.arange(len(sheet)) % 5], other="female_only")
    export = Export("one", LABEL, ["response", "TRD", "responder"], known, MINIMUM, "site")
    assert export.searched_sites() == {"northfield"}
    export.left_out.append("patients of northfield")
    with pytest.raises(InputError, match="names the site 'northfield'"):
        export.members(())


def test_phenotypes_of_pharmacogenes_are_counted_in_steps_and_rare_ones_left_out():
    patients = pd.DataFrame({"label": [1.0] * 10 + [0.0] * 10 + [np.nan]})
    patients.index = [f"p{i}" for i in range(21)]
    export = Export("c", LABEL, ["y", "a", "b"], patients, 5)
    calls = pd.DataFrame(
        {
            "patient_id": patients.index,
            "gene": "CYP2C19",
            "status": "called",
            "phenotype": ["NM"] * 13 + ["PM"] * 4 + ["NM"] * 4,
        }
    )
    calls.loc[0, "status"] = "several"
    export.pharmacogenes(calls)
    # 15 of the labelled have a single NM; the one without a label is not counted
    assert export.files["pharmacogenes.tsv"].decode().split() == [
        *("gene", "phenotype", "n"),
        *("CYP2C19", "NM", "15"),
    ]
    assert any("fewer than 5 patients" in line for line in export.left_out)
