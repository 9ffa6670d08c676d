"""Outer splits: folds of the cross-validation, sites left out, and shares of the learning curve."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trdomics.errors import InputError

# A left-out site belongs to no repeat of the cross-validation.
NO_REPEAT = 0
# Training sizes of the learning curve, in per cent of the labelled patients, in about equal steps
# on the scale of a power law. The largest size is that of the cross-validation's splits.
SHARES = (20, 28, 40, 56)


@dataclass(frozen=True)
class Split:
    """Training and test patients.

    Attributes
    ----------
    name : str
        ``r2f3`` is the third fold of the second repeat, ``s01`` the first site left out.
    repeat, fold : int
        A left-out site is a fold of repeat 0.
    train, test : Index
        Patient ids, sorted.
    """

    name: str
    repeat: int
    fold: int
    train: pd.Index
    test: pd.Index


def split_names(repeats: int, folds: int) -> list[str]:
    """Return the names of the cross-validation's splits: ``r1f1`` … ``r<repeats>f<folds>``."""
    return [f"r{r}f{f}" for r in range(1, repeats + 1) for f in range(1, folds + 1)]


def draw_split(
    name: str,
    labels: pd.Series,
    *,
    folds: int,
    seed: int,
    sites: pd.Series | None = None,
    site: str | None = None,
) -> Split:
    """Draw one split; it depends only on the patients, the seed and its name.

    Parameters
    ----------
    labels : Series
        1, 0 or missing, by patient id. Those with a label are in the split.
    seed : int
        The same seed gives the same folds, whatever the order of the patients.
    sites : Series, optional
        Site by patient id. Patients without a site are always in the training set.
    site : str, optional
        The site that ``s01`` leaves out.

    Raises
    ------
    ValueError
        If there is no such split.
    InputError
        If no labelled patient of the site is in a layer.
    """
    known = labels.dropna().index.sort_values()
    found = re.fullmatch(r"r(\d+)f(\d+)|s(\d+)", name)
    if found is None or (found[3] is None) != (site is None):
        raise ValueError(f"no split is named {name}" + (f" for site {site}" if site else ""))
    if site is None:
        repeat, fold = int(found[1]), int(found[2])
        if not (repeat >= 1 and 1 <= fold <= folds):
            raise ValueError(f"split {name} is not one of {folds} folds")
        test = repeat_folds(labels, repeat=repeat, folds=folds, seed=seed)[fold - 1]
    else:
        assert sites is not None, "a site is left out of known sites"
        repeat, fold = NO_REPEAT, int(found[3])
        test = known[(sites.reindex(known) == site).to_numpy(dtype=bool)]
        if test.empty:
            raise InputError(
                f"site `{site}`",
                "none of its labelled patients is in a layer, so it cannot be left out",
                "mark its patients as excluded in the sample sheet",
            )
    return Split(name, repeat, fold, known.difference(test), test)


def repeat_folds(labels: pd.Series, *, repeat: int, folds: int, seed: int) -> list[pd.Index]:
    """Return the test patients of each fold of a repeat, sorted; see :func:`draw_split`."""
    # the rules import split names from here and should not wait for scikit-learn
    from sklearn.model_selection import StratifiedKFold

    known = labels.dropna().sort_index()
    state = int(np.random.SeedSequence([seed, repeat]).generate_state(1)[0])
    dealer = StratifiedKFold(folds, shuffle=True, random_state=state)
    dealt = dealer.split(np.zeros(len(known)), known.to_numpy(dtype=int))
    return [known.index[test] for _, test in dealt]


def learning_shares(folds: int) -> list[int]:
    """Return the sizes below that of the splits themselves, in per cent of the patients."""
    return [share for share in SHARES if share * folds < 95 * (folds - 1)]


def draw_share(labels: pd.Series, share: int, draw: int, seed: int) -> Split:
    """Draw a stratified share of the labelled patients as training set.

    The shares of a draw are nested: a larger one adds patients to a smaller one.

    Parameters
    ----------
    share : int
        Per cent.
    draw, seed : int
        The same numbers give the same order of the patients.

    Returns
    -------
    Split
        ``fold`` is the draw, ``repeat`` is ``NO_REPEAT``; all others are test patients.
    """
    known = labels.dropna().sort_index()
    order = known.sample(frac=1, random_state=np.random.default_rng([seed, draw]))
    drawn = [part.index[: round(share / 100 * len(part))] for _, part in order.groupby(order)]
    train = drawn[0].append(drawn[1:]).sort_values()
    return Split(f"p{share}d{draw}", NO_REPEAT, draw, train, known.index.difference(train))
