"""What the models used, and whether they used the same in every fold."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

TOP = 20
SELECTED = "selected"
# Importances of trees have no direction.
SIGNED_MODELS = ("elastic_net", "ridge")
# As MOFATransformer names its output.
FACTOR = r"Factor\d+"
ALL_FACTORS = "all factors"


def winners(chosen: pd.DataFrame) -> pd.DataFrame:
    """Return the feature set and model that won the inner loop of each split.

    Parameters
    ----------
    chosen : DataFrame
        Rows of all splits: ``split``, ``feature_set``, ``model``, ``inner_auc``, ``chosen``.

    Returns
    -------
    DataFrame
        ``split``, ``feature_set``, ``model``, ``inner_auc``; one row a split.
    """
    return chosen.loc[chosen["chosen"] == 1, ["split", "feature_set", "model", "inner_auc"]]


def chosen_table(chosen: pd.DataFrame) -> pd.DataFrame:
    """Count how often each feature set and model won.

    Parameters
    ----------
    chosen : DataFrame
        Rows of all splits: ``split``, ``feature_set``, ``role``, ``model``, ``inner_auc``,
        ``chosen`` (1 for the overall winner of the split).

    Returns
    -------
    DataFrame
        ``feature_set``, ``role``, ``model``, ``n_splits`` (in which this model was the best one
        for the feature set), ``inner_auc`` (mean AUROC of those in the inner loop, optimistic
        because the best was taken), ``n_won`` (splits in which the pair was the winner of all),
        ``share_won``. Feature sets that never won are listed with 0; those with confounders only
        or circular predictors cannot win.
    """
    total = chosen["split"].nunique()
    best = chosen.loc[chosen.groupby(["split", "feature_set"])["inner_auc"].idxmax()]
    keys = ["feature_set", "role", "model"]
    table = best.groupby(keys, sort=False).agg(
        n_splits=("split", "nunique"), inner_auc=("inner_auc", "mean")
    )
    won = winners(chosen).groupby(["feature_set", "model"])["split"].nunique().rename("n_won")
    table = table.reset_index().merge(won.reset_index(), on=["feature_set", "model"], how="left")
    table["n_won"] = table["n_won"].fillna(0).astype(int)
    table["share_won"] = table["n_won"] / total
    return table.sort_values(
        ["n_won", "feature_set", "n_splits"], ascending=[False, True, False], ignore_index=True
    )


def winners_in_words(table: pd.DataFrame) -> str:
    """Say in one sentence which feature sets and models won how often.

    Parameters
    ----------
    table : DataFrame
        Of :func:`chosen_table`.
    """
    total = int(table["n_won"].sum())
    if total == 0:
        return "No feature set was chosen in any split."

    def counted(key: str) -> str:
        counts = table.groupby(key, sort=False)["n_won"].sum().sort_values(ascending=False)
        return ", ".join(f"{name} {count}" for name, count in counts.items() if count)

    return (
        f"Of {total} splits the inner loop chose the feature set {counted('feature_set')}; "
        f"the model {counted('model')}."
    )


def with_selected(importance: pd.DataFrame, chosen: pd.DataFrame) -> pd.DataFrame:
    """Add the rows of each split's winner once more under the feature set ``selected``.

    Parameters
    ----------
    importance : DataFrame
        ``split``, ``feature_set``, ``model``, ``block``, ``feature``, ``importance``.
    chosen : DataFrame
        Of all splits, see :func:`winners`.
    """
    if (importance["feature_set"] == SELECTED).any():
        return importance
    won = importance.merge(winners(chosen)[["split", "feature_set"]], on=["split", "feature_set"])
    return pd.concat([importance, won.assign(feature_set=SELECTED)], ignore_index=True)


def without_factor_numbers(importance: pd.DataFrame) -> pd.DataFrame:
    """Add up the factors of each split's MOFA under one name, without a direction.

    Every split fits a MOFA of its own, whose factors have an order and signs of their own: the
    first factor of one is not that of another, and a mean over them would mean nothing.
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

    Absolute importances are divided by their sum within a split and feature set, which makes
    coefficients and tree importances comparable; a feature that a split did not use counts 0.
    MOFA factors are taken together, see :func:`without_factor_numbers`.

    Parameters
    ----------
    importance : DataFrame
        Rows of all splits: ``split``, ``feature_set``, ``model``, ``block``, ``feature``,
        ``importance`` (signed for linear models).
    chosen : DataFrame
        Of all splits; gives the splits and their winners.

    Returns
    -------
    DataFrame
        ``feature_set`` (``selected`` is whatever won each split), ``block``, ``feature``,
        ``share`` (mean share of the importance), ``used`` (share of splits that used it),
        ``top20`` (share of splits in which it was among the 20 most important), ``direction``
        (+1: higher values speak for the positive class; −1; 0 where the models were trees),
        ``same_sign`` (share of the linear models using it that agree with the direction),
        ``overlap`` (of the feature set: mean Jaccard index of two splits' top 20; training sets
        share most patients, so that a new cohort would agree less). Sorted by share.
    """
    rows = without_factor_numbers(with_selected(importance, chosen))
    rows = rows[rows["importance"].notna() & (rows["importance"] != 0)].copy()
    n_splits = chosen["split"].nunique()
    fold = rows.groupby(["split", "feature_set"])["importance"]
    rows["share"] = rows["importance"].abs() / fold.transform(lambda values: values.abs().sum())
    # ties by name, so that the order of the rows does not matter
    rows = rows.sort_values(["share", "block", "feature"], ascending=[False, True, True])
    rows["top20"] = rows.groupby(["split", "feature_set"]).cumcount() < TOP
    signed = rows["model"].isin(SIGNED_MODELS) & (rows["feature"] != ALL_FACTORS)
    rows["sign"] = np.where(signed, np.sign(rows["importance"]), np.nan)

    keys = ["feature_set", "block", "feature"]
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
        name: mean_overlap([frozenset(f["block"] + "\t" + f["feature"]) for _, f in part])
        for name, part in (
            (name, group.groupby("split")) for name, group in rows[rows["top20"]].groupby(keys[0])
        )
    }
    table = table.reset_index()
    table["overlap"] = table["feature_set"].map(overlaps)
    return table.sort_values(
        ["feature_set", "share", "block", "feature"],
        ascending=[True, False, True, True],
        ignore_index=True,
    )
