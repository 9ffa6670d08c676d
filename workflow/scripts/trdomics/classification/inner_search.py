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

from trdomics.classification.calibration import Platt, prior_log_odds
from trdomics.classification.candidates import (
    Candidate,
    Fits,
    candidates,
    fit_candidate,
    mean_auroc,
)
from trdomics.classification.classifiers import BlockModel
from trdomics.classification.families import ELASTIC_NET
from trdomics.classification.feature_blocks import DenseBlocks, Floats
from trdomics.classification.feature_sets import COMBINED, SELECTED, STACK, FeatureSet
from trdomics.classification.representation import MultiOmicsRepresentation
from trdomics.classification.stacking import LateFusion, stack_weights
from trdomics.tables import LayerTables

Classifier = BlockModel | LateFusion


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
        """Return the more likely class, shape (n_patients,)."""
        return (self.predict_proba(tables)[:, 1] > 0.5).astype(int)


class NestedSearch(ClassifierMixin, BaseEstimator):
    """Tune every feature set by inner cross-validation, refit, combine and calibrate.

    In every inner fold the representation is fitted once on its training part, and all candidates
    predict its validation part. The highest mean AUROC over the folds chooses the candidate of
    each feature set; of equals the first is taken. Stacks combine the best models of several sets
    by weights that are not negative, learned from their out-of-fold decisions (van der Laan et al.
    2007, doi 10.2202/1544-6115.1309). One of all selectable sets is what is selected in the end:
    with some 200 patients the sets' inner AUROCs lie within noise, and to take the best of them
    would be to follow it.

    For the calibration of a stack, its weights are learned for each inner fold from the others.

    Parameters
    ----------
    representation : MultiOmicsRepresentation
        Unfitted.
    feature_sets : sequence of FeatureSet
        Simple ones first. Each block of a stack needs a set of its own.
    models : sequence of str
        Kinds of models to choose from.
    inner_folds : int
    seed : int
        Of inner folds and classifiers.

    Attributes
    ----------
    representation_ : MultiOmicsRepresentation
        Fitted on all training patients.
    best_ : dict of str to Candidate
        The best candidate of each feature set that is no stack.
    models_ : dict of str to BlockModel or LateFusion
        The model of each feature set, and the one ``combined`` of all that are selectable.
    calibrations_ : dict of str to Platt
        Of each of them.
    winner_ : str
        The one that is selected: ``combined``.
    candidates_ : list of dict
        For the result tables, per feature set and kind of model: ``feature_set``, ``role``,
        ``model``, ``n_features`` (of each block, as ``top 50`` or ``all``; missing for stacks),
        ``params`` (JSON), both of the best candidate, ``inner_auc``, and ``weight``: the share of
        a set's model in what is selected, by how far it moves the log odds; 0 for others.
    spreads_ : dict of str to float
        Root mean square of the out-of-fold evidence of each entry of ``best_``.
    classes_ : array, shape (2,)
        0 and 1.
    """

    def __init__(
        self,
        representation: MultiOmicsRepresentation,
        feature_sets: Sequence[FeatureSet] = (),
        models: Sequence[str] = (ELASTIC_NET,),
        inner_folds: int = 5,
        seed: int = 0,
    ) -> None:
        self.representation = representation
        self.feature_sets = feature_sets
        self.models = models
        self.inner_folds = inner_folds
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
            self._search(representations, labels)
        self.classes_ = np.array([0, 1])
        self.representation_ = representations.representation
        self.winner_ = COMBINED
        return self

    def _search(self, representations: FoldRepresentations, labels: NDArray[Any]) -> None:
        validations = [validation for _, validation, _, _ in representations.folds]
        decisions = self._inner_decisions(representations, labels)
        scores = {c: mean_auroc(d, labels, validations) for c, d in decisions.items()}
        self.best_: dict[str, Candidate] = {}
        for candidate, score in scores.items():
            name = candidate.features.name
            if name not in self.best_ or score > scores[self.best_[name]]:
                self.best_[name] = candidate
        fits = Fits(representations.blocks, labels, self.seed)
        self.models_: dict[str, Classifier] = {
            name: fit_candidate(best, fits) for name, best in self.best_.items()
        }
        out_of_fold = {name: decisions[best] for name, best in self.best_.items()}
        scores_of_stacks: dict[str, float] = {}

        priors = np.empty(len(labels))
        for train, validation, _, _ in representations.folds:
            priors[validation] = prior_log_odds(labels[train])
        evidences = {name: decision - priors for name, decision in out_of_fold.items()}
        self.spreads_ = {n: float(np.sqrt(np.mean(e**2))) for n, e in evidences.items()}
        for stack, names in self._stacks().items():
            evidence = np.column_stack([evidences[name] for name in names])
            members = [self.models_[name] for name in names]
            self.models_[stack] = LateFusion().fit(members, evidence, labels)
            out_of_fold[stack] = _stacked(evidence, labels, validations)
            scores_of_stacks[stack] = mean_auroc(out_of_fold[stack], labels, validations)
        self.calibrations_ = {
            name: Platt().fit(decision, labels) for name, decision in out_of_fold.items()
        }
        self.candidates_ = self._table(scores, scores_of_stacks)

    def _stacks(self) -> dict[str, list[str]]:
        """Return the members of each stack, names of feature sets that are none."""
        alone = {f.blocks: f.name for f in self.feature_sets if not f.fusion}
        stacks = {
            features.name: [alone[(block,)] for block in features.blocks]
            for features in self.feature_sets
            if features.fusion
        }
        single = [f.name for f in self.feature_sets if f.selectable and not f.fusion]
        return {**stacks, COMBINED: single}

    def features(self, name: str = SELECTED) -> FeatureSet:
        """Return a feature set by its name; of what is selected, all blocks that it uses."""
        name = self.winner_ if name == SELECTED else name
        if name == COMBINED:
            members = [f for f in self.feature_sets if f.selectable and not f.fusion]
            used = dict.fromkeys(block for f in members for block in f.blocks)
            return FeatureSet(COMBINED, tuple(used), SELECTED, fusion=True)
        return next(features for features in self.feature_sets if features.name == name)

    def kind(self, name: str) -> str:
        """Return the kind of model of a feature set."""
        return self.best_[name].kind if name in self.best_ else STACK

    def weights(self) -> dict[str, float]:
        """Return the share of each member in what is selected, by how far it moves the log odds."""
        members = self._stacks()[COMBINED]
        moved = self.models_[COMBINED].weights_ * [self.spreads_[name] for name in members]
        total = moved.sum()
        return dict(zip(members, (moved / total if total else moved).tolist(), strict=True))

    def refit(self, blocks: DenseBlocks, labels: NDArray[Any]) -> Classifier:
        """Return what is selected, fitted on other patients' blocks; its weights stay."""
        check_is_fitted(self, "winner_")
        fits = Fits(blocks, labels, self.seed)
        if self.winner_ in self.best_:
            return fit_candidate(self.best_[self.winner_], fits)
        fitted = self.models_[self.winner_]
        name_of = {id(self.models_[name]): name for name in self.best_}
        names = [name_of[id(member)] for member in fitted.models_]
        return fitted.with_members([fit_candidate(self.best_[name], fits) for name in names])

    def risk_model(self, feature_set: str = SELECTED) -> RiskModel:
        """Return a feature set's best model with only what it needs, the selected by default."""
        name = self.features(feature_set).name
        return RiskModel(
            self.representation_.restricted(self.features(name).blocks),
            self.models_[name],
            self.calibrations_[name],
        )

    def predict_proba(self, tables: LayerTables) -> Floats:
        """Return the selected model's calibrated probabilities, shape (n_patients, 2)."""
        return self.risk_model().predict_proba(tables)

    def predict(self, tables: LayerTables) -> NDArray[np.int_]:
        """Return the more likely class, shape (n_patients,)."""
        return self.risk_model().predict(tables)

    def predict_blocks(self, blocks: DenseBlocks) -> Floats:
        """Return what is selected as calibrated probabilities, shape (n_patients,).

        Parameters
        ----------
        blocks : DenseBlocks
            Of :meth:`FoldRepresentations.transform`.
        """
        check_is_fitted(self, "winner_")
        decision = self.models_[self.winner_].decision_function(blocks)
        return self.calibrations_[self.winner_].predict(decision)

    def predict_sets(self, tables: LayerTables) -> pd.DataFrame:
        """Predict with each feature set's best model, and with what is selected.

        Returns
        -------
        DataFrame
            ``patient_id``, ``feature_set`` (and ``selected``), ``role``,
            ``model``, ``probability`` (calibrated), ``decision`` (log odds before that).
        """
        check_is_fitted(self, "winner_")
        blocks = DenseBlocks.of(self.representation_.transform(tables))
        parts = []
        for shown, name in [
            (SELECTED, self.winner_),
            *((features.name, features.name) for features in self.feature_sets),
        ]:
            decision = self.models_[name].decision_function(blocks)
            part = {
                "patient_id": tables.patients,
                "feature_set": shown,
                "role": SELECTED if shown == SELECTED else self.features(name).role,
                "model": self.kind(name),
                "probability": self.calibrations_[name].predict(decision),
                "decision": decision,
            }
            parts.append(pd.DataFrame(part))
        return pd.concat(parts, ignore_index=True)

    def importance(self) -> pd.DataFrame:
        """Return what each feature set's best model used, and what is selected.

        Returns
        -------
        DataFrame
            ``feature_set``, ``model`` (the kind of the member that used it), ``block``,
            ``feature``, ``importance``: signed coefficients of standardised features, or
            importances of trees, as shares of their absolute sum. Those of a stack's members
            count by the member's weight times the spread of its out-of-fold evidence, that is, by
            how far it moves the log odds. Features that were not used are left out.
        """
        check_is_fitted(self, "winner_")
        names = self.representation_.feature_names_
        spreads = {id(self.models_[name]): spread for name, spread in self.spreads_.items()}
        rows = []
        shown = [(features.name, features.name) for features in self.feature_sets]
        for name, feature_set in [*shown, (self.winner_, SELECTED)]:
            fitted = self.models_[name]
            stacked = isinstance(fitted, LateFusion)
            members = fitted.models_ if stacked else [fitted]
            weights = fitted.weights_ if stacked else np.ones(1)
            for member, weight in zip(members, weights, strict=True):
                known = [name for name in member.blocks if name in names]
                labels = [(block, feature) for block in known for feature in names[block]]
                values = member.importance()
                used = np.flatnonzero(values)
                shares = values[used] / np.abs(values).sum() * weight * spreads[id(member)]
                rows += [
                    (feature_set, member.kind, *labels[position], share)
                    for position, share in zip(used, shares, strict=True)
                    if share
                ]
        columns = ["feature_set", "model", "block", "feature", "importance"]
        return pd.DataFrame(rows, columns=columns)

    def _inner_decisions(
        self, representations: FoldRepresentations, labels: NDArray[Any]
    ) -> dict[Candidate, Floats]:
        """Return the out-of-fold decisions of every candidate, shape (n_patients,) each."""
        decisions = {
            candidate: np.full(len(labels), np.nan)
            for candidate in candidates(self.feature_sets, self.models)
        }
        for train, validation, seen, unseen in representations.folds:
            fits = Fits(seen, labels[train], self.seed)
            known: dict[int, Floats] = {}
            for candidate, decision in decisions.items():
                model = fit_candidate(candidate, fits)
                if id(model) not in known:
                    known[id(model)] = model.decision_function(unseen)
                decision[validation] = known[id(model)]
        return decisions

    def _table(
        self, scores: Mapping[Candidate, float], of_stacks: Mapping[str, float]
    ) -> list[dict[str, Any]]:
        best: dict[tuple[str, str], Candidate] = {}
        for candidate, score in scores.items():
            key = (candidate.features.name, candidate.kind)
            if key not in best or score > scores[best[key]]:
                best[key] = candidate
        rows: list[tuple[FeatureSet, str, str | None, dict[str, Any], float]] = [
            (c.features, c.kind, kept(c.n_features), dict(c.params), scores[c])
            for c in best.values()
        ]
        rows += [(self.features(n), STACK, None, {}, score) for n, score in of_stacks.items()]
        weights = self.weights()
        return [
            {
                "feature_set": features.name,
                "role": features.role,
                "model": kind,
                "n_features": size,
                "params": json.dumps(params),
                "inner_auc": score,
                "weight": weights.get(features.name, 0.0)
                if kind == self.kind(features.name)
                else 0.0,
            }
            for features, kind, size, params, score in rows
        ]


def kept(n_features: int | None) -> str:
    """Name the features of each block that are kept; text, since tables hold it beside missing."""
    return "all" if n_features is None else f"top {n_features}"


def _stacked(
    evidence: Floats, labels: NDArray[Any], validations: Sequence[NDArray[np.int_]]
) -> Floats:
    """Return decisions of a stack whose weights were learned from the other folds."""
    decision = np.empty(len(labels))
    for rows in validations:
        others = np.setdiff1d(np.arange(len(labels)), rows)
        weights, intercept = stack_weights(evidence[others], labels[others])
        decision[rows] = intercept + evidence[rows] @ weights
    return decision
