"""What the parts of a frozen model that are scikit-learn's consist of."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn._loss.link import LogitLink
from sklearn._loss.loss import HalfBinomialLoss
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.tree._tree import Tree

from trdomics.classification.classifiers import anova_f
from trdomics.classification.families import ELASTIC_NET, FAMILIES, GRADIENT_BOOSTING, RANDOM_FOREST
from trdomics.classification.feature_blocks import column_transformer
from trdomics.frozen_model.closed import CLASSES, Closed, parameters_of, part_of
from trdomics.frozen_model.kinds import (
    Check,
    anything_of,
    array,
    as_written,
    count,
    dict_of,
    exactly,
    list_of,
    names,
    names_array,
    number,
    optional,
    scalar,
    values,
)
from trdomics.frozen_model.tree_check import check_tree

_CLASSES = values(0, 1)
_NONE = exactly(None)
_COLUMNS = column_transformer([], [])
_NUMBERS, _ENCODER = (step for _, step, _ in _COLUMNS.transformers)
_IMPUTER = _NUMBERS.named_steps["simpleimputer"]


def pipeline(**steps: Check) -> Check:
    """Return the question whether it is a pipeline of just these steps, in this order."""
    fixed = vars(Pipeline([]))
    kinds = {name: exactly(value) for name, value in fixed.items() if name != "steps"}
    kinds["steps"] = as_written(list(steps.items()))

    def check(value: Any) -> bool:
        return (
            type(value) is Pipeline
            and vars(value).keys() == kinds.keys()
            and all(kind(vars(value)[name]) for name, kind in kinds.items())
        )

    return check


def _parameters(kind: str) -> dict[str, Check]:
    """Return the parameters of a kind of classifier; its grid's and the seed are free."""
    free: dict[str, Check] = {
        **dict.fromkeys(FAMILIES[kind].grid[0], number),
        "random_state": count,
    }
    if kind == RANDOM_FOREST:
        free["estimator"] = part_of(DecisionTreeClassifier, unfitted=True)
    return parameters_of(FAMILIES[kind].build(FAMILIES[kind].grid[0], 0), **free)


def _is_random_state(value: Any) -> bool:
    # it draws nothing in predictions; a position beyond its 624 words would lead out of them
    if type(value) is not np.random.RandomState:
        return False
    state = value.get_state(legacy=False)
    return state["bit_generator"] == "MT19937" and 0 <= state["state"]["pos"] <= 624


def _is_loss(value: Any) -> bool:
    expected = vars(HalfBinomialLoss())
    if type(value) is not HalfBinomialLoss or vars(value).keys() != expected.keys():
        return False
    alike = all(type(vars(value)[name]) is type(one) for name, one in expected.items())
    parts = {"closs", "link"}
    same = all(vars(value)[name] == one for name, one in expected.items() if name not in parts)
    return alike and same and type(value.link) is LogitLink and not vars(value.link)


def _trees(of: type) -> Check:
    """Return the question whether it is a forest's list, or a boosting's column, of trees."""
    check = part_of(of)
    if of is DecisionTreeClassifier:
        return list_of(check)
    kind = array("O", 2)
    return lambda value: kind(value) and all(check(tree) for tree in value.ravel())


def _transformers(*, fitted: bool) -> Check:
    def check(value: Any) -> bool:
        if type(value) is not list or not all(type(t) is tuple and len(t) == 3 for t in value):
            return False
        if [t[0] for t in value] != ["numbers", "categories"] or not all(
            names(t[2]) for t in value
        ):
            return False
        # what has no columns is never fitted
        unfitted = [not (fitted and columns) for _, _, columns in value]
        numbers = pipeline(
            simpleimputer=part_of(SimpleImputer, unfitted=unfitted[0]),
            standardscaler=part_of(StandardScaler, unfitted=unfitted[0]),
        )
        return numbers(value[0][1]) and part_of(OneHotEncoder, unfitted=unfitted[1])(value[1][1])

    return check


def _is_slice(value: Any) -> bool:
    return type(value) is slice and count(value.start) and count(value.stop) and value.step is None


def _selects(part: SelectKBest) -> bool:
    width = part.n_features_in_
    return len(part.scores_) == width and (part.k == "all" or 0 < part.k <= width)


def _is_linear(part: LogisticRegression) -> bool:
    return part.coef_.shape == (1, part.n_features_in_) and part.intercept_.shape == (1,)


def _is_forest(part: RandomForestClassifier) -> bool:
    width = {tree.n_features_in_ for tree in part.estimators_}
    return len(part.estimators_) == part.n_estimators and width == {part.n_features_in_}


def _is_boosting(part: GradientBoostingClassifier) -> bool:
    # compiled code adds up a column of trees in an array that has room for one
    width = {tree.n_features_in_ for tree in part.estimators_.ravel()}
    shape = part.estimators_.shape
    return shape == (part.n_estimators, 1) and width == {part.n_features_in_}


def _is_tree(part: Any) -> bool:
    n_values = 2 if type(part) is DecisionTreeClassifier else 1
    check_tree(part.tree_, part.n_features_in_, n_values)
    return True


def _encodes(part: OneHotEncoder) -> bool:
    # their sums are positions in an array that compiled code fills
    sizes = [len(levels) for levels in part.categories_]
    return part._n_features_outs == sizes and part.n_features_in_ == len(sizes) and all(sizes)


def _scales(part: StandardScaler) -> bool:
    width = (part.n_features_in_,)
    return part.mean_.shape == part.var_.shape == part.scale_.shape == width


def _transforms_columns(part: ColumnTransformer) -> bool:
    columns = [list(t[2]) for t in part.transformers_]
    first, n = len(columns[0]), len(columns[0]) + len(columns[1])
    expected = {"numbers": range(first), "categories": range(first, n), "remainder": range(0)}
    return (
        [list(t[2]) for t in part.transformers] == part._columns == columns
        and part.n_features_in_ == n
        and part.feature_names_in_.tolist() == columns[0] + columns[1]
        and part._transformer_to_input_indices == {k: list(v) for k, v in expected.items()}
    )


_TREE = {
    **dict.fromkeys(DecisionTreeClassifier().get_params(), scalar),
    "random_state": anything_of(optional(count), _is_random_state),
}
_FITTED_TREE = {
    "n_features_in_": count,
    "n_outputs_": exactly(1),
    "max_features_": count,
    "tree_": lambda value: type(value) is Tree,
}
_ONE_OF_TWO = {"classes_": _CLASSES, "n_classes_": exactly(2, np.int64(2))}
_NAMED = {"feature_names_in_": names_array, "n_features_in_": count}

CLASSES.update(
    {
        SelectKBest: Closed(
            {"score_func": lambda value: value is anova_f, "k": anything_of(exactly("all"), count)},
            {"n_features_in_": count, "scores_": array("f"), "pvalues_": _NONE},
            _selects,
        ),
        LogisticRegression: Closed(
            _parameters(ELASTIC_NET),
            {
                "n_features_in_": count,
                "classes_": _CLASSES,
                "n_iter_": array("i"),
                "coef_": array("f", 2),
                "intercept_": array("f"),
            },
            _is_linear,
        ),
        RandomForestClassifier: Closed(
            _parameters(RANDOM_FOREST),
            {
                **_ONE_OF_TWO,
                "estimator_": part_of(DecisionTreeClassifier, unfitted=True),
                "n_features_in_": count,
                "n_outputs_": exactly(1),
                "_n_samples": count,
                "_n_samples_bootstrap": count,
                "_sample_weight": _NONE,
                "estimators_": _trees(DecisionTreeClassifier),
            },
            _is_forest,
        ),
        GradientBoostingClassifier: Closed(
            _parameters(GRADIENT_BOOSTING),
            {
                **_ONE_OF_TWO,
                "n_features_in_": count,
                "n_trees_per_iteration_": exactly(1),
                "max_features_": count,
                "_loss": _is_loss,
                "init_": part_of(DummyClassifier),
                "estimators_": _trees(DecisionTreeRegressor),
                "train_score_": array("f"),
                "oob_improvement_": array("f"),
                "oob_scores_": array("f"),
                "oob_score_": number,
                "_rng": _is_random_state,
                "n_estimators_": count,
            },
            _is_boosting,
        ),
        DecisionTreeClassifier: Closed(_TREE, {**_FITTED_TREE, **_ONE_OF_TWO}, _is_tree),
        DecisionTreeRegressor: Closed(_TREE, _FITTED_TREE, _is_tree),
        DummyClassifier: Closed(
            parameters_of(DummyClassifier(strategy="prior")),
            {
                **_ONE_OF_TWO,
                "n_features_in_": count,
                "_strategy": exactly("prior"),
                "sparse_output_": exactly(False),
                "n_outputs_": exactly(1),
                "class_prior_": array("f"),
            },
            lambda part: len(part.class_prior_) == 2 and bool((part.class_prior_ > 0).all()),
        ),
        SimpleImputer: Closed(
            parameters_of(_IMPUTER),
            {
                **_NAMED,
                "_fit_dtype": exactly(np.dtype("f8")),
                "_fill_dtype": exactly(np.dtype("f8")),
                "indicator_": _NONE,
                "statistics_": array("f", gaps=True),
            },
            lambda part: len(part.statistics_) == part.n_features_in_,
        ),
        StandardScaler: Closed(
            parameters_of(StandardScaler()),
            {
                "n_features_in_": count,
                "n_samples_seen_": anything_of(number, array("i")),
                "mean_": array("f"),
                "var_": array("f"),
                "scale_": array("f"),
            },
            _scales,
        ),
        OneHotEncoder: Closed(
            parameters_of(_ENCODER),
            {
                **_NAMED,
                "categories_": list_of(names_array),
                "_n_features_outs": list_of(count),
                "_infrequent_enabled": exactly(False),
                "_drop_idx_after_grouping": _NONE,
                "drop_idx_": _NONE,
            },
            _encodes,
        ),
        ColumnTransformer: Closed(
            parameters_of(_COLUMNS, transformers=_transformers(fitted=False)),
            {
                **_NAMED,
                "_columns": list_of(names),
                "_transformer_to_input_indices": dict_of(list_of(count)),
                "_remainder": exactly(("remainder", "drop", [])),
                "sparse_output_": exactly(False),
                "transformers_": _transformers(fitted=True),
                "output_indices_": dict_of(_is_slice),
            },
            _transforms_columns,
        ),
    }
)
