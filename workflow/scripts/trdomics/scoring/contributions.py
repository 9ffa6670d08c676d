"""Contributions of a patient's data to the log odds predicted by a frozen model.

A stack of linear members is linear, so its log odds are a sum of one term per feature, its
coefficient times its value, which is 0 at the training mean. For a linear model
with this baseline these terms are the Shapley values of independent features (Štrumbelj &
Kononenko 2014, doi 10.1007/s10115-013-0679-x).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trdomics.classification.feature_blocks import DenseBlocks, Floats
from trdomics.classification.fitted_representation import MOFA
from trdomics.frozen_model.decoders import Linear
from trdomics.frozen_model.model import FrozenRisk
from trdomics.scoring.terms import (
    BASELINE,
    CONTRIBUTIONS,
    FACTORS,
    LAYER,
    NOT_MEASURED,
    OTHERS,
    PANEL,
    PREDICTORS,
    SEVERAL,
    TREES,
)

# Smaller terms are rounding errors of values equal to the training mean.
NOTHING = 1e-12
# Features listed per patient and block; the sum of the others is one more row.
LISTED = 20


@dataclass(frozen=True)
class Contributions:
    """Terms of the log odds of some patients.

    Attributes
    ----------
    log_odds : DataFrame, shape (n_patients, n_terms)
        Columns are pairs of ``block`` and ``feature``. Each row adds up to the patient's
        calibrated log odds.
    values : DataFrame, shape (n_patients, n_terms)
        The features, in standard deviations from the mean of the training patients; NaN for
        categories and for terms that are not features.
    kinds : dict of str to str
        Of the blocks: ``layer``, ``panel``, ``factor``, ``predictor``; ``several`` for a term of
        more than one block, ``baseline``.
    """

    log_odds: pd.DataFrame
    values: pd.DataFrame
    kinds: dict[str, str]


def contributions(model: FrozenRisk, blocks: DenseBlocks, patients: pd.Index) -> Contributions:
    """Decompose the calibrated log odds of patients into terms.

    The term ``baseline`` is the same for all: the log odds of a patient with every block and the
    training mean of every feature. The indicators of a categorical column are one term, relative to
    the unweighted mean of the known categories. A member whose blocks are all missing contributes
    nothing; the term ``not measured`` is due to the loss of its constant. A tree member is one term
    for all features, its evidence.
    """
    stack, names = model.classifier, model.representation.feature_names_
    slope = stack.slopes[0]
    baseline = slope * stack.intercepts[0] + stack.offsets[0]
    coefficients = {name: np.zeros(len(features)) for name, features in names.items()}
    whole: dict[tuple[str, str], Floats] = defaultdict(lambda: np.zeros(len(patients)))
    for member, weights in zip(stack.members, stack.weights, strict=True):
        weight = slope * weights[0]
        if not (weight and member.fitted[0]):
            continue
        known = [name for name in member.blocks if name in names]
        joined = " + ".join(known)
        if not isinstance(member.models, Linear):
            whole[joined, TREES] += weight * member.evidence(blocks)[:, 0]
            continue
        constant = weight * (member.models.constants[0] - member.priors[0])
        baseline += constant
        whole[joined, NOT_MEASURED] -= np.where(blocks.joined(known)[1], 0.0, constant)
        ends = np.cumsum([len(names[name]) for name in known])
        row = np.zeros(ends[-1] if known else 0)
        row[member.columns] = weight * member.models.coefficients[0]
        for name, end in zip(known, ends, strict=True):
            coefficients[name] += row[end - len(names[name]) : end]
    sheets = {**model.representation.column_blocks_, **model.representation.derived_blocks_}
    features: list[tuple[str, str]] = []
    terms, values = [], []
    for name, of_block in names.items():
        product = blocks.values[name] * coefficients[name]
        sheet = sheets.get(name)
        n_numbers = len(of_block) if sheet is None else len(sheet.numeric_)
        features += [(name, feature) for feature in of_block[:n_numbers]]
        terms.append(product[:, :n_numbers])
        values.append(blocks.values[name][:, :n_numbers])
        begin = n_numbers
        for column, levels in ({} if sheet is None else sheet.levels_).items():
            end = begin + len(levels)
            mean = coefficients[name][begin:end].sum() / max(len(levels), 1)
            baseline += mean
            whole[name, column] += product[:, begin:end].sum(axis=1) - mean
            begin = end
    whole[BASELINE, BASELINE] += baseline
    columns = pd.MultiIndex.from_tuples([*features, *whole], names=["block", "feature"])
    unknown = np.full((len(patients), len(whole)), np.nan)
    single = {
        **dict.fromkeys(model.representation.layer_blocks_, LAYER),
        **dict.fromkeys(model.representation.panel_blocks_, PANEL),
        **dict.fromkeys(sheets, PREDICTORS),
        MOFA: FACTORS,
        BASELINE: BASELINE,
    }
    return Contributions(
        pd.DataFrame(np.column_stack([*terms, *whole.values()]), patients, columns),
        pd.DataFrame(np.column_stack([*values, unknown]), patients, columns),
        {name: single.get(name, SEVERAL) for name in columns.get_level_values("block")},
    )


def listed(found: Contributions, most: int = LISTED) -> pd.DataFrame:
    """Return a row per patient and term; within each block only the largest are listed singly.

    Returns
    -------
    DataFrame
        ``patient_id``, ``kind`` (of the block), ``block``, ``feature``, ``value`` (in training
        standard deviations), ``contribution`` (in log odds; those of a patient add up to the
        predicted log odds). In each block the `most` largest terms in absolute value come first;
        the sum of the rest is the feature ``all others``. Terms of 0 are left out, except the
        baseline.
    """
    parts = []
    blocks = found.log_odds.columns.get_level_values("block")
    for block in blocks.unique():
        terms = found.log_odds.loc[:, blocks == block]
        numbers, values = terms.to_numpy(), found.values.loc[:, blocks == block].to_numpy()
        names = terms.columns.get_level_values("feature").to_numpy(dtype=object)
        order = np.argsort(-np.abs(numbers), axis=1, kind="stable")
        top, rest = order[:, :most], order[:, most:]
        chosen = [
            (names[top], np.take_along_axis(values, top, 1), np.take_along_axis(numbers, top, 1)),
            (
                np.full((len(terms), 1), OTHERS, dtype=object),
                np.full((len(terms), 1), np.nan),
                np.take_along_axis(numbers, rest, 1).sum(axis=1, keepdims=True),
            ),
        ]
        for feature, value, contribution in chosen:
            width = feature.shape[1]
            columns = (
                np.repeat(found.log_odds.index.to_numpy(), width),
                np.repeat(found.kinds[block], feature.size),
                np.repeat(block, feature.size),
                feature.ravel(),
                value.ravel(),
                contribution.ravel(),
            )
            parts.append(pd.DataFrame(dict(zip(CONTRIBUTIONS, columns, strict=True))))
    table = pd.concat(parts, ignore_index=True)
    table = table[(table["contribution"].abs() > NOTHING) | (table["feature"] == BASELINE)]
    place = pd.Series(np.arange(len(found.log_odds)), found.log_odds.index)
    order = np.argsort(table["patient_id"].map(place).to_numpy(), kind="stable")
    return table.iloc[order].reset_index(drop=True)


def grouped(found: Contributions) -> pd.DataFrame:
    """Return a row per patient and group of terms: a layer, a panel, the factors, a predictor.

    Returns
    -------
    DataFrame
        ``patient_id``, ``kind``, ``group``, ``contribution`` (in log odds; those of a patient add
        up to the predicted log odds). A group is a block, but of the sheet's and derived columns,
        which are groups of their own. The terms ``not measured`` are one group. Groups that are 0
        for all patients are left out.
    """
    keys = []
    levels = [found.log_odds.columns.get_level_values(name) for name in ("block", "feature")]
    for block, feature in zip(*levels, strict=True):
        kind = found.kinds[block]
        if feature == NOT_MEASURED:
            keys.append((NOT_MEASURED, NOT_MEASURED))
        else:
            keys.append((kind, feature if kind == PREDICTORS and feature != TREES else block))
    groups = pd.MultiIndex.from_tuples(keys, names=["kind", "group"])
    sums = found.log_odds.T.set_axis(groups).groupby(level=[0, 1], sort=False).sum()
    sums = sums[(sums.abs() > NOTHING).any(axis=1)]
    long = sums.reset_index().melt(
        ["kind", "group"], var_name="patient_id", value_name="contribution"
    )
    return long[["patient_id", "kind", "group", "contribution"]]
