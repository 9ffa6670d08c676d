"""Projection of patients on the factors of a fitted MOFA model: the exact posterior mean.

mofapy2 gives factors only for its training patients. Given the weights' two moments and
the noise precisions, the factors of *any* patient follow a linear system (the E-step of
Bayesian factor analysis; MOFA's model: Argelaguet et al. 2018, doi 10.15252/msb.20178124):

    z = (I + Σₘ E[WₘᵀTₘWₘ])⁻¹ Σₘ E[Wₘ]ᵀ Tₘ (yₘ − μₘ)

over the views m that the patient has. E[WᵀTW] includes the variance of W on its diagonal: without
it, or with Wᵀ alone, shrinkage is too weak.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trdomics.parts import NAMES, array, mapping, stored, text
from trdomics.tables import LayerTables

Array = NDArray[np.floating]
Views = Mapping[str, Array]

MAX_ITERATIONS = 1000
TOLERANCE = 1e-10


def project(
    values: Views,
    *,
    w: Views,
    w2: Views,
    tau: Views,
    intercepts: Views,
    likelihoods: Mapping[str, str],
) -> tuple[Array, Array]:
    """Return the posterior mean and variance of patients' factors.

    Parameters
    ----------
    values : mapping of str to array, shape (n, d)
        The patients' values by view, features as in training; a row of NaN if a patient lacks the
        view. Views that are not given are missing in all patients.
    w, w2 : mapping of str to array, shape (d, K)
        E[W] and E[W²] of the fitted model.
    tau : mapping of str to array, shape (d,)
        Noise precision of Gaussian views (not used for Bernoulli views, whose precision follows
        from the bound).
    intercepts : mapping of str to array, shape (d,)
        Means subtracted in training: of Gaussian features, and of the pseudo-data of Bernoulli
        features.
    likelihoods : mapping of str to {"gaussian", "bernoulli"}
        By view.

    Returns
    -------
    z, variance : array, shape (n, K)
        `variance` is that of MOFA's factorised posterior, 1 / diagonal of the system's matrix.
        A patient without any view gets the prior: mean 0, variance 1.

    Raises
    ------
    ValueError
        If a patient's view is partly missing, or the numbers of features differ.
    """
    present = {view: profiled(values[view], view) for view in w if view in values}
    n_patients = {len(mask) for mask in present.values()}
    if len(n_patients) != 1:
        raise ValueError("the views must be those of the model and hold the same patients")
    n, k = n_patients.pop(), next(iter(w.values())).shape[1]

    precision = np.broadcast_to(np.eye(k), (n, k, k)).copy()
    target = np.zeros((n, k))
    bernoulli = []
    for view, mask in present.items():
        if values[view].shape[1] != len(w[view]):
            raise ValueError(
                f"view {view} has {values[view].shape[1]} features, its model {len(w[view])}"
            )
        if likelihoods[view] == "bernoulli":
            bernoulli.append(view)
            continue
        weighted = w[view] * tau[view][:, None]
        precision[mask] += second_moment(w[view], w2[view], tau[view])
        target[mask] += (values[view][mask] - intercepts[view]) @ weighted
    z, variance = solve(precision, target)

    # Bernoulli views: Jaakkola's bound (Jaakkola & Jordan 2000, doi 10.1023/A:1008932416310)
    # makes them Gaussian with a precision that depends on z, so both are iterated. A converged
    # patient is not updated further: factors do not depend on the other patients.
    active = np.zeros(n, dtype=bool)
    for view in bernoulli:
        active |= present[view]
    for _ in range(MAX_ITERATIONS):
        if not active.any():
            break
        rows = np.flatnonzero(active)
        a, b = precision[rows].copy(), target[rows].copy()
        for view in bernoulli:
            has = present[view][rows]
            who = rows[has]
            pseudo, noise = pseudo_data(values[view][who], z[who], variance[who], w[view], w2[view])
            a[has] += second_moments(w[view], w2[view], noise)
            b[has] += (noise * (pseudo - intercepts[view])) @ w[view]
        updated, variance[rows] = solve(a, b)
        active[rows] = np.abs(updated - z[rows]).max(axis=1) > TOLERANCE
        z[rows] = updated
    return z, variance


def profiled(values: Array, view: str) -> NDArray[np.bool_]:
    """Return which patients have a view, shape (n,); refuse partly missing ones."""
    missing = np.isnan(values)
    lacking = missing.all(axis=1) if values.shape[1] else np.ones(len(values), dtype=bool)
    if (missing.any(axis=1) & ~lacking).any():
        raise ValueError(f"view {view} has patients with some of the values missing")
    return np.asarray(~lacking)


def second_moment(w: Array, w2: Array, tau: Array) -> Array:
    """Return E[WᵀTW] for one noise precision per feature: shapes (d, K), (d, K), (d,) → (K, K)."""
    moment = w.T @ (w * tau[:, None])
    np.fill_diagonal(moment, w2.T @ tau)
    return np.asarray(moment)


def second_moments(w: Array, w2: Array, tau: Array) -> Array:
    """Return E[WᵀTW] for a precision per patient and feature: tau (n, d) → (n, K, K)."""
    d, k = w.shape
    products = w[:, :, None] * w[:, None, :]
    products[:, np.arange(k), np.arange(k)] = w2
    return np.asarray((tau @ products.reshape(d, k * k)).reshape(len(tau), k, k))


def solve(precision: Array, target: Array) -> tuple[Array, Array]:
    """Return the posterior mean (n, K) and factorised variance (n, K) of the systems."""
    mean = np.linalg.solve(precision, target[:, :, None])[:, :, 0]
    return mean, 1.0 / np.diagonal(precision, axis1=1, axis2=2)


def pseudo_data(y: Array, z: Array, variance: Array, w: Array, w2: Array) -> tuple[Array, Array]:
    """Return the Gaussian pseudo-data of a binary view and its precision, both (n, d).

    With ζ² = E[(zᵀw)²] and λ(ζ) = tanh(ζ/2) / 4ζ the pseudo-data are (2y − 1) / 4λ(ζ) with the
    precision 2λ(ζ), as in mofapy2's ``Bernoulli_PseudoY_Jaakkola`` (not yet centred).
    """
    z2 = z**2 + variance
    zeta2 = (z @ w.T) ** 2 - z**2 @ (w**2).T + z2 @ w2.T
    # λ(0) = 1/8 is the limit; rounding can take ζ² of an unused feature below zero
    zeta = np.sqrt(np.maximum(zeta2, 1e-12))
    bound = np.tanh(zeta / 2) / (4 * zeta)
    return (2 * y - 1) / (4 * bound), 2 * bound


def variance_explained(
    values: Views,
    z: Array,
    variance: Array,
    *,
    w: Views,
    w2: Views,
    intercepts: Views,
    likelihoods: Mapping[str, str],
) -> tuple[dict[str, Array], dict[str, float]]:
    """Return R² by view of every factor alone, shape (K,), and of all factors together.

    mofapy2's definition: 1 − Σ(y − ŷ)² / Σy² over the profiled patients, on the centred values
    of a Gaussian view and on the pseudo-data of a Bernoulli one. The latter is therefore the share
    of variance of the pseudo-data, not of the zeros and ones.
    """
    by_factor, together = {}, {}
    for view in w:
        has = profiled(values[view], view)
        y, factors = values[view][has], z[has]
        if likelihoods[view] == "bernoulli":
            y, _ = pseudo_data(y, factors, variance[has], w[view], w2[view])
        y = y - intercepts[view]
        total = float((y**2).sum())
        # Σ(y − z_k w_k)² = Σy² − 2 z_kᵀ y w_k + |z_k|²|w_k|²
        shared = np.einsum("nk,nk->k", factors, y @ w[view])
        fitted = (factors**2).sum(axis=0) * (w[view] ** 2).sum(axis=0)
        by_factor[view] = (2 * shared - fitted) / total
        together[view] = 1.0 - float(((y - factors @ w[view].T) ** 2).sum()) / total
    return by_factor, together


# The work per patient grows with the square of the number of factors.
MAX_FACTORS = 200
# Limit on products of weights that the projection from a binary view holds at once.
MAX_PRODUCTS = 2**25


def factor_names(n: int) -> list[str]:
    """Return Factor1 … Factor<n>, MOFA2's names."""
    return [f"Factor{k + 1}" for k in range(n)]


def correlations(a: Array, b: Array) -> Array:
    """Return Pearson's correlations of columns, (n, K) and (n, L) → (K, L); 0 with a constant."""
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    scale = np.outer(np.linalg.norm(a, axis=0), np.linalg.norm(b, axis=0))
    r = np.divide(a.T @ b, scale, out=np.zeros_like(scale), where=scale > 0)
    return np.clip(r, -1, 1)


def arrays(views: LayerTables, features: Mapping[str, list[str]]) -> dict[str, Array]:
    """Return views as arrays (n, d) of float64, with a row of NaN if a patient lacks the view."""
    return {
        view: views.aligned(view)[names].to_numpy(dtype=float)
        for view, names in features.items()
        if view in views
    }


@dataclass(eq=False, repr=False)
class MOFAProjection:
    """A fitted MOFA model for projecting patients.

    Attributes
    ----------
    feature_names_ : dict of str to list of str
        The features of each view.
    likelihoods_ : dict of str to {"gaussian", "bernoulli"}
    w_, w2_ : dict of str to array, shape (d, K)
        E[W] and E[W²] by view.
    tau_, intercepts_ : dict of str to array, shape (d,)
        Noise precisions, and what was subtracted from the features, by view.
    """

    feature_names_: dict[str, list[str]] = stored(mapping(NAMES))
    likelihoods_: dict[str, str] = stored(mapping(text("gaussian", "bernoulli")))
    w_: dict[str, Array] = stored(mapping(array("d", "K")))
    w2_: dict[str, Array] = stored(mapping(array("d", "K")))
    tau_: dict[str, Array] = stored(mapping(array("d")))
    intercepts_: dict[str, Array] = stored(mapping(array("d")))

    def check(self) -> None:
        """Raise ValueError if the views' arrays are inconsistent or too large."""
        views = self.feature_names_.keys()
        found = (self.likelihoods_, self.w_, self.w2_, self.tau_, self.intercepts_)
        if not views or any(part.keys() != views for part in found):
            raise ValueError("its arrays are of other views")
        k = next(iter(self.w_.values())).shape[1]
        for view, names in self.feature_names_.items():
            shapes = [self.w_[view].shape, self.w2_[view].shape]
            shapes += [(*self.tau_[view].shape, k), (*self.intercepts_[view].shape, k)]
            if set(shapes) != {(len(names), k)}:
                raise ValueError(f"the arrays of {view[:40]} are of other features or factors")
            if min(self.w2_[view].min(initial=0), self.tau_[view].min(initial=0)) < 0:
                raise ValueError("a square or a precision is below 0")
            binary = self.likelihoods_[view] == "bernoulli"
            if binary and self.w_[view].size * k > MAX_PRODUCTS:
                raise ValueError("a binary view has too many weights")
        if not 0 < k <= MAX_FACTORS:
            raise ValueError(f"it has {k} factors, {MAX_FACTORS} are allowed")

    def _project(self, views: LayerTables) -> Array:
        """Return the posterior mean of the factors, shape (n, K), given the features at hand."""
        w, w2, tau, intercepts = dict(self.w_), dict(self.w2_), dict(self.tau_), {}
        features = {}
        for view, names in self.feature_names_.items():
            intercepts[view] = self.intercepts_[view]
            has: Any = views[view].columns if view in views else []
            at_hand = np.asarray(pd.Index(names, dtype=object).isin(has))
            if at_hand.any():
                features[view] = [name for name, kept in zip(names, at_hand, strict=True) if kept]
                w[view], w2[view] = w[view][at_hand], w2[view][at_hand]
                tau[view], intercepts[view] = tau[view][at_hand], intercepts[view][at_hand]
        if not features:
            return np.zeros((len(views), len(self.get_feature_names_out())))
        z, _ = project(
            arrays(views, features),
            w=w,
            w2=w2,
            tau=tau,
            intercepts=intercepts,
            likelihoods=self.likelihoods_,
        )
        return z

    def transform(self, views: LayerTables) -> pd.DataFrame:
        """Project new or training patients.

        Parameters
        ----------
        views : LayerTables
            With the features of the training (others are ignored); patients may lack views. An
            absent feature is ignored, as if it were not in the model.

        Returns
        -------
        DataFrame, shape (n_patients, K)
            Factor1 … FactorK; zeros, the prior mean, for a patient without any view.
        """
        names = self.get_feature_names_out()
        return pd.DataFrame(self._project(views), index=views.patients, columns=names)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.str_]:
        """Return Factor1 … FactorK."""
        return np.array(factor_names(next(iter(self.w_.values())).shape[1]))
