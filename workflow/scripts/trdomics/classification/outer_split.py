"""One outer split of the nested cross-validation, as the config asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from sklearn.base import clone

from trdomics.classification.feature_sets import feature_sets
from trdomics.classification.inner_search import FoldRepresentations, NestedSearch
from trdomics.classification.missing_layers import PREDICTIONS as WITHOUT_LAYERS
from trdomics.classification.missing_layers import predict_without_layers
from trdomics.classification.representation import representation
from trdomics.classification.splits import (
    NO_REPEAT,
    permutations_of,
    permuted_labels,
    train_and_test,
)
from trdomics.tables import LayerTables

NULL = ["permutation", "split", "repeat", "fold", "patient_id", "label_permuted", "probability"]


def nested_search(config: Mapping[str, Any]) -> NestedSearch:
    """Return the unfitted search of a cohort.

    Parameters
    ----------
    config : mapping
        A resolved config.
    """
    settings = config["classification"]
    return NestedSearch(
        representation(config),
        feature_sets(config),
        models=settings["models"],
        inner_folds=settings["inner_folds"],
        max_features=settings["max_features"],
        seed=config["seed"],
    )


def run_split(
    tables: LayerTables,
    labels: pd.Series,
    splits: pd.DataFrame,
    split: str,
    config: Mapping[str, Any],
) -> dict[str, pd.DataFrame]:
    """Search on a split's training patients and predict its test patients.

    Parameters
    ----------
    tables : LayerTables
        All patients.
    labels : Series
        1, 0 or missing, by patient id.
    splits : DataFrame
        See :func:`trdomics.classification.splits.repeated_splits` and
        :func:`trdomics.classification.splits.site_splits`.
    split : str
        Which one. Where a site is left out, neither labels are permuted nor layers taken away.
    config : mapping
        A resolved config.

    Returns
    -------
    dict of str to DataFrame
        ``predictions``: ``patient_id``, ``split``, ``repeat``, ``fold``, ``feature_set``,
        ``role``, ``model``, ``probability``, ``decision``. ``chosen``: ``split`` and the search's
        candidates. ``importance``: ``split`` and the search's importances. ``null``:
        ``permutation`` (0 are the true labels), ``split``, ``repeat``, ``fold``, ``patient_id``,
        ``label_permuted``, ``probability`` of the winner among the null's models.
        ``without_layers``: see
        :func:`trdomics.classification.missing_layers.predict_without_layers`, of the winner.
    """
    train, test = train_and_test(splits, labels, split)
    seen, unseen = tables.select(train), tables.select(test)
    search = nested_search(config)
    representations = search.representations(seen, labels[train].to_numpy(dtype=int))
    search.fit_from(representations, labels[train].to_numpy(dtype=int))

    repeat, fold = splits.loc[splits["split"] == split, ["repeat", "fold"]].iloc[0]
    where = {"split": split, "repeat": repeat, "fold": fold}
    predictions = search.predict_sets(unseen).assign(**where)
    columns = ["patient_id", *where, "feature_set", "role", "model", "probability", "decision"]
    return {
        "predictions": predictions[columns],
        "chosen": pd.DataFrame(search.candidates_).assign(split=split),
        "importance": search.importance().assign(split=split),
        "null": _null(search, representations, unseen, labels, splits, where, config),
        "without_layers": (
            pd.DataFrame(columns=WITHOUT_LAYERS)
            if repeat == NO_REPEAT
            else predict_without_layers(search.risk_model(), unseen, list(config["layers"]), where)
        ),
    }


def _null(
    search: NestedSearch,
    representations: FoldRepresentations,
    unseen: LayerTables,
    labels: pd.Series,
    splits: pd.DataFrame,
    where: Mapping[str, Any],
    config: Mapping[str, Any],
) -> pd.DataFrame:
    """Repeat the search with permuted labels, on the representations of the true ones.

    Labels play no part in a representation. Only what may be selected is searched.
    """
    settings = config["classification"]
    repeat = int(where["repeat"])
    train, _ = train_and_test(splits, labels, where["split"])
    parts = [pd.DataFrame(columns=NULL)]
    restricted = clone(search).set_params(
        models=settings["null_models"],
        feature_sets=[features for features in search.feature_sets if features.selectable],
    )
    blocks = representations.transform(unseen)
    for permutation in permutations_of(repeat, settings["repeats"], settings["permutations"]):
        permuted = permuted_labels(labels, splits, repeat, permutation, config["seed"])
        restricted.fit_from(representations, permuted[train].to_numpy(dtype=int))
        part = {
            "permutation": permutation,
            **where,
            "patient_id": unseen.patients,
            "label_permuted": permuted[unseen.patients].to_numpy(dtype=int),
            "probability": restricted.predict_blocks(blocks),
        }
        parts.append(pd.DataFrame(part))
    return pd.concat(parts[1:] or parts, ignore_index=True)[NULL]
