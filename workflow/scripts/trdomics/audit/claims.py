"""Which claims of a prediction hold, which fail, and which could not be checked, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trdomics.audit.claim import (
    CONFOUNDED,
    CONFOUNDERS,
    FAILS,
    FAIR,
    HOLDS,
    MODEL,
    SITE,
    UNCHECKED,
    WORTH,
    Claim,
)
from trdomics.audit.overlap import Duplicates
from trdomics.audit.refit import SHIFTED, Difference, shift_pvalue
from trdomics.evaluation.permutation_null import OBSERVED, null_test
from trdomics.report.words import SUSPICIOUS_AUROC, interval, metric_row, number, p_value


def _status(holds: bool) -> str:
    return HOLDS if holds else FAILS


def worth(performance: pd.DataFrame) -> list[Claim]:
    """Return the claims on discrimination and calibration.

    Parameters
    ----------
    performance : DataFrame
        Of :func:`trdomics.evaluation.bootstrap.performance_table`.
    """
    auroc = metric_row(performance, MODEL, "auroc")
    slope, intercept = (
        metric_row(performance, MODEL, f"calibration_{key}") for key in ("slope", "intercept")
    )
    claims = [
        Claim(
            "discriminates",
            WORTH,
            "The model ranks patients better than chance.",
            _status(auroc["lower"] > 0.5),
            f"AUROC {interval(auroc)}; 0.5 would be chance",
        ),
        Claim(
            "believable",
            WORTH,
            "The AUROC is not too good to be true.",
            _status(auroc["value"] <= SUSPICIOUS_AUROC),
            f"AUROC {number(auroc['value'])}; above {SUSPICIOUS_AUROC}, look for a leak or a "
            "predictor that encodes the label",
        ),
    ]
    sentence = "Probabilities are calibrated at the prevalence of these patients."
    finding = f"Slope {interval(slope)}, 1 is ideal; intercept {interval(intercept)}, 0 is ideal"
    known = pd.notna(slope["lower"]) and pd.notna(intercept["lower"])
    good = (
        slope["lower"] <= 1 <= slope["upper"] and intercept["lower"] <= 0 <= intercept["upper"]
        if known
        else False
    )
    status = _status(good) if known else UNCHECKED
    return [*claims, Claim("calibrated", WORTH, sentence, status, finding)]


def more_than(baseline: str, gains: pd.DataFrame, reasons: Mapping[str, str]) -> Claim:
    """Return whether the model predicts better than confounders, or than the site alone.

    Parameters
    ----------
    baseline : {"confounders", "site"}
    gains : DataFrame
        Of :func:`trdomics.evaluation.paired_gains.gains_table`.
    reasons : mapping
        Baseline -> why there is none.
    """
    what = {CONFOUNDERS: "the confounders alone", SITE: "the site alone"}[baseline]
    key, claim = f"more_than_{baseline}", f"The model predicts better than {what}."
    if baseline in reasons:
        return Claim(key, CONFOUNDED, claim, UNCHECKED, reasons[baseline])
    rows = gains[
        (gains["feature_set"] == MODEL)
        & (gains["baseline"] == baseline)
        & (gains["metric"] == "auroc")
    ]
    row = {str(name): value for name, value in rows.iloc[0].items()}
    if pd.isna(row["lower"]):
        return Claim(key, CONFOUNDED, claim, UNCHECKED, row["reason"])
    finding = f"Gain in AUROC over {what} {interval(row, 'gain')}, {p_value(row['pvalue'])}"
    return Claim(key, CONFOUNDED, claim, _status(row["lower"] > 0), finding)


def within(auroc: Mapping[str, Any]) -> Claim:
    """Return whether the model discriminates among patients of one site.

    `auroc` is of :class:`trdomics.audit.baselines.WithinSites`.
    """
    key, claim = "within_sites", "The model ranks patients of the same site better than chance."
    if pd.isna(auroc["value"]):
        return Claim(key, CONFOUNDED, claim, UNCHECKED, auroc["reason"])
    finding = f"AUROC of pairs within one of {auroc['n_sites']} sites {interval(auroc)}"
    return Claim(key, CONFOUNDED, claim, _status(auroc["lower"] > 0.5), finding)


def one_fold(several: pd.DataFrame, n_folds: int) -> Claim:
    """Return whether each patient is tested in one fold only.

    `several` is of :func:`trdomics.audit.overlap.in_several_folds`; `n_folds` the most folds that a
    repeat has.
    """
    key, claim = "one_fold", "All rows of a patient are in one fold."
    if n_folds < 2:
        reason = "The predictions name one fold only (audit.columns.fold)"
        return Claim(key, FAIR, claim, UNCHECKED, reason)
    n = several["patient_id"].nunique()
    finding = (
        f"{n} patients are tested in several folds of a cross-validation, so each of these folds' "
        "models was trained on them"
        if n
        else "No patient is tested in two folds of a repeat"
    )
    return Claim(key, FAIR, claim, _status(n == 0), finding)


def not_trained_on(overlap: pd.DataFrame | None, n_unnamed: int) -> Claim:
    """Return whether patients were tested by models that had been trained on them.

    `overlap` is of :func:`trdomics.audit.overlap.trained_and_tested`, None without a table of
    training patients; `n_unnamed` the number of tested folds that the table does not name.
    """
    key, claim = "not_trained_on", "No patient was tested by a model that was trained on it."
    if overlap is None:
        reason = "There is no table of whom each fold was trained on (audit.training)"
        return Claim(key, FAIR, claim, UNCHECKED, reason)
    n = overlap["patient_id"].nunique()
    if n:
        return Claim(key, FAIR, claim, FAILS, f"{n} patients are in training and test of a fold")
    if n_unnamed:
        reason = f"The table of training patients lacks {n_unnamed} of the tested folds"
        return Claim(key, FAIR, claim, UNCHECKED, reason)
    return Claim(key, FAIR, claim, HOLDS, "No patient is in training and test of a fold")


def no_copies(duplicates: Duplicates | None) -> Claim:
    """Return whether near-identical features are on both sides of a split."""
    key, claim = "no_copies", "No tested sample has a copy among those trained on."
    if duplicates is None:
        reason = "There is no table of features (audit.features)"
        return Claim(key, FAIR, claim, UNCHECKED, reason)
    if duplicates.n_samples < 2 or not duplicates.n_features:
        reason = "The table of features holds fewer than two of the samples, or no feature varies"
        return Claim(key, FAIR, claim, UNCHECKED, reason)
    n = int(duplicates.pairs["across_folds"].sum())
    finding = (
        f"{n} pairs of near-identical samples across folds, of {duplicates.n_samples} samples and "
        f"{duplicates.n_features:,} features (r at least {duplicates.limit:.2f})"
    )
    return Claim(key, FAIR, claim, _status(n == 0), finding)


@dataclass(frozen=True)
class Refits:
    """What the runs of a refit command showed.

    Attributes
    ----------
    again : Difference
        Given predictions against those of the command with the true labels.
    labels : Difference
        Tested patients whose fold's labels were exchanged.
    features : Difference or None
        Tested patients, some others of whose fold had other features; None where the command is
        not told which features to read.
    null : DataFrame
        Of :func:`trdomics.audit.refit.null_distribution`.
    """

    again: Difference
    labels: Difference
    features: Difference | None
    null: pd.DataFrame


REFIT_CLAIMS = {
    "made_again": "The refit command makes these predictions.",
    "blind_to_labels": "Predictions of a fold do not depend on its own labels.",
    "blind_to_features": "Predictions of a patient do not depend on the others that are tested.",
    "null": "With permuted labels, the procedure finds nothing.",
}
NO_COMMAND = "There is no command that makes the predictions again (audit.refit)"


def refitted(refits: Refits | None) -> list[Claim]:
    """Return the claims that only a refit command can show."""
    if refits is None:
        return [
            Claim(key, FAIR, claim, UNCHECKED, NO_COMMAND) for key, claim in REFIT_CLAIMS.items()
        ]
    again = refits.again
    made = again.same_folds and not again.n_changed
    if not again.same_folds:
        finding = "It predicts other samples, or in other folds: give it the folds of the table"
    else:
        finding = f"{again.n_changed} of {again.n} differ, by up to {again.largest:.2g}"
    observed = refits.null.loc[refits.null["permutation"] == OBSERVED, "auroc"].iloc[0]
    finding += f"; AUROC of the command {number(observed)}"
    return [
        Claim("made_again", FAIR, REFIT_CLAIMS["made_again"], _status(made), finding),
        _blind("blind_to_labels", refits.labels, made, "the labels of their fold were exchanged"),
        _blind(
            "blind_to_features", refits.features, made, "others of their fold had other features"
        ),
        _null(refits.null),
    ]


def _blind(key: str, found: Difference | None, made: bool, when: str) -> Claim:
    claim = REFIT_CLAIMS[key]
    if found is None:
        reason = "The refit command is not told which features to read ({features})"
        return Claim(key, FAIR, claim, UNCHECKED, reason)
    if not made:
        reason = "The command does not make the same predictions twice: fix its seeds and folds"
        return Claim(key, FAIR, claim, UNCHECKED, reason)
    if not found.same_folds:
        reason = "The command drew other folds for other labels: give it the folds of the table"
        return Claim(key, FAIR, claim, UNCHECKED, reason)
    finding = f"None of {found.n} predictions changed when {when}"
    if found.n_changed:
        finding = (
            f"{found.n_changed} of {found.n} predictions changed when {when}, by up to "
            f"{found.largest:.2g}"
        )
    return Claim(key, FAIR, claim, _status(not found.n_changed), finding)


def _null(null: pd.DataFrame) -> Claim:
    test = null_test(null)
    pvalue = shift_pvalue(null.loc[null["permutation"] != OBSERVED, "auroc"])
    finding = (
        f"AUROC {number(float(test['mean']))} on average over {test['n_permutations']} "
        f"permutations, {'above' if pvalue < SHIFTED else 'not above'} 0.5 ({p_value(pvalue)}); "
        f"the true labels gave {number(float(test['observed']))} "
        f"({p_value(float(test['pvalue']))})"
    )
    return Claim("null", FAIR, REFIT_CLAIMS["null"], _status(pvalue >= SHIFTED), finding)
