"""The whole procedure, fitted on fewer patients than the cohort has."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trdomics.classification.feature_sets import SELECTED
from trdomics.classification.run_split import nested_search
from trdomics.classification.splits import Split, draw_share
from trdomics.config_types import FitConfig
from trdomics.tables import CLINICAL, LayerTables

COLUMNS = ["share", "draw", "n_train", "patient_id", "feature_set", "probability", "reason"]
# With fewer patients of a class, an inner fold gives no usable AUROC.
FEWEST_VALIDATED = 3


def fit_share(
    tables: LayerTables, labels: pd.Series, share: int, config: FitConfig
) -> pd.DataFrame:
    """Train on several draws of a share of the labelled patients and predict all others.

    The search is that of a split, restricted to the sets of the selected stack.

    Parameters
    ----------
    share : int
        Per cent of the labelled patients.
    config : mapping
        A resolved config; ``classification.learning_curve`` is the number of draws.

    Returns
    -------
    DataFrame
        The columns ``COLUMNS``: for every patient not drawn, the probability from the selected
        model and from the clinical predictors. A draw too small to be fitted is one row with the
        reason.
    """
    parts = []
    for draw in range(1, config["classification"]["learning_curve"] + 1):
        split = draw_share(labels, share, draw, config["seed"])
        where = {"share": share, "draw": draw, "n_train": len(split.train)}
        reason = too_small(labels[split.train], config)
        if reason:
            parts.append(pd.DataFrame([{**where, "reason": reason}]))
        else:
            parts.append(_predicted(tables, labels, split, config).assign(**where))
    return pd.concat(parts, ignore_index=True).reindex(columns=COLUMNS)


def _predicted(
    tables: LayerTables, labels: pd.Series, split: Split, config: FitConfig
) -> pd.DataFrame:
    search = nested_search(config)
    search.feature_sets = [f for f in search.feature_sets if f.selectable and not f.fusion]
    search.fit(tables.select(split.train), labels[split.train].to_numpy(dtype=int))
    predicted = search.predict_sets(tables.select(split.test))
    return predicted[predicted["feature_set"].isin([SELECTED, CLINICAL])]


def too_small(labels: pd.Series, config: FitConfig) -> str:
    """Return why a search on patients with these labels cannot be run, or an empty string."""
    inner, factors = config["classification"]["inner_folds"], config["integration"]["factors"]
    rare = int(labels.value_counts().reindex([0, 1], fill_value=0).min())
    if rare < FEWEST_VALIDATED * inner:
        return f"{rare} patients of a class are too few for {inner} inner folds"
    within = int(np.floor(len(labels) * (1 - 1 / inner)))
    if within <= factors:
        return f"{within} patients of an inner fold are too few for {factors} factors"
    return ""
