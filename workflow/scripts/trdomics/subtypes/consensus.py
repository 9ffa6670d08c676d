"""Consensus clustering: how often patients share a cluster over resamples.

Monti et al. 2003 (doi 10.1023/A:1023949509487).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import average, fcluster
from scipy.spatial.distance import squareform
from sklearn.cluster import KMeans

RESAMPLES = 100
SHARE = 0.8
# Ambiguous pairs: Şenbabaoğlu, Michailidis & Li 2014, doi
# 10.1038/srep06207.
AMBIGUOUS = (0.1, 0.9)


def clusters(
    values: NDArray[np.floating], k: int, rng: np.random.Generator, starts: int = 4
) -> KMeans:
    """Fit k-means with several starts, seeded by the generator."""
    return KMeans(k, n_init=starts, random_state=int(rng.integers(2**31))).fit(values)


def consensus_matrix(
    values: NDArray[np.floating], k: int, rng: np.random.Generator, resamples: int = RESAMPLES
) -> NDArray[np.floating]:
    """Return how often two patients share a cluster if both are in the resample.

    Parameters
    ----------
    values : ndarray, shape (n_patients, n_factors)
    resamples : int
        k-means fits, each on ``SHARE`` of the patients without replacement.

    Returns
    -------
    ndarray, shape (n_patients, n_patients)
        Symmetric, 1 on the diagonal.
    """
    n = len(values)
    together, drawn = np.zeros((n, n)), np.zeros((n, n))
    for _ in range(resamples):
        chosen = np.sort(rng.choice(n, round(SHARE * n), replace=False))
        member = np.zeros((n, k))
        member[chosen, clusters(values[chosen], k, rng, starts=2).labels_] = 1
        together += member @ member.T
        present = member.sum(axis=1)
        drawn += np.outer(present, present)
    matrix = np.divide(together, drawn, out=np.zeros((n, n)), where=drawn > 0)
    np.fill_diagonal(matrix, 1.0)
    return matrix


def consensus_labels(matrix: NDArray[np.floating], k: int) -> NDArray[np.integer]:
    """Cut average linkage of 1 − consensus into at most k clusters, 0 being the largest."""
    tree = average(squareform(1 - matrix, checks=False))
    found = fcluster(tree, k, criterion="maxclust") - 1
    order = np.argsort(-np.bincount(found), kind="stable")
    return np.asarray(np.argsort(order)[found])


def patient_consensus(
    matrix: NDArray[np.floating], labels: NDArray[np.integer]
) -> NDArray[np.floating]:
    """Return each patient's mean consensus with the others of the cluster, shape (n_patients,).

    NaN for a cluster of one patient.
    """
    same = labels[:, None] == labels[None, :]
    np.fill_diagonal(same, False)
    others = same.sum(axis=1)
    total = np.where(same, matrix, 0.0).sum(axis=1)
    return np.divide(total, others, out=np.full(len(labels), np.nan), where=others > 0)


def ambiguous_share(matrix: NDArray[np.floating]) -> float:
    """Return the proportion of ambiguous clustering (PAC): 0 is a clean partition."""
    pairs = matrix[np.triu_indices(len(matrix), 1)]
    return float(((pairs > AMBIGUOUS[0]) & (pairs < AMBIGUOUS[1])).mean())
