"""The search of a bundle for patients, shown to find what is planted and nothing else."""

import io
import json
import zipfile

import numpy as np
import pandas as pd
import pytest
from consortium_data import MINIMUM, TABLES, exported, planted_table, read

from trdomics.archive import pack, read_archive
from trdomics.classification.replicates import PAIRS
from trdomics.consortium.audit import audit
from trdomics.errors import InputError


@pytest.fixture(scope="module")
def content():
    return exported()


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
