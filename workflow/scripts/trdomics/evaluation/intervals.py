"""How sure the performance is: intervals by bootstrap, and paired gains over the baselines."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats
from scipy.special import expit

from trdomics.evaluation.metrics import (
    METRICS,
    THRESHOLD,
    Floats,
    checked,
    feature_sets,
    log_odds,
    not_computable,
    out_of_fold,
    performance,
)

# Percentiles of fewer resamples than this are noise.
MIN_RESAMPLES = 50
# A share of resamples without a value beyond which the others no longer stand for all.
MAX_LOST = 0.05


def resample(label: Floats, n_samples: int, seed: int, *, fixed_classes: bool = True) -> Floats:
    """Draw patients with replacement, by default within each class.

    Parameters
    ----------
    label : array, shape (n_patients,)
        1 or 0.
    n_samples : int
        Number of resamples.
    seed : int
        The same seed and labels give the same draws, so that feature sets are compared on the
        same resamples.
    fixed_classes : bool
        True keeps the class sizes, as a training cohort's design did. False is for patients of
        whom nobody chose how many are positive, as of a scored cohort or a single site: all are
        drawn alike, and a draw of one class only is repeated.

    Returns
    -------
    array, shape (n_samples, n_patients)
        How often each patient was drawn.
    """
    rng = np.random.default_rng(seed)
    counts = np.zeros((n_samples, len(label)))
    classes = np.unique(label)
    if not fixed_classes:
        share = np.full(len(label), 1 / len(label))
        left = np.arange(n_samples)
        while left.size:
            counts[left] = rng.multinomial(len(label), share, size=left.size)
            both = [(counts[left][:, label == value] > 0).any(axis=1) for value in classes]
            left = left[~np.all(both, axis=0)]
        return counts
    for value in classes:
        members = np.flatnonzero(label == value)
        share = np.full(members.size, 1 / members.size)
        counts[:, members] = rng.multinomial(members.size, share, size=n_samples)
    return counts


def _auroc(label: Floats, probability: Floats, counts: Floats) -> Floats:
    """AUROC as the share of positive–negative pairs in order, ties counting half."""
    positive, negative = label == 1, label == 0
    p, n = probability[positive], probability[negative]
    ordered = np.zeros((p.shape[0], n.shape[0]))
    for repeat in range(p.shape[1]):
        difference = p[:, repeat, None] - n[None, :, repeat]
        ordered += (difference > 0) + 0.5 * (difference == 0)
    ordered /= p.shape[1]
    pairs = (counts[:, positive] @ ordered * counts[:, negative]).sum(axis=1)
    return np.asarray(pairs / (counts[:, positive].sum(axis=1) * counts[:, negative].sum(axis=1)))


def _auprc(label: Floats, probability: Floats, counts: Floats) -> Floats:
    """Average precision: precision at each distinct probability, weighted by gained recall."""
    total = np.zeros(counts.shape[0])
    for column in probability.T:
        order = np.argsort(-column, kind="stable")
        drawn = counts[:, order]
        last_of_ties = np.flatnonzero(np.diff(column[order], append=-np.inf))
        found = np.cumsum(drawn * label[order], axis=1)[:, last_of_ties]
        called = np.cumsum(drawn, axis=1)[:, last_of_ties]
        precision = np.divide(found, called, out=np.zeros_like(found), where=called > 0)
        gained = np.diff(found, axis=1, prepend=0.0)
        total += (gained * precision).sum(axis=1) / found[:, -1]
    return total / probability.shape[1]


def _balanced_accuracy(label: Floats, probability: Floats, counts: Floats) -> Floats:
    correct = ((probability >= THRESHOLD) == (label == 1)[:, None]).mean(axis=1)
    shares = [
        counts[:, members] @ correct[members] / counts[:, members].sum(axis=1)
        for members in (label == 1, label == 0)
    ]
    return np.asarray(np.mean(shares, axis=0))


def _brier(label: Floats, probability: Floats, counts: Floats) -> Floats:
    return counts @ ((probability - label[:, None]) ** 2).mean(axis=1) / len(label)


def _recalibrate(
    odds: Floats, label: Floats, counts: Floats, *, fixed_slope: bool, max_iterations: int = 30
) -> Floats:
    """Fit logistic recalibrations to all resamples at once by Newton's method.

    Returns the slope of each resample or, with the slope fixed at 1, the intercept; NaN where
    the iteration does not converge, as under separation. Statsmodels fits them one by one, which
    would take minutes for a thousand resamples of a dozen feature sets.
    """
    n_samples = counts.shape[0]
    intercept, slope = np.zeros(n_samples), np.ones(n_samples)
    active = np.arange(n_samples)
    for _ in range(max_iterations):
        drawn = counts[active]
        fitted = expit(intercept[active, None] + slope[active, None] * odds)
        residual = drawn * (label - fitted)
        information = drawn * fitted * (1 - fitted)
        g0, h00 = residual.sum(axis=1), information.sum(axis=1)
        if fixed_slope:
            step0, step1 = g0 / np.maximum(h00, 1e-12), np.zeros(active.size)
        else:
            g1, h01, h11 = residual @ odds, information @ odds, information @ odds**2
            determinant = np.maximum(h00 * h11 - h01**2, 1e-12)
            step0 = (h11 * g0 - h01 * g1) / determinant
            step1 = (h00 * g1 - h01 * g0) / determinant
        # a full step may overshoot where the start is far away
        intercept[active] += np.clip(step0, -2, 2)
        slope[active] += np.clip(step1, -2, 2)
        active = active[np.maximum(np.abs(step0), np.abs(step1)) > 1e-8]
        if active.size == 0:
            break
    result = intercept if fixed_slope else slope
    result[active] = np.nan
    return result


def _calibration_slope(label: Floats, probability: Floats, counts: Floats) -> Floats:
    odds = log_odds(probability)
    slopes = [_recalibrate(column, label, counts, fixed_slope=False) for column in odds.T]
    return np.asarray(np.mean(slopes, axis=0))


def _calibration_intercept(label: Floats, probability: Floats, counts: Floats) -> Floats:
    odds = log_odds(probability)
    values = [_recalibrate(column, label, counts, fixed_slope=True) for column in odds.T]
    return np.asarray(np.mean(values, axis=0))


RESAMPLED: dict[str, Callable[[Floats, Floats, Floats], Floats]] = {
    "auroc": _auroc,
    "auprc": _auprc,
    "balanced_accuracy": _balanced_accuracy,
    "brier": _brier,
    "calibration_slope": _calibration_slope,
    "calibration_intercept": _calibration_intercept,
}


def performance_intervals(
    label: ArrayLike,
    probability: ArrayLike,
    *,
    n_samples: int,
    seed: int,
    level: float = 0.95,
    metrics: Sequence[str] = tuple(METRICS),
    fixed_classes: bool = True,
) -> pd.DataFrame:
    """Compute all metrics with percentile bootstrap intervals.

    Patients are drawn with replacement and every repeat is recomputed on the same draw, so that
    repeats do not pass for independent patients. Drawn within each class the intervals are
    conditional on the class sizes, as is right where a design fixed them: that of the calibration
    intercept holds at this prevalence and leaves out how well the prevalence is known. Where it
    is chance they would be far too narrow (`fixed_classes`).

    What the interval covers: which patients happened to be evaluated, given the models that the
    folds had trained. It does not cover that other training patients would have given other
    models; for that no unbiased estimate exists (Bengio & Grandvalet 2004, JMLR 5:1089), so read
    it as a lower bound of the uncertainty of the whole procedure. Averaging over repeats takes
    out most of the variation due to how the folds were drawn.

    Parameters
    ----------
    label : array, shape (n_patients,)
        1 or 0.
    probability : array, shape (n_patients,) or (n_patients, n_repeats)
        See :func:`trdomics.evaluation.metrics.performance`.
    n_samples : int
        Number of bootstrap resamples.
    seed : int
        Seed of the draws.
    level : float
        Coverage.
    metrics : sequence of str
        Which ones.
    fixed_classes : bool
        Of :func:`resample`.

    Returns
    -------
    DataFrame
        ``metric``, ``value``, ``lower``, ``upper``, ``n_patients``, ``n_positive``, ``reason``
        (why the value or the interval is missing; else empty).
    """
    truth, repeats = checked(label, probability)
    table = performance(truth, repeats, metrics)
    table["n_patients"], table["n_positive"] = truth.size, int(truth.sum())
    table[["lower", "upper"]] = np.nan
    if truth.size and n_samples >= MIN_RESAMPLES:
        counts = resample(truth, n_samples, seed, fixed_classes=fixed_classes)
        tails = [(1 - level) / 2, (1 + level) / 2]
        for row, metric in table.loc[table["reason"] == "", "metric"].items():
            values = RESAMPLED[metric](truth, repeats, counts)
            finite = values[np.isfinite(values)]
            if finite.size < (1 - MAX_LOST) * n_samples:
                lost = n_samples - finite.size
                table.loc[row, "reason"] = f"not computable in {lost} of {n_samples} resamples"
            else:
                table.loc[row, ["lower", "upper"]] = np.quantile(finite, tails)
    else:
        table.loc[table["reason"] == "", "reason"] = (
            f"fewer than {MIN_RESAMPLES} bootstrap resamples"
        )
    return table[["metric", "value", "lower", "upper", "n_patients", "n_positive", "reason"]]


def performance_table(
    predictions: pd.DataFrame, labels: pd.Series, *, n_samples: int, seed: int
) -> pd.DataFrame:
    """Compute the performance of every feature set.

    Parameters
    ----------
    predictions : DataFrame
        Out-of-fold predictions of all splits: ``feature_set``, ``role``, ``repeat``,
        ``patient_id``, ``probability``.
    labels : Series
        1, 0 or missing by patient id.
    n_samples, seed : int
        Of the bootstrap.

    Returns
    -------
    DataFrame
        ``feature_set``, ``role`` and the columns of :func:`performance_intervals`.
    """
    parts = []
    for feature_set, role in feature_sets(predictions).items():
        label, probability = out_of_fold(predictions, labels, feature_set)
        part = performance_intervals(label, probability, n_samples=n_samples, seed=seed)
        part.insert(0, "role", role)
        part.insert(0, "feature_set", feature_set)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def corrected_resampled_t(
    differences: ArrayLike, test_to_train: float, level: float = 0.95
) -> dict[str, float]:
    """Test whether the mean of per-fold differences is zero, training sets overlapping.

    The corrected resampled t test: the variance of the mean over J folds is taken as
    (1/J + n_test/n_train) s² instead of s²/J, because folds share most of their training
    patients (Nadeau & Bengio 2003, Machine Learning 52:239; for k folds × r repeats, J = k r:
    Bouckaert & Frank 2004, PAKDD).

    Parameters
    ----------
    differences : array, shape (n_folds,)
        Paired differences, one a fold and repeat.
    test_to_train : float
        n_test / n_train.
    level : float
        Coverage of the interval.

    Returns
    -------
    dict
        ``gain`` (the mean), ``lower``, ``upper``, ``pvalue`` (two-sided). All but the gain are
        NaN for fewer than two folds or where all differences are equal.
    """
    values = np.asarray(differences, dtype=float)
    result = dict.fromkeys(("gain", "lower", "upper", "pvalue"), np.nan)
    if values.size == 0:
        return result
    result["gain"] = float(values.mean())
    if values.size < 2 or np.ptp(values) < 1e-12:
        return result
    error = np.sqrt((1 / values.size + test_to_train) * values.var(ddof=1))
    reach = stats.t.ppf((1 + level) / 2, values.size - 1) * error
    return {
        "gain": result["gain"],
        "lower": result["gain"] - reach,
        "upper": result["gain"] + reach,
        "pvalue": float(2 * stats.t.sf(abs(result["gain"]) / error, values.size - 1)),
    }


# A gain is an improvement: of the Brier score, where less is better, the sign is turned.
GAIN_SIGN = {"auroc": 1, "brier": -1}


def gains_table(predictions: pd.DataFrame, labels: pd.Series) -> pd.DataFrame:
    """Compare every feature set with every baseline, fold by fold on the same patients.

    Parameters
    ----------
    predictions : DataFrame
        Out-of-fold predictions of all splits: ``feature_set``, ``role`` (those with
        ``baseline`` are compared with), ``repeat``, ``fold``, ``patient_id``, ``probability``.
    labels : Series
        1, 0 or missing by patient id.

    Returns
    -------
    DataFrame
        ``feature_set``, ``role``, ``baseline``, ``metric`` (``auroc``, ``brier``), ``gain``
        (positive is better than the baseline), ``lower``, ``upper``, ``pvalue`` (of
        :func:`corrected_resampled_t`, not adjusted for the number of feature sets), ``n_folds``,
        ``reason``. The mean over folds of a fold's AUROC is not exactly that of the pooled
        predictions, so that gains differ a little from differences in the performance table.
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
    """Return first minus second column of every fold, and the mean of n_test/n_train.

    Parameters
    ----------
    pair : DataFrame
        Two columns of probabilities, indexed by ``repeat``, ``fold`` and patient.
    label : array, shape (n_rows,)
        1 or 0.
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
        differences.append(METRICS[metric](truth, first) - METRICS[metric](truth, second))
        n_train = in_repeat_of_fold[0] - truth.size
        ratios.append(truth.size / n_train if n_train else np.nan)
    return np.asarray(differences), float(np.mean(ratios)) if ratios else np.nan
