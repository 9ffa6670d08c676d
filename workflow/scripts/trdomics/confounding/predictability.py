"""Whether site and technical columns alone tell the label."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline

from trdomics.classification.blocks import ColumnBlock
from trdomics.classification.intervals import RESAMPLED, resample
from trdomics.classification.metrics import performance

FOLDS, REPEATS = 5, 5


def predictability(
    patients: pd.DataFrame,
    columns: Sequence[str],
    categorical: Sequence[str],
    *,
    n_samples: int,
    seed: int,
) -> dict[str, Any]:
    """Predict the label from columns of the sheet, cross-validated.

    A ridge logistic regression, five folds in five repeats; imputation, scaling and encoding are
    learned in the training folds.

    Parameters
    ----------
    patients : DataFrame
        With ``label`` (1, 0, NaN) and the columns.
    columns : sequence of str
    categorical : sequence of str
        Columns whose numbers are names.
    n_samples : int
        Resamples of the interval: of patients within the groups.
    seed : int

    Returns
    -------
    dict
        ``columns``, ``auc``, ``lower``, ``upper``, ``n_patients`` and ``warning`` (a sentence where
        the interval is above 0.5, else None); ``auc_reason`` where there is no AUC.
    """
    labelled = patients[patients["label"].notna()]
    label = (labelled["label"] == 1).to_numpy(int)
    result: dict[str, Any] = {"columns": list(columns), "n_patients": len(labelled)}
    reason = None
    if not columns:
        reason = "the config names neither a site nor technical columns"
    elif np.bincount(label, minlength=2).min() < FOLDS:
        reason = f"fewer than {FOLDS} patients in a group"
    if reason is not None:
        empty = dict.fromkeys(("auc", "lower", "upper", "warning"))
        return result | empty | {"auc_reason": reason}
    sheet = labelled[list(columns)]
    probability = np.empty((len(sheet), REPEATS))
    for repeat in range(REPEATS):
        splitter = StratifiedKFold(FOLDS, shuffle=True, random_state=seed % 2**31 + repeat)
        for train, test in splitter.split(sheet, label):
            model = make_pipeline(
                ColumnBlock(columns, categorical), LogisticRegression(C=1.0, max_iter=500)
            )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                model.fit(sheet.iloc[train], label[train])
            probability[test, repeat] = model.predict_proba(sheet.iloc[test])[:, 1]
    truth = label.astype(float)
    auc = float(performance(truth, probability, ["auroc"])["value"].iloc[0])
    draws = RESAMPLED["auroc"](truth, probability, resample(truth, n_samples, seed))
    lower, upper = (float(end) for end in np.quantile(draws, [0.025, 0.975]))
    warning = None
    if lower > 0.5:
        warning = (
            f"{' and '.join(columns)} tell the label by themselves: cross-validated AUC "
            f"{auc:.2f} ({lower:.2f} to {upper:.2f}). What differs between "
            "the groups may be where and how samples were taken"
        )
    return result | {"auc": auc, "lower": lower, "upper": upper, "warning": warning}
