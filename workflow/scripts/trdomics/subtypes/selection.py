"""Number of subtypes: 2 to 6, or none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trdomics.subtypes.consensus import (
    RESAMPLES,
    ambiguous_share,
    clusters,
    consensus_labels,
    consensus_matrix,
    patient_consensus,
)
from trdomics.subtypes.reference import UnimodalReference

LARGEST = 6
PATIENTS_PER_CLUSTER = 10
FEWEST_PATIENTS = 30
REFERENCES = 199
LEVEL = 0.05
STABLE = 0.8
SAME_PAC = 0.02
# With less variance explained, a layer does not determine a patient's factors.
EXPLAINED = 0.05
COLUMNS = ["k", "criterion", "null", "null_lower", "null_upper", "z", "p", "pac", "consensus"]
COLUMNS += ["chosen", "reason"]


@dataclass(frozen=True)
class Subtypes:
    """Subtypes, or their absence.

    Attributes
    ----------
    labels : ndarray of int, shape (n_patients,)
        0 is the largest subtype; all 0 if there are none.
    consensus : ndarray, shape (n_patients,)
        Mean consensus with the others of the subtype; NaN if there are none.
    matrix : ndarray, shape (n_patients, n_patients)
        Consensus at ``best`` clusters.
    table : DataFrame
        One row per number of clusters, see ``COLUMNS``.
    n_subtypes : int
        1 if there are none.
    best : int
        The number of subtypes; without any, the number that differs most from the reference, or 1
        if none was tested.
    pvalue : float
        Of the hypothesis of a single cluster, over all numbers of clusters.
    reason : str
        Why there are no subtypes, empty if there are.
    """

    labels: NDArray[np.integer]
    consensus: NDArray[np.floating]
    matrix: NDArray[np.floating]
    table: pd.DataFrame
    n_subtypes: int
    best: int
    pvalue: float
    reason: str


def weigh(factors: pd.DataFrame, variance: pd.DataFrame) -> pd.DataFrame:
    """Scale factors by variance explained, so that distances are those of the denoised data.

    The squared distance of two patients in the data reconstructed from the factors is Σ (Δz)²·‖w‖²,
    and ‖w‖² is proportional to the share of variance explained. Layers count equally.

    Parameters
    ----------
    factors : DataFrame, shape (n_patients, n_factors)
    variance : DataFrame
        ``view``, ``factor``, ``r2``.

    Returns
    -------
    DataFrame, shape (n_patients, n_kept)
        Factors that explain nothing or are constant are left out.
    """
    share = variance.groupby("factor")["r2"].mean().reindex(factors.columns).fillna(0).clip(lower=0)
    deviation = factors.std(ddof=0)
    kept = factors.columns[(share > 0) & (deviation > 0)]
    standardised = (factors[kept] - factors[kept].mean()) / deviation[kept]
    return standardised * np.sqrt(share[kept])


def lacking_layers(patients: pd.DataFrame, variance: pd.DataFrame) -> pd.Series:
    """Return the layers explained by the factors that a patient lacks; empty for none.

    Factors of a patient without such a layer are near zero, so those patients would form a cluster.

    Parameters
    ----------
    patients : DataFrame
        With a column ``in_<layer>`` (1 or 0) per layer; index patient_id.
    variance : DataFrame
        ``view``, ``factor``, ``r2``; the row "total" of a layer is not needed.
    """
    shares = variance[variance["factor"] != "total"].groupby("view")["r2"].sum()
    lacks = pd.Series("", index=patients.index)
    for layer in shares.index[shares >= EXPLAINED]:
        missing = patients[f"in_{layer}"].to_numpy(dtype=float) == 0
        lacks[missing] = lacks[missing] + f" {layer}"
    return lacks.str.strip()


def find_subtypes(
    values: NDArray[np.floating],
    seed: int,
    *,
    references: int = REFERENCES,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Subtypes:
    """Look for subtypes.

    The criterion of k clusters is the log of k-means' sum of squares within clusters, as in the
    gap statistic (Tibshirani, Walther & Hastie 2001, doi 10.1111/1467-9868.00293). It is compared
    with that of `references` draws of a single unimodal cluster with the same covariance and
    marginal shapes (:class:`UnimodalReference`), so that elongated, skewed, heavy-tailed or bounded
    data are not taken for subtypes. The test over all k is a Monte-Carlo test (as SigClust's and
    M3C's, John et al. 2020, doi 10.1038/s41598-020-58766-1) of the largest standardised difference,
    to which all k contribute in the data and in each draw: it controls the level over all k. Among
    the numbers that are significant by this test and stable (mean consensus of the patients at
    least ``STABLE``), the one with the lowest proportion of ambiguous clustering (Şenbabaoğlu 2014)
    is chosen, the largest in case of ties; if there is no such number, there are no subtypes.

    Parameters
    ----------
    values : ndarray, shape (n_patients, n_factors)
        Scaled for the distances; no constant columns.
    references : int
        Draws of the reference.
    resamples : int
        Resamples for the consensus of each number of clusters.
    level : float
        Largest p-value at which there are subtypes.
    """
    n = len(values)
    if n < FEWEST_PATIENTS or not values.shape[1]:
        few = f"fewer than {FEWEST_PATIENTS} patients"
        return _none(n, few if n < FEWEST_PATIENTS else "no factor explains anything")
    numbers = list(range(2, min(LARGEST, n // PATIENTS_PER_CLUSTER) + 1))
    rng = np.random.default_rng(seed)
    centred = values - values.mean(axis=0)
    observed = _criterion(centred, numbers, rng)
    reference = UnimodalReference().fit(centred)
    null = np.array([_criterion(reference.draw(rng), numbers, rng) for _ in range(references)])

    every = np.vstack([observed, null])
    # the data are included as a draw for mean and SD, so that all are exchangeable
    z = (every.mean(axis=0) - every) / every.std(axis=0)
    largest = z.max(axis=1)
    pvalue = float((largest >= largest[0]).mean())

    own_p = (largest[:, None] >= z[0]).mean(axis=0)
    furthest = numbers[int(z[0].argmax())]
    # a number that is not significant is not chosen, however stable it is
    looked_at = [k for k, p in zip(numbers, own_p, strict=True) if p <= level or k == furthest]
    matrices = {k: consensus_matrix(centred, k, rng, resamples) for k in looked_at}
    labels = {k: consensus_labels(matrices[k], k) for k in looked_at}
    own = {k: patient_consensus(matrices[k], labels[k]) for k in looked_at}
    table = pd.DataFrame(
        {
            "k": numbers,
            "criterion": observed,
            "null": null.mean(axis=0),
            "null_lower": np.quantile(null, level, axis=0),
            "null_upper": np.quantile(null, 1 - level, axis=0),
            "z": z[0],
            "p": own_p,
            "pac": pd.Series(numbers).map({k: ambiguous_share(matrices[k]) for k in looked_at}),
            "consensus": pd.Series(numbers).map({k: float(np.nanmean(own[k])) for k in looked_at}),
        }
    )
    fit = (table["consensus"] >= STABLE) & (table["p"] <= level)
    best = furthest
    if fit.any():
        clean = fit & (table["pac"] <= table.loc[fit, "pac"].min() + SAME_PAC)
        best = numbers[int(np.flatnonzero(clean)[-1])]
    reason = ""
    if pvalue > level:
        reason = (
            "no number of clusters differs significantly from a single cluster of the same shape"
        )
    elif not fit.any():
        reason = (
            f"clusters that differ from a single one are not stable (consensus below {STABLE:g})"
        )
    n_subtypes = 1 if reason else best
    single = {"k": 1, "p": pvalue, "reason": reason or "a single cluster is rejected"}
    table = pd.concat([pd.DataFrame([single]), table], ignore_index=True).reindex(columns=COLUMNS)
    table["chosen"] = (table["k"] == n_subtypes).astype(int)
    table.loc[(table["k"] > 1) & (table["consensus"] < STABLE), "reason"] = "not stable"
    table.loc[(table["k"] > 1) & (table["p"] > level), "reason"] = "not significant"
    return Subtypes(
        labels=np.zeros(n, dtype=int) if reason else labels[best],
        consensus=np.full(n, np.nan) if reason else own[best],
        matrix=matrices[best],
        table=table,
        n_subtypes=n_subtypes,
        best=best,
        pvalue=pvalue,
        reason=reason,
    )


def _criterion(
    values: NDArray[np.floating], numbers: list[int], rng: np.random.Generator
) -> NDArray[np.floating]:
    return np.log([clusters(values, k, rng).inertia_ for k in numbers])


def _none(n: int, reason: str) -> Subtypes:
    table = pd.DataFrame([{"k": 1, "chosen": 1, "reason": reason}]).reindex(columns=COLUMNS)
    return Subtypes(
        labels=np.zeros(n, dtype=int),
        consensus=np.full(n, np.nan),
        matrix=np.ones((n, n)),
        table=table,
        n_subtypes=1,
        best=1,
        pvalue=float("nan"),
        reason=reason,
    )
