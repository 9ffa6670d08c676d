"""Whether site and technical columns alone predict the label."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline

from trdomics.classification.block_estimators import ColumnBlock
from trdomics.evaluation.bootstrap import resample
from trdomics.evaluation.logistic_recalibration import Floats
from trdomics.evaluation.metrics import auroc, measure

FOLDS, REPEATS = 5, 5
PERMUTATIONS, WARN_PVALUE = 999, 0.05


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
    n_samples : int
        Bootstrap samples of the interval, within groups.

    Returns
    -------
    dict
        ``columns``, ``auc``, ``lower``, ``upper``, ``pvalue`` (of permuted patients),
        ``n_patients`` and ``warning`` (a sentence if the interval is above 0.5 and p < 0.05,
        otherwise None); ``auc_reason`` if there is no AUC.
    """
    labelled = patients[patients["label"].notna()]
    label = np.asarray(labelled["label"] == 1, dtype=np.int64)
    result: dict[str, Any] = {"columns": list(columns), "n_patients": len(labelled)}
    reason = None
    if not columns:
        reason = "the config names neither a site nor technical columns"
    elif np.bincount(label, minlength=2).min() < FOLDS:
        reason = f"fewer than {FOLDS} patients in a group"
    if reason is not None:
        empty = dict.fromkeys(("auc", "lower", "upper", "pvalue", "warning"))
        return result | empty | {"auc_reason": reason}
    sheet = labelled[list(columns)]
    probability = np.empty((len(sheet), REPEATS))
    for repeat in range(REPEATS):
        splitter = StratifiedKFold(FOLDS, shuffle=True, random_state=seed % 2**31 + repeat)
        splits = splitter.split(sheet, label)
        probability[:, repeat] = out_of_fold_probability(sheet, label, categorical, splits)
    truth = label.astype(float)
    auc = measure("auroc", truth, probability)
    draws = auroc(truth, probability, resample(truth, n_samples, seed))
    lower, upper = (float(end) for end in np.quantile(draws, [0.025, 0.975]))
    pvalue = _permutation_pvalue(
        ColumnBlock(columns, categorical).fit_transform(sheet), label, seed
    )
    warning = None
    if lower > 0.5 and pvalue < WARN_PVALUE:
        alone = "determines the label" if len(columns) == 1 else "determine the label"
        warning = (
            f"{' and '.join(columns)} {alone}: cross-validated AUC "
            f"{auc:.2f} ({lower:.2f} to {upper:.2f}, p = {pvalue:.2g}). Differences between the "
            "groups may reflect where and how samples were taken"
        )
    found = {"auc": auc, "lower": lower, "upper": upper}
    return result | found | {"pvalue": pvalue, "warning": warning}


def out_of_fold_probability(
    sheet: pd.DataFrame,
    label: NDArray[np.int64],
    categorical: Sequence[str],
    splits: Iterable[tuple[NDArray[Any], NDArray[Any]]],
) -> Floats:
    """Predict each test fold from a sheet by ridge logistic regression fitted on its training part.

    Parameters
    ----------
    sheet : DataFrame, shape (n_patients, n_columns)
        All columns are predictors.
    label : array, shape (n_patients,)
        1 or 0.
    categorical : sequence of str
        Columns whose numbers are categories.
    splits : iterable of (train, test)
        Positions of patients; each training part has both classes.

    Returns
    -------
    array, shape (n_patients,)
        NaN for patients of no test fold.
    """
    probability = np.full(len(sheet), np.nan)
    for train, test in splits:
        model = make_pipeline(
            ColumnBlock(list(sheet.columns), categorical), LogisticRegression(C=1.0, max_iter=500)
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(sheet.iloc[train], label[train])
        probability[test] = model.predict_proba(sheet.iloc[test])[:, 1]
    return probability


def _permutation_pvalue(block: pd.DataFrame, label: NDArray[np.int64], seed: int) -> float:
    """Return how often permuted labels are predicted as well as the true ones, cross-validated.

    The interval of the AUC conditions on the models and would give warnings in one of ten cohorts
    without any relation; this test does not. Ridge regression replaces ridge logistic regression,
    which would take minutes; folds are the same for all permutations. The encoding does not use the
    label, so it may be fitted on all patients.
    """
    values = block.to_numpy(float)
    rng = np.random.default_rng(seed)
    splitter = StratifiedKFold(FOLDS, shuffle=True, random_state=seed % 2**31)
    folds = list(splitter.split(values, label))
    observed = _ridge_auc(values, label, folds)
    permuted = [
        _ridge_auc(values[rng.permutation(len(values))], label, folds) for _ in range(PERMUTATIONS)
    ]
    beyond = int((np.array(permuted) >= observed - 1e-12).sum())
    return (beyond + 1) / (PERMUTATIONS + 1)


def _ridge_auc(
    values: Floats, label: NDArray[np.int64], folds: Sequence[tuple[NDArray[Any], NDArray[Any]]]
) -> float:
    score = np.empty(len(label))
    for train, test in folds:
        middle = values[train].mean(axis=0)
        known = values[train] - middle
        gram = known.T @ known + np.eye(values.shape[1])
        weights = np.linalg.solve(gram, known.T @ (label[train] - label[train].mean()))
        score[test] = (values[test] - middle) @ weights + label[train].mean()
    ranks = rankdata(score)
    n_positive = int(label.sum())
    above = ranks[label == 1].sum() - n_positive * (n_positive + 1) / 2
    return float(above / (n_positive * (len(label) - n_positive)))
