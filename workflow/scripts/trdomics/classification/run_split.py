"""One outer split of the nested cross-validation, as the config asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from trdomics.classification.feature_sets import feature_sets
from trdomics.classification.inner_search import FoldRepresentations, NestedSearch
from trdomics.classification.missing_layers import PREDICTIONS as WITHOUT_LAYERS
from trdomics.classification.missing_layers import predict_without_layers
from trdomics.classification.permutations import permuted_labels
from trdomics.classification.representation import representation
from trdomics.classification.splits import NO_REPEAT, Split
from trdomics.config_types import FitConfig
from trdomics.tables import LayerTables


def incomplete_layers(tables: LayerTables, labels: pd.Series, config: FitConfig) -> list[str]:
    """Return the layers that some labelled patients lack; see :func:`run_split`."""
    labelled = labels.index[labels.notna()]
    layers = [name for name in config["layers"] if name in tables]
    return [name for name in layers if not labelled.isin(tables[name].index).all()]


def nested_search(config: FitConfig, incomplete: Sequence[str] = ()) -> NestedSearch:
    """Return the unfitted search of a cohort.

    Parameters
    ----------
    incomplete : sequence of str
        Layers whose presence is a baseline. A model to be frozen needs none.
    """
    settings = config["classification"]
    return NestedSearch(
        representation(config, incomplete),
        feature_sets(
            config["layers"],
            config["clinical"],
            config.get("derived"),
            incomplete,
            config.get("panels", ()),
        ),
        models=settings["models"],
        inner_folds=settings["inner_folds"],
        seed=config["seed"],
    )


def split_representations(
    tables: LayerTables, labels: pd.Series, split: Split, config: FitConfig
) -> FoldRepresentations:
    """Return what a split's search and its permutations share; see :func:`run_split`."""
    return nested_search(config, incomplete_layers(tables, labels, config)).representations(
        tables.select(split.train), labels[split.train].to_numpy(dtype=int)
    )


def fit_split(
    tables: LayerTables,
    labels: pd.Series,
    split: Split,
    config: FitConfig,
    representations: FoldRepresentations,
) -> NestedSearch:
    """Search on a split's training patients; see :func:`run_split`."""
    search = nested_search(config, incomplete_layers(tables, labels, config))
    return search.fit_from(representations, labels[split.train].to_numpy(dtype=int))


def run_split(
    tables: LayerTables, labels: pd.Series, split: Split, config: FitConfig
) -> dict[str, pd.DataFrame]:
    """Search on a split's training patients and predict its test patients.

    Parameters
    ----------
    split : Split
        See :func:`trdomics.classification.splits.draw_split`.

    Returns
    -------
    dict of str to DataFrame
        See :func:`split_results`.
    """
    representations = split_representations(tables, labels, split, config)
    search = fit_split(tables, labels, split, config, representations)
    return split_results(search, tables.select(split.test), split, list(config["layers"]))


def split_results(
    search: NestedSearch, unseen: LayerTables, split: Split, layers: list[str]
) -> dict[str, pd.DataFrame]:
    """Predict a split's test patients and say what was found.

    Parameters
    ----------
    search : NestedSearch
        Fitted on the split's training patients.
    unseen : LayerTables
        Its test patients.
    split : Split
        Where a site is left out, no layers are taken away.
    layers : list of str
        That are taken away in turn.

    Returns
    -------
    dict of str to DataFrame
        ``predictions``: ``patient_id``, ``split``, ``repeat``, ``fold``, ``feature_set``,
        ``role``, ``model``, ``probability``, ``decision``. ``chosen``: ``split`` and the search's
        candidates. ``importance``: ``split`` and the search's importances. ``without_layers``: see
        :func:`trdomics.classification.missing_layers.predict_without_layers`, of what is
        selected.
    """
    where: dict[str, Any] = {"split": split.name, "repeat": split.repeat, "fold": split.fold}
    predictions = search.predict_sets(unseen).assign(**where)
    columns = ["patient_id", *where, "feature_set", "role", "model", "probability", "decision"]
    return {
        "predictions": predictions[columns],
        "chosen": pd.DataFrame(search.candidates_).assign(split=split.name),
        "importance": search.importance().assign(split=split.name),
        "without_layers": (
            pd.DataFrame(columns=WITHOUT_LAYERS)
            if split.repeat == NO_REPEAT
            else predict_without_layers(search.risk_model(), unseen, layers, where)
        ),
    }


def run_permutation(
    tables: LayerTables,
    labels: pd.Series,
    split: Split,
    permutation: int,
    config: FitConfig,
    representations: FoldRepresentations | None = None,
) -> pd.DataFrame:
    """Repeat a split's search with permuted labels, on the representations of the true ones.

    Labels play no part in a representation. Only selectable sets are searched, among the
    models of the null.

    Parameters
    ----------
    tables, labels, split, config, representations
        See :func:`run_split`.
    permutation : int
        0 for the true labels under the models of the null.

    Returns
    -------
    DataFrame
        ``permutation``, ``split``, ``repeat``, ``fold``, ``patient_id``, ``label_permuted``,
        ``probability``: of what is selected, for the test patients.
    """
    representations = representations or split_representations(tables, labels, split, config)
    search = nested_search(config)
    search.models = config["classification"]["null_models"]
    search.feature_sets = [f for f in search.feature_sets if f.selectable and not f.fusion]
    permuted = permuted_labels(
        labels,
        repeat=split.repeat,
        permutation=permutation,
        folds=config["classification"]["folds"],
        seed=config["seed"],
    )
    search.fit_from(representations, permuted[split.train].to_numpy(dtype=int))
    blocks = representations.transform(tables.select(split.test))
    return pd.DataFrame(
        {
            "permutation": permutation,
            "split": split.name,
            "repeat": split.repeat,
            "fold": split.fold,
            "patient_id": split.test,
            "label_permuted": permuted[split.test].to_numpy(dtype=int),
            "probability": search.predict_blocks(blocks),
        }
    )
