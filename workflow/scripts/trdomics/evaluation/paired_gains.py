"""Paired gains over the baselines, fold by fold, with the corrected resampled t test."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from trdomics.evaluation.logistic_recalibration import Floats
from trdomics.evaluation.metrics import measure, not_computable
from trdomics.evaluation.out_of_fold import feature_sets


def corrected_resampled_t(differences: ArrayLike, test_to_train: float) -> dict[str, float]:
    """Test whether the mean of per-fold differences is zero, with overlapping training sets.

    The corrected resampled t test: the variance of the mean over J folds is taken as
    (1/J + n_test/n_train) s² instead of s²/J, because folds share most of their training
    patients (Nadeau & Bengio 2003, Machine Learning 52:239; for k folds × r repeats, J = k r:
    Bouckaert & Frank 2004, PAKDD).

    Parameters
    ----------
    differences : array, shape (n_folds,)
        Paired differences, one per fold and repeat.
    test_to_train : float
        n_test / n_train.

    Returns
    -------
    dict
        ``gain`` (the mean), ``lower``, ``upper``, ``pvalue`` (two-sided). All but the gain are NaN
        for fewer than two folds or if all differences are equal.
    """
    values = np.asarray(differences, dtype=float)
    result = dict.fromkeys(("gain", "lower", "upper", "pvalue"), np.nan)
    if values.size == 0:
        return result
    result["gain"] = float(values.mean())
    if values.size < 2 or np.ptp(values) < 1e-12:
        return result
    error = np.sqrt((1 / values.size + test_to_train) * values.var(ddof=1))
    reach = stats.t.ppf(0.975, values.size - 1) * error
    return {
        "gain": result["gain"],
        "lower": result["gain"] - reach,
        "upper": result["gain"] + reach,
        "pvalue": float(2 * stats.t.sf(abs(result["gain"]) / error, values.size - 1)),
    }


# A gain is an improvement: for the Brier score, where lower is better, the sign is reversed.
GAIN_SIGN = {"auroc": 1, "brier": -1}


def gains_table(predictions: pd.DataFrame, labels: pd.Series) -> pd.DataFrame:
    """Compare every feature set with every baseline, fold by fold on the same patients.

    Parameters
    ----------
    predictions : DataFrame
        Out-of-fold predictions of all splits: ``feature_set``, ``role`` (those with
        ``baseline`` are compared with), ``repeat``, ``fold``, ``patient_id``, ``probability``.

    Returns
    -------
    DataFrame
        ``feature_set``, ``role``, ``baseline``, ``metric`` (``auroc``, ``brier``), ``gain``
        (positive is better than the baseline), ``lower``, ``upper``, ``pvalue`` (of
        :func:`corrected_resampled_t`, not adjusted for the number of feature sets), ``n_folds``,
        ``reason``. The mean AUROC over folds differs slightly from the AUROC of the pooled
        predictions, so gains differ slightly from differences in the performance table.
    """
    rows = predictions[predictions["patient_id"].map(labels).notna()]
    # unlike pivot_table, pivot refuses a patient who was predicted twice
    wide = rows.pivot(  # noqa: PD010
        index=["repeat", "fold", "patient_id"], columns="feature_set", values="probability"
    )
    truth = labels.loc[wide.index.get_level_values("patient_id")].to_numpy(dtype=float)
    roles = feature_sets(predictions)
    baselines = [name for name, role in roles.items() if role == "baseline"]
    table = []
    for feature_set, role in roles.items():
        for baseline in baselines:
            if baseline == feature_set:
                continue
            both = wide[[feature_set, baseline]].notna().all(axis=1).to_numpy()
            pair, label = wide.loc[both, [feature_set, baseline]], truth[both]
            for metric, sign in GAIN_SIGN.items():
                differences, ratio = fold_differences(pair, label, metric)
                result = corrected_resampled_t(sign * differences, ratio)
                if differences.size == 0:
                    reason = "no fold has test patients of both classes"
                elif np.isnan(result["pvalue"]):
                    reason = "fewer than two folds, or no variation between them"
                else:
                    reason = ""
                table.append(
                    {
                        "feature_set": feature_set,
                        "role": role,
                        "baseline": baseline,
                        "metric": metric,
                        **result,
                        "n_folds": differences.size,
                        "reason": reason,
                    }
                )
    columns = ["feature_set", "role", "baseline", "metric", "gain", "lower", "upper", "pvalue"]
    return pd.DataFrame(table, columns=[*columns, "n_folds", "reason"])


def fold_differences(pair: pd.DataFrame, label: Floats, metric: str) -> tuple[Floats, float]:
    """Return the difference of the two columns in every fold, and the mean of n_test/n_train.

    Parameters
    ----------
    pair : DataFrame
        Two columns of probabilities, indexed by ``repeat``, ``fold`` and patient.
    metric : str
        Folds in which it cannot be computed are left out.
    """
    differences, ratios = [], []
    in_repeat = pair.groupby(level="repeat")[pair.columns[0]].transform("size")
    table = pair.assign(label=label, in_repeat=in_repeat)
    for _, fold in table.groupby(level=["repeat", "fold"]):
        first, second, truth, in_repeat_of_fold = fold.to_numpy(dtype=float).T
        if not_computable(metric, truth, first):
            continue
        differences.append(measure(metric, truth, first) - measure(metric, truth, second))
        n_train = in_repeat_of_fold[0] - truth.size
        ratios.append(truth.size / n_train if n_train else np.nan)
    return np.asarray(differences), float(np.mean(ratios)) if ratios else np.nan
