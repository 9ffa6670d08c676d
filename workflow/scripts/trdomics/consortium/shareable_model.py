"""A frozen model that may be shared outside the institution."""

from __future__ import annotations

import copy
import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd

from trdomics.classification.feature_blocks import FittedColumnBlock, sheet_categories
from trdomics.consortium.disclosure import coarse
from trdomics.consortium.rounded_model import round_model
from trdomics.frozen_model.decoders import Trees
from trdomics.frozen_model.model import FrozenModel, without_rare_variants
from trdomics.layers.transforms import (
    DOSAGE_PREFIX,
    BinaryTransform,
    BurdenTransform,
    CountsTransform,
)
from trdomics.quantiles import NEIGHBOURS

RARE = "(rare {})"
# With a mean, a standard deviation and a number of patients, counts of this many values follow.
FEW_VALUES = 3
TENTHS = 10
# The median of this many log ratios is as good as that of all.
N_REFERENCE = 500
# Fixes, as given in the manifest.
OUT_OF = "remove it from"
REGRESS_OUT = "`classification.regress_out` and `integration.regress_out`"
EVERYWHERE = f"`clinical`, {REGRESS_OUT}"


def obstacles(
    model: FrozenModel,
    sheet: pd.DataFrame,
    tables: Mapping[str, pd.DataFrame],
    site: str | None,
    least: int,
) -> list[str]:
    """Return the reasons why a model cannot be shared, each with its fix; empty if it can."""
    found: dict[str, str] = {}
    if site is not None and site in model.representation.sheet_columns():
        found[f"it uses the column `{site}` and so names the sites"] = f"{OUT_OF} {EVERYWHERE}"
    if any(isinstance(member.models, Trees) for member in model.classifier.members):
        found[f"the leaves of its trees count fewer than {least} patients of a group"] = (
            "set `classification.models: [elastic_net, ridge]`"
        )
    for layer, effects in model.representation.effects():
        known = sheet[sheet[f"in_{layer}"] == 1]
        rare = [c for c in effects.numeric_ if has_few(known[c], least)]
        rare += [c for c, levels in effects.levels_.items() if rare_levels(known, c, levels, least)]
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
        if isinstance(normaliser, (BurdenTransform, BinaryTransform)):
            counts = normaliser.carrier_counts(tables[layer])
            for who, name in (("carriers", "carriers"), ("others", "patients without it")):
                few = [str(feature) for feature in counts.index[counts[who] < least]]
                if few:
                    found[f"a feature of {layer} has fewer than {least} {name}"] = _more_carriers(
                        layer, few, who, least, len(tables[layer])
                    )
    return [f"{reason}; {fix}" for reason, fix in found.items()]


def _more_carriers(layer: str, few: list[str], who: str, least: int, n: int) -> str:
    """Name the keys that leave out features with too few carriers or non-carriers."""
    named = [feature for feature in few if feature.startswith(DOSAGE_PREFIX)]
    fixes = [f"{OUT_OF} `layers.{layer}.dosages`"] if named else []
    if len(named) < len(few):
        fixes.append(
            f"raise `layers.{layer}.min_prevalence` until {least} of {n} patients carry each "
            f"({math.ceil(1000 * least / n) / 1000:g} or more)"
            if who == "carriers"
            else f"{OUT_OF} the file of the layer"
        )
    return " and ".join(fixes)


def has_few(column: pd.Series, least: int) -> bool:
    """Return whether the mean and median of a number describe fewer patients."""
    counts = column.value_counts()
    few_values = len(counts) <= FEW_VALUES and bool((counts < least).any())
    return few_values or 0 < counts.sum() < least


def rare_levels(sheet: pd.DataFrame, column: str, levels: Any, least: int) -> list[str]:
    """Return the levels of fewer patients."""
    counts = pd.Series(sheet_categories(sheet, column)).value_counts()
    return [str(level) for level in levels if counts.get(str(level), 0) < least]


def shareable(
    model: FrozenModel, sheet: pd.DataFrame, tables: Mapping[str, pd.DataFrame], least: int
) -> FrozenModel:
    """Return a copy that describes no group below the minimum.

    Variants with few carriers are not named. A category of few patients loses its name, so patients
    with it belong to none of the known categories. Numbers of patients are rounded down, deciles
    with too few patients in between and means of folds with too few patients are left out. Learned
    numbers are rounded to digits worth `least` patients (see :mod:`trdomics.consortium.digits`).

    Parameters
    ----------
    model : FrozenModel
        Without :func:`obstacles`.
    tables : mapping of str to DataFrame
        Raw values of the training patients who have them, by layer; of all layers of the model.
    """
    model = without_rare_variants(copy.deepcopy(model), tables, least)
    for layer, normaliser in model.representation.normalisers_.items():
        if isinstance(normaliser, CountsTransform):
            needed = model.representation.features_of(layer)
            model.representation.normalisers_[layer] = only_needed(normaliser, needed)
    for block in model.representation.column_blocks_.values():
        hide_rare(block, sheet, least)
    reference = model.reference
    reference.patterns_ = {
        name: pattern
        for name, pattern in reference.patterns_.items()
        if min(pattern["n"], *(s["n"] for s in reference.summaries_of(pattern))) >= least
    }
    for pattern in reference.patterns_.values():
        pattern["n"] = coarse(pattern["n"], least)
    for summary in reference.summaries():
        hide_few(summary, least)
    round_model(model, sheet, tables, least)
    return model


def only_needed(normaliser: CountsTransform, needed: Collection[str]) -> CountsTransform:
    """Return a copy without the means of features that no block or view uses.

    Thousands of means reveal whether a person with a known profile was among the training patients
    (Homer 2008, doi 10.1371/journal.pgen.1000167), and rounding does not prevent it. The size
    factors keep the first `N_REFERENCE` reference features.
    """
    names = pd.Index(np.asarray(normaliser.features_, dtype=object))
    read = np.asarray(names.isin(list(needed)))
    usable = np.isfinite(normaliser.reference_)
    order = np.lexsort((-np.nan_to_num(normaliser.reference_), ~read, ~usable))
    reference = np.zeros(len(names), dtype=bool)
    reference[order[:N_REFERENCE]] = True
    reference &= usable
    kept = read | reference
    result = copy.copy(normaliser)
    result.features_ = [str(name) for name in names[kept]]
    result.means_ = np.where(read, normaliser.means_, 0.0)[kept]
    result.reference_ = np.where(reference, normaliser.reference_, np.nan)[kept]
    return result


def hide_few(summary: dict[str, Any], least: int) -> None:
    """Round a summary's number of patients down, and remove what describes too few, in place."""
    n = int(summary["n"])
    if n < TENTHS * least or least > NEIGHBOURS:
        summary.pop("deciles", None)
    if n < least:
        summary["mean"] = summary["sd"] = np.nan
    if "fold_means" in summary:
        summary["fold_means"] = summary["fold_means"][summary.pop("fold_sizes") >= least]
    summary["n"] = coarse(n, least)


def hide_rare(block: FittedColumnBlock, sheet: pd.DataFrame, least: int) -> None:
    """Remove the names of categories of few patients, in place."""
    for column, levels in block.levels_.items():
        rare = rare_levels(sheet, column, levels, least)
        hidden = {level: RARE.format(number) for number, level in enumerate(rare, start=1)}
        block.levels_[column] = [hidden.get(level, level) for level in levels]
