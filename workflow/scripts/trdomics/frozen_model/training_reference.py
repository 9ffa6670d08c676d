"""Summaries of the training patients, against which others are compared; nobody's values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.base import BaseEstimator

from trdomics.classification.feature_blocks import DenseBlocks, Floats
from trdomics.classification.inner_search import FoldRepresentations
from trdomics.classification.representation import CLINICAL, MultiOmicsRepresentation
from trdomics.integration.mofa import MOFATransformer
from trdomics.layers.counts import CountsNormaliser
from trdomics.layers.subsets import subset_name, subsets
from trdomics.tables import LayerTables

DECILES = np.arange(1, 10) / 10
# A covariance of factors needs several patients per factor.
PATIENTS_PER_FACTOR = 3
MIN_PATIENTS = 30
# The mean of a fold of fewer would be close to somebody's value.
MIN_FOLD = 5
DISTANCE = "factor distance"


def summary_of(values: Floats) -> dict[str, Any]:
    """Return ``n``, ``mean``, ``sd`` and the nine ``deciles`` of some values."""
    known = np.asarray(values, dtype=float)
    known = known[np.isfinite(known)]
    if len(known) < 2:
        return {"n": len(known), "mean": np.nan, "sd": np.nan, "deciles": np.full(9, np.nan)}
    return {
        "n": len(known),
        "mean": float(known.mean()),
        "sd": float(known.std(ddof=1)),
        "deciles": np.quantile(known, DECILES),
    }


def summary_of_folds(folds: list[Floats]) -> dict[str, Any]:
    """Return the summary of all folds' values, with ``fold_means`` and ``fold_sizes``."""
    return summary_of(np.concatenate(folds)) | {
        "fold_means": np.array([values.mean() for values in folds]),
        "fold_sizes": np.array([len(values) for values in folds]),
    }


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
    mofa: MOFATransformer, views: LayerTables, factors: pd.DataFrame
) -> dict[str, Floats]:
    """Return how badly the factors reproduce each patient's view, shape (n,) each.

    The mean over the features at hand of τ(y − ŷ)², about 1 where the noise is that of the
    training patients; of a binary view the mean deviance. NaN for those who lack the view.
    """
    errors = {}
    for view, names in mofa.feature_names_.items():
        if view not in views:
            continue
        at_hand = np.isin(names, views[view].columns)
        if not at_hand.any():
            continue
        known = views.aligned(view)[list(np.asarray(names)[at_hand])].to_numpy(dtype=float)
        expected = factors.to_numpy() @ mofa.w_[view][at_hand].T + mofa.intercepts_[view][at_hand]
        if mofa.likelihoods_[view] == "bernoulli":
            p = np.clip(expit(expected), 1e-6, 1 - 1e-6)
            squares = -2 * np.where(known > 0, np.log(p), np.log(1 - p))
            squares = np.where(np.isnan(known), np.nan, squares)
        else:
            squares = mofa.tau_[view][at_hand] * (known - expected) ** 2
        errors[view] = np.asarray(squares.mean(axis=1))
    return errors


def patient_levels(
    representation: MultiOmicsRepresentation, tables: LayerTables
) -> dict[str, Floats]:
    """Return one number per patient and layer: the log size factor of counts, else the mean."""
    levels = {}
    for layer, fitted in representation.normalisers_.items():
        if layer not in tables or tables[layer].empty:
            continue
        if isinstance(fitted, CountsNormaliser):
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


def moments(values: Floats) -> tuple[Floats, Floats]:
    """Return the mean and the precision matrix of factors."""
    covariance = np.atleast_2d(np.cov(values, rowvar=False))
    ridge = 1e-6 * np.trace(covariance) / len(covariance) + 1e-12
    return values.mean(axis=0), np.linalg.inv(covariance + ridge * np.eye(len(covariance)))


def mean_errors(errors: Mapping[str, Floats]) -> dict[str, float]:
    """Return the mean of each view's errors."""
    return {view: float(np.mean(values)) for view, values in errors.items()}


def check_scores(
    mofa: MOFATransformer,
    views: LayerTables,
    mean: Floats,
    precision: Floats,
    errors: Mapping[str, float],
) -> dict[str, Floats]:
    """Return near normal scores of patients who have all the given views, shape (n,) each.

    Parameters
    ----------
    mofa : MOFATransformer
    views : LayerTables
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


class TrainingReference(BaseEstimator):
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
        By layer, see :func:`patient_levels`, of unseen patients; with ``fold_means`` and
        ``fold_sizes``.
    clinical_ : dict of str to summary
        By number in the clinical block, standardised.
    """

    def fit(self, representations: FoldRepresentations, tables: LayerTables) -> Self:
        """Summarise the training patients, given their representations."""
        whole = representations.representation
        self.patterns_: dict[str, Any] = {}
        levels = self._held_out_levels(representations, tables)
        self.levels_ = {layer: summary_of_folds(folds) for layer, folds in levels.items()}
        self.clinical_: dict[str, Any] = {}
        if CLINICAL in whole.column_blocks_:
            names = whole.feature_names_[CLINICAL]
            values = representations.blocks.values[CLINICAL]
            # categories are left out: the mean of a rare one tells how few patients have it
            for name in whole.column_blocks_[CLINICAL].numeric_:
                self.clinical_[name] = summary_of(values[:, names.index(name)])
        if whole.mofa_ is None:
            return self
        held_out = self._held_out(representations, tables)
        views = whole.views(tables)
        n_factors = len(whole.mofa_.get_feature_names_out())
        needed = max(MIN_PATIENTS, PATIENTS_PER_FACTOR * n_factors)
        for chosen in subsets(list(whole.mofa_.feature_names_)):
            pattern = subset_name(chosen)
            some = chosen_views(views, chosen)
            found = held_out.get(pattern, {})
            enough = sum(map(len, found.get(DISTANCE, []))) >= MIN_PATIENTS
            if len(some) < needed or not enough or len(found[DISTANCE]) < 2:
                continue
            factors = whole.mofa_.transform(some)
            mean, precision = moments(factors.to_numpy())
            self.patterns_[pattern] = {
                "n": len(some),
                "mean": mean,
                "precision": precision,
                "factors": {name: summary_of(factors[name].to_numpy()) for name in factors},
                "errors": mean_errors(profile_errors(whole.mofa_, some, factors)),
                "held_out": {check: summary_of_folds(folds) for check, folds in found.items()},
            }
        return self

    @staticmethod
    def _held_out_levels(
        representations: FoldRepresentations, tables: LayerTables
    ) -> dict[str, list[Floats]]:
        """Return levels by fold of patients whom the fold's representation had not seen.

        Features of carriers are kept where enough training patients are carriers, so that these
        carry more of them than others of the same population.
        """
        parts: dict[str, list[Floats]] = {}
        pairs = zip(representations.folds, representations.fitted, strict=True)
        for (_, validation, _, _), fitted in pairs:
            for layer, values in patient_levels(fitted, tables.take(validation)).items():
                known = values[np.isfinite(values)]
                if len(known) >= MIN_FOLD:
                    parts.setdefault(layer, []).append(known)
        return parts

    @staticmethod
    def _held_out(
        representations: FoldRepresentations, tables: LayerTables
    ) -> dict[str, dict[str, list[Floats]]]:
        """Return scores by fold of patients whom the fold's representation had not seen."""
        parts: dict[str, dict[str, list[Floats]]] = {}
        pairs = zip(representations.folds, representations.fitted, strict=True)
        for (train, validation, _, _), fitted in pairs:
            if fitted.mofa_ is None:
                continue
            seen, unseen = fitted.views(tables.take(train)), fitted.views(tables.take(validation))
            for names in subsets(list(fitted.mofa_.feature_names_)):
                if not set(names) <= set(unseen):
                    continue
                known, new = chosen_views(seen, names), chosen_views(unseen, names)
                n_factors = len(fitted.mofa_.get_feature_names_out())
                if len(known) < PATIENTS_PER_FACTOR * n_factors or len(new) < MIN_FOLD:
                    continue
                placed = fitted.mofa_.transform(known)
                mean, precision = moments(placed.to_numpy())
                errors = mean_errors(profile_errors(fitted.mofa_, known, placed))
                found = check_scores(fitted.mofa_, new, mean, precision, errors)
                for check, values in found.items():
                    parts.setdefault(subset_name(names), {}).setdefault(check, []).append(values)
        return parts


def without_layers(
    representation: MultiOmicsRepresentation, tables: LayerTables
) -> Mapping[str, DenseBlocks]:
    """Return patients' blocks as if they lacked layers, by the layers that they then lack."""
    layers = list(representation.normalisers_)
    return {
        subset_name(gone): DenseBlocks.of(
            representation.transform(
                LayerTables({k: v for k, v in tables.items() if k not in gone}, tables.patients)
            )
        )
        for gone in subsets(layers)
    }
