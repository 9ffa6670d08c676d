import hashlib
import io
import json
import os
import pickle
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from classification_data import PATIENTS, N, cohort, config
from sklearn.linear_model import LinearRegression

import trdomics
from trdomics.archive import pack
from trdomics.classification import persist
from trdomics.classification.blocks import DenseBlocks
from trdomics.classification.freeze import freeze
from trdomics.classification.frozen import check_parts
from trdomics.classification.nested import nested_search
from trdomics.classification.persist import (
    MANIFEST,
    MODEL,
    anonymous,
    dumps,
    load_model,
    loads,
    manifest,
    save_model,
)
from trdomics.errors import InputError
from trdomics.files import read_json, write_json

KINDS = ["elastic_net", "random_forest", "gradient_boosting"]
CONFIG = config(inner_folds=2, regress_out=["age"])
# 71 patients, 65 of them in each layer: no block or feature set has as many features
TABLES, LABELS = cohort(lacking=6)
NEW, _ = cohort(n=15, seed=4, prefix="new-")


@pytest.fixture(scope="module")
def representations():
    return nested_search(CONFIG).representations(TABLES, LABELS.to_numpy())


@pytest.fixture(scope="module")
def search(representations):
    return nested_search(CONFIG).fit_from(representations, LABELS.to_numpy(dtype=int))


@pytest.fixture(scope="module")
def frozen(search, representations):
    return freeze(search, representations, TABLES, LABELS.to_numpy(dtype=int))


@pytest.fixture(scope="module", params=KINDS)
def search_of_kind(request, representations):
    options = config(models=[request.param], inner_folds=2, regress_out=["age"])
    return nested_search(options).fit_from(representations, LABELS.to_numpy(dtype=int))


@pytest.fixture(scope="module")
def folder(search, frozen, tmp_path_factory):
    path = tmp_path_factory.mktemp("model")
    description = manifest(search, frozen.risk, labels=LABELS, label=CONFIG["label"])
    save_model(frozen, description, path / MODEL, path / MANIFEST)
    return path


class Foreign(LinearRegression):
    """A type that no model of the workflow has."""


def copied(folder, tmp_path, **changes):
    (tmp_path / MODEL).write_bytes((folder / MODEL).read_bytes())
    write_json({**read_json(folder / MANIFEST), **changes}, tmp_path / MANIFEST)
    return tmp_path


def signed(folder, tmp_path, content):
    """Lay out a model whose manifest has the checksum of whatever content it is."""
    (tmp_path / MODEL).write_bytes(content)
    checksum = hashlib.sha256(content).hexdigest()
    write_json({**read_json(folder / MANIFEST), "sha256": checksum}, tmp_path / MANIFEST)
    return tmp_path


def arrays_and_texts(content):
    """Return shapes of all arrays and all text of a skops file."""
    shapes, texts = [], []
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            if name.endswith(".npy"):
                array = np.load(io.BytesIO(archive.read(name)), allow_pickle=False)
                shapes.append(array.shape)
                if array.dtype.kind in "US":
                    texts += [str(value) for value in array.ravel()]
            else:
                texts.append(archive.read(name).decode("utf-8", errors="replace"))
    return shapes, "\n".join(texts)


def longest_lists(node):
    """Yield the lengths of all lists in parsed JSON."""
    if isinstance(node, list):
        yield len(node)
    values = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
    for value in values:
        yield from longest_lists(value)


def test_a_stored_model_predicts_as_it_did(search, folder):
    frozen, description = load_model(folder)
    model = frozen.risk
    np.testing.assert_array_equal(model.predict_proba(NEW), search.predict_proba(NEW))
    assert description["feature_set"] == search.winner_
    assert description["n_training"] == N
    assert description["prevalence"] == pytest.approx(LABELS.mean())
    assert description["label"] == {"column": "outcome", "positive": "yes", "negative": "no"}
    assert set(description["layers"]) == set(model.representation.normalisers_)


@pytest.mark.parametrize("feature_set", ["late_fusion_mofa", "mofa_clinical", "early"])
def test_no_patient_in_any_file(search_of_kind, representations, feature_set):
    search_of_kind.winner_ = feature_set
    kind = search_of_kind.kinds_[feature_set]
    for row in search_of_kind.candidates_:
        row["chosen"] = int(row["feature_set"] == feature_set and row["model"] == kind)
    fitted = freeze(search_of_kind, representations, TABLES, LABELS.to_numpy(dtype=int), pairs=1)
    content = dumps(fitted)
    shapes, text = arrays_and_texts(content)
    assert shapes
    assert not [shape for shape in shapes if N in shape]
    training_parts = {len(TABLES[layer]) for layer in TABLES}
    assert not [shape for shape in shapes if training_parts & set(shape)]
    assert not [patient for patient in PATIENTS if patient in text]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        schema = json.loads(archive.read("schema.json"))
    assert not {N, *training_parts} & set(longest_lists(schema))
    restored = loads(content, "memory")
    expected = fitted.risk.predict_proba(NEW)
    np.testing.assert_array_equal(restored.risk.predict_proba(NEW), expected)
    check_parts(restored)
    blocks = DenseBlocks.of(restored.representation.transform(NEW))
    lacking = [[] for _ in range(len(NEW))]
    for bound, again in zip(
        fitted.replicates.interval(blocks, expected[:, 1], lacking),
        restored.replicates.interval(blocks, expected[:, 1], lacking),
        strict=True,
    ):
        np.testing.assert_array_equal(bound, again)


def test_the_manifest_holds_no_patient_and_no_path(folder):
    text = (folder / MANIFEST).read_text(encoding="utf-8")
    assert not [patient for patient in PATIENTS if patient in text]
    assert N not in set(longest_lists(json.loads(text)))
    assert "rna.tsv" not in text
    _, stored = arrays_and_texts((folder / MODEL).read_bytes())
    assert "rna.tsv" not in stored


def test_the_same_model_is_the_same_bytes(frozen, folder):
    assert dumps(anonymous(frozen)) == (folder / MODEL).read_bytes()


def test_other_types_are_refused():
    with pytest.raises(InputError, match=r"not trusted: .*Foreign"):
        loads(dumps(Foreign()), "model.skops")


def test_what_is_no_model_is_refused(tmp_path, folder):
    with pytest.raises(InputError, match="is no archive, or damaged"):
        loads(b"no archive at all", "model.skops")
    with pytest.raises(InputError, match="holds a dict, no model"):
        load_model(signed(folder, tmp_path, dumps({"a": 1})))


def test_a_changed_file_is_refused(folder, tmp_path):
    changed = copied(folder, tmp_path)
    with (changed / MODEL).open("ab") as file:
        file.write(b"x")
    with pytest.raises(InputError, match="is not the file its manifest describes"):
        load_model(changed)


def test_another_format_is_refused(folder, tmp_path):
    with pytest.raises(InputError, match="has format 99"):
        load_model(copied(folder, tmp_path, format=99))


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match=r"model\.skops: no such file"):
        load_model(tmp_path)


def rewritten(content, change):
    """Return a skops file whose members were changed by a function."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return pack(change(members))


def with_schema(members, change):
    schema = json.loads(members["schema.json"])
    change(schema)
    return {**members, "schema.json": json.dumps(schema).encode()}


def first_node(node, loader):
    """Return the first node of a loader in parsed JSON."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        values = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        if isinstance(node, dict) and node.get("__loader__") == loader:
            return node
        waiting += list(values)
    raise LookupError(loader)


class Evil:
    """Pickles to what leaves a file where it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (self.path.touch, ())


def refused(folder, tmp_path, change, match):
    content = rewritten((folder / MODEL).read_bytes(), change)
    with pytest.raises(InputError, match=match) as told:
        load_model(signed(folder, tmp_path, content))
    assert "\n" not in str(told.value)


def test_pickle_in_the_place_of_an_array_is_never_read(folder, tmp_path):
    pickled = pickle.dumps(Evil(tmp_path / "ran"))
    objects = io.BytesIO()
    np.save(objects, np.array([Evil(tmp_path / "ran")], dtype=object), allow_pickle=True)
    refused(folder, tmp_path, lambda m: {**m, "1.npy": pickled}, "is no array")
    refused(folder, tmp_path, lambda m: {**m, "1.npy": objects.getvalue()}, "without pickle")
    assert not (tmp_path / "ran").exists()


def test_an_array_that_declares_to_be_huge_is_refused(folder, tmp_path):
    buffer = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": (10**12,)}
    np.lib.format.write_array_header_1_0(buffer, header)
    refused(folder, tmp_path, lambda m: {**m, "1.npy": buffer.getvalue()}, "declares the shape")


@pytest.mark.parametrize("name", ["../evil.npy", "/tmp/evil.npy", "evil.py", "1.pkl", "a/1.npy"])
def test_members_that_no_model_has_are_refused(folder, tmp_path, name):
    refused(folder, tmp_path, lambda m: {**m, name: b"x"}, r"leads out|does not belong")


def test_a_bomb_is_refused_before_it_unfolds(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(persist, "MAX_MODEL_BYTES", 2**20)
    refused(folder, tmp_path, lambda m: {**m, "999.npy": bytes(2**22)}, "holds more than 1 MiB")


@pytest.mark.parametrize(
    ("loader", "module", "name"),
    [
        ("ObjectNode", "subprocess", "Popen"),
        ("ObjectNode", "sklearn.svm._classes", "SVC"),
        ("TypeNode", "os", "system"),
        ("FunctionNode", "builtins", "eval"),
        ("FunctionNode", "numpy", "add"),
        ("PartialNode", "functools", "partial"),
        ("MethodNode", "builtins", "str"),
        ("OperatorFuncNode", "operator", "methodcaller"),
        ("ReduceNode", "builtins", "str"),
    ],
)
def test_types_that_no_model_has_are_refused(folder, tmp_path, loader, module, name):
    evil = {"__class__": name, "__module__": module, "__loader__": loader, "content": {}}

    def change(schema):
        first_node(schema, "ListNode")["content"].append(evil)

    refused(folder, tmp_path, lambda m: with_schema(m, change), "type that is not trusted")


def test_a_trusted_type_under_another_loader_is_refused(folder, tmp_path):
    def change(schema):
        first_node(schema, "ObjectNode")["__loader__"] = "TreeNode"

    refused(folder, tmp_path, lambda m: with_schema(m, change), "type that is not trusted")


def test_an_older_protocol_is_refused(folder, tmp_path):
    refused(
        folder,
        tmp_path,
        lambda m: with_schema(m, lambda schema: schema.update(protocol=0)),
        "skops of this version",
    )


def test_a_lacking_array_and_a_broken_description_are_refused(folder, tmp_path):
    def lacking(members):
        return {name: content for name, content in members.items() if name != "1.npy"}

    refused(folder, tmp_path, lacking, "lacks an array")
    refused(folder, tmp_path, lambda m: {**m, "schema.json": b"{"}, "is no frozen model")
    nested = b"[" * 100_000
    refused(folder, tmp_path, lambda m: {**m, "schema.json": nested}, "is no frozen model")


def test_a_truncated_model_is_refused_even_if_it_is_signed(folder, tmp_path):
    content = (folder / MODEL).read_bytes()
    for length in (0, 100, len(content) // 2, len(content) - 1):
        with pytest.raises(InputError, match="is no archive, or damaged"):
            load_model(signed(folder, tmp_path, content[:length]))


def test_other_numbers_than_were_written_are_refused(folder, tmp_path):
    """A change of one coefficient, checksum mended, shows in the probabilities of the probe."""

    def change(members):
        for name, content in members.items():
            if name.endswith(".npy"):
                array = np.load(io.BytesIO(content))
                if array.ndim == 2 and array.shape[0] == 1 and array.dtype.kind == "f":
                    buffer = io.BytesIO()
                    np.save(buffer, array * (1 + 1e-6))
                    members = {**members, name: buffer.getvalue()}
        return members

    content = (folder / MODEL).read_bytes()
    changed = rewritten(content, change)
    assert changed != content
    with pytest.raises(InputError, match=r"probabilities that differ by \de-\d\d from those"):
        load_model(signed(folder, tmp_path, changed))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"extra": 1}, "unknown key `extra`"),
        ({"prevalence": "0.5"}, "`prevalence` is '0.5', not a number"),
        ({"prevalence": 2}, "less than 1"),
        ({"label": {"column": "a", "positive": "b"}}, "`label.negative` is missing"),
        ({"sha256": "../../x"}, "`sha256` is"),
        ({"probe": []}, "`probe` is empty"),
        ({"layers": {"rna": {"type": "pickle", "features": []}}}, "cannot be 'pickle'"),
    ],
)
def test_the_manifest_is_held_to_its_schema(folder, tmp_path, changes, problem):
    with pytest.raises(InputError, match=re.escape(problem)):
        load_model(copied(folder, tmp_path, **changes))


def test_a_manifest_that_is_no_manifest_is_refused(folder, tmp_path):
    copied(folder, tmp_path)
    for text in ("[]", "{", "[" * 100_000, "\udcff"):
        (tmp_path / MANIFEST).write_bytes(text.encode("utf-8", "surrogateescape"))
        with pytest.raises(InputError, match=r"no JSON|no manifest"):
            load_model(tmp_path)


def test_a_tree_that_points_out_of_itself_is_refused(search_of_kind, representations):
    if search_of_kind.models[0] != "gradient_boosting":
        pytest.skip("one kind of trees is enough")
    search_of_kind.winner_ = "early"
    for row in search_of_kind.candidates_:
        row["chosen"] = int(row["feature_set"] == "early")
    truth = LABELS.to_numpy(dtype=int)
    content = dumps(freeze(search_of_kind, representations, TABLES, truth, pairs=1))

    def change(members):
        for name, stored in members.items():
            if not name.endswith(".npy"):
                continue
            array = np.load(io.BytesIO(stored))
            if array.dtype.names and "left_child" in array.dtype.names:
                array["left_child"][0] = 10**6
                buffer = io.BytesIO()
                np.save(buffer, array)
                return {**members, name: buffer.getvalue()}
        raise LookupError("no tree")

    with pytest.raises(ValueError, match="a tree's nodes point out of it"):
        check_parts(loads(rewritten(content, change), "memory"))


APART = """
import sys
import numpy as np
sys.path[:0] = {paths!r}
from classification_data import cohort
from trdomics.classification.blocks import DenseBlocks
from trdomics.classification.persist import load_model
from trdomics.scoring.shift import judge
frozen, _ = load_model({folder!r})
new, _ = cohort(n=15, seed=4, prefix="new-")
probability = frozen.risk.predict_proba(new)[:, 1]
blocks = DenseBlocks.of(frozen.representation.transform(new))
lower, upper = frozen.replicates.interval(blocks, probability, [[]] * 15)
patients, _ = judge(frozen, new)
rows = np.column_stack([probability, lower, upper, patients["factor_distance"]])
sys.stdout.write(rows.tobytes().hex())
"""


def test_the_same_file_gives_the_same_numbers_in_any_process(folder):
    """Fresh processes that differ in BLAS threads, hash seed and locale agree to the last bit."""
    paths = [str(Path(trdomics.__file__).parents[1]), str(Path(__file__).parent)]
    script = APART.format(paths=paths, folder=str(folder))
    said = []
    for threads, seed in (("1", "0"), ("2", "12345")):
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        environment = {**os.environ, **dict.fromkeys(names, threads), "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            env=environment,
            check=True,
        )
        said.append(done.stdout)
    assert len(said[0]) == 15 * 4 * 8 * 2
    assert said[0] == said[1]
