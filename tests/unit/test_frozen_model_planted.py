"""Frozen models of trusted types only, in which something was planted that does harm when used."""

import time

import numpy as np
import pytest
from classification_data import cohort, config
from model_files import signed
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.tree._tree import Tree

from trdomics.classification.outer_split import nested_search
from trdomics.errors import InputError
from trdomics.frozen_model import store
from trdomics.frozen_model.freeze import freeze
from trdomics.frozen_model.store import MANIFEST, MODEL, dumps, load_model, loads
from trdomics.layers.select import TopVariance

TABLES, LABELS = cohort(lacking=6)
KINDS = {
    "linear": ("elastic_net", "early"),
    "forest": ("random_forest", "early"),
    "boosting": ("gradient_boosting", "early"),
    "stack": ("elastic_net", "late_fusion_mofa"),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Return a folder with a sound model for each kind."""
    truth = LABELS.to_numpy(dtype=int)
    options = config(models=["elastic_net"], inner_folds=2, regress_out=["age"])
    representations = nested_search(options).representations(TABLES, truth)
    found = {}
    for name, (kind, feature_set) in KINDS.items():
        options = config(models=[kind], inner_folds=2, regress_out=["age"])
        search = nested_search(options).fit_from(representations, truth)
        search.winner_ = feature_set
        for row in search.candidates_:
            row["chosen"] = int(row["feature_set"] == feature_set)
        frozen = freeze(search, representations, TABLES, truth, pairs=1)
        told = store.manifest(search, frozen.risk, labels=LABELS, label=options["label"])
        found[name] = tmp_path_factory.mktemp(name)
        store.save_model(frozen, told, found[name] / MODEL, found[name] / MANIFEST)
    return found


def steps(frozen):
    """Return selection and classifier of a model that is no stack."""
    return [step for _, step in frozen.model.pipeline_.steps]


def set_steps(frozen, *named):
    frozen.model.pipeline_ = Pipeline(list(named))


def with_nodes(tree, change):
    """Change the nodes of a tree in place, as no fit leaves them."""
    state = tree.__getstate__()
    nodes = state["nodes"].copy()
    change(nodes)
    tree.__setstate__({**state, "nodes": nodes})


def loops(tree):
    def change(nodes):
        nodes["left_child"][0] = nodes["right_child"][0] = 0

    with_nodes(tree, change)


def first_tree(model):
    return np.ravel(model.estimators_)[0].tree_


def bad_forest(model, n_features):
    """Return a sound class with a tree that never ends."""
    rng = np.random.default_rng(0)
    forest = RandomForestClassifier(n_estimators=2, random_state=0)
    forest.fit(rng.normal(size=(40, n_features)), np.arange(40) % 2)
    loops(first_tree(forest))
    return forest


def bare_tree(n_features):
    rng = np.random.default_rng(0)
    tree = DecisionTreeClassifier(random_state=0)
    tree.fit(rng.normal(size=(40, n_features)), np.arange(40) % 2)
    loops(tree.tree_)
    return tree


def a_bare_tree_as_the_model(frozen):
    frozen.model = bare_tree(5)


def a_bare_tree_as_the_classifier(frozen):
    select, model = steps(frozen)
    set_steps(frozen, ("select", select), ("model", bare_tree(model.n_features_in_)))


def swapped_names(frozen):
    select, model = steps(frozen)
    loops(first_tree(model))
    set_steps(frozen, ("model", select), ("select", model))


def a_third_step(frozen):
    select, model = steps(frozen)
    set_steps(frozen, ("select", select), ("between", StandardScaler()), ("model", model))


def a_forest_in_a_boosting(frozen):
    model = steps(frozen)[1]
    model.init_ = bad_forest(model, model.n_features_in_)


def a_forest_in_the_parameters(frozen):
    frozen.representation.layers["rna"]["min_count"] = bad_forest(None, 3)


def a_type_in_the_place_of_a_method(frozen):
    loops(first_tree(steps(frozen)[1]))
    frozen.model.decision_function = str


def a_member_that_checks_itself(frozen):
    member = TopVariance(3)
    member.check = str
    frozen.replicates.members_ = [member]


def a_member_with_its_own_check(frozen):
    frozen.replicates.members_[0].check = str


def a_tree_with(change):
    """Return a change of the first tree's nodes."""

    def plant(frozen):
        with_nodes(first_tree(steps(frozen)[1]), change)

    return plant


def set_node(column, row, value):
    def change(nodes):
        nodes[column][row] = value

    return a_tree_with(change)


def a_leaf_with_one_child(nodes):
    nodes["right_child"][np.flatnonzero(nodes["left_child"] == -1)[0]] = 0


def a_child_of_two(nodes):
    nodes["right_child"][0] = nodes["left_child"][0]


def no_nodes(frozen):
    first_tree(steps(frozen)[1]).node_count = 0


def replaced_tree(frozen, n_features, n_values):
    """Put a tree of one leaf in the place of the first."""
    model = steps(frozen)[1]
    state = first_tree(model).__getstate__()
    tree = Tree(n_features, np.array([n_values]), 1)
    nodes = state["nodes"][:1].copy()
    nodes["left_child"] = nodes["right_child"] = -1
    values = np.ones((1, 1, n_values))
    tree.__setstate__({"max_depth": 0, "node_count": 1, "nodes": nodes, "values": values})
    np.ravel(model.estimators_)[0].tree_ = tree


def a_leaf_that_is_no_number(frozen):
    tree = first_tree(steps(frozen)[1])
    state = tree.__getstate__()
    tree.__setstate__({**state, "values": state["values"] * np.nan})


def a_wide_boosting(frozen):
    # two columns of trees are added up in an array of one
    model = steps(frozen)[1]
    model.estimators_ = np.hstack([model.estimators_] * 2)


def an_encoder(frozen):
    return frozen.representation.column_blocks_["clinical"].transformer_.transformers_[1][1]


def a_position_beyond_the_array(frozen):
    an_encoder(frozen)._n_features_outs = [1]


def a_huge_encoding(frozen):
    an_encoder(frozen)._n_features_outs = [10**12]


def levels_that_are_no_text(frozen):
    levels = np.empty(2, dtype=object)
    levels[:] = [[], {}]
    an_encoder(frozen).categories_ = [levels]


def a_classifier_among_the_columns(frozen):
    transformer = frozen.representation.column_blocks_["clinical"].transformer_
    _, _, columns = transformer.transformers_[0]
    transformer.transformers_[0] = ("numbers", bad_forest(None, 1), columns)


def set_at(path, value):
    """Return a change of an attribute; `path` starts at the frozen model or at its classifier."""

    def plant(frozen):
        start, *rest = path.split(".")
        places = {"select": 0, "classifier": 1}
        part = steps(frozen)[places[start]] if start in places else frozen
        *way, last = rest if start in places else (start, *rest)
        for name in way:
            part = part[name] if isinstance(part, dict) else getattr(part, name)
        setattr(part, last, value)

    return plant


def set_trees(frozen, **arrays):
    frozen.replicates.members_[0].trees_.update(arrays)


def a_round_walk(frozen):
    left = frozen.replicates.members_[0].trees_["left"].copy()
    left[left >= 0] = 0
    set_trees(frozen, left=left)


def a_long_walk(frozen):
    n = 100_001
    nodes = np.arange(n)
    inner = (nodes < n - 1) & (nodes % 2 == 0)
    set_trees(
        frozen,
        feature=np.where(inner, 0, -1).astype(np.int32),
        threshold=np.zeros(n),
        value=np.zeros(n),
        left=np.where(inner, nodes + 1, -1).astype(np.int32),
        right=np.where(inner, nodes + 2, -1).astype(np.int32),
        root=np.zeros(1, dtype=np.int32),
        replicate=np.zeros(1, dtype=np.int32),
    )


def a_random_state_beyond_its_words(frozen):
    state = np.random.RandomState(0).get_state(legacy=False)
    state["state"]["pos"] = 10**6
    steps(frozen)[1]._rng.set_state(state)


def too_many_factors(frozen):
    mofa = frozen.representation.mofa_
    for weights in (mofa.w_, mofa.w2_):
        for view, old in weights.items():
            weights[view] = np.zeros((len(old), 50_000))


def one_feature_many_times(frozen):
    fitted = frozen.representation.normalisers_["protein"]
    fitted.features_ = np.full(10**5, fitted.features_[0])
    fitted.means_ = np.zeros(10**5)


def one_block_many_times(frozen):
    for blocks in (frozen.model.blocks, frozen.replicates.members_[0].blocks_):
        blocks += ["rna"] * 100


def many_small_trees(frozen):
    n = 10**5
    whole, alone = np.arange(n, dtype=np.int32), np.full(n, -1, dtype=np.int32)
    set_trees(frozen, feature=alone, left=alone, right=alone, root=whole, replicate=0 * whole)
    set_trees(frozen, threshold=np.zeros(n), value=np.zeros(n))


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


TREES, CLASS = r"tree's nodes point out", r"is no part of a model|is not what a model has there"
ODD, UNFIT = r"has its attributes not as written", "do not fit together"
PLANTED = [
    ("linear", a_bare_tree_as_the_model, CLASS),
    ("forest", a_bare_tree_as_the_classifier, CLASS),
    ("forest", swapped_names, CLASS),
    ("linear", a_third_step, CLASS),
    ("boosting", a_forest_in_a_boosting, CLASS),
    ("linear", a_forest_in_the_parameters, CLASS),
    ("forest", a_type_in_the_place_of_a_method, ODD),
    ("linear", a_member_that_checks_itself, CLASS),
    ("linear", a_member_with_its_own_check, ODD),
    ("stack", set_at("model.models_", []), UNFIT),
    ("forest", set_node("left_child", 0, 10**6), TREES),
    ("boosting", set_node("left_child", 0, 10**6), TREES),
    ("boosting", set_node("right_child", 0, -5), TREES),
    ("forest", set_node("right_child", 0, 0), TREES),
    ("forest", set_node("feature", 0, 10**9), TREES),
    ("boosting", set_node("feature", 0, -2), TREES),
    ("boosting", set_node("threshold", 0, np.nan), TREES),
    ("forest", a_tree_with(a_leaf_with_one_child), TREES),
    ("forest", a_tree_with(a_child_of_two), TREES),
    ("boosting", no_nodes, r"a tree of \d+ nodes claims 0"),
    ("forest", lambda f: replaced_tree(f, 10**6, 2), "of other features or classes"),
    ("boosting", lambda f: replaced_tree(f, 8, 2), "of other features or classes"),
    ("forest", lambda f: replaced_tree(f, 8, 1), "of other features or classes"),
    ("boosting", a_leaf_that_is_no_number, "hold what is no prediction"),
    ("boosting", a_wide_boosting, UNFIT),
    ("boosting", set_at("classifier.n_trees_per_iteration_", 10**9), CLASS),
    ("boosting", set_at("classifier.init_", "zero"), CLASS),
    ("boosting", set_at("classifier._loss.n_classes", 10**9), CLASS),
    ("boosting", a_random_state_beyond_its_words, CLASS),
    ("forest", set_at("classifier.n_classes_", 10**12), CLASS),
    ("forest", set_at("classifier.n_jobs", -1), CLASS),
    ("forest", set_at("classifier.n_jobs", 64), CLASS),
    ("forest", set_at("classifier.estimators_", []), UNFIT),
    ("linear", set_at("classifier.n_jobs", 64), CLASS),
    ("linear", set_at("classifier.coef_", np.zeros((3, 8))), UNFIT),
    ("linear", set_at("classifier.classes_", np.array(["a", {}], dtype=object)), CLASS),
    ("linear", set_at("model.pipeline_.memory", "planted"), CLASS),
    ("linear", set_at("model.prior_", 10**400), CLASS),
    ("linear", set_at("model.prior_", float("nan")), CLASS),
    ("linear", set_at("select.k", 10**9), UNFIT),
    ("linear", set_at("select.scores_", np.zeros(10**6)), UNFIT),
    ("linear", set_at("select.score_func", str), CLASS),
    ("linear", set_at("select.n_features_in_", 10**12), CLASS),
    ("stack", a_position_beyond_the_array, UNFIT),
    ("stack", a_huge_encoding, CLASS),
    ("stack", levels_that_are_no_text, CLASS),
    ("stack", a_classifier_among_the_columns, CLASS),
    ("stack", too_many_factors, UNFIT),
    ("linear", set_at("replicates.pairs", 10**9), UNFIT),
    ("linear", set_at("replicates.weights_", np.zeros((1, 10**6))), UNFIT),
    ("forest", a_round_walk, TREES),
    ("forest", a_long_walk, "deeper than"),
    ("forest", lambda f: set_trees(f, root=np.array([10**6], dtype=np.int32)), "fit together"),
    ("linear", set_at("representation.regress_out", nested(20)), CLASS),
    ("linear", set_at("representation.mofa", {"seed": {"a": {}}}), CLASS),
    ("linear", set_at("blocks", None), CLASS),
    ("linear", one_feature_many_times, CLASS),
    ("linear", one_block_many_times, CLASS),
    ("forest", many_small_trees, "fit together"),
]


def named(case):
    kind, plant, _ = case
    return f"{kind}-{plant.__name__}"


@pytest.mark.parametrize("kind", KINDS)
def test_a_sound_model_of_each_kind_is_read(folders, kind):
    load_model(folders[kind])


@pytest.mark.parametrize(("kind", "plant", "match"), PLANTED, ids=map(named, PLANTED))
def test_what_is_planted_is_refused_before_it_is_used(
    folders, tmp_path, monkeypatch, kind, plant, match
):
    frozen = loads((folders[kind] / MODEL).read_bytes(), "memory")
    plant(frozen)
    planted = signed(folders[kind], tmp_path, dumps(frozen))

    def predicts(*_):
        raise AssertionError("the model was used")

    monkeypatch.setattr(store, "_check_predictions", predicts)
    start = time.perf_counter()
    with pytest.raises(InputError, match=match) as told:
        load_model(planted)
    assert time.perf_counter() - start < 30
    assert str(told.value).startswith(f"{planted / MODEL}: ")
    assert "\n" not in str(told.value)
