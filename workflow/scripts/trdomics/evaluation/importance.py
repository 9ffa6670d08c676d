"""Features used by the models, and their stability over the splits."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from trdomics.classification.families import FAMILIES

TOP = 20
# Tree importances have no direction.
# As MOFATransformer names its output.
FACTOR = r"Factor\d+"
ALL_FACTORS = "all factors"


def chosen_table(chosen: pd.DataFrame) -> pd.DataFrame:
    """Count which model and number of features the inner loop chose for each feature set.

    Parameters
    ----------
    chosen : DataFrame
        Rows of all splits: ``split``, ``feature_set``, ``role``, ``model``, ``n_features``,
        ``inner_auc``, ``weight``.

    Returns
    -------
    DataFrame
        ``feature_set``, ``role``, ``model``, ``n_features`` (per block; missing for stacks, which
        combine the models chosen for others), ``n_splits`` (in which this model was the best of the
        feature set), ``share`` (of all splits), ``inner_auc`` (mean inner AUROC in those splits,
        optimistic because the best was taken), ``weight`` (mean share in the selected stack,
        counting 0 for splits in which another model was the best, so that the rows of a set add up
        to the set's weight).
    """
    best = chosen.loc[chosen.groupby(["split", "feature_set"])["inner_auc"].idxmax()]
    keys = ["feature_set", "role", "model", "n_features"]
    table = best.groupby(keys, sort=False, dropna=False).agg(
        n_splits=("split", "nunique"), inner_auc=("inner_auc", "mean"), weight=("weight", "sum")
    )
    table = table.reset_index()
    n_splits = chosen["split"].nunique()
    table["share"], table["weight"] = table["n_splits"] / n_splits, table["weight"] / n_splits
    return table.sort_values(
        ["feature_set", "n_splits", "model", "n_features"],
        ascending=[True, False, True, True],
        key=lambda column: column if column.name == "n_splits" else column.astype(str),
        ignore_index=True,
    )[[*keys, "n_splits", "share", "inner_auc", "weight"]]


def model_name(model: str, n_features: str) -> str:
    """Name a family and its number of features per block."""
    return f"{model}, {n_features} features"


def models_in_words(table: pd.DataFrame) -> dict[str, str]:
    """Describe each feature set's mean weight, and in how many splits which model was chosen.

    `table` is of :func:`chosen_table`.
    """
    return {
        str(name): f"weight {rows['weight'].sum():.0%}; "
        + "; ".join(
            f"{model_name(row['model'], row['n_features']).replace('_', ' ')}: {row['n_splits']}"
            for _, row in rows.iterrows()
        )
        for name, rows in table[table["n_features"].notna()].groupby("feature_set", sort=False)
    }


def without_factor_numbers(importance: pd.DataFrame) -> pd.DataFrame:
    """Sum the factors of each split's MOFA under one name, without a direction.

    Every split fits its own MOFA with arbitrary order and signs of factors, so factor numbers do
    not match between splits and cannot be averaged.
    """
    factors = importance["feature"].astype(str).str.fullmatch(FACTOR)
    keys = ["split", "feature_set", "model", "block"]
    total = importance[factors].assign(importance=lambda rows: rows["importance"].abs())
    total = total.groupby(keys, as_index=False)["importance"].sum().assign(feature=ALL_FACTORS)
    return pd.concat([importance[~factors], total], ignore_index=True)


def mean_overlap(sets: list[frozenset[str]]) -> float:
    """Return the mean Jaccard index over all pairs of sets; NaN for fewer than two."""
    pairs = [len(a & b) / len(a | b) for a, b in combinations(sets, 2) if a | b]
    return float(np.mean(pairs)) if pairs else np.nan


def importance_table(importance: pd.DataFrame, chosen: pd.DataFrame) -> pd.DataFrame:
    """Summarise importances over the splits.

    Absolute importances are divided by their sum within a split and feature set, so that
    coefficients and tree importances are comparable; a feature not used in a split counts 0. MOFA
    factors are pooled, see :func:`without_factor_numbers`.

    Parameters
    ----------
    importance : DataFrame
        Rows of all splits: ``split``, ``feature_set``, ``model``, ``block``, ``feature``,
        ``importance`` (signed for linear models).
    chosen : DataFrame
        Of all splits; gives the number of splits.

    Returns
    -------
    DataFrame
        ``feature_set``, ``block``, ``feature``, ``share`` (mean share of the importance, summed
        over the stack members that use it), ``used`` (share of splits that used it), ``top20``
        (share of splits in which it was among the 20 most important), ``direction`` (+1: higher
        values favour the positive class; −1: the negative one; 0 for trees), ``same_sign`` (share
        of splits, of those with linear models using it, that agree with the direction), ``overlap``
        (of the feature set: mean Jaccard index of two splits' top 20; training sets share most
        patients, so that a new cohort would agree less). Sorted by share.
    """
    rows = without_factor_numbers(importance)
    rows = rows[rows["importance"].notna() & (rows["importance"] != 0)].copy()
    n_splits = chosen["split"].nunique()
    fold = rows.groupby(["split", "feature_set"])["importance"]
    rows["share"] = rows["importance"].abs() / fold.transform(lambda values: values.abs().sum())
    signed = rows["model"].isin([name for name, kind in FAMILIES.items() if kind.is_signed]) & (
        rows["feature"] != ALL_FACTORS
    )
    rows["signed"] = np.where(signed, np.sign(rows["importance"]) * rows["share"], np.nan)
    keys = ["feature_set", "block", "feature"]
    # several members of a stack may use a feature
    rows = rows.groupby(["split", *keys], as_index=False).agg(
        share=("share", "sum"), signed=("signed", lambda values: values.sum(min_count=1))
    )
    # ties by name, so that the order of rows does not matter
    rows = rows.sort_values(["share", "block", "feature"], ascending=[False, True, True])
    rows["top20"] = rows.groupby(["split", "feature_set"]).cumcount() < TOP
    rows["sign"] = np.sign(rows["signed"])

    grouped = rows.groupby(keys)
    table = pd.DataFrame(
        {
            "share": grouped["share"].sum() / n_splits,
            "used": grouped["split"].nunique() / n_splits,
            "top20": grouped["top20"].sum() / n_splits,
        }
    )
    balance = grouped["sign"].mean()
    table["direction"] = np.sign(balance.fillna(0)).astype(int)
    table["same_sign"] = (1 + balance.abs()) / 2
    overlaps = {
        name: mean_overlap(
            [frozenset(f["block"] + "\t" + f["feature"]) for _, f in group.groupby("split")]
        )
        for name, group in rows[rows["top20"]].groupby(keys[0])
    }
    table = table.reset_index()
    table["overlap"] = table["feature_set"].map(overlaps)
    return table.sort_values(
        ["feature_set", "share", "block", "feature"],
        ascending=[True, False, True, True],
        ignore_index=True,
    )
