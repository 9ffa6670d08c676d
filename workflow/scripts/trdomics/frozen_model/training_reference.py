"""Summaries of the training patients to compare others with; no patient-level data."""

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
    """Return squared Mahalanobis distances as nearly normal scores, for any number of factors.

    The cube root of a χ² value over its degrees of freedom is close to normal (Wilson & Hilferty
    1931, doi 10.1073/pnas.17.12.684). Folds may have fewer factors than the whole.
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
    """Return the reconstruction error of each patient's view, shape (n,) each.

    The mean of τ(y − ŷ)² over the available features, about 1 if the noise equals that of the
    training patients; for a binary view the mean deviance. NaN for patients who lack the view.
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
    """Return one number per patient and layer: the log size factor of counts, or the mean."""
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
    """Return some views of the patients who have all of them."""
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
    """Return nearly normal scores of patients who have all the given views, shape (n,) each.

    Parameters
    ----------
    mean, precision : array
        Of the factors of training patients with these views.
    errors : mapping of str to float
        Their mean error by view, by which errors are scaled.

    Returns
    -------
    dict of str to array
        The factor distance and each view's error, both as cube roots of sums of squares.
    """
    factors = mofa.transform(views)
    found = profile_errors(mofa, views, factors)
    scores = {view: np.cbrt(values / errors[view]) for view, values in found.items()}
    squares = squared_distance(factors.to_numpy(), mean, precision)
    return {**scores, DISTANCE: distance_scores(squares, factors.shape[1])}


@dataclass(eq=False, repr=False)
class TrainingReference:
    """Summaries of the training patients, by the layers that they had.

    Distances, errors and levels are out-of-fold values from the inner folds, since patients in the
    fit are closer. Factors are those of the final representation. The reference for patients with
    only some layers comes from training patients whose other layers were left out: projections from
    fewer layers are shrunk to the centre.

    Attributes
    ----------
    patterns_ : dict of str to dict
        By views, joined by "+": ``n``, ``mean`` (K), ``precision`` (K, K), ``factors`` (factor →
        summary), ``errors`` (view → mean error in the fit) and, out of fold, ``held_out`` (check →
        summary of :func:`check_scores`, with its ``fold_means`` and ``fold_sizes``).
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
        """Raise ValueError if summaries or moments have the wrong size."""
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
        """Iterate over all summaries."""
        for pattern in self.patterns_.values():
            yield from self.summaries_of(pattern)
        yield from [*self.levels_.values(), *self.clinical_.values()]
