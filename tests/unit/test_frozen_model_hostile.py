"""Files of frozen models that somebody made to do harm, or that were damaged."""

import json
import pickle
import re
import time

import numpy as np
import pytest
from model_files import MODELS, closed, copied, opened, signed, written

from trdomics.errors import InputError
from trdomics.files import read_json, write_json
from trdomics.frozen_model import store
from trdomics.frozen_model.store import MANIFEST, MODEL, load_model


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {name: written(name, tmp_path_factory.mktemp(name)) for name in MODELS}


@pytest.fixture
def unused(monkeypatch):
    """Let no model be used: what is planted has to be found before."""

    def predicts(*_):
        raise AssertionError("the model was used")

    monkeypatch.setattr(store, "_check_predictions", predicts)


def refused(folder, tmp_path, content, match):
    start = time.perf_counter()
    with pytest.raises(InputError, match=match) as told:
        load_model(signed(folder, tmp_path, content))
    assert time.perf_counter() - start < 30
    assert str(told.value).startswith(f"{tmp_path / MODEL}: ")
    assert "\n" not in str(told.value)


def bytes_of(folder):
    return (folder / MODEL).read_bytes()


def with_header(content, change):
    """Return a file whose header was changed; the arrays' bytes stay."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    changed = json.dumps(change(header) or header).encode()
    return len(changed).to_bytes(8, "little") + changed + content[8 + length :]


TREES = "classifier/members/0/models"
RNA = "representation/normalisers_/rna"
MOFA = "representation/mofa_"


def set_array(name, value):
    """Return a change of an array, by a function of it."""

    def change(tree, arrays):
        arrays[name] = value(arrays[name]) if callable(value) else value

    change.__name__ = f"{name}"
    return change


def set_text(path, value):
    """Return a change of a name or number at a path."""

    def change(tree, arrays):
        *way, last = path.split("/")
        for key in way:
            tree = tree[int(key)] if isinstance(tree, list) else tree[key]
        tree[last] = value(tree[last]) if callable(value) else value

    change.__name__ = f"{path}"
    return change


def with_value(place, value):
    def change(array):
        array = array.copy()
        array.flat[place] = value
        return array

    return change


def lacking(tree, arrays):
    del arrays[f"{RNA}/means_"]


def superfluous(tree, arrays):
    arrays["patients"] = np.zeros(3)


def a_leaf_with_a_child(tree, arrays):
    right = arrays[f"{TREES}/right"].copy()
    right[np.flatnonzero(arrays[f"{TREES}/left"] == -1)[0]] = 1
    arrays[f"{TREES}/right"] = right


def a_child_of_two(tree, arrays):
    right = arrays[f"{TREES}/right"].copy()
    right[0] = arrays[f"{TREES}/left"][0]
    arrays[f"{TREES}/right"] = right


def set_trees(arrays, n, left, right):
    arrays[f"{TREES}/feature"] = np.where(left >= 0, 0, -1)
    arrays[f"{TREES}/left"], arrays[f"{TREES}/right"] = left, right
    arrays[f"{TREES}/threshold"] = arrays[f"{TREES}/value"] = np.zeros(n)


def a_long_walk(tree, arrays):
    n = 100_001
    nodes = np.arange(n)
    inner = (nodes < n - 1) & (nodes % 2 == 0)
    set_trees(arrays, n, np.where(inner, nodes + 1, -1), np.where(inner, nodes + 2, -1))
    arrays[f"{TREES}/root"] = arrays[f"{TREES}/model"] = np.zeros(1, dtype=int)


def many_small_trees(tree, arrays):
    n = 10**5
    set_trees(arrays, n, np.full(n, -1), np.full(n, -1))
    arrays[f"{TREES}/root"], arrays[f"{TREES}/model"] = np.arange(n), np.zeros(n, dtype=int)


def too_many_factors(tree, arrays):
    for name in [name for name in arrays if name.startswith((f"{MOFA}/w_", f"{MOFA}/w2_"))]:
        arrays[name] = np.zeros((len(arrays[name]), 5000))
    for name in ("means", "scales"):
        arrays[f"representation/factor_{name}_"] = np.ones(5000)


def many_replicates(tree, arrays):
    for name in [n for n in arrays if n.startswith("replicates/models_/")]:
        last = name.rpartition("/")[2]
        if last in ("intercepts", "slopes", "offsets", "priors", "fitted", "constants"):
            arrays[name] = np.resize(arrays[name], 10**4)
        elif last == "weights":
            arrays[name] = np.ones((len(arrays[name]), 10**4))
        elif last == "coefficients":
            arrays[name] = np.zeros((10**4, arrays[name].shape[1]))


def many_categories(tree, arrays):
    block = tree["representation"]["column_blocks_"]["clinical"]
    block["levels_"]["sex"] = [str(number) for number in range(10**5)]


POINTS, UNFIT, SHAPE = "nodes point out of it", "does not fit together", "is not of the shape"
ODD, NUMBER = "is not what a model has there", "has a value that is not a number"
PLANTED = [
    ("linear", lacking, "means_ is missing"),
    ("linear", superfluous, "patients is an array that no model has"),
    ("linear", set_array(f"{RNA}/means_", lambda a: a[:-1]), SHAPE),
    (
        "linear",
        set_array(f"{RNA}/means_", lambda a: a[None]),
        "not an array of type float with 1 axes",
    ),
    ("linear", set_array(f"{RNA}/means_", lambda a: a.astype(int)), "not an array of type float"),
    ("linear", set_array(f"{RNA}/means_", with_value(0, np.nan)), NUMBER),
    ("linear", set_array(f"{RNA}/reference_", with_value(0, np.inf)), NUMBER),
    ("linear", set_array(f"{RNA}/trend_", np.zeros(0)), SHAPE),
    ("linear", set_array(f"{TREES}/coefficients", np.zeros((3, 8))), SHAPE),
    ("linear", set_array("classifier/members/0/columns", lambda a: a + 10**6), UNFIT),
    ("linear", set_array("classifier/members/0/columns", lambda a: a[::-1].copy()), UNFIT),
    ("linear", set_array("classifier/weights", np.zeros((1, 10**6))), SHAPE),
    ("linear", set_array("classifier/intercepts", np.zeros(0)), SHAPE),
    ("linear", set_array("representation/factor_scales_", lambda a: 0 * a), UNFIT),
    ("forest", set_array(f"{TREES}/left", with_value(0, 10**6)), POINTS),
    ("boosting", set_array(f"{TREES}/left", with_value(0, 10**6)), POINTS),
    ("boosting", set_array(f"{TREES}/right", with_value(0, -5)), POINTS),
    ("forest", set_array(f"{TREES}/right", with_value(0, 0)), POINTS),
    ("forest", set_array(f"{TREES}/feature", with_value(0, 10**9)), POINTS),
    ("boosting", set_array(f"{TREES}/feature", with_value(0, -2)), POINTS),
    ("boosting", set_array(f"{TREES}/threshold", with_value(0, np.nan)), NUMBER),
    ("boosting", set_array(f"{TREES}/value", with_value(0, np.inf)), NUMBER),
    ("forest", set_array(f"{TREES}/root", with_value(0, 10**6)), POINTS),
    ("forest", set_array(f"{TREES}/model", with_value(0, 7)), POINTS),
    ("forest", a_leaf_with_a_child, POINTS),
    ("forest", a_child_of_two, POINTS),
    ("forest", a_long_walk, "deeper than"),
    ("forest", many_small_trees, "trees a model"),
    ("forest", set_text(f"{TREES}/n_columns", 10**6), UNFIT),
    ("forest", set_text(f"{TREES}/n_columns", True), ODD),
    ("forest", set_text(f"{TREES}/type", "pickle"), "of no type that a model has there"),
    ("forest", set_text(f"{TREES}/type", ["forest"]), "of no type that a model has there"),
    ("stack", set_text("classifier/members", []), SHAPE),
    ("stack", set_text("classifier/members/0/blocks", lambda names: names * 100), "name twice"),
    ("stack", set_text("classifier/members/0/blocks", ["confounders"]), UNFIT),
    ("stack", set_text(f"{MOFA}/likelihoods_/rna", "poisson"), ODD),
    ("stack", set_text(f"{MOFA}/likelihoods_", {}), UNFIT),
    ("stack", set_text("representation/views_", {}), UNFIT),
    ("stack", set_text("representation/normalisers_", {}), "is an array that no model has|fit"),
    ("stack", set_text("representation/normalisers_/dna/genes_", ["G1"]), UNFIT),
    ("stack", set_text("representation/normalisers_/dna/burden", "system"), ODD),
    ("stack", set_text("representation/run", "os.system"), "a key that no model has"),
    ("stack", set_text("reference/levels_/rna/n", -1), ODD),
    ("stack", set_text("reference/levels_/rna/mean", 1e301), ODD),
    ("stack", set_text("reference/levels_/rna", []), "a key that no model has"),
    ("stack", set_text(f"{RNA}/features_", lambda names: [names[0]] * len(names)), "name twice"),
    ("stack", set_text(f"{RNA}/features_", lambda names: ["x" * 10**6, *names[1:]]), "letters"),
    ("stack", set_text(f"{RNA}/features_", lambda names: [{}, *names[1:]]), "not a list of names"),
    ("stack", set_text("blocks", None), "not a list of names"),
    ("stack", set_array("reference/levels_/rna/deciles", np.zeros(10**6)), UNFIT),
    ("stack", set_array("reference/levels_/rna/fold_means", np.zeros(10**6)), UNFIT),
    ("stack", too_many_factors, UNFIT),
    ("stack", many_replicates, "more than 200 models"),
    ("stack", many_categories, UNFIT),
]


@pytest.mark.parametrize(
    ("name", "plant", "match"), PLANTED, ids=[f"{n}-{p.__name__}" for n, p, _ in PLANTED]
)
def test_what_is_planted_is_refused_before_it_is_used(
    folders, tmp_path, unused, name, plant, match
):
    tree, arrays = opened(bytes_of(folders[name]))
    plant(tree, arrays)
    refused(folders[name], tmp_path, closed(tree, arrays), match)


class Evil:
    """Pickles to what leaves a file where it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (self.path.touch, ())


def test_pickle_and_what_is_no_model_are_refused(folders, tmp_path, unused):
    ran = tmp_path / "ran"
    for content in (b"", b"PK\x03\x04", pickle.dumps(Evil(ran)), bytes(100), b"\xff" * 100):
        refused(folders["linear"], tmp_path, content, "is not a frozen model")
    assert not ran.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"shape": [10**12]},
        {"shape": [10**9, 10**9, 10**9]},
        {"shape": [0, 2**63]},
        {"shape": [2**64, 2**64]},
        {"shape": [-1]},
        {"shape": None},
        {"data_offsets": [0, 2**62]},
        {"data_offsets": [8, 0]},
        {"dtype": "BF16"},
        {"dtype": "F8_E4M3"},
        {"dtype": ["F64"]},
    ],
)
def test_an_array_that_claims_what_it_has_not_is_refused_at_once(folders, tmp_path, unused, change):
    def claim(header):
        header[f"{RNA}/means_"] |= change

    content = with_header(bytes_of(folders["linear"]), claim)
    start = time.perf_counter()
    refused(folders["linear"], tmp_path, content, "is not a frozen model")
    assert time.perf_counter() - start < 5


def test_a_header_that_is_no_header_is_refused(folders, tmp_path, unused):
    content = bytes_of(folders["linear"])
    for size in (2**63, 2**40, len(content), store.MAX_HEADER_BYTES + 1):
        forged = size.to_bytes(8, "little") + content[8:]
        refused(folders["linear"], tmp_path, forged, "header is cut short, or too long")
    for header in (b"[]", b"{", b"[" * 100_000, b'{"__metadata__": {"model": 1}}', b"\xff", b"NaN"):
        forged = len(header).to_bytes(8, "little") + header
        refused(folders["linear"], tmp_path, forged, "is not a frozen model")
    many = {f"a{i}": {"dtype": "F64", "shape": [0], "data_offsets": [0, 0]} for i in range(30_000)}
    forged = with_header(content, lambda header: {**header, **many})
    refused(folders["linear"], tmp_path, forged, "more than 20000 arrays")


def test_names_that_are_nested_without_end_are_refused(folders, tmp_path, unused):
    def deep(header):
        header["__metadata__"]["model"] = '{"blocks":' * 10**5

    content = with_header(bytes_of(folders["linear"]), deep)
    refused(folders["linear"], tmp_path, content, "is not a frozen model")


def test_a_model_that_is_too_large_is_not_read(folders, tmp_path, monkeypatch):
    monkeypatch.setattr(store, "MAX_MODEL_BYTES", 1000)
    refused(folders["linear"], tmp_path, bytes_of(folders["linear"]), "is larger than")


def test_a_truncated_model_is_refused_even_if_it_is_signed(folders, tmp_path, unused):
    content = bytes_of(folders["stack"])
    for length in (0, 7, 100, len(content) // 2, len(content) - 1):
        refused(folders["stack"], tmp_path, content[:length], "is not a frozen model")


@pytest.mark.parametrize("name", ["stack", "boosting"])
def test_random_damage_makes_an_error_of_one_line_or_a_wrong_number(folders, tmp_path, name):
    content, rng = bytes_of(folders[name]), np.random.default_rng(0)
    header = 8 + int.from_bytes(content[:8], "little")
    n_refused = 0
    for number in range(120):
        damaged = bytearray(content)
        # half of the changes are in the header, which would else be hit by few
        end = header if number % 2 else len(content)
        for place in rng.integers(0, end, size=rng.integers(1, 4)):
            damaged[place] = rng.integers(0, 256)
        try:
            load_model(signed(folders[name], tmp_path, bytes(damaged)))
        except InputError as error:
            assert "\n" not in str(error)
            n_refused += 1
    assert n_refused > 60


def test_other_numbers_than_were_written_are_refused(folders, tmp_path):
    """A change of the coefficients, checksum included, shows in the probabilities of the probe."""
    tree, arrays = opened(bytes_of(folders["linear"]))
    arrays[f"{TREES}/coefficients"] = arrays[f"{TREES}/coefficients"] * (1 + 1e-6)
    match = r"probabilities that differ by \de-\d\d from those"
    refused(folders["linear"], tmp_path, closed(tree, arrays), match)


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
def test_the_manifest_is_held_to_its_schema(folders, tmp_path, changes, problem):
    with pytest.raises(InputError, match=re.escape(problem)):
        load_model(copied(folders["linear"], tmp_path, **changes))


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"prevalence": 0.9}, "prevalence"),
        ({"n_training": 10, "n_positive": 5}, "n_training"),
        ({"n_positive": 1}, "prevalence"),
        ({"prevalence": 0.05, "n_positive": 4}, "prevalence"),
        ({"predictors": ["age", "weight"]}, "predictors"),
        ({"layers": {}}, "layers"),
        ({"blocks": {"rna": ["g1"]}}, "blocks"),
    ],
)
def test_a_manifest_that_contradicts_the_arrays_is_refused(folders, tmp_path, changes, key):
    with pytest.raises(InputError, match=rf"model\.json key `{key}`"):
        load_model(copied(folders["linear"], tmp_path, **changes))


def test_a_manifest_that_was_changed_is_refused(folders, tmp_path):
    copied(folders["linear"], tmp_path)
    described = read_json(tmp_path / MANIFEST)
    write_json({**described, "inner_auc": 0.99}, tmp_path / MANIFEST)
    with pytest.raises(InputError, match=r"model\.json: differs from what was written"):
        load_model(tmp_path)


def test_a_manifest_that_is_no_manifest_is_refused(folders, tmp_path):
    copied(folders["linear"], tmp_path)
    for text in ("[]", "{", "[" * 100_000, "\udcff", '{"prevalence": NaN}', '{"format": Infinity}'):
        (tmp_path / MANIFEST).write_bytes(text.encode("utf-8", "surrogateescape"))
        with pytest.raises(InputError, match=r"is not (a )?JSON"):
            load_model(tmp_path)
