"""Outer splits: folds of the cross-validation, sites left out, and labels permuted in folds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold

from trdomics.errors import InputError

COLUMNS = ["split", "repeat", "fold", "patient_id", "role", "site"]
TEST = "test"
# A left-out site belongs to no repeat of the cross-validation.
NO_REPEAT = 0


def split_names(repeats: int, folds: int) -> list[str]:
    """Return the ids of all splits: ``r1f1`` … ``r<repeats>f<folds>``."""
    return [f"r{r}f{f}" for r in range(1, repeats + 1) for f in range(1, folds + 1)]


def repeated_splits(labels: pd.Series, *, repeats: int, folds: int, seed: int) -> pd.DataFrame:
    """Deal the labelled patients into folds, stratified by label, several times.

    Parameters
    ----------
    labels : Series
        1, 0 or missing, by patient id.
    repeats, folds : int
        Of the outer cross-validation.
    seed : int
        The same seed gives the same folds, whatever the order of the patients.

    Returns
    -------
    DataFrame
        ``split``, ``repeat``, ``fold``, ``patient_id``, ``role`` (``test``), ``site`` (missing):
        a row for each patient tested in a split; the other labelled patients are its training set.
    """
    known = labels.dropna().sort_index()
    rows = []
    for repeat in range(1, repeats + 1):
        dealer = StratifiedKFold(folds, shuffle=True, random_state=_state(seed, repeat))
        dealt = dealer.split(np.zeros(len(known)), known.to_numpy(dtype=int))
        for fold, (_, test) in enumerate(dealt, start=1):
            name = f"r{repeat}f{fold}"
            rows += [(name, repeat, fold, patient, TEST, None) for patient in known.index[test]]
    return pd.DataFrame(rows, columns=COLUMNS)


def site_splits(
    labels: pd.Series, sites: pd.Series | None, left_out: Mapping[str, str]
) -> pd.DataFrame:
    """Make a split of every site that is left out once.

    Parameters
    ----------
    labels : Series
        1, 0 or missing, by patient id.
    sites : Series or None
        Site by patient id; a patient without one is in no test set. None without sites.
    left_out : mapping of str to str
        Name of the split → name of the site, see :func:`trdomics.cohort.site_plan`.

    Returns
    -------
    DataFrame
        As of :func:`repeated_splits`, with ``repeat`` 0, ``fold`` counted from 1 and ``site``.

    Raises
    ------
    InputError
        If a site has no labelled patient any more, its patients being in no layer.
    """
    rows: list[tuple[str, int, int, str, str, str]] = []
    if sites is not None:
        site = sites[labels.reindex(sites.index).notna()].sort_index()
        for fold, (split, name) in enumerate(left_out.items(), start=1):
            members = site.index[site == name]
            if members.empty:
                raise InputError(
                    f"site `{name}`",
                    "none of its labelled patients is in a layer, so it cannot be left out",
                    "mark its patients as excluded in the sample sheet",
                )
            rows += [(split, NO_REPEAT, fold, patient, TEST, name) for patient in members]
    return pd.DataFrame(rows, columns=COLUMNS)


def train_and_test(
    splits: pd.DataFrame, labels: pd.Series, split: str
) -> tuple[pd.Index, pd.Index]:
    """Return the training and the test patients of a split, each sorted."""
    test = pd.Index(splits.loc[splits["split"] == split, "patient_id"]).sort_values()
    if test.empty:
        raise ValueError(f"no patient is tested in split {split}")
    return labels.dropna().index.difference(test), test


def permuted_labels(
    labels: pd.Series, splits: pd.DataFrame, repeat: int, permutation: int, seed: int
) -> pd.Series:
    """Permute the labels within each test fold of a repeat.

    Each fold keeps its classes, and every split of the repeat sees the same permuted labels, so
    that one permutation is one whole repeat of the nested cross-validation.

    Parameters
    ----------
    labels : Series
        1, 0 or missing, by patient id.
    splits : DataFrame
        Of :func:`repeated_splits`.
    repeat, permutation, seed : int
        Permutation 0 are the true labels.
    """
    permuted = labels.dropna().sort_index()
    if permutation == 0:
        return permuted
    rng = np.random.default_rng([seed, repeat, permutation])
    rows = splits[splits["repeat"] == repeat]
    for _, fold in rows.groupby("fold"):
        members = np.sort(fold["patient_id"].to_numpy())
        permuted.loc[members] = rng.permutation(permuted.loc[members].to_numpy())
    return permuted


def permutations_of(repeat: int, repeats: int, permutations: int) -> list[int]:
    """Return the permutations that are run in a repeat; the first is 0, the true labels.

    None are run where a site is left out.
    """
    if repeat == NO_REPEAT:
        return []
    own = [p for p in range(1, permutations + 1) if (p - 1) % repeats + 1 == repeat]
    return [0, *own] if permutations else []


def _state(seed: int, repeat: int) -> int:
    return int(np.random.SeedSequence([seed, repeat]).generate_state(1)[0])
