import json

import numpy as np
import pandas as pd
import pytest
from classification_data import cohort, config
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from trdomics.classification import representation as representation_module
from trdomics.classification.calibration import Platt
from trdomics.classification.families import FAMILIES
from trdomics.classification.inner_search import inner_splits
from trdomics.classification.permutations import permuted_labels
from trdomics.classification.representation import representation
from trdomics.classification.run_split import (
    nested_search,
    run_permutation,
    run_split,
    split_representations,
)
from trdomics.classification.splits import draw_split
from trdomics.tables import LayerTables

CONFIG = config()
TABLES, LABELS = cohort()
Y = LABELS.to_numpy(dtype=int)
NULL = ["permutation", "split", "repeat", "fold", "patient_id", "label_permuted", "probability"]


@pytest.fixture(scope="module")
def representations():
    return nested_search(CONFIG).representations(TABLES, Y)


@pytest.fixture(scope="module")
def search(representations):
    return nested_search(CONFIG).fit_from(representations, Y)


def early(blocks):
    names = ("rna", "protein", "dna")
    return np.hstack([blocks.aligned(name).fillna(0).to_numpy() for name in names])


def test_predictions_are_those_of_a_grid_search_over_the_whole_pipeline(search):
    new, _ = cohort(n=30, seed=8, prefix="new-")
    folds = inner_splits(Y, CONFIG["classification"]["inner_folds"], CONFIG["seed"])
    naive = GridSearchCV(
        Pipeline(
            [
                ("represent", representation(CONFIG).set_params(mofa=None)),
                ("dense", FunctionTransformer(early)),
                (
                    "model",
                    LogisticRegression(
                        solver="saga", tol=1e-3, max_iter=2000, random_state=CONFIG["seed"]
                    ),
                ),
            ]
        ),
        [
            {f"model__{k}": [v] for k, v in params.items()}
            for params in FAMILIES["elastic_net"].grid
        ],
        scoring="roc_auc",
        cv=folds,
    ).fit(TABLES, Y)

    chosen = next(row for row in search.candidates_ if row["feature_set"] == "early")
    params = json.loads(chosen["params"])
    assert chosen["n_features"] == "top 50"  # more than a block has here
    assert {f"model__{k}": v for k, v in params.items()} == naive.best_params_
    assert chosen["inner_auc"] == pytest.approx(naive.best_score_)
    ours = search.predict_sets(new).query("feature_set == 'early'")
    np.testing.assert_allclose(ours["decision"], naive.decision_function(new))

    out_of_fold = np.empty(len(Y))
    for train, validation in folds:
        refitted = clone(naive.best_estimator_).fit(TABLES.take(train), Y[train])
        out_of_fold[validation] = refitted.decision_function(TABLES.take(validation))
    expected = Platt().fit(out_of_fold, Y).predict(naive.decision_function(new))
    np.testing.assert_allclose(ours["probability"], expected)


def test_fit_is_fit_from_its_own_representations(search):
    fitted = nested_search(CONFIG).fit(TABLES, Y)
    assert fitted.candidates_ == search.candidates_
    np.testing.assert_array_equal(fitted.predict_proba(TABLES), search.predict_proba(TABLES))


def test_the_best_candidate_of_each_set_has_the_highest_inner_auc(search):
    for name, best in search.best_.items():
        rows = [row for row in search.candidates_ if row["feature_set"] == name]
        assert best.kind == max(rows, key=lambda row: row["inner_auc"])["model"]


def test_what_is_selected_is_a_stack_of_what_may_be_chosen(search, representations):
    rows = pd.DataFrame(search.candidates_)
    assert search.winner_ == "combined"
    assert list(rows["feature_set"]).count("combined") == 1
    table = search.predict_sets(TABLES).pivot_table(
        index="patient_id", columns="feature_set", values=["probability", "decision"]
    )
    kept = [f.name for f in search.feature_sets if f.selectable and not f.fusion]
    stack = search.models_["combined"]
    assert (stack.weights_ >= 0).all()
    blocks = representations.blocks
    evidence = np.column_stack([search.models_[name].evidence(blocks) for name in kept])
    expected = pd.Series(stack.intercept_ + evidence @ stack.weights_, TABLES.patients)
    np.testing.assert_allclose(
        table["decision"]["selected"].reindex(TABLES.patients).astype(float), expected
    )
    # the weights of a set, the best model's of each, are shares of what is selected
    weights = rows.groupby("feature_set")["weight"].sum()
    assert weights[kept].sum() == pytest.approx(1)
    assert weights.drop(kept).eq(0).all()
    # the circular predictor all but is the label, and is in no part of it all the same
    assert rows.set_index("feature_set").loc["clinical_circular", "inner_auc"] > 0.95
    assert not {"circular", "confounders"} & set(search.features().blocks)
    np.testing.assert_array_equal(
        table["probability"]["selected"].reindex(TABLES.patients).astype(float),
        search.predict_proba(TABLES)[:, 1],
    )


def test_on_other_patients_members_are_fitted_again_and_weights_stay(search, representations):
    half = np.arange(len(Y)) % 3 > 0
    again = search.refit(representations.blocks.take(half), Y[half])
    fitted = search.models_["combined"]
    np.testing.assert_array_equal(again.weights_, fitted.weights_)
    for ours, theirs in zip(again.models_, fitted.models_, strict=True):
        assert ours is not theirs
        assert (ours.blocks, ours.kind, ours.params) == (theirs.blocks, theirs.kind, theirs.params)


def test_every_set_can_be_taken_out_as_a_model_of_its_own(search):
    new, _ = cohort(n=12, seed=9, prefix="new-")
    table = search.predict_sets(new).set_index("feature_set")
    for features in search.feature_sets:
        model = search.risk_model(features.name)
        expected = table.loc[features.name, "probability"]
        np.testing.assert_allclose(model.predict_proba(new)[:, 1], expected)


def test_predictions_of_a_patient_do_not_depend_on_the_others(search):
    new, _ = cohort(n=20, seed=10, prefix="new-")
    together = search.predict_sets(new).set_index(["feature_set", "patient_id"])["decision"]
    alone = search.predict_sets(new.take(np.array([7])))
    for row in alone.to_dict("records"):
        key = (row["feature_set"], row["patient_id"])
        assert together[key] == pytest.approx(row["decision"], abs=1e-9)


def test_new_patients_are_ranked_well(search):
    new, labels = cohort(n=200, seed=11, prefix="new-")
    assert roc_auc_score(labels, search.predict_proba(new)[:, 1]) > 0.75


def test_importance_names_what_was_used(search):
    table = search.importance()
    assert set(table.columns) == {"feature_set", "model", "block", "feature", "importance"}
    assert (table["importance"] != 0).all()
    for name, rows in table.groupby("feature_set"):
        assert set(rows["block"]) <= set(search.features(name).blocks)
    age = table.query("feature_set == 'clinical' and feature == 'age'")["importance"]
    assert age.item() > 0


def test_the_best_kind_of_model_is_chosen_per_feature_set(representations):
    kinds = ["elastic_net", "random_forest", "gradient_boosting"]
    several = nested_search(config(models=kinds)).fit_from(representations, Y)
    rows = pd.DataFrame(several.candidates_)
    fusions = [features.name for features in several.feature_sets if features.fusion]
    # the stacks have a row each, that of all sets too
    assert len(rows) == 3 * len(several.best_) + len(fusions) + 1
    for name, part in rows.groupby("feature_set"):
        best = part.loc[part["inner_auc"].idxmax(), "model"]
        assert several.kind(name) == best


def test_other_labels_reuse_representations(representations, monkeypatch):
    def refused(*_, **__):
        raise AssertionError("a representation was fitted again")

    rng = np.random.default_rng(2)
    permuted = rng.permutation(Y)
    expected = nested_search(CONFIG).fit_from(representations, permuted)
    monkeypatch.setattr(representation_module.MultiOmicsRepresentation, "fit_transform", refused)
    again = nested_search(CONFIG).fit_from(representations, permuted)
    assert again.candidates_ == expected.candidates_
    blocks = representations.transform(TABLES)
    np.testing.assert_array_equal(
        again.predict_blocks(blocks), expected.predict_proba(TABLES)[:, 1]
    )


def test_clone_keeps_parameters():
    first = nested_search(CONFIG)
    copy = clone(first)
    assert copy.feature_sets == first.feature_sets
    assert copy.representation.get_params() == first.representation.get_params()


SPLIT = draw_split("r2f1", LABELS, folds=3, seed=5)
ROLES = {"candidate", "baseline", "circular", "selected"}


@pytest.fixture(scope="module")
def split_result():
    return run_split(TABLES, LABELS, SPLIT, CONFIG)


def test_a_layer_of_noise_that_one_class_has_is_unmasked():
    """All positives and 30 % of the negatives were measured; the values are noise."""
    options = config(models=["ridge"], inner_folds=2)
    options["layers"] = dict.fromkeys(("rna", "noise"), options["layers"]["protein"])
    options["integration"]["max_iterations"] = 5
    rng = np.random.default_rng(11)
    n = 120
    patients = pd.Index([f"p{i:03d}" for i in range(n)], name="patient_id")
    labels = pd.Series((np.arange(n) % 2).astype(float), patients)
    values = {
        name: pd.DataFrame(rng.normal(size=(n, 20)), patients, [f"{name}{j}" for j in range(20)])
        for name in ("rna", "noise")
    }
    values["noise"] = values["noise"][(labels == 1) | (rng.random(n) < 0.3)]
    tables = LayerTables(
        {**values, "clinical": TABLES["clinical"].iloc[:0].reindex(patients)}, patients
    )
    options["clinical"] = {"predictors": [], "confounders": [], "circular": []}
    found = run_split(tables, labels, draw_split("r1f1", labels, folds=2, seed=1), options)
    shown = found["predictions"].set_index("patient_id")
    told = shown[shown["feature_set"] == "layers_present"]["probability"]
    assert roc_auc_score(labels[told.index], told) > 0.75
    assert set(shown.loc[shown["feature_set"] == "layers_present", "role"]) == {"baseline"}


def test_run_split_gives_the_tables_of_the_contract(split_result):
    predictions = split_result["predictions"]
    assert list(predictions.columns) == [
        *("patient_id", "split", "repeat", "fold", "feature_set", "role", "model"),
        *("probability", "decision"),
    ]
    for _, rows in predictions.groupby("feature_set"):
        assert sorted(rows["patient_id"]) == list(SPLIT.test)
    assert predictions["probability"].between(0, 1).all()
    assert set(predictions["role"]) == ROLES
    assert set(split_result["chosen"]["split"]) == {"r2f1"}
    assert set(split_result["importance"]["split"]) == {"r2f1"}


def test_a_permutation_can_be_run_by_itself(split_result):
    options = config(null_models=["elastic_net"])
    shared = split_representations(TABLES, LABELS, SPLIT, options)
    for permutation in (0, 4):
        rows = run_permutation(TABLES, LABELS, SPLIT, permutation, options, shared)
        assert list(rows.columns) == NULL
        expected = permuted_labels(LABELS, repeat=2, permutation=permutation, folds=3, seed=5)
        found = rows.set_index("patient_id")["label_permuted"]
        assert (found == expected[found.index]).all()
        alone = run_permutation(TABLES, LABELS, SPLIT, permutation, options)
        pd.testing.assert_frame_equal(rows, alone)


def test_the_null_of_the_true_labels_is_the_headline_under_the_same_models(split_result):
    options = config(null_models=["elastic_net"])
    null = run_permutation(TABLES, LABELS, SPLIT, 0, options).set_index("patient_id")
    predictions = split_result["predictions"]
    selected = predictions[predictions["role"] == "selected"].set_index("patient_id")
    pd.testing.assert_series_equal(null["probability"], selected["probability"])
