"""Out-of-fold predictions: tables of all splits joined, and a feature set's as arrays."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from trdomics.evaluation.logistic_recalibration import Floats


def of_splits(tables: Iterable[pd.DataFrame], predictions: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Concatenate tables of all splits, with the split of every row.

    Parameters
    ----------
    tables, predictions : iterable of DataFrame
        One per split, in the same order; ``split`` and ``repeat`` are taken from the predictions.

    Returns
    -------
    DataFrame
        All rows, with ``split`` and ``repeat``.
    """
    parts = [
        table.assign(split=beside["split"].iloc[0], repeat=beside["repeat"].iloc[0])
        for table, beside in zip(tables, predictions, strict=True)
    ]
    # columns of an empty table have no type, which would spread to the others
    filled = [part for part in parts if len(part)]
    return pd.concat(filled or parts[:1], ignore_index=True)


def out_of_fold(
    predictions: pd.DataFrame, labels: pd.Series, feature_set: str
) -> tuple[Floats, Floats]:
    """Return a feature set's pooled out-of-fold predictions as labels and a matrix.

    Parameters
    ----------
    predictions : DataFrame
        Rows of all splits: ``feature_set``, ``repeat``, ``patient_id``, ``probability``.

    Returns
    -------
    label : array, shape (n_patients,)
    probability : array, shape (n_patients, n_repeats)
        Only patients with a label who were predicted in every repeat, sorted by id.
    """
    rows = predictions[predictions["feature_set"] == feature_set]
    # unlike pivot_table, pivot refuses duplicated patients
    table = rows.pivot(  # noqa: PD010
        index="patient_id", columns="repeat", values="probability"
    ).dropna()
    truth = labels.reindex(table.index)
    known = truth.notna().to_numpy()
    return truth[known].to_numpy(dtype=float), table[known].to_numpy(dtype=float)


def feature_sets(predictions: pd.DataFrame) -> dict[str, str]:
    """Return the role of every feature set, in the order of the table."""
    unique = predictions[["feature_set", "role"]].drop_duplicates("feature_set")
    return dict(zip(unique["feature_set"], unique["role"], strict=True))
