"""Files of frozen models that somebody made to do harm, or that were damaged."""

import io
import json
import pickle
import re

import numpy as np
import pytest
from classification_data import cohort, config
from model_files import copied, rewritten, signed

from trdomics.classification.outer_split import nested_search
from trdomics.errors import InputError
from trdomics.frozen_model import skops_check, store
from trdomics.frozen_model.freeze import freeze
from trdomics.frozen_model.store import (
    MANIFEST,
    MODEL,
    load_model,
    manifest,
    save_model,
)

CONFIG = config(models=["elastic_net"], inner_folds=2, regress_out=["age"])
TABLES, LABELS = cohort(lacking=6)


@pytest.fixture(scope="module")
def representations():
    return nested_search(CONFIG).representations(TABLES, LABELS.to_numpy())


@pytest.fixture(scope="module")
def folder(representations, tmp_path_factory):
    path = tmp_path_factory.mktemp("model")
    truth = LABELS.to_numpy(dtype=int)
    search = nested_search(CONFIG).fit_from(representations, truth)
    frozen = freeze(search, representations, TABLES, truth)
    description = manifest(search, frozen.risk, labels=LABELS, label=CONFIG["label"])
    save_model(frozen, description, path / MODEL, path / MANIFEST)
    return path


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
    monkeypatch.setattr(store, "MAX_MODEL_BYTES", 2**20)
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
    for text in ("[]", "{", "[" * 100_000, "\udcff", '{"prevalence": NaN}', '{"format": Infinity}'):
        (tmp_path / MANIFEST).write_bytes(text.encode("utf-8", "surrogateescape"))
        with pytest.raises(InputError, match="is no JSON"):
            load_model(tmp_path)


def stub(number):
    """Return a short reference to an object that is described elsewhere."""
    return {
        "__class__": "list",
        "__module__": "builtins",
        "__loader__": "ListNode",
        "__id__": number,
        "content": [],
    }


def test_references_that_unfold_without_end_are_refused(folder, tmp_path):
    """Twenty lists, each of the next one twice: a million; forty would fill any memory."""

    def change(schema):
        inner = stub(10**6)
        for number in range(10**6 + 1, 10**6 + 40):
            inner = {**stub(number), "content": [inner, stub(number - 1)]}
        first_node(schema, "ListNode")["content"].append(inner)

    refused(folder, tmp_path, lambda m: with_schema(m, change), "describes an object twice")


def test_an_object_within_itself_is_refused(folder, tmp_path):
    def change(schema):
        node = first_node(schema, "ListNode")
        node["content"].append(stub(node["__id__"]))

    refused(folder, tmp_path, lambda m: with_schema(m, change), "describes an object twice")


@pytest.mark.parametrize("name", [None, "7", [], True])
def test_an_object_of_another_name_than_a_number_is_refused(folder, tmp_path, name):
    def change(schema):
        first_node(schema, "NdArrayNode")["__id__"] = name

    refused(folder, tmp_path, lambda m: with_schema(m, change), "describes an object twice")


def test_two_objects_of_one_array_are_refused(folder, tmp_path):
    def change(schema):
        again = {**first_node(schema, "NdArrayNode"), "__id__": 10**6}
        first_node(schema, "ListNode")["content"].append(again)

    refused(folder, tmp_path, lambda m: with_schema(m, change), "two objects of the same array")


def test_a_description_too_deep_or_too_long_is_refused(folder, tmp_path, monkeypatch):
    def change(schema):
        inner = stub(10**6)
        for number in range(10**6 + 1, 10**6 + 200):
            inner = {**stub(number), "content": [inner]}
        first_node(schema, "ListNode")["content"].append(inner)

    refused(folder, tmp_path, lambda m: with_schema(m, change), "nested too deep")
    monkeypatch.setattr(skops_check, "MAX_SCHEMA_BYTES", 1000)
    refused(folder, tmp_path, dict, "describes more than")


@pytest.fixture(scope="module")
def boosting(representations, tmp_path_factory):
    path = tmp_path_factory.mktemp("boosting")
    truth = LABELS.to_numpy(dtype=int)
    options = config(models=["gradient_boosting"], inner_folds=2, regress_out=["age"])
    search = nested_search(options).fit_from(representations, truth)
    search.winner_ = "early"
    for row in search.candidates_:
        row["chosen"] = int(row["feature_set"] == "early")
    frozen = freeze(search, representations, TABLES, truth, pairs=1)
    description = manifest(search, frozen.risk, labels=LABELS, label=CONFIG["label"])
    save_model(frozen, description, path / MODEL, path / MANIFEST)
    return path


@pytest.mark.parametrize("claimed", [0, -1])
def test_a_tree_of_other_nodes_than_it_has_is_refused(boosting, tmp_path, claimed):
    def change(schema):
        state = first_node(schema, "TreeNode")["content"]["content"]
        state["node_count"] = {**state["node_count"], "__id__": 10**9, "content": str(claimed)}

    match = rf"a tree of \d+ nodes claims {claimed}"
    refused(boosting, tmp_path, lambda m: with_schema(m, change), match)


@pytest.mark.parametrize("outputs", ["0", "-1", "2", "1000000000000"])
def test_a_tree_of_other_outputs_is_refused_before_it_makes_room(boosting, tmp_path, outputs):
    def change(schema):
        args = first_node(schema, "TreeNode")["__reduce__"]["args"]["content"]
        args[2] = {**args[2], "__id__": 10**9, "content": outputs}

    refused(
        boosting, tmp_path, lambda m: with_schema(m, change), "builds a sklearn.tree._tree.Tree"
    )


def test_a_loss_with_arguments_is_refused(boosting, tmp_path):
    def change(schema):
        first_node(schema, "LossNode")["__reduce__"]["args"]["content"].append(stub(10**9))

    refused(boosting, tmp_path, lambda m: with_schema(m, change), "builds a sklearn._loss")


def test_a_tree_that_points_out_of_itself_is_refused(boosting, tmp_path):
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

    refused(boosting, tmp_path, change, "a tree's nodes point out of it")
