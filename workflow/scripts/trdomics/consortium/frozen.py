"""The frozen model as it may leave the house."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from trdomics.classification.feature_blocks import UNKNOWN, ColumnBlock
from trdomics.classification.representation import MultiOmicsRepresentation
from trdomics.columns import as_text
from trdomics.consortium.disclosure import coarse
from trdomics.frozen_model.frozen import FrozenModel
from trdomics.frozen_model.training_reference import TrainingReference
from trdomics.integration.mofa import MOFATransformer
from trdomics.layers.burden import GeneBurden
from trdomics.layers.residualise import CovariateResidualiser
from trdomics.layers.types import DOSAGE_PREFIX
from trdomics.layers.values import BinaryNormaliser

RARE = "(rare {})"
# A mean, a spread and a number of patients tell how many have each of so many values.
FEW_VALUES = 3
TENTHS = 10
# Mends, as the manifest tells them.
OUT_OF = "take it out of"
REGRESS_OUT = "`classification.regress_out` and `integration.regress_out`"
EVERYWHERE = f"`clinical`, {REGRESS_OUT}"


def parts_of(value: Any) -> Iterator[BaseEstimator]:
    """Walk through all estimators inside an estimator, itself first."""
    if isinstance(value, BaseEstimator):
        yield value
        value = vars(value)
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, np.ndarray) and value.dtype == object:
        value = value.ravel().tolist()
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from parts_of(item)


def obstacles(
    model: FrozenModel,
    sheet: pd.DataFrame,
    tables: Mapping[str, pd.DataFrame],
    site: str | None,
    least: int,
) -> list[str]:
    """Return why a model cannot be passed on, each with its mend; nothing where it can.

    Parameters
    ----------
    model : FrozenModel
    sheet : DataFrame
        The training patients, with ``in_<layer>``.
    tables : mapping of str to DataFrame
        Raw values of the training patients who have them, by layer of variants or of 0 and 1.
    site : str or None
        Column of the sheet that holds the site.
    least : int
        The smallest number of patients that may be told of.
    """
    found: dict[str, str] = {}
    if site is not None and site in model.representation.sheet_columns():
        found[f"it reads the column `{site}` and so names the sites"] = f"{OUT_OF} {EVERYWHERE}"
    for part in parts_of(model):
        if isinstance(part, (RandomForestClassifier, GradientBoostingClassifier)):
            found[f"the leaves of its trees count fewer than {least} patients of a group"] = (
                "set `classification.models: [elastic_net]`"
            )
    for layer, residualiser in residualisers(model.representation):
        known = sheet[sheet[f"in_{layer}"] == 1]
        rare = [c for c in residualiser.numeric_ if has_few(known[c], least)]
        rare += [
            c for c, levels in residualiser.levels_.items() if rare_levels(known[c], levels, least)
        ]
        for column in rare:
            found[f"fewer than {least} patients with {layer} have a value of `{column}`"] = (
                f"{OUT_OF} {REGRESS_OUT}"
            )
    for block in model.representation.column_blocks_.values():
        for column in block.numeric_:
            if has_few(sheet[column], least):
                found[f"fewer than {least} patients have a value of `{column}`"] = (
                    f"{OUT_OF} `clinical`"
                )
    for layer, normaliser in model.representation.normalisers_.items():
        if isinstance(normaliser, (GeneBurden, BinaryNormaliser)):
            counts = normaliser.carrier_counts(tables[layer])
            for who, name in (("carriers", "carriers"), ("others", "patients without it")):
                few = [str(feature) for feature in counts.index[counts[who] < least]]
                if few:
                    found[f"a feature of {layer} has fewer than {least} {name}"] = _more_carriers(
                        layer, few, who, least, len(tables[layer])
                    )
    return [f"{reason}; {mend}" for reason, mend in found.items()]


def _more_carriers(layer: str, few: list[str], who: str, least: int, n: int) -> str:
    """Say which keys leave features out that too few of n patients have, or too few have not."""
    named = [feature for feature in few if feature.startswith(DOSAGE_PREFIX)]
    mends = [f"{OUT_OF} `layers.{layer}.dosages`"] if named else []
    if len(named) < len(few):
        mends.append(
            f"raise `layers.{layer}.min_prevalence` until {least} of {n} patients carry each "
            f"({math.ceil(1000 * least / n) / 1000:g} or more)"
            if who == "carriers"
            else f"{OUT_OF} the file of the layer"
        )
    return " and ".join(mends)


def residualisers(
    representation: MultiOmicsRepresentation,
) -> Iterator[tuple[str, CovariateResidualiser]]:
    """Walk through what takes covariates out of layers, each with its layer."""
    for layer, block in representation.layer_blocks_.items():
        if block.residualiser_ is not None:
            yield layer, block.residualiser_
    if representation.views_ is not None:
        yield from representation.views_.residualisers_.items()


def has_few(column: pd.Series, least: int) -> bool:
    """Tell whether the mean and median of a number tell of fewer patients than that."""
    counts = column.value_counts()
    few_values = len(counts) <= FEW_VALUES and bool((counts < least).any())
    return few_values or 0 < counts.sum() < least


def rare_levels(column: pd.Series, levels: Any, least: int) -> list[str]:
    """Return the levels that fewer patients have than that."""
    counts = as_text(column).fillna(UNKNOWN).value_counts()
    return [str(level) for level in levels if counts.get(str(level), 0) < least]


def shareable(model: FrozenModel, sheet: pd.DataFrame, least: int) -> FrozenModel:
    """Return a copy that tells of no group below the minimum.

    Variants of few carriers are not named. A category of few patients loses its name, so that
    patients who have it are in none of the known ones; for all others predictions stay the same.
    Of features only whether they were selected is kept, since the F statistic of a category tells
    how many patients have it. Numbers of patients are rounded down, deciles with too few patients
    in between, means of folds with too few patients and the course of MOFA's fit are left out.

    Parameters
    ----------
    model : FrozenModel
        Without :func:`obstacles`.
    sheet : DataFrame
        The training patients.
    least : int
    """
    model = copy.deepcopy(model)
    representation = model.representation
    for layer, fitted in representation.normalisers_.items():
        if isinstance(fitted, GeneBurden):
            fitted = representation.normalisers_[layer] = fitted.without_rare(least)
            counts = fitted.excluded_carriers_
            fitted.excluded_carriers_ = np.array([coarse(n, least) for n in counts], dtype=int)
    for name, block in representation.column_blocks_.items():
        hide_rare(block, sheet, least)
        representation.feature_names_[name] = [str(n) for n in block.get_feature_names_out()]
    for part in parts_of(model):
        # a group without numbers has a scaler that was never fitted
        if isinstance(part, StandardScaler) and hasattr(part, "n_samples_seen_"):
            part.n_samples_seen_ = coarse(int(np.min(part.n_samples_seen_)), least)
        if isinstance(part, SelectKBest):
            part.scores_ = part.get_support().astype(float)
        if isinstance(part, MOFATransformer):
            part.elbo_ = part.elbo_[-1:]
        if isinstance(part, TrainingReference):
            part.patterns_ = {
                name: pattern
                for name, pattern in part.patterns_.items()
                if min(summary["n"] for summary in summaries_of(pattern)) >= least
            }
            for summary in summaries_of(vars(part)):
                hide_few(summary, least)
    return model


def summaries_of(value: Any) -> Iterator[dict[str, Any]]:
    """Walk through all summaries that say of how many patients they are."""
    if isinstance(value, dict):
        if "n" in value:
            yield value
        for item in value.values():
            yield from summaries_of(item)


def hide_few(summary: dict[str, Any], least: int) -> None:
    """Round a summary's number of patients down, and take out what tells of too few, in place."""
    n = int(summary["n"])
    if "deciles" in summary and n < TENTHS * least:
        summary["deciles"] = np.full(TENTHS - 1, np.nan)
    if "sd" in summary and n < least:
        summary["mean"] = summary["sd"] = np.nan
    if "fold_means" in summary:
        # a model that does not tell was written when all folds of five were kept
        sizes = np.asarray(summary.pop("fold_sizes", np.zeros(len(summary["fold_means"]))))
        summary["fold_means"] = summary["fold_means"][sizes >= least]
    summary["n"] = coarse(n, least)


def hide_rare(block: ColumnBlock, sheet: pd.DataFrame, least: int) -> None:
    """Take the names off the categories of few patients, in place."""
    if not block.categories_:
        return
    encoder: OneHotEncoder = block.transformer_.named_transformers_["categories"]
    for position, column in enumerate(block.categories_):
        levels = encoder.categories_[position].copy()
        for number, level in enumerate(rare_levels(sheet[column], levels, least), start=1):
            levels[levels == level] = RARE.format(number)
        encoder.categories_[position] = levels
