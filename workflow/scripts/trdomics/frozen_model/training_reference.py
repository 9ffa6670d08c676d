"""Summaries of the training patients, against which others are compared; no patient's values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from trdomics.classification.feature_blocks import Floats
from trdomics.classification.fitted_representation import FittedRepresentation
from trdomics.integration.projection import MAX_FACTORS, MOFAProjection
from trdomics.layers.transforms import CountsTransform
from trdomics.parts import COUNT, NUMBER_OR_GAP, array, group, mapping, stored
from trdomics.tables import LayerTables

DISTANCE = "factor distance"
N_DECILES, MAX_FOLDS = 9, 50
SUMMARY = group(
    {"n": COUNT, "mean": NUMBER_OR_GAP, "sd": NUMBER_OR_GAP},
    {
        "deciles": array("q", gaps=True),
        "fold_means": array("folds"),
        "fold_sizes": array("folds", dtype="int"),
    },
)
PATTERN = group(
    {
        "n": COUNT,
        "mean": array("K"),
        "precision": array("K", "K"),
        "factors": mapping(SUMMARY),
        "errors": mapping(NUMBER_OR_GAP),
        "held_out": mapping(SUMMARY),
    }
)


def distance_scores(squares: Floats, n_factors: int) -> Floats:
    """Return squared Mahalanobis distances as near normal scores, whatever the number of factors.

    The cube root of a χ² value over its degrees of freedom is close to normal (Wilson & Hilferty
    1931, doi 10.1073/pnas.17.12.684). Folds may have found fewer factors than the whole.
    """
    spread = 2 / (9 * n_factors)
    return np.asarray((np.cbrt(squares / n_factors) - (1 - spread)) / np.sqrt(spread))


def squares_of_scores(scores: Floats, n_factors: int) -> Floats:
    """Return the squared distances of scores, the inverse of :func:`distance_scores`."""
    spread = 2 / (9 * n_factors)
    return np.asarray(n_factors * (1 - spread + np.sqrt(spread) * np.asarray(scores)) ** 3)


def profile_errors(
    mofa: MOFAProjection, views: LayerTables, factors: pd.DataFrame
) -> dict[str, Floats]:
    """Return how badly the factors reproduce each patient's view, shape (n,) each.

    The mean over the features at hand of τ(y − ŷ)², about 1 where the noise is that of the
    training patients; of a binary view the mean deviance. NaN for those who lack the view.
    """
    errors = {}
    for view, names in mofa.feature_names_.items():
        if view not in views:
            continue
        at_hand = np.asarray(pd.Index(names, dtype=object).isin(views[view].columns))
        if not at_hand.any():
            continue
        known = views.aligned(view)[
            [name for name, has in zip(names, at_hand, strict=True) if has]
        ].to_numpy(dtype=float)
        expected = factors.to_numpy() @ mofa.w_[view][at_hand].T + mofa.intercepts_[view][at_hand]
        if mofa.likelihoods_[view] == "bernoulli":
            p = np.clip(expit(expected), 1e-6, 1 - 1e-6)
            squares = -2 * np.where(known > 0, np.log(p), np.log(1 - p))
            squares = np.where(np.isnan(known), np.nan, squares)
        else:
            squares = mofa.tau_[view][at_hand] * (known - expected) ** 2
        errors[view] = np.asarray(squares.mean(axis=1))
    return errors


def patient_levels(representation: FittedRepresentation, tables: LayerTables) -> dict[str, Floats]:
    """Return one number per patient and layer: the log size factor of counts, else the mean."""
    levels = {}
    for layer, fitted in representation.normalisers_.items():
        if layer not in tables or tables[layer].empty:
            continue
        if isinstance(fitted, CountsTransform):
            levels[layer] = np.log(fitted.size_factors(tables[layer]))
        else:
            levels[layer] = fitted.transform(tables[layer]).to_numpy().mean(axis=1)
    return levels


def chosen_views(views: LayerTables, names: tuple[str, ...]) -> LayerTables:
    """Return some views of the patients who have them all."""
    has = np.logical_and.reduce([views.profiled(name) for name in names])
    kept = views.select(views.patients[has])
    return LayerTables({name: kept[name] for name in names}, kept.patients)


def squared_distance(values: Floats, mean: Floats, precision: Floats) -> Floats:
    """Return squared Mahalanobis distances, shape (n,)."""
    centred = values - mean
    return np.asarray(np.einsum("nk,kl,nl->n", centred, precision, centred))


def check_scores(
    mofa: MOFAProjection,
    views: LayerTables,
    mean: Floats,
    precision: Floats,
    errors: Mapping[str, float],
) -> dict[str, Floats]:
    """Return near normal scores of patients who have all the given views, shape (n,) each.

    Parameters
    ----------
    mean, precision : array
        Of the factors of training patients with these views.
    errors : mapping of str to float
        Their mean error by view, in whose units errors are taken.

    Returns
    -------
    dict of str to array
        The factor distance, and each view's error; both by their cube root, as sums of squares.
    """
    factors = mofa.transform(views)
    found = profile_errors(mofa, views, factors)
    scores = {view: np.cbrt(values / errors[view]) for view, values in found.items()}
    squares = squared_distance(factors.to_numpy(), mean, precision)
    return {**scores, DISTANCE: distance_scores(squares, factors.shape[1])}


@dataclass(eq=False, repr=False)
class TrainingReference:
    """What training patients were like, by the layers that they had.

    Distances, errors and levels come from the inner folds: of patients whom the fold's
    representation had not seen, since those that it was fitted on lie nearer. Factors are those of
    the final representation. The reference of patients with some layers only comes from training
    patients whose other layers were left out: a projection from fewer layers is pulled to the
    centre.

    Attributes
    ----------
    patterns_ : dict of str to dict
        By views, joined by "+": ``n``, ``mean`` (K), ``precision`` (K, K), ``factors`` (factor →
        summary), ``errors`` (view → mean error of the patients of the fit) and, of unseen
        patients, ``held_out`` (check → summary of :func:`check_scores`, with its ``fold_means`` and
        ``fold_sizes``).
    levels_ : dict of str to summary
        By layer, see :func:`patient_levels`, of unseen patients; with ``fold_means``,
        ``fold_sizes`` and nine ``deciles``, each the mean of its neighbours.
    clinical_ : dict of str to summary
        By number in the clinical block, standardised.
    """

    patterns_: dict[str, dict[str, Any]] = stored(mapping(PATTERN))
    levels_: dict[str, dict[str, Any]] = stored(mapping(SUMMARY))
    clinical_: dict[str, dict[str, Any]] = stored(mapping(SUMMARY))

    def check(self) -> None:
        """Raise ValueError if summaries or moments have another size than they should."""
        for pattern in self.patterns_.values():
            k = len(pattern["mean"])
            if pattern["precision"].shape != (k, k) or k > MAX_FACTORS:
                raise ValueError("moments of the factors are of other numbers of factors")
        for summary in self.summaries():
            folds = summary.get("fold_means", ())
            n_deciles = len(summary.get("deciles", np.zeros(N_DECILES)))
            if n_deciles != N_DECILES or len(folds) > MAX_FOLDS:
                raise ValueError(f"a summary has not {N_DECILES} deciles, or too many folds")
            if len(summary.get("fold_sizes", folds)) != len(folds):
                raise ValueError("a summary has other sizes than means of folds")

    @staticmethod
    def summaries_of(pattern: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the summaries of patients with some views."""
        return [*pattern["factors"].values(), *pattern["held_out"].values()]

    def summaries(self) -> Iterator[dict[str, Any]]:
        """Walk through all summaries of some patients' values."""
        for pattern in self.patterns_.values():
            yield from self.summaries_of(pattern)
        yield from [*self.levels_.values(), *self.clinical_.values()]
