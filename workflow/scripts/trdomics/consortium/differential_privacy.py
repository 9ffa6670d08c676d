"""Effects under differential privacy, which bounds what a bundle reveals of any one patient.

Neighbouring cohorts differ by one patient who is replaced by another; the number of patients is
public. Each patient is a vector of normal scores of feature ranks, whose length does not depend on
the values. One patient then changes sums over a group by at most a known length, and Gaussian noise
of that length over √(2 ρ) makes them ρ-zCDP (Bun & Steinke 2016, doi 10.1007/978-3-662-53641-4_24),
which is (ε, δ)-differential privacy. The noise is OpenDP's, which also accounts for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import opendp.prelude as dp
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from trdomics.consortium.digits import effect_step, on_grid, significant
from trdomics.errors import InputError

Floats = NDArray[np.float64]
DELTA = 1e-6
# Share of a layer's budget for the sizes of its groups.
SIZES_SHARE = 0.05
DIGITS = 3


@dataclass(frozen=True)
class Budget:
    """Privacy budget of a bundle, shared by its layers."""

    epsilon: float
    n_layers: int

    @property
    def rho(self) -> float:
        """Return the zCDP of the whole bundle: ε = ρ + 2 √(ρ ln(1/δ))."""
        log = math.log(1 / DELTA)
        return float((math.sqrt(self.epsilon + log) - math.sqrt(log)) ** 2)

    @property
    def sizes(self) -> float:
        """Return the zCDP of the sizes of one layer's groups."""
        return SIZES_SHARE * self.rho / self.n_layers

    @property
    def sums(self) -> float:
        """Return the zCDP of the sums of one layer's groups."""
        return (1 - SIZES_SHARE) * self.rho / self.n_layers


def normal_scores(table: pd.DataFrame) -> Floats:
    """Return each patient's features as normal scores of their ranks, shape (n, p).

    A patient's squares add up to the number of known features, at most p; missing values are 0.
    """
    ranks = table.rank(axis=1).to_numpy()
    known = np.isfinite(ranks)
    n = known.sum(axis=1, keepdims=True)
    scores = np.where(known, norm.ppf((np.where(known, ranks, 1) - 0.5) / np.maximum(n, 1)), 0.0)
    length = np.sqrt((scores**2).sum(axis=1, keepdims=True))
    return np.asarray(scores * np.sqrt(n) / np.where(length > 0, length, 1.0))


def with_noise(values: Floats, sensitivity: float, rho: float) -> tuple[Floats, float]:
    """Return values with Gaussian noise, and its standard deviation.

    Parameters
    ----------
    values : array, shape (m,)
    sensitivity : float
        Largest change by one patient, as a Euclidean length.
    rho : float
        Cost in zCDP.
    """
    dp.enable_features("contrib")
    scale = sensitivity / math.sqrt(2 * rho)
    space = dp.vector_domain(dp.atom_domain(T=float, nan=False)), dp.l2_distance(T=float)
    measurement = dp.m.make_gaussian(*space, scale)
    if measurement.map(sensitivity) > rho * (1 + 1e-6):
        raise AssertionError("OpenDP's privacy loss exceeds the budget")
    return np.asarray(measurement([float(v) for v in values])), scale


def private_effects(
    table: pd.DataFrame, positive: NDArray[np.bool_], budget: Budget, minimum: int
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the noisy group difference for every feature, and the noisy group sizes.

    Differences of mean normal scores, without covariates. The variance within groups, averaged over
    the features, follows from the squares, which add up to a known number, and the noisy means.

    Parameters
    ----------
    table : DataFrame
        Raw values of the compared patients; NaN if missing.
    positive : array of bool, shape (n_patients,)
    minimum : int
        Smallest allowed group, by its noisy size.

    Returns
    -------
    effects : DataFrame
        ``feature``, ``effect``, ``se`` (including the noise).
    sizes : dict
        ``n_positive``, ``n_negative``.

    Raises
    ------
    InputError
        If a group is too small.
    """
    n, p = table.shape
    # replacing a patient may move one from a group to the other
    drawn, _ = with_noise(np.array([positive.sum()], dtype=float), 1.0, budget.sizes)
    size = np.array([drawn[0], n - drawn[0]])
    if size.min() < minimum:
        raise InputError(
            "export.privacy",
            f"a group has fewer than {minimum} patients according to its noisy size",
            "raise `epsilon`, or do not export this cohort",
        )
    scores = normal_scores(table)
    sums = np.stack([scores[positive].sum(axis=0), scores[~positive].sum(axis=0)])
    # the largest change is a patient of one group with reversed scores
    noisy, scale = with_noise(sums.ravel(), 2 * math.sqrt(p), budget.sums)
    means = noisy.reshape(2, p) / size[:, None]
    explained = ((means**2).mean(axis=1) - (scale / size) ** 2).clip(min=0)
    within = max(1 - float(size @ explained) / n, 0.0)
    variance = within * (1 / size).sum() + scale**2 * (1 / size**2).sum()
    error = float(significant(math.sqrt(variance), DIGITS))
    effect = on_grid(means[0] - means[1], effect_step(error))
    features = [str(name) for name in table.columns]
    n_positive, n_negative = (round(float(count)) for count in size)
    return (
        pd.DataFrame({"feature": features, "effect": effect, "se": error}),
        {"n_positive": n_positive, "n_negative": n_negative},
    )


def cost(budget: Budget, exports: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the privacy cost of a bundle and of all private bundles of a cohort.

    By basic composition: their ε and δ add up.

    Parameters
    ----------
    exports : sequence of mapping
        Of the ledger, ``epsilon`` each.
    """
    before = [float(entry["epsilon"]) for entry in exports if entry["epsilon"] is not None]
    return {"epsilon": budget.epsilon, "delta": DELTA, "spent": budget.epsilon + sum(before)}
