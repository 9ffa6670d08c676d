"""Rounding of a model's numbers by :mod:`trdomics.consortium.digits`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from trdomics.classification.feature_blocks import DenseBlocks, FittedColumnBlock, Floats
from trdomics.classification.fitted_representation import FittedRepresentation
from trdomics.consortium.digits import on_grid, scale_on_grid, significant, step_of
from trdomics.frozen_model.classifiers import CalibratedClassifiers
from trdomics.frozen_model.decoders import Linear
from trdomics.frozen_model.model import FrozenModel
from trdomics.frozen_model.training_reference import TrainingReference
from trdomics.layers.transforms import CountsTransform
from trdomics.tables import CLINICAL, LayerTables

MOMENT_DIGITS = 3
# The standard deviation of a log odds, per patient: 1 / √(p (1 - p)) at p = 1/2.
LOG_ODDS_SPREAD = 2.0


def round_model(
    model: FrozenModel, sheet: pd.DataFrame, tables: Mapping[str, pd.DataFrame], minimum: int
) -> None:
    """Round all learned numbers of a model, in place.

    Parameters
    ----------
    sheet : DataFrame
        The training patients, with ``in_<layer>``.
    tables : mapping of str to DataFrame
        The raw layers of the training patients who have them.
    minimum : int
        Number of patients that corresponds to the last digit.
    """
    n = len(sheet)
    patients = LayerTables({**tables, CLINICAL: sheet}, sheet.index)
    before = DenseBlocks.of(model.representation.transform(patients))
    # each replicate is fitted on half of the patients
    fits = [(model.classifier, n), (model.replicates.models_, n // 2)]
    odds = [fit.calibrated_log_odds(before).mean(axis=0) for fit, _ in fits]
    round_representation(model.representation, sheet, tables, minimum)
    after = DenseBlocks.of(model.representation.transform(patients))
    for (fit, trained), wanted in zip(fits, odds, strict=True):
        round_classifiers(fit, trained, minimum)
        # a single rounding error instead of the sum of all
        shift = wanted - fit.calibrated_log_odds(after).mean(axis=0)
        fit.offsets = on_grid(fit.offsets + shift, step_of(LOG_ODDS_SPREAD, trained, minimum))
    model.replicates.missing_ = {
        name: float(significant(value)) for name, value in model.replicates.missing_.items()
    }
    round_reference(model.reference, minimum)


def round_representation(
    representation: FittedRepresentation,
    sheet: pd.DataFrame,
    tables: Mapping[str, pd.DataFrame],
    minimum: int,
) -> None:
    """Round means, spreads, effects and loadings, in place."""
    steps = {}
    for layer, normaliser in representation.normalisers_.items():
        table, n = tables[layer], len(tables[layer])
        spread = normaliser.transform(table).std().fillna(0).to_numpy()
        steps[layer] = pd.Series(step_of(spread, n, minimum), list(normaliser.features_))
        normaliser.means_ = on_grid(normaliser.means_, steps[layer])
        if isinstance(normaliser, CountsTransform):
            # natural logarithms, while the values are to base 2
            step = step_of(spread * np.log(2), n, minimum)
            normaliser.reference_ = on_grid(normaliser.reference_, step)
            normaliser.trend_ = significant(normaliser.trend_, MOMENT_DIGITS)
    blocks = list(representation.layer_blocks_.items())
    blocks += [pair for own in representation.panel_blocks_.values() for pair in own.items()]
    for layer, block in blocks:
        n = len(tables[layer])
        step = step_of(block.scales_, n, minimum)
        block.means_ = on_grid(block.means_, step)
        block.scales_ = scale_on_grid(block.scales_, step)
    for _, effects in representation.effects():
        step = step_of(effects.scale_, len(sheet), minimum)
        effects.centre_ = on_grid(effects.centre_, step)
        effects.scale_ = scale_on_grid(effects.scale_, step)
        effects.coefficients_ = significant(effects.coefficients_)
    sheets = representation.column_blocks_ | representation.derived_blocks_
    for columns in sheets.values():
        round_columns(columns, len(sheet), minimum)
    if representation.mofa_ is not None:
        mofa = representation.mofa_
        for view, names in mofa.feature_names_.items():
            grid = steps[view].reindex(names).to_numpy()
            mofa.intercepts_[view] = on_grid(mofa.intercepts_[view], grid)
            mofa.tau_[view] = significant(mofa.tau_[view])
            mofa.w_[view] = significant(mofa.w_[view])
            # a second moment is not below the square of the first
            second = significant(mofa.w2_[view], MOMENT_DIGITS)
            mofa.w2_[view] = np.maximum(second, mofa.w_[view] ** 2)
        step = step_of(representation.factor_scales_, len(sheet), minimum)
        representation.factor_means_ = on_grid(representation.factor_means_, step)
        representation.factor_scales_ = scale_on_grid(representation.factor_scales_, step)


def round_columns(block: FittedColumnBlock, n: int, minimum: int) -> None:
    """Round medians, means and scales of the sheet's columns, in place."""
    step = step_of(block.scales_, n, minimum)
    block.medians_ = on_grid(block.medians_, step)
    block.means_ = on_grid(block.means_, step)
    block.scales_ = scale_on_grid(block.scales_, step)


def round_classifiers(classifiers: CalibratedClassifiers, n: int, minimum: int) -> None:
    """Round log odds to a grid, coefficients, weights and slopes to two digits, in place.

    The offsets stay.
    """
    step = step_of(LOG_ODDS_SPREAD, n, minimum)
    for member in classifiers.members:
        member.priors = on_grid(member.priors, step)
        if isinstance(member.models, Linear):
            member.models.constants = on_grid(member.models.constants, step)
            member.models.coefficients = significant(member.models.coefficients)
    classifiers.weights = significant(classifiers.weights)
    classifiers.slopes = significant(classifiers.slopes)
    classifiers.intercepts = on_grid(classifiers.intercepts, step)


def round_reference(reference: TrainingReference, minimum: int) -> None:
    """Round the training reference, in place."""
    for pattern in reference.patterns_.values():
        spread = np.sqrt(np.diag(np.linalg.inv(pattern["precision"])))
        pattern["mean"] = on_grid(pattern["mean"], step_of(spread, pattern["n"], minimum))
        pattern["precision"] = rounded_precision(pattern["precision"])
        pattern["errors"] = {
            view: float(significant(error, MOMENT_DIGITS))
            for view, error in pattern["errors"].items()
        }
    for summary in reference.summaries():
        round_summary(summary, minimum)


def rounded_precision(precision: Floats) -> Floats:
    """Return a precision matrix with the fewest digits (3 or more) that keep it valid."""
    for digits in range(MOMENT_DIGITS, 16):
        rounded = significant(precision, digits)
        rounded = (rounded + rounded.T) / 2
        if (np.linalg.eigvalsh(rounded) > 0).all():
            return rounded
    return precision


def round_summary(summary: dict[str, Any], minimum: int) -> None:
    """Round a summary of patients' values, in place."""
    n, spread = summary["n"], summary["sd"]
    if not n or not spread > 0:
        return
    step = step_of(spread, n, minimum)
    summary["mean"] = float(on_grid(summary["mean"], step))
    summary["sd"] = float(scale_on_grid(spread, step))
    if "deciles" in summary:
        summary["deciles"] = on_grid(summary["deciles"], step)
    if len(summary.get("fold_means", ())):
        step = step_of(spread, n // len(summary["fold_means"]), minimum)
        summary["fold_means"] = on_grid(summary["fold_means"], step)
