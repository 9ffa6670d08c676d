"""What leaves the house: searched for patients, and the search shown to find them."""

import copy as copying
import io
import json
import zipfile

import numpy as np
import pandas as pd
import pytest
from classification_data import cohort, config

from trdomics.archive import pack, read_archive
from trdomics.classification.freeze import freeze
from trdomics.classification.nested import nested_search
from trdomics.classification.persist import dumps, load_model, loads, manifest, save_model
from trdomics.classification.replicates import PAIRS
from trdomics.consortium.audit import audit
from trdomics.consortium.bundle import (
    MODEL_FILES,
    SITE_VALUES,
    read_bundle,
    table_bytes,
    with_manifest,
    write_bundle,
)
from trdomics.consortium.export import Export
from trdomics.consortium.frozen import RARE, obstacles, shareable
from trdomics.errors import InputError
from trdomics.layers.burden import DOSAGE_PREFIX, GeneBurden
from trdomics.layers.values import BinaryNormaliser
from trdomics.tables import LayerTables

MINIMUM = 5
CONFIG = config()
TABLES, LABELS = cohort()
LABEL = {"column": "response", "positive": "TRD", "negative": "responder"}


@pytest.fixture(scope="module")
def sheet():
    """Return the patients as the workflow reads them, one of whom has a category to himself."""
    sheet = TABLES["clinical"].reindex(TABLES.patients).copy()
    sheet["label"] = LABELS
    for layer in TABLES:
        sheet[f"in_{layer}"] = TABLES.profiled(layer).astype(float)
    text = sheet.select_dtypes(exclude="number").columns
    sheet.loc[sheet.index[0], text[0]] = "the only one"
    return sheet


def searched(sheet, kinds=("elastic_net",)):
    settings = {**CONFIG, "classification": {**CONFIG["classification"], "models": list(kinds)}}
    tables = {name: TABLES[name] for name in TABLES if name != "clinical"}
    own = [c for c in sheet if c == "label" or c.startswith("in_")]
    tables["clinical"] = sheet.drop(columns=own)
    search = nested_search(settings).fit(
        LayerTables(tables, TABLES.patients), LABELS.to_numpy(dtype=int)
    )
    return search, LayerTables(tables, TABLES.patients)


@pytest.fixture(scope="module")
def fitted(sheet):
    return searched(sheet)


def profiled(sheet, model):
    return {layer: int(sheet[f"in_{layer}"].sum()) for layer in model.representation.normalisers_}


@pytest.fixture(scope="module")
def content(sheet, fitted, tmp_path_factory):
    """Return the members of a bundle, made by the very functions of the rule."""
    folder = tmp_path_factory.mktemp("model")
    search, tables = fitted
    search.winner_ = "mofa_clinical"
    for row in search.candidates_:
        row["chosen"] = int(row["feature_set"] == search.winner_)
    truth = LABELS.to_numpy(dtype=int)
    model = freeze(search, search.representations(tables, truth), tables, truth, pairs=2)
    told = manifest(search, model.risk, labels=LABELS, label=LABEL)
    save_model(model, told, folder / "model.skops", folder / "model.json")
    export = Export("one", LABEL, ["response", "TRD", "responder"], sheet, MINIMUM)
    rng = np.random.default_rng(0)
    n = 40
    results = pd.DataFrame(
        {
            "feature": [f"g{i}" for i in range(n)],
            "symbol": [f"g{i}" for i in range(n)],
            "base_mean": rng.uniform(1, 1e4, n),
            "log2_fold_change": rng.normal(size=n),
            "lfc_se": rng.uniform(0.1, 0.2, n),
        }
    )
    groups = {"n_positive": 37, "n_negative": 41, "design": "~ response"}
    export.effects("rna", "counts", results, groups)
    weights = results[["feature", "symbol"]].assign(Factor1=rng.normal(size=n))
    export.factors("rna", weights, None, 78)
    export.variance(pd.DataFrame({"view": ["rna"], "factor": ["Factor1"], "r2": [0.2]}))
    metrics = pd.DataFrame(
        {
            "feature_set": ["selected"],
            "role": ["selected"],
            "metric": ["auroc"],
            "value": [0.7],
            "lower": [0.6],
            "upper": [0.8],
            "reason": [None],
        }
    )
    risk = LABELS * 0.3 + rng.uniform(0, 0.7, len(LABELS))
    predictions = pd.DataFrame(
        {"patient_id": LABELS.index, "feature_set": "selected", "probability": risk.to_numpy()}
    )
    export.performance(metrics, predictions)
    sites = pd.DataFrame(
        {"feature_set": "selected", "role": "selected", "validation": ["left_out", "mixed"]}
    )
    sites = sites.assign(site="north", n_sites=3, auroc=[0.7, np.nan], lower=0.6, upper=0.8)
    export.sites(sites.reindex(columns=sites.columns.union(SITE_VALUES)))
    export.description(list(TABLES["clinical"].columns), None)
    export.model(folder, None)
    return export, export.members(TABLES.patients)


def found(content, names=None, lengths=None):
    export, members = content
    return audit(members, names or set(TABLES.patients), lengths or export.lengths(), MINIMUM)


def test_nothing_of_a_patient_is_in_the_bundle(content):
    export, members = content
    assert "model/model.skops" in members, export.left_out
    assert found(content) == []
    # and by another way than the audit's: every byte of every file, unpacked
    whole = b"".join(unpacked(members))
    assert not [name for name in TABLES.patients if name.encode() in whole]
    assert b"the only one" not in whole
    assert b"north" not in members["sites.tsv"]
    assert len(read(members, "sites.tsv")) == 1


def unpacked(members):
    for content in members.values():
        yield content
        if content[:2] == b"PK":
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                yield from (archive.read(name) for name in archive.namelist())


def planted_array(members, array, name="9999.npy"):
    file = io.BytesIO()
    np.save(file, array)
    inner = read_archive(members["model/model.skops"], [r"[^/]+"])
    assert name not in inner
    return {**members, "model/model.skops": pack({**inner, name: file.getvalue()})}


def planted_table(members, name, table):
    return {**members, name: table_bytes(table)}


def read(members, name):
    return pd.read_csv(io.BytesIO(members[name]), sep="\t", keep_default_na=False)


def patient_in_table(members, export):
    table = read(members, "effects/rna.tsv")
    table.loc[3, "symbol"] = TABLES.patients[5]
    return planted_table(members, "effects/rna.tsv", table)


def patient_in_manifest(members, export):
    told = json.loads(members["manifest.json"])
    told["left_out"].append(f"because of {TABLES.patients[5]}")
    return {**members, "manifest.json": json.dumps(told).encode()}


def patient_in_array(members, export):
    return planted_array(members, np.array(["a", TABLES.patients[7]]))


def patient_in_skops_json(members, export):
    inner = read_archive(members["model/model.skops"], [r"[^/]+"])
    told = json.loads(inner["schema.json"])
    told["note"] = {TABLES.patients[7]: 1}
    inner["schema.json"] = json.dumps(told).encode()
    return {**members, "model/model.skops": pack(inner)}


def patient_in_npz(members, export):
    file = io.BytesIO()
    np.savez(file, names=np.array([TABLES.patients[7], "b"]))
    return {**members, "kept.npz": file.getvalue()}


def vector_of_the_cohort(members, export):
    return planted_array(members, np.zeros(len(export.patients)))


def matrix_of_a_layer(members, export):
    return planted_array(members, np.zeros((int(TABLES.profiled("rna").sum()), 3)))


def vector_in_npz(members, export):
    file = io.BytesIO()
    np.savez(file, z=np.zeros(len(export.trained)))
    return {**members, "kept.npz": file.getvalue()}


def vector_in_json(members, export):
    told = json.loads(members["model/model.json"])
    told["risks"] = [0.5] * len(export.trained)
    return {**members, "model/model.json": json.dumps(told).encode()}


def roc_of_single_steps(members, export):
    steps = np.linspace(0, 1, len(export.trained))
    table = pd.DataFrame(
        {"feature_set": "selected", "false_positive_rate": steps, "true_positive_rate": steps}
    )
    return planted_table(members, "roc.tsv", table)


def small_bin(members, export):
    table = read(members, "calibration.tsv")
    table.loc[0, "n"] = MINIMUM - 1
    return planted_table(members, "calibration.tsv", table)


def small_group(members, export):
    told = json.loads(members["model/model.json"])
    told["layers"]["n_patients"] = 4
    return {**members, "model/model.json": json.dumps(told).encode()}


PLANTS = [
    patient_in_table,
    patient_in_manifest,
    patient_in_array,
    patient_in_skops_json,
    patient_in_npz,
    vector_of_the_cohort,
    matrix_of_a_layer,
    vector_in_npz,
    vector_in_json,
    roc_of_single_steps,
    small_bin,
    small_group,
]


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_the_search_finds_what_is_planted(content, plant):
    export, members = content
    assert len(found((export, plant(members, export)))) >= 1


def lengths_inside(members):
    """Return every length of a list, dict or array in the model."""
    inner = read_archive(members["model/model.skops"], [r"[^/]+"])
    waiting, lengths = [json.loads(inner["schema.json"])], set()
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict | list):
            lengths.add(len(value))
            waiting += value.values() if isinstance(value, dict) else value
    arrays = [np.load(io.BytesIO(inner[name])) for name in inner if name.endswith(".npy")]
    return lengths | {size for array in arrays for size in array.shape}


def test_a_layer_of_as_many_patients_as_anything_else_in_the_model_is_exported(content):
    """As skops has dicts of 13 and 20, and 20 replicates, and the cohort has 40 genes."""
    lengths = {size for size in lengths_inside(content[1]) if size > 2}
    assert {3, 9, 13, 20, 25, 40} <= lengths
    told = found(content, lengths={*lengths, 2 * PAIRS})
    assert not [sentence for sentence in told if sentence.startswith("model/model.skops")]


def test_a_vector_as_long_as_a_list_of_features_is_found(content):
    export, members = content
    genes = 40
    assert found(content, lengths={genes}) == []
    assert found((export, planted_array(members, np.zeros(genes))), lengths={genes})


@pytest.mark.parametrize("name", ["z_", "risks"])
def test_an_attribute_that_models_do_not_have_is_measured(content, name):
    """Beside attributes of the same class that are as long, and known to be per feature."""
    export, members = content
    inner = read_archive(members["model/model.skops"], [r"[^/]+"])
    schema = json.loads(inner["schema.json"])
    normaliser = schema["content"]["content"]["representation"]["content"]["content"]
    normaliser = normaliser["normalisers_"]["content"]["rna"]["content"]["content"]
    normaliser[name] = normaliser["means_"]
    inner["schema.json"] = json.dumps(schema).encode()
    changed = {**members, "model/model.skops": pack(inner)}
    assert found((export, changed), lengths={40})


def test_labels_by_patient_are_no_names(content):
    export, members = content
    labels = np.where(np.arange(40) % 2, "TRD", "responder")
    assert found((export, planted_array(members, labels)), lengths={40})


def test_a_table_as_long_as_the_cohort_by_chance_stops_nothing(content):
    for name in ("decision.tsv", "description.tsv"):
        rows = len(read(content[1], name))
        assert rows > 5
        assert not [told for told in found(content, lengths={rows}) if told.startswith(name)]


@pytest.mark.parametrize("column", ["carriers", "site", "patient_id"])
def test_a_column_that_the_format_does_not_know_stops_the_search(content, column):
    _, members = content
    table = read(members, "effects/rna.tsv").assign(**{column: 1})
    with pytest.raises(InputError, match="columns"):
        found((content[0], planted_table(members, "effects/rna.tsv", table)))


def test_short_and_numeric_ids_are_looked_for_as_words(content):
    assert found(content, names={"1", "5", "e1", "100"}) == []
    export, members = content
    table = read(members, "effects/rna.tsv").astype({"symbol": str})
    for name in ("e1", "5"):
        table.loc[0, "symbol"] = name
        assert found((export, planted_table(members, "effects/rna.tsv", table)), names={name})


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


def test_a_site_is_named_nowhere(content):
    export, members = content
    told = json.loads(members["manifest.json"])
    for sentence, expected in (("patients of northfield", True), ("northfields", False)):
        changed = {**told, "left_out": [*told["left_out"], sentence]}
        planted = {**members, "manifest.json": json.dumps(changed).encode()}
        found = audit(planted, set(), export.lengths(), MINIMUM, {"northfield"})
        assert bool(found) == expected
    table = read(members, "effects/rna.tsv").astype({"symbol": str})
    table.loc[0, "symbol"] = "NF"
    planted = planted_table(members, "effects/rna.tsv", table)
    assert audit(planted, set(), export.lengths(), MINIMUM, {"NF"})


def test_the_export_searches_its_sites_but_for_words_that_it_needs(sheet):
    names = np.array(["northfield", "age", "responder", "one", "female_only"])
    known = sheet.assign(site=names[np.arange(len(sheet)) % 5], other="female_only")
    export = Export("one", LABEL, ["response", "TRD", "responder"], known, MINIMUM, "site")
    assert export.searched_sites() == {"northfield"}
    export.left_out.append("patients of northfield")
    with pytest.raises(InputError, match="names the site 'northfield'"):
        export.members(())
