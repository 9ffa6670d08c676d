"""Gene counts of a whole cohort from transcript estimates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Quantities = Mapping[str, pd.DataFrame]


def length_scaled_counts(
    samples: Sequence[str], read: Callable[[str], pd.DataFrame], genes: pd.Series
) -> pd.DataFrame:
    """Return gene counts scaled by the mean length of each gene's transcripts over the cohort.

    As tximport's ``lengthScaledTPM`` (Soneson, Love & Robinson 2015, doi
    10.12688/f1000research.7563.2): counts are adjusted for differential transcript usage, and need
    no offsets. They depend on all samples and must be computed jointly.

    Parameters
    ----------
    samples : sequence of str
    read : callable
        Returns the transcripts of a sample, in the same order for all: ``tpm``, ``counts`` and
        ``length`` (effective, in bases). One sample is read at a time.
    genes : Series
        Gene of each transcript, by transcript.

    Returns
    -------
    DataFrame of float, shape (n_genes, n_samples)
    """
    codes, names = pd.factorize(genes, sort=True)
    n_genes = len(names)

    def summed(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(codes, weights=values, minlength=n_genes).astype(float)

    tpm, counts, weighted = (np.empty((n_genes, len(samples))) for _ in range(3))
    total_length = np.zeros(len(genes))
    for column, sample in enumerate(samples):
        found = read(sample).loc[genes.index]
        own, length = found["tpm"].to_numpy(float), found["length"].to_numpy(float)
        tpm[:, column] = summed(own)
        counts[:, column] = summed(found["counts"].to_numpy(float))
        weighted[:, column] = summed(own * length)
        total_length += length
    # for a gene without expression in a sample: that of the others, or of its transcripts
    plain = summed(total_length / len(samples)) / np.bincount(codes, minlength=n_genes)
    length = np.divide(weighted, tpm, out=np.full_like(tpm, np.nan), where=tpm > 0)
    known = np.isfinite(length)
    logs = np.where(known, np.log(np.where(known, length, 1.0)), 0.0)
    n_known = known.sum(axis=1)
    geometric = np.exp(
        np.divide(logs.sum(axis=1), n_known, out=np.zeros(n_genes), where=n_known > 0)
    )
    filling = np.where(n_known > 0, geometric, plain)
    length = np.where(known, length, filling[:, None])
    scaled = tpm * length.mean(axis=1)[:, None]
    totals = scaled.sum(axis=0)
    scaled *= np.divide(counts.sum(axis=0), totals, out=np.zeros(len(samples)), where=totals > 0)
    return pd.DataFrame(scaled, index=pd.Index(names, name="feature"), columns=list(samples))
