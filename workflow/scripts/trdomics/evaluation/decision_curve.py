"""Decision curves: whether acting on the model does more good than treating all or none."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from dcurves import dca
from numpy.typing import ArrayLike

from trdomics.evaluation.logistic_recalibration import Floats
from trdomics.evaluation.metrics import checked
from trdomics.evaluation.prevalence import shift_prevalence

# Beyond these, everyone or no one would act.
THRESHOLDS = np.round(np.arange(0.05, 0.705, 0.01), 2)
TREAT_ALL, TREAT_NONE = "treat all", "treat none"


def net_benefit(
    label: ArrayLike,
    probability: ArrayLike,
    *,
    prevalence: float | None = None,
    thresholds: Floats = THRESHOLDS,
) -> pd.DataFrame:
    """Compute the net benefit of acting if the probability reaches a threshold.

    TPR π − FPR (1 − π) t / (1 − t) at prevalence π and threshold t, averaged over repeats
    (Vickers & Elkin 2006, doi 10.1177/0272989X06295361; computed by ``dcurves``).

    Parameters
    ----------
    label : array, shape (n_patients,)
        1 or 0, both present.
    probability : array, shape (n_patients,) or (n_patients, n_repeats)
        Probabilities at the given prevalence.
    prevalence : float, optional
        Prevalence of the target population, if not the cohort's: sensitivity and specificity are
        then weighted to it, as for a case-control sample.
    thresholds : array
        Probabilities at which one would act.

    Returns
    -------
    DataFrame
        ``threshold``, ``true_positives`` and ``false_positives`` (per patient), ``net_benefit``
        (true positives, less the false positives that weigh as much), ``treat all`` (net benefit
        of acting on everyone).
    """
    truth, repeats = checked(label, probability)
    names = [f"repeat_{i}" for i in range(repeats.shape[1])]
    data = pd.DataFrame(repeats, columns=names).assign(outcome=truth.astype(int))
    curves = dca(
        data=data, outcome="outcome", modelnames=names, thresholds=thresholds, prevalence=prevalence
    )
    everyone = curves["model"] == "all"
    repeat = curves["model"].isin(names)
    means = curves[repeat].groupby("threshold")[["tp_rate", "fp_rate", "net_benefit"]].mean()
    return pd.DataFrame(
        {
            "true_positives": means["tp_rate"],
            "false_positives": means["fp_rate"],
            "net_benefit": means["net_benefit"],
            TREAT_ALL: curves[everyone].set_index("threshold")["net_benefit"],
        }
    ).reset_index()


def decision_table(
    models: Mapping[str, tuple[Floats, Floats]], target_prevalence: float
) -> pd.DataFrame:
    """Compute decision curves in the cohort and at the target prevalence.

    For the target prevalence the probabilities are shifted first, since a clinician's threshold
    applies to the probability of the patient at hand.

    Parameters
    ----------
    models : mapping of str to (label, probability)
        Of :func:`trdomics.evaluation.out_of_fold.out_of_fold`, by feature set.

    Returns
    -------
    DataFrame
        ``population`` (``cohort`` or ``target``), ``prevalence``, ``strategy`` (a feature set,
        ``treat all`` or ``treat none``), ``threshold``, ``true_positives`` and
        ``false_positives`` (per patient), ``net_benefit``. The ``treat all`` curves come from the
        first model's patients.
    """
    parts = []
    for number, (name, (label, probability)) in enumerate(models.items()):
        share = float(np.mean(label))
        if not 0 < share < 1:
            continue
        moved = shift_prevalence(probability, share, target_prevalence)
        for population, prevalence, values in (
            ("cohort", share, probability),
            ("target", target_prevalence, moved),
        ):
            curve = net_benefit(
                label, values, prevalence=None if population == "cohort" else prevalence
            )
            curve = curve.assign(population=population, prevalence=prevalence)
            parts.append(curve.assign(strategy=name))
            if number == 0:
                everyone = {"true_positives": prevalence, "false_positives": 1 - prevalence}
                none = dict.fromkeys((*everyone, "net_benefit"), 0.0)
                parts += [
                    curve.assign(strategy=TREAT_ALL, net_benefit=curve[TREAT_ALL], **everyone),
                    curve.assign(strategy=TREAT_NONE, **none),
                ]
    columns = ["population", "prevalence", "strategy", "threshold"]
    columns += ["true_positives", "false_positives", "net_benefit"]
    if not parts:
        return pd.DataFrame(columns=columns)
    return pd.concat(parts, ignore_index=True)[columns]
