"""The inner loop: which feature set, which model; and the model that comes out of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.model_selection import StratifiedKFold
from sklearn.utils.validation import check_is_fitted

from trdomics.classification.calibration import Platt
from trdomics.classification.candidates import (
    Candidate,
    Classifier,
    Fits,
    candidates,
    fit_candidate,
    mean_auroc,
)
from trdomics.classification.families import ELASTIC_NET
from trdomics.classification.feature_blocks import DenseBlocks, Floats
from trdomics.classification.feature_sets import SELECTED, FeatureSet
from trdomics.classification.representation import MultiOmicsRepresentation
from trdomics.classification.stacking import LateFusion
from trdomics.tables import LayerTables


@dataclass(frozen=True)
class FoldRepresentations:
    """Everything of a nested search that does not depend on the labels, computed once.

    Attributes
    ----------
    folds : list of (train positions, validation positions, train blocks, validation blocks)
        Of the inner cross-validation. Each fold's representation was fitted on its train part.
    fitted : list of MultiOmicsRepresentation
        The folds' representations.
    representation : MultiOmicsRepresentation
        Fitted on all of the training patients.
    blocks : DenseBlocks
        Of all of them.
    """

    folds: list[tuple[NDArray[np.int_], NDArray[np.int_], DenseBlocks, DenseBlocks]]
    representation: MultiOmicsRepresentation
    blocks: DenseBlocks
    fitted: list[MultiOmicsRepresentation]

    @classmethod
    def of(
        cls,
        representation: MultiOmicsRepresentation,
        tables: LayerTables,
        labels: NDArray[Any],
        *,
        inner_folds: int,
        seed: int,
    ) -> FoldRepresentations:
        """Fit the representation on each inner training part and on all patients.

        The labels only deal the patients into folds of alike classes.
        """
        folds, by_fold = [], []
        for train, validation in inner_splits(labels, inner_folds, seed):
            fitted = clone(representation)
            seen = DenseBlocks.of(fitted.fit_transform(tables.take(train)))
            unseen = DenseBlocks.of(fitted.transform(tables.take(validation)))
            folds.append((train, validation, seen, unseen))
            by_fold.append(fitted)
        whole = clone(representation)
        blocks = DenseBlocks.of(whole.fit_transform(tables))
        return cls(folds, whole, blocks, by_fold)

    def transform(self, tables: LayerTables) -> DenseBlocks:
        """Return the blocks of any patients, by the representation of all training patients."""
        return DenseBlocks.of(self.representation.transform(tables))


def inner_splits(
    labels: NDArray[Any], inner_folds: int, seed: int
) -> list[tuple[NDArray[np.int_], NDArray[np.int_]]]:
    """Return stratified inner folds as (train positions, validation positions)."""
    dealer = StratifiedKFold(inner_folds, shuffle=True, random_state=seed)
    return list(dealer.split(np.zeros(len(labels)), np.asarray(labels, dtype=int)))


class RiskModel(ClassifierMixin, BaseEstimator):
    """From raw layer tables to calibrated probabilities; all parts come fitted.

    Parameters
    ----------
    representation : MultiOmicsRepresentation
    model : BlockModel or LateFusion
    calibration : Platt
    """

    def __init__(
        self, representation: MultiOmicsRepresentation, model: Classifier, calibration: Platt
    ) -> None:
        self.representation = representation
        self.model = model
        self.calibration = calibration

    def __sklearn_is_fitted__(self) -> bool:
        """Say that it is fitted, which its parts are when it is made."""
        return True

    @property
    def classes_(self) -> NDArray[np.int_]:
        """Return 0 and 1."""
        return np.array([0, 1])

    def decision_function(self, tables: LayerTables) -> Floats:
        """Return log odds before calibration, shape (n_patients,)."""
        return self.model.decision_function(DenseBlocks.of(self.representation.transform(tables)))

    def predict_proba(self, tables: LayerTables) -> Floats:
        """Return calibrated probabilities of both classes, shape (n_patients, 2)."""
        positive = self.calibration.predict(self.decision_function(tables))
        return np.column_stack([1 - positive, positive])

    def predict(self, tables: LayerTables) -> NDArray[np.int_]:
        """Return the likelier class, shape (n_patients,)."""
        return (self.predict_proba(tables)[:, 1] > 0.5).astype(int)


class NestedSearch(ClassifierMixin, BaseEstimator):
    """Choose parameters, model and feature set by inner cross-validation, refit and calibrate.

    In every inner fold the representation is fitted once on its training part, and all candidates
    are scored by their AUROC in its validation part. The highest mean AUROC decides on the best
    candidate of each feature set, and among the selectable feature sets on the winner; of equals
    the first is taken, and simple ones come first. Platt's calibration is fitted on the inner
    out-of-fold decisions of what was chosen.

    Parameters
    ----------
    representation : MultiOmicsRepresentation
        Unfitted.
    feature_sets : sequence of FeatureSet
        Simple ones first.
    models : sequence of str
        Kinds of models to choose from.
    inner_folds : int
    max_features : int
        Features that a classifier keeps.
    seed : int
        Of inner folds and classifiers.

    Attributes
    ----------
    representation_ : MultiOmicsRepresentation
        Fitted on all training patients.
    best_ : dict of str to Candidate
        The best candidate of each feature set.
    models_ : dict of str to BlockModel or LateFusion
        It fitted.
    calibrations_ : dict of str to Platt
        Of it.
    candidates_ : list of dict
        For the result tables, per feature set and model: ``feature_set``, ``role``, ``model``,
        ``params`` (JSON; the best ones), ``inner_auc``, ``chosen`` (1 for the winner).
    winner_ : str
        The feature set that was chosen.
    classes_ : array, shape (2,)
        0 and 1.
    """

    def __init__(
        self,
        representation: MultiOmicsRepresentation,
        feature_sets: Sequence[FeatureSet] = (),
        models: Sequence[str] = (ELASTIC_NET,),
        inner_folds: int = 5,
        max_features: int = 50,
        seed: int = 0,
    ) -> None:
        self.representation = representation
        self.feature_sets = feature_sets
        self.models = models
        self.inner_folds = inner_folds
        self.max_features = max_features
        self.seed = seed

    def fit(self, tables: LayerTables, y: Any) -> Self:
        """Search on raw layer tables and labels 0 and 1, shape (n_patients,)."""
        labels = np.asarray(y, dtype=int)
        return self.fit_from(self.representations(tables, labels), labels)

    def representations(self, tables: LayerTables, y: Any) -> FoldRepresentations:
        """Return what ``fit_from`` needs; other labels of the same patients can reuse it."""
        return FoldRepresentations.of(
            self.representation,
            tables,
            np.asarray(y),
            inner_folds=self.inner_folds,
            seed=self.seed,
        )

    def fit_from(self, representations: FoldRepresentations, y: Any) -> Self:
        """Search with representations at hand.

        Parameters
        ----------
        representations : FoldRepresentations
            Of the same patients in the same order.
        y : array of int, shape (n_patients,)
            Their labels, the true ones or permuted.
        """
        labels = np.asarray(y, dtype=int)
        # scikit-learn would check the same few arrays tens of thousands of times
        with config_context(assume_finite=True, skip_parameter_validation=True):
            decisions = self._inner_decisions(representations, labels)
            validations = [validation for _, validation, _, _ in representations.folds]
            scores = {c: mean_auroc(d, labels, validations) for c, d in decisions.items()}
            self.best_ = {
                features.name: max(
                    (c for c in scores if c.features == features), key=scores.__getitem__
                )
                for features in self.feature_sets
            }
            fits = self._fits(representations.blocks, labels)
            self.models_ = {name: fit_candidate(best, fits) for name, best in self.best_.items()}
            self.calibrations_ = {
                name: Platt().fit(decisions[best], labels) for name, best in self.best_.items()
            }
        self.classes_ = np.array([0, 1])
        self.representation_ = representations.representation
        selectable = [features.name for features in self.feature_sets if features.selectable]
        self.winner_ = max(selectable, key=lambda name: scores[self.best_[name]])
        self.candidates_ = self._table(scores)
        return self

    def refit(self, blocks: DenseBlocks, labels: NDArray[Any]) -> Classifier:
        """Return the winner's classifier, as it was chosen, fitted on other patients' blocks."""
        check_is_fitted(self, "winner_")
        return fit_candidate(self.best_[self.winner_], self._fits(blocks, labels))

    def risk_model(self, feature_set: str = SELECTED) -> RiskModel:
        """Return a feature set's best model with only what it needs, the winner's by default."""
        check_is_fitted(self, "winner_")
        name = self.winner_ if feature_set == SELECTED else feature_set
        return RiskModel(
            self.representation_.restricted(self.best_[name].features.blocks),
            self.models_[name],
            self.calibrations_[name],
        )

    def predict_proba(self, tables: LayerTables) -> Floats:
        """Return the winner's calibrated probabilities, shape (n_patients, 2)."""
        return self.risk_model().predict_proba(tables)

    def predict(self, tables: LayerTables) -> NDArray[np.int_]:
        """Return the likelier class, shape (n_patients,)."""
        return self.risk_model().predict(tables)

    def predict_blocks(self, blocks: DenseBlocks) -> Floats:
        """Return the winner's calibrated probability of the positive class, shape (n_patients,).

        Parameters
        ----------
        blocks : DenseBlocks
            Of :meth:`FoldRepresentations.transform`.
        """
        check_is_fitted(self, "winner_")
        decision = self.models_[self.winner_].decision_function(blocks)
        return self.calibrations_[self.winner_].predict(decision)

    def predict_sets(self, tables: LayerTables) -> pd.DataFrame:
        """Predict with each feature set's best model, and with the winner.

        Returns
        -------
        DataFrame
            ``patient_id``, ``feature_set`` (the winner once more as ``selected``), ``role``,
            ``model``, ``probability`` (calibrated), ``decision`` (log odds before that).
        """
        check_is_fitted(self, "winner_")
        blocks = DenseBlocks.of(self.representation_.transform(tables))
        parts = []
        for shown, name in [(SELECTED, self.winner_), *((name, name) for name in self.best_)]:
            decision = self.models_[name].decision_function(blocks)
            part = {
                "patient_id": tables.patients,
                "feature_set": shown,
                "role": SELECTED if shown == SELECTED else self.best_[name].features.role,
                "model": self.best_[name].kind,
                "probability": self.calibrations_[name].predict(decision),
                "decision": decision,
            }
            parts.append(pd.DataFrame(part))
        return pd.concat(parts, ignore_index=True)

    def importance(self) -> pd.DataFrame:
        """Return what each feature set's best model used.

        Returns
        -------
        DataFrame
            ``feature_set``, ``model``, ``block``, ``feature``, ``importance``: signed coefficients
            of standardised features, or importances of trees; those of a stack's members times
            the member's weight. Features that were not used are left out.
        """
        check_is_fitted(self, "winner_")
        names = self.representation_.feature_names_
        rows = []
        for feature_set, fitted in self.models_.items():
            stacked = isinstance(fitted, LateFusion)
            members = fitted.models_ if stacked else [fitted]
            weights = fitted.weights_ if stacked else np.ones(1)
            for member, weight in zip(members, weights, strict=True):
                known = [name for name in member.blocks if name in names]
                labels = [(block, feature) for block in known for feature in names[block]]
                values = weight * member.importance()
                for position in np.flatnonzero(values):
                    block, feature = labels[position]
                    rows.append(
                        (
                            feature_set,
                            self.best_[feature_set].kind,
                            block,
                            feature,
                            values[position],
                        )
                    )
        columns = ["feature_set", "model", "block", "feature", "importance"]
        return pd.DataFrame(rows, columns=columns)

    def _fits(self, blocks: DenseBlocks, labels: NDArray[Any]) -> Fits:
        return Fits(blocks, labels, self.max_features, self.seed)

    def _inner_decisions(
        self, representations: FoldRepresentations, labels: NDArray[Any]
    ) -> dict[Candidate, Floats]:
        """Return the out-of-fold decisions of every candidate, shape (n_patients,) each."""
        decisions = {
            candidate: np.full(len(labels), np.nan)
            for candidate in candidates(self.feature_sets, self.models)
        }
        for train, validation, seen, unseen in representations.folds:
            fits = self._fits(seen, labels[train])
            for candidate, decision in decisions.items():
                decision[validation] = fit_candidate(candidate, fits).decision_function(unseen)
        return decisions

    def _table(self, scores: Mapping[Candidate, float]) -> list[dict[str, Any]]:
        rows: dict[tuple[str, str], Candidate] = {}
        for candidate, score in scores.items():
            key = (candidate.features.name, candidate.kind)
            if key not in rows or score > scores[rows[key]]:
                rows[key] = candidate
        return [
            {
                "feature_set": best.features.name,
                "role": best.features.role,
                "model": best.kind,
                "params": json.dumps(dict(best.params)),
                "inner_auc": scores[best],
                "chosen": int(best == self.best_[self.winner_]),
            }
            for best in rows.values()
        ]
