"""Labels permuted within the folds of the outer cross-validation."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trdomics.classification.splits import NO_REPEAT, repeat_folds


def permuted_labels(
    labels: pd.Series, *, repeat: int, permutation: int, folds: int, seed: int
) -> pd.Series:
    """Permute the labels within each test fold of a repeat.

    Each fold keeps its classes, and every split of the repeat sees the same permuted labels, so
    that one permutation is one whole repeat of the nested cross-validation.

    Parameters
    ----------
    labels : Series
        1, 0 or missing, by patient id.
    repeat, folds, seed : int
        Of the folds, see :func:`draw_split`.
    permutation : int
        Permutation 0 are the true labels.
    """
    permuted = labels.dropna().sort_index()
    if permutation == 0:
        return permuted
    rng = np.random.default_rng([seed, repeat, permutation])
    for members in repeat_folds(labels, repeat=repeat, folds=folds, seed=seed):
        permuted.loc[members] = rng.permutation(permuted.loc[members].to_numpy())
    return permuted


def permutations_of(repeat: int, repeats: int, permutations: int) -> list[int]:
    """Return the permutations that are run in a repeat; the first is 0, the true labels.

    More permutations only add to them. None are run where a site is left out.
    """
    if repeat == NO_REPEAT:
        return []
    own = [p for p in range(1, permutations + 1) if (p - 1) % repeats + 1 == repeat]
    return [0, *own] if permutations else []
