"""Burden tests: carriers compared between the groups, one gene or binary feature at a time."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from firthmodels import FirthLogisticRegression
from scipy.stats import fisher_exact
from scipy.stats.contingency import odds_ratio
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from trdomics.config_types import LayerConfig
from trdomics.differential.design import Design, build_design
from trdomics.layers.normalise import normaliser
from trdomics.layers.types import DOSAGE_PREFIX, layer_type
from trdomics.pvalues import adjusted

COLUMNS = ["feature", "carriers_positive", "carriers_negative", "others_positive"]
COLUMNS += ["others_negative", "log_odds_ratio", "lower", "upper", "pvalue", "padj", "method"]
COLUMNS += ["reason"]
FIRTH, FISHER = "Firth", "Fisher"
COVARIATES_KEY = "config differential.burden_covariates"


def burden_design(
    patients: pd.DataFrame, contrast: Sequence[str], covariates: Sequence[str]
) -> Design:
    """Return the compared patients with the covariates of every gene's test."""
    terms = [*(f"`{name}`" for name in covariates), f"`{contrast[0]}`"]
    return build_design(patients, "~ " + " + ".join(terms), contrast, COVARIATES_KEY)


def carrier_table(table: pd.DataFrame, settings: LayerConfig) -> pd.DataFrame:
    """Return the carriers of every feature of a raw layer (patients × features).

    Genes are not limited to those prevalent enough for modelling: the test has its own threshold.

    Parameters
    ----------
    table : DataFrame
        Variants as dosages, columns (variant, gene, consequence_class); or a binary layer.
    settings : mapping
        The layer's ``type`` and, for variants, what counts as a carrier.
    """
    if layer_type(settings["type"]).is_matrix:
        return table
    return normaliser({**settings, "min_prevalence": 0.0}).fit(table).transform(table)


def differential_carriers(
    carriers: pd.DataFrame, design: Design, *, min_carriers: int
) -> pd.DataFrame:
    """Test every feature for a difference in its carriers between the groups.

    Firth's logistic regression of the group on carrying and the covariates (penalised
    likelihood-ratio test, profile interval); without covariates Fisher's exact test, with the
    conditional odds ratio and its exact interval.

    Parameters
    ----------
    carriers : DataFrame, shape (n_patients, n_features)
        1 for a carrier, 0 for a non-carrier, NaN if missing. Columns that start with ``dosage:``
        are genotypes of single variants and are not tested here.
    design : Design
        From :func:`burden_design`.
    min_carriers : int
        Features with fewer carriers, or fewer non-carriers, are not tested.

    Returns
    -------
    DataFrame
        One row per feature, with the columns ``COLUMNS``; ``others_…`` count known non-carriers.
        With Fisher's test, a log odds ratio is infinite if a group has no carrier.
    """
    features = [name for name in carriers.columns if not str(name).startswith(DOSAGE_PREFIX)]
    table = carriers.loc[design.matrix.index, features]
    covariates = design.matrix.drop(columns=design.coefficient).to_numpy()
    rows: list[dict[str, Any]] = []
    with threadpool_limits(limits=1):
        for name in features:
            values = table[name].to_numpy(float)
            known = np.isfinite(values)
            # a missing call may have been imputed by the mean: the more likely state counts
            carrying = values[known] >= 0.5
            one = _one(carrying, design.positive[known], covariates[known], min_carriers)
            rows.append({"feature": name, **one})
    results = pd.DataFrame(rows, columns=[name for name in COLUMNS if name != "padj"])
    results["padj"] = adjusted(results["pvalue"])
    return results[COLUMNS]


def _one(
    carrying: np.ndarray, positive: np.ndarray, covariates: np.ndarray, min_carriers: int
) -> dict[str, Any]:
    adjusted = covariates.shape[1] > 1
    row: dict[str, Any] = {
        "carriers_positive": int((carrying & positive).sum()),
        "carriers_negative": int((carrying & ~positive).sum()),
        "others_positive": int((~carrying & positive).sum()),
        "others_negative": int((~carrying & ~positive).sum()),
        **dict.fromkeys(("log_odds_ratio", "lower", "upper", "pvalue"), np.nan),
        "method": FIRTH if adjusted else FISHER,
        "reason": None,
    }
    if carrying.sum() < min_carriers:
        return {**row, "method": None, "reason": f"fewer than {min_carriers} carriers"}
    if (~carrying).sum() < min_carriers:
        return {**row, "method": None, "reason": f"fewer than {min_carriers} non-carriers"}
    if not adjusted:
        return {**row, **_fisher(carrying, positive)}
    return {**row, **firth_test(covariates, carrying, positive, "the covariates")}


def firth_test(
    covariates: np.ndarray, burden: np.ndarray, positive: np.ndarray, others: str
) -> dict[str, Any]:
    """Test a burden by Firth's logistic regression, which handles separation.

    Penalised likelihood-ratio test with the profile interval (Firth 1993, Biometrika 80:27;
    Heinze & Schemper 2002, doi 10.1002/sim.1047), by the package firthmodels.

    Parameters
    ----------
    covariates : ndarray, shape (n_patients, n_coefficients)
        With an intercept; centred and scaled.
    burden : ndarray, shape (n_patients,)
    positive : ndarray of bool, shape (n_patients,)
    others : str
        Name of the covariates in the reason.

    Returns
    -------
    dict
        ``log_odds_ratio``, ``lower``, ``upper`` (95 %) and ``pvalue``; or ``reason``.
    """
    matrix = np.column_stack([burden, covariates])
    if np.linalg.matrix_rank(matrix) < matrix.shape[1]:
        return {"reason": f"collinear with {others}"}
    # always numpy, even if numba is installed, for identical numbers everywhere
    model = FirthLogisticRegression(
        backend="numpy", fit_intercept=False, max_iter=100, gtol=1e-5, xtol=1e-6
    )
    # a fit that does not converge gives NaN, reported below
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        try:
            model.fit(matrix, positive.astype(int)).lrt(0)
            lower, upper = model.conf_int(method="pl", features=0, max_iter=100, tol=1e-5)[0]
        except np.linalg.LinAlgError:
            return {"reason": "not converged"}
    numbers = (model.coef_[0], lower, upper, model.lrt_pvalues_[0])
    if not np.isfinite(numbers).all():
        return {"reason": "not converged"}
    keys = ("log_odds_ratio", "lower", "upper", "pvalue")
    return dict(zip(keys, map(float, numbers), strict=True))


def _fisher(carrying: np.ndarray, positive: np.ndarray) -> dict[str, float]:
    counts = np.array(
        [
            [(carrying & positive).sum(), (carrying & ~positive).sum()],
            [(~carrying & positive).sum(), (~carrying & ~positive).sum()],
        ]
    )
    conditional = odds_ratio(counts, kind="conditional")
    interval = conditional.confidence_interval(0.95)
    with np.errstate(divide="ignore"):
        estimate, lower, upper = np.log([conditional.statistic, interval.low, interval.high])
    numbers = {"log_odds_ratio": float(estimate), "lower": float(lower), "upper": float(upper)}
    return numbers | {"pvalue": float(fisher_exact(counts)[1])}
