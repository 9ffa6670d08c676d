"""Size factors from features that do not differ between the groups (DEGES)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from trdomics.differential.continuous import least_squares
from trdomics.differential.moderation import moderate
from trdomics.layers.counts import by_ratios, size_factors
from trdomics.pvalues import adjusted

Floats = NDArray[np.float64]

# The defaults of TCC's iDEGES (Sun et al. 2013): features that differ at this false discovery rate,
# and at least this share of all, are left out, in this many rounds.
LEVEL, FLOOR, ROUNDS = 0.1, 0.05, 3
# Size factors from fewer features are less certain than the bias that is avoided.
MIN_STABLE = 50


def stable_features(
    counts: NDArray[np.number], matrix: Floats, contrast: Floats
) -> tuple[NDArray[np.bool_], str]:
    """Return the features that size factors are computed from, and a warning or "".

    The median of ratios assumes that few features differ, or as many upwards as downwards. Where a
    fifth of them differ mostly in one direction, all others seem to differ in the opposite one.
    DEGES removes features that seem to differ before size factors are computed, and repeats this
    (Kadota et al. 2012, doi 10.1186/1748-7188-7-5; Sun et al. 2013, doi 10.1186/1471-2105-14-219).
    The test here is a moderated t-test of log2 normalised counts. `benchmarks/truth.md` has the
    false discoveries with and without it.

    Parameters
    ----------
    counts : ndarray, shape (n_patients, n_features)
    matrix : ndarray, shape (n_patients, n_coefficients)
        Design, of full rank.
    contrast : ndarray, shape (n_coefficients,)
        Weights of the coefficients.

    Returns
    -------
    stable : ndarray of bool, shape (n_features,)
        All true if too few would remain: fewer than ``MIN_STABLE`` and than half of those with
        reads in all patients, the only ones that the median of ratios uses.
    warning : str
        Says so, or that most features were left out, although DEGES assumes that most do not
        differ.
    """
    everything = np.ones(counts.shape[1], dtype=bool)
    usable = (counts > 0).all(axis=0) if by_ratios(counts) else everything
    stable = everything
    for _ in range(ROUNDS):
        factors = size_factors(counts[:, stable])
        pvalues = _pvalues(np.log2(counts / factors[:, None] + 0.5), matrix, contrast)
        n_differing = max(int((adjusted(pvalues) < LEVEL).sum()), int(FLOOR * len(pvalues)))
        stable = everything.copy()
        stable[np.argsort(pvalues, kind="stable")[:n_differing]] = False
        n_usable = int((stable & usable).sum())
        if n_usable < min(MIN_STABLE, usable.sum() / 2):
            return everything, (
                f"size factors are computed from all features: only {n_usable} of "
                f"{usable.sum()} with reads in all patients seem not to differ"
            )
    if n_differing > len(stable) / 2:
        return stable, (
            f"{n_differing} of {len(stable)} features seem to differ and are left out of the size "
            "factors; DEGES assumes that most do not"
        )
    return stable, ""


def _pvalues(values: Floats, matrix: Floats, contrast: Floats) -> Floats:
    """Test each feature by a moderated t; 1 for constant ones."""
    (effect, variance, spread), _ = least_squares(matrix, values, contrast)
    freedom = np.full(len(variance), len(matrix) - matrix.shape[1])
    moderated, total = moderate(variance, freedom)
    pvalues = 2 * t.sf(np.abs(effect) / np.sqrt(moderated * spread), total)
    return np.where(np.isnan(pvalues), 1.0, pvalues)
