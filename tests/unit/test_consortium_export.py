"""What a cohort shares: its model without those who are alone, its tables without small groups."""

import copy as copying
import json

import numpy as np
import pandas as pd
import pytest
from consortium_data import (
    LABEL,
    LABELS,
    MINIMUM,
    exported,
    fitted_search,
    patients_sheet,
    read,
    searched,
)

from trdomics.classification.freeze import freeze
from trdomics.classification.persist import dumps, load_model, loads
from trdomics.consortium.bundle import (
    MODEL_FILES,
    SITE_VALUES,
    read_bundle,
    with_manifest,
    write_bundle,
)
from trdomics.consortium.export import Export
from trdomics.consortium.frozen import RARE, obstacles, shareable
from trdomics.errors import InputError
from trdomics.layers.burden import DOSAGE_PREFIX, GeneBurden
from trdomics.layers.values import BinaryNormaliser


@pytest.fixture(scope="module")
def sheet():
    return patients_sheet()


@pytest.fixture(scope="module")
def fitted():
    return fitted_search()


@pytest.fixture(scope="module")
def content():
    return exported()


def profiled(sheet, model):
    return {layer: int(sheet[f"in_{layer}"].sum()) for layer in model.representation.normalisers_}


def test_the_export_refuses_to_write_a_patient(content, sheet):
    export, _ = content
    with pytest.raises(InputError, match="single patients"):
        export.members({"g7"})


def test_the_shared_model_predicts_as_before_but_for_who_is_alone(fitted, sheet, content):
    search, tables = fitted
    model = search.risk_model("mofa_clinical")
    _, members = content
    shared = loads(members["model/model.skops"], "model.skops").risk
    before, after = model.predict_proba(tables)[:, 1], shared.predict_proba(tables)[:, 1]
    alone = (sheet == "the only one").any(axis=1).to_numpy()
    assert alone.sum() == 1
    np.testing.assert_array_equal(before[~alone], after[~alone])
    names = json.loads(members["model/model.json"])["blocks"]["clinical"]
    assert any(RARE.format(1) in name for name in names)


def test_who_gets_the_bundle_can_load_its_model(content, tmp_path):
    _, members = content
    for name in MODEL_FILES:
        (tmp_path / name.split("/")[1]).write_bytes(members[name])
    _, told = load_model(tmp_path)
    assert told["n_training"] % MINIMUM == 0


def test_the_shared_model_holds_no_statistic_of_few(fitted, sheet, content):
    own = fitted[0].risk_model("mofa_clinical").model.pipeline_.named_steps["select"]
    shared = loads(content[1]["model/model.skops"], "model.skops")
    told = shared.model.pipeline_.named_steps["select"]
    assert set(told.scores_) == {1.0}
    assert len(set(own.scores_)) > 2
    # seventy-one patients leave a tenth more than the minimum, but not than ten
    levels = shared.reference.levels_["rna"]
    assert levels["n"] % MINIMUM == 0
    assert np.isfinite(levels["deciles"]).all()
    search, tables = fitted
    truth = LABELS.to_numpy(dtype=int)
    model = freeze(search, search.representations(tables, truth), tables, truth, pairs=2)
    strict = shareable(model, sheet, 10).reference
    assert np.isnan(strict.levels_["rna"]["deciles"]).all()
    assert np.isfinite(strict.levels_["rna"]["sd"])
    hidden = shareable(model, sheet, 80).reference
    assert not hidden.patterns_
    assert np.isnan([hidden.levels_["rna"][key] for key in ("mean", "sd")]).all()


def test_a_number_that_two_patients_have_is_not_shared(fitted, sheet):
    model = fitted[0].risk_model("mofa_clinical")
    (column,) = model.representation.column_blocks_["clinical"].numeric_
    for share, expected in ((2, True), (30, False)):
        values = (np.arange(len(sheet)) < share).astype(float)
        reasons = obstacles(
            model, sheet.assign(**{column: values}), profiled(sheet, model), None, MINIMUM
        )
        assert any(f"`{column}`" in reason for reason in reasons) == expected


def test_a_forest_is_not_shared(sheet):
    search, _ = searched(sheet, ["random_forest"])
    model = search.risk_model("mofa_clinical")
    reasons = obstacles(model, sheet, profiled(sheet, model), None, MINIMUM)
    assert any("trees" in reason for reason in reasons)


def test_a_model_that_reads_the_site_or_names_few_carriers_is_not_shared(fitted, sheet):
    search, _ = fitted
    model = search.risk_model("late_fusion_mofa")
    column = model.representation.sheet_columns()[0]
    few = obstacles(model, sheet, profiled(sheet, model), column, 5)
    assert any("sites" in reason for reason in few)
    many = obstacles(model, sheet, profiled(sheet, model), None, 60)
    assert any("carriers" in reason for reason in many)
    assert len(dumps(shareable(model, sheet, MINIMUM))) > 1000


@pytest.mark.parametrize(("mean", "shared"), [(1.03, True), (0.04, False), (1.96, False)])
def test_a_dosage_counts_alleles_of_which_a_patient_has_two(fitted, sheet, mean, shared):
    search, _ = fitted
    model = copying.deepcopy(search.risk_model("late_fusion_mofa"))
    layer, burden = next(
        (layer, kept)
        for layer, kept in model.representation.normalisers_.items()
        if isinstance(kept, (GeneBurden, BinaryNormaliser))
    )
    burden.features_ = np.append(burden.features_, f"{DOSAGE_PREFIX}rs1")
    burden.means_ = np.append(burden.means_, mean)
    found = obstacles(model, sheet, {**profiled(sheet, model), layer: 100}, None, 5)
    assert any("carriers" in reason for reason in found) == (not shared)


def test_a_group_that_is_too_small_cannot_be_exported(sheet):
    few = sheet[(sheet["label"] == 0) | (sheet["label"] == 1).cumsum().le(4)]
    with pytest.raises(InputError, match="fewer than 5"):
        Export("one", LABEL, ["response", "TRD", "responder"], few, MINIMUM)


def test_the_bundle_is_read_again_and_is_the_same_file_twice(content, tmp_path):
    _, members = content
    write_bundle(members, tmp_path / "a.zip")
    write_bundle(with_manifest(without_files(members), only_files(members)), tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    bundle = read_bundle(tmp_path / "a.zip")
    assert bundle.manifest["patients"]["n_positive"] % MINIMUM == 0


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
    assert any("knows the other's" in reason for reason in export.left_out)


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
