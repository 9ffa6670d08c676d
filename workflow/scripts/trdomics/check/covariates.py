"""Checks of labels and covariates that no model or test could use."""

from __future__ import annotations

from math import comb

import numpy as np
import pandas as pd

from trdomics.cohort.config import QUALITY, design_and_contrast
from trdomics.cohort.formula import design_columns
from trdomics.columns import is_quantity
from trdomics.config_types import CohortConfig
from trdomics.errors import InputError
from trdomics.inputs.text_table import raise_all
from trdomics.layers.types import CARRIERS, layer_type

COLLINEAR = 0.999
# Chance of separating the classes below which it is none.
UNLIKELY = 1e-3


def check_classes(label: pd.Series, config: CohortConfig) -> None:
    """Check that both classes are present in each fold."""
    file, names = config["samples"]["file"], config["label"]
    column = names["column"]
    folds = config["classification"]["folds"]
    inner = config["classification"]["inner_folds"]
    if label.isna().all():
        raise InputError(
            f"{file} column `{column}`",
            "no patient has a label",
            "fill it in, or correct `label.positive` and `label.negative`",
        )
    for value, key, name in (
        (1, "positive", names["positive"]),
        (0, "negative", names["negative"]),
    ):
        count = int((label == value).sum())
        if count == 0:
            raise InputError(
                f"{file} column `{column}`",
                f"no patient is `{name}`, so there is only one class",
                f"correct `label.{key}` (upper and lower case differ) or the sheet",
            )
        if count < folds:
            raise InputError(
                f"{file} column `{column}`",
                f"{count} patients are `{name}`, fewer than the {folds} of `classification.folds`",
                f"set it to at most {count}" if count > 1 else "more patients are needed",
            )
        # a stratified fold removes at most this many of a class from the training set
        left = count - int(np.ceil(count / folds))
        if left < inner:
            raise InputError(
                f"{file} column `{column}`",
                f"{count} patients are `{name}`: an outer training set keeps {left}, fewer than "
                f"the {inner} of `classification.inner_folds`",
                f"set it to at most {left}" if left > 1 else "more patients are needed",
            )


def check_covariates(sheet: pd.DataFrame, label: pd.Series, config: CohortConfig) -> None:
    """Check each covariate among the labelled patients.

    Raises
    ------
    InputErrors
        One for each covariate or predictor that is entirely missing, constant, or (except circular
        ones) determines the label.
    """
    errors = []
    circular = config["clinical"]["circular"]
    labelled = label.notna()
    file = config["samples"]["file"]
    for column, key in _covariates(config).items():
        values = sheet.loc[labelled, column]
        known = values.dropna()
        where = f"{file} column `{column}`"
        fix = f"remove it from `{key}`"
        if known.empty:
            errors.append(InputError(where, "no labelled patient has a value", fix))
        elif (known == known.iloc[0]).all():
            shown = known.iloc[0]
            value = f"{shown:g}" if isinstance(shown, float) else shown
            errors.append(InputError(where, f"constant: `{value}`", fix))
        elif column not in circular:
            problem = _collinear(known, label[known.index])
            if problem:
                fix += ", or list it in `clinical.circular`"
                errors.append(InputError(where, problem, fix))
    raise_all(errors, file)


def check_layer_classes(has: pd.DataFrame, label: pd.Series, config: CohortConfig) -> None:
    """Check that each layer was measured in patients of both classes.

    Raises
    ------
    InputErrors
        One for each layer that has labelled patients of one class only.
    """
    errors = []
    for name in has.columns:
        measured = label[has[name]].dropna()
        if len(measured) and (measured == measured.iloc[0]).all():
            value = config["label"]["positive" if measured.iloc[0] == 1 else "negative"]
            errors.append(
                InputError(
                    f"{config['layers'][name]['file']} (layer {name})",
                    f"all {len(measured)} labelled patients who have it are `{value}`, so being "
                    "measured determines the label",
                    f"measure it in both classes, or leave the layer {name} out",
                )
            )
    raise_all(errors, "layers")


def _covariates(config: CohortConfig) -> dict[str, str]:
    """Return the columns that models and tests use, each with the first key that names it."""
    clinical = config["clinical"]
    design, contrast = design_and_contrast(config)
    keys = {
        "clinical.predictors": clinical["predictors"],
        "clinical.confounders": clinical["confounders"],
        "differential.design": [name for name in design_columns(design) if name != contrast[0]],
        "differential.burden_covariates": config["differential"]["burden_covariates"],
        "integration.regress_out": config["integration"]["regress_out"],
        "classification.regress_out": config["classification"]["regress_out"],
        "clinical.circular": clinical["circular"],
    }
    found: dict[str, str] = {}
    for key, columns in keys.items():
        for column in columns:
            # read quality is known only after the reads are processed
            if column != config["label"]["column"] and not column.startswith(QUALITY):
                found.setdefault(column, key)
    return found


def _collinear(values: pd.Series, label: pd.Series) -> str | None:
    """Say how a covariate gives the label away, or return None."""
    if (label == label.iloc[0]).all():
        return "known for one class only, so having a value determines the label"
    if is_quantity(values):
        numbers = values.to_numpy(float)
        r = float(np.corrcoef(numbers, label.to_numpy(float))[0, 1])
        if abs(r) > COLLINEAR:
            return f"collinear with the label (r = {r:.4f})"
        low, high = sorted((numbers[label == 1], numbers[label == 0]), key=np.mean)
        # two ways to separate the classes, of all ways to draw one
        if low.max() < high.min() and 2 / comb(len(numbers), len(low)) < UNLIKELY:
            return (
                f"determines the label: at most {low.max():g} in one class, at least "
                f"{high.min():g} in the other"
            )
        return None
    if label.groupby(values).nunique().max() > 1:
        return None
    if values.nunique() == len(values):
        return "a separate category for each patient, so collinear with the label"
    return "collinear with the label: each of its values is found in one class only"


def check_design(sheet: pd.DataFrame, has: pd.DataFrame, config: CohortConfig) -> None:
    """Check that the design can be fitted, in all patients and in those of each matrix layer."""
    # formulaic takes a second to import, which a scoring run need not pay
    from trdomics.differential.design import build_design

    design, contrast = design_and_contrast(config)
    if any(column.startswith(QUALITY) for column in design_columns(design)):
        # read quality is known only after the reads are processed
        return
    groups = {"": sheet.index}
    for name in has.columns:
        if layer_type(config["layers"][name]["type"]).test != CARRIERS:
            groups[f" (layer {name})"] = has.index[has[name]]
    for which, patients in groups.items():
        build_design(
            sheet.loc[patients],
            design,
            contrast,
            key=f"`differential.design`{which}",
        )
