"""Learns the summaries of the training patients with which others are compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator

from trdomics.classification.feature_blocks import Floats
from trdomics.classification.inner_search import FoldRepresentations
from trdomics.frozen_model.training_reference import (
    DISTANCE,
    TrainingReference,
    check_scores,
    chosen_views,
    patient_levels,
    profile_errors,
)
from trdomics.layers.subsets import subset_name, subsets
from trdomics.quantiles import neighbour_quantiles
from trdomics.tables import CLINICAL, LayerTables

DECILES = np.arange(1, 10) / 10
# A covariance of factors needs several patients per factor.
PATIENTS_PER_FACTOR = 3
MIN_PATIENTS = 30
# With fewer patients, a fold's mean would be close to one patient's value.
MIN_FOLD = 5


def summary_of(values: Floats) -> dict[str, Any]:
    """Return ``n``, ``mean`` and ``sd`` of some values."""
    known = np.asarray(values, dtype=float)
    known = known[np.isfinite(known)]
    if len(known) < 2:
        return {"n": len(known), "mean": np.nan, "sd": np.nan}
    return {"n": len(known), "mean": float(known.mean()), "sd": float(known.std(ddof=1))}


def summary_of_folds(folds: list[Floats]) -> dict[str, Any]:
    """Return the summary of all folds' values, with ``fold_means`` and ``fold_sizes``."""
    return summary_of(np.concatenate(folds)) | {
        "fold_means": np.array([values.mean() for values in folds]),
        "fold_sizes": np.array([len(values) for values in folds]),
    }


def moments(values: Floats) -> tuple[Floats, Floats]:
    """Return the mean and the precision matrix of factors."""
    covariance = np.atleast_2d(np.cov(values, rowvar=False))
    ridge = 1e-6 * np.trace(covariance) / len(covariance) + 1e-12
    return values.mean(axis=0), np.linalg.inv(covariance + ridge * np.eye(len(covariance)))


def mean_errors(errors: Mapping[str, Floats]) -> dict[str, float]:
    """Return the mean of each view's errors."""
    return {view: float(np.mean(values)) for view, values in errors.items()}


class TrainingSummaries(BaseEstimator, TrainingReference):
    """Summaries of the training patients, learned from the folds of a nested search.

    Attributes
    ----------
    As :class:`trdomics.frozen_model.training_reference.TrainingReference`.
    """

    def __init__(self) -> None:
        pass

    def fit(self, representations: FoldRepresentations, tables: LayerTables) -> Self:
        """Summarise the training patients, given their representations."""
        whole = representations.representation
        self.patterns_: dict[str, Any] = {}
        levels = self._held_out_levels(representations, tables)
        self.levels_ = {
            layer: summary_of_folds(folds)
            | {"deciles": neighbour_quantiles(np.concatenate(folds), DECILES)}
            for layer, folds in levels.items()
        }
        self.clinical_: dict[str, Any] = {}
        if CLINICAL in whole.column_blocks_:
            names = whole.feature_names_[CLINICAL]
            values = representations.blocks.values[CLINICAL]
            # categories are left out: the mean of a rare one shows how few patients have it
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
        """Return out-of-fold levels, by fold.

        Carrier features are kept if enough training patients are carriers, so training patients
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
        """Return out-of-fold scores, by fold."""
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
