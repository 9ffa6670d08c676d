"""The search of a bundle for patients, shown to find what is planted and nothing else."""

import json

import numpy as np
import pandas as pd
import pytest
from export_data import (
    LABEL,
    MINIMUM,
    TABLES,
    exported,
    patients_sheet,
    planted_table,
    read,
)
from model_files import closed, opened

from trdomics.consortium.audit import audit
from trdomics.consortium.bundle import MODEL_FILES
from trdomics.consortium.export import Export
from trdomics.errors import InputError

MODEL = MODEL_FILES[0]


@pytest.fixture(scope="module")
def content():
    return exported()


def found(content, names=None, lengths=None):
    export, members = content
    return audit(members, names or set(TABLES.patients), lengths or export.lengths(), MINIMUM)


def test_nothing_of_a_patient_is_in_the_bundle(content):
    export, members = content
    assert MODEL in members, export.left_out
    assert found(content) == []
    # and by another way than the audit's: every byte of every file
    whole = b"".join(members.values())
    assert not [name for name in TABLES.patients if name.encode() in whole]
    assert b"the only one" not in whole
    assert b"north" not in members["sites.tsv"]
    assert len(read(members, "sites.tsv")) == 1


def planted_array(members, array, name="planted"):
    tree, arrays = opened(members[MODEL])
    assert name not in arrays
    return {**members, MODEL: closed(tree, {**arrays, name: array})}


def patient_in_table(members, export):
    table = read(members, "effects/rna.tsv")
    table.loc[3, "symbol"] = TABLES.patients[5]
    return planted_table(members, "effects/rna.tsv", table)


def patient_in_manifest(members, export):
    told = json.loads(members["manifest.json"])
    told["left_out"].append(f"because of {TABLES.patients[5]}")
    return {**members, "manifest.json": json.dumps(told).encode()}


def patient_among_names_of_the_model(members, export):
    return in_model(members, ["a", TABLES.patients[7]])


def patient_as_a_key_of_the_model(members, export):
    tree, arrays = opened(members[MODEL])
    missing = {**tree["replicates"]["missing_"], TABLES.patients[7]: 0.1}
    tree["replicates"]["missing_"] = missing
    return {**members, MODEL: closed(tree, arrays)}


def patient_beside_the_model(members, export):
    tree, arrays = opened(members[MODEL])
    return {**members, MODEL: closed({**tree, "note": {TABLES.patients[7]: 1}}, arrays)}


def another_file(members, export):
    return {**members, "kept.npz": b"PK"}


def vector_of_the_cohort(members, export):
    return planted_array(members, np.zeros(len(export.patients)))


def matrix_of_a_layer(members, export):
    return planted_array(members, np.zeros((int(TABLES.profiled("rna").sum()), 3)))


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
    patient_among_names_of_the_model,
    patient_as_a_key_of_the_model,
    patient_beside_the_model,
    another_file,
    vector_of_the_cohort,
    matrix_of_a_layer,
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
    tree, arrays = opened(members[MODEL])
    waiting, lengths = [tree], set()
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict | list):
            lengths.add(len(value))
            waiting += value.values() if isinstance(value, dict) else value
    return lengths | {size for array in arrays.values() for size in array.shape}


def test_a_layer_of_as_many_patients_as_anything_else_in_the_model_is_exported(content):
    """As the model has 9 deciles, and the cohort 40 genes."""
    lengths = {size for size in lengths_inside(content[1]) if size > 2}
    assert {3, 9, 25, 40} <= lengths
    told = found(content, lengths=lengths)
    assert not [sentence for sentence in told if sentence.startswith(MODEL)]


@pytest.mark.parametrize("name", ["z_", "risks", "representation/normalisers_/rna/risks_"])
def test_an_array_that_models_do_not_have_is_found_whatever_its_length(content, name):
    export, members = content
    for size in (3, 40, 71):
        told = found((export, planted_array(members, np.zeros(size), name)), lengths={9999})
        assert [sentence for sentence in told if "an array that no model has" in sentence]


def test_an_array_that_models_have_is_no_longer_than_it_should_be(content):
    export, members = content
    tree, arrays = opened(members[MODEL])
    for name in ("representation/normalisers_/rna/means_", "replicates/models_/slopes"):
        longer = {**arrays, name: np.zeros(len(export.trained))}
        assert found((export, {**members, MODEL: closed(tree, longer)}), lengths={9999})


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


HOSPITAL = {str(number) for number in range(100000, 100071)}
SHORT = {str(number) for number in range(1, 72)}


def in_json(members, value):
    told = json.loads(members["model/model.json"])
    return {**members, "model/model.json": json.dumps({**told, "note": value}).encode()}


def in_model(members, value):
    """Put names where a model has any, as those of variants that a burden leaves out."""
    tree, arrays = opened(members[MODEL])
    tree["representation"]["normalisers_"]["dna"]["excluded_variants_"] = value
    return {**members, MODEL: closed(tree, arrays)}


def ids(n):
    return sorted(HOSPITAL)[:n]


@pytest.mark.parametrize(
    "value",
    [
        ids(60),
        [int(name) for name in ids(60)],
        [float(name) for name in ids(60)],
        dict.fromkeys(ids(60), 0.3),
        {"a": {"b": ids(4)}},
        "patient 100007 was left out",
        ["all is well", "patients 100007, 100008 were left out"],
        "id=100007",
        "100007",
    ],
)
@pytest.mark.parametrize("place", [in_json, in_model], ids=lambda place: place.__name__)
def test_numeric_ids_are_found(content, value, place):
    export, members = content
    assert found((export, place(members, value)), names=HOSPITAL, lengths={9999})


def test_numeric_ids_are_found_in_arrays_and_tables(content):
    export, members = content
    tree, arrays = opened(members[MODEL])
    name = "representation/normalisers_/rna/means_"
    values = np.arange(100000.0, 100000 + len(arrays[name]))
    planted = {**members, MODEL: closed(tree, {**arrays, name: values})}
    assert found((export, planted), names=HOSPITAL, lengths={9999})
    table = read(members, "effects/rna.tsv").astype({"symbol": str})
    table.loc[3, "symbol"] = "100007"
    planted = planted_table(members, "effects/rna.tsv", table)
    assert found((export, planted), names=HOSPITAL, lengths={9999})


def test_a_list_of_short_numbers_that_are_ids_is_found(content):
    export, members = content
    for value, expected in ((sorted(SHORT)[:60], True), (["1", "2", "3"], False)):
        for place in (in_json, in_model):
            told = found((export, place(members, value)), names=SHORT, lengths={9999})
            assert bool(told) == expected


@pytest.mark.parametrize("width", [1, 3, 5, 6, 7])
def test_numeric_ids_stop_no_ordinary_bundle(content, width):
    names = {str(10 ** (width - 1) + i) for i in range(300)}
    assert found(content, names=names) == []


def test_features_that_are_numbers_stop_no_bundle(content):
    """Entrez genes, positions of variants, assays and decimals, some as a patient by chance."""
    export, members = content
    features = [
        [str(number) for number in range(99891, 100011)],
        [f"1:{number}:A:C" for number in range(100000, 100060)],
        [f"{number}-28" for number in range(99891, 100011)],
        [f"LOC{number}" for number in range(100000, 100060)] + [f"TP{i}" for i in range(900)],
        ["0.100007", "100007.5", "1e100007", "a100007"],
    ]
    for names in features:
        for place in (in_json, in_model):
            assert not found((export, place(members, names)), names=HOSPITAL, lengths={9999})
    table = read(members, "effects/rna.tsv")
    table = pd.concat([table] * 3, ignore_index=True).assign(feature=features[0])
    table = table.assign(symbol=table["feature"], effect=100007.0, se=0.100007)
    planted = planted_table(members, "effects/rna.tsv", table)
    assert found((export, planted), names=HOSPITAL, lengths={9999}) == []


def test_a_vector_of_a_part_of_the_patients_is_found(content):
    """A class, a half, a fold, those of a site or with all layers; in a model of no such sizes."""
    export, members = content
    trained = export.trained
    layers = export.layers
    complete = (trained[[f"in_{layer}" for layer in layers]] == 1).all(axis=1).sum()
    sizes = [(trained["label"] == 1).sum(), len(trained) // 2, len(trained) // 3, complete]
    for size in map(int, sizes):
        value = [0.5] * size
        assert found((export, in_json(members, value))), size
        assert found((export, planted_array(members, np.zeros(size)))), size


def test_the_sites_of_a_cohort_are_lengths_but_not_the_small_ones():
    sheet = patients_sheet()
    sites = np.repeat(["a", "b", "c"], [40, len(sheet) - 45, 5])
    export = Export(
        "one", LABEL, ["response", "TRD", "responder"], sheet.assign(site=sites), MINIMUM, "site"
    )
    assert {40, len(sheet) - 45} <= export.lengths()
    assert 5 not in export.lengths()
