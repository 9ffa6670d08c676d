"""The nodes of MOFA's data and noise, with the same updates by fewer products.

The products and why they suffice: see :mod:`trdomics.integration.nodes_factors`.
"""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln

with warnings.catch_warnings():
    # importing mofapy2 switches the warnings of the whole process off
    from mofapy2.core.nodes.nongaussian_nodes import Bernoulli_PseudoY_Jaakkola, Tau_Jaakkola
    from mofapy2.core.nodes.Tau_nodes import TauD_Node
    from mofapy2.core.nodes.Y_nodes import Y_Node

Array = NDArray[np.floating]


class Adopting:
    """A node that takes over the state initialised by mofapy2."""

    markov_blanket: dict[str, Any]
    mask: Any
    value: Any

    @classmethod
    def adopt(cls, node: Any) -> Self:
        """Return a node of this class with the state of `node`, before it has neighbours."""
        own = cls.__new__(cls)
        own.__dict__.update(node.__dict__)
        own.prepare()
        return own

    def prepare(self) -> None:
        """Precompute constants."""


def padded(values: Array, dtype: Any) -> Array:
    """Return (K, m) with rows of zeros up to the next multiple of four.

    BLAS kernels work on blocks of factors; with an incomplete block the two large products take a
    fifth longer, although they are smaller (benchmarks/README.md).
    """
    rows = np.zeros((-(-len(values) // 4) * 4, values.shape[1]), dtype)
    rows[: len(values)] = values
    return rows


class FastY(Adopting, Y_Node):
    """A Gaussian view in which only whole patients are missing."""

    def prepare(self) -> None:
        """Reduce the mask to patients, and precompute sums of squares."""
        absent = self.mask[:, 0].copy()
        self.mask = np.broadcast_to(absent[:, None], self.dim)
        self.present = ~absent
        self.n_present = float(self.present.sum())
        self.squares = np.einsum("nd,nd->d", self.value, self.value, dtype=float)
        self.cached: tuple[int, Any] = (-1, None)

    def precompute(self, options: Any = None) -> None:
        """Set what mofapy2 precomputes, without using the mask."""
        self.TauTrick = True
        self.likconst = -0.5 * self.n_present * self.dim[1] * np.log(2.0 * np.pi)

    def moments(self) -> tuple[Array, Array, Array]:
        """Return ZᵀY (K, d), ZᵀZ (K, K) and Σ E[z²] (K,)."""
        z = self.markov_blanket["Z"]
        if self.cached[0] != z.version:
            mean, square = (z.Q.expectations[moment] for moment in ("E", "E2"))
            # a patient without the view is a row of zeros
            products = (padded(mean.T, self.value.dtype) @ self.value)[: mean.shape[1]]
            here = mean[self.present]
            products = products.astype(float, copy=False)
            self.cached = (z.version, (products, here.T @ here, square[self.present].sum(axis=0)))
        moments: tuple[Array, Array, Array] = self.cached[1]
        return moments

    def residuals(self) -> Array:
        """Return E[Σ_n (y − zᵀw)²] by feature, (d,)."""
        w = self.markov_blanket["W"]
        zy, zz, z2 = self.moments()
        # E[z²]E[w²] replaces the diagonal's squared means; nothing of (K, d) is copied
        cross = (zz - np.diag(np.diag(zz))) @ w.mean_kd
        cross -= zy
        cross -= zy
        residual = np.einsum("kd,kd->d", cross, w.mean_kd)
        residual += self.squares
        residual += z2 @ w.square_kd
        return np.asarray(residual)

    def calculateELBO(self) -> float:
        """Return the view's part of the bound."""
        tau = self.markov_blanket["Tau"]
        expected = tau.Q.expectations
        # right after τ's update the residual is in its parameters
        half = tau.Q.params["b"] - tau.P.params["b"] if self.TauTrick else 0.5 * self.residuals()
        bound = self.likconst + 0.5 * (self.n_present * expected["lnE"]).sum()
        return float(bound - (expected["E"] * half).sum())


class FastTau(Adopting, TauD_Node):
    """The noise precision of a Gaussian view."""

    def prepare(self) -> None:
        """Convert to float64."""
        for distribution in (self.P, self.Q):
            distribution.params = {key: a.astype(float) for key, a in distribution.params.items()}
            distribution.updateExpectations()
        self.shape: Array | None = None

    def updateParameters(self, ix: Any = None, ro: float = 1.0) -> None:
        """Update the Gamma distributions."""
        y = self.markov_blanket["Y"]
        if self.shape is None:
            self.shape = self.P.params["a"] + 0.5 * y.n_present
            self.digamma, self.gammaln = digamma(self.shape), gammaln(self.shape).sum()
        self.Q.params = {"a": self.shape, "b": self.P.params["b"] + 0.5 * y.residuals()}

    def updateExpectations(self, dist: str = "Q") -> None:
        """Update E[τ] and E[ln τ]; the shape does not change between iterations."""
        rate = self.Q.params["b"]
        self.log_rate = np.log(rate)
        self.Q.expectations = {"E": self.shape / rate, "lnE": self.digamma - self.log_rate}

    def calculateELBO(self) -> float:
        """Return τ's part of the bound."""
        if self.shape is None:
            return float(super().calculateELBO())
        p, q, expected = self.P.params, self.Q.params, self.Q.expectations
        bound = self.lbconst + ((p["a"] - q["a"]) * expected["lnE"]).sum() + self.gammaln
        bound += ((q["b"] - p["b"]) * expected["E"]).sum() - (q["a"] * self.log_rate).sum()
        return float(bound)


class FastBernoulliY(Adopting, Bernoulli_PseudoY_Jaakkola):
    """The pseudo-data of a binary view in which only whole patients are missing."""

    def prepare(self) -> None:
        """Reduce the mask to patients."""
        absent = np.broadcast_to(self.mask, self.dim)[:, 0].copy()
        self.mask = np.broadcast_to(absent[:, None], self.dim)
        self.present = ~absent
        # mofapy2 treats absent patients as zeros when it centres the pseudo-data
        self.signs = 2.0 * self.obs.astype(float) - 1.0
        self.cached: tuple[tuple[int, int], Array, Array] = ((-1, -1), self.signs, self.signs)

    def fitted(self) -> tuple[Array, Array]:
        """Return E[zᵀw] and E[(zᵀw)²], (n, d)."""
        z, w = self.markov_blanket["Z"], self.markov_blanket["W"]
        state = (z.version, w.version)
        if self.cached[0] != state:
            mean, square = z.Q.expectations["E"], z.Q.expectations["E2"]
            product = mean @ w.mean_kd
            both = np.hstack([square, -(mean**2)]) @ np.vstack([w.square_kd, w.mean_kd**2])
            both += product**2
            self.cached = (state, product, both)
        return self.cached[1], self.cached[2]

    def updateParameters(self, ix: Any = None, ro: float | None = None) -> None:
        """Update ζ."""
        self.params["zeta"] = np.sqrt(self.fitted()[1])

    def updateExpectations(self) -> None:
        """Update the pseudo-data (2y − 1) / 4λ(ζ) and centre them."""
        zeta = self.params["zeta"]
        self.four_lambda = np.tanh(0.5 * zeta)
        self.four_lambda /= zeta
        self.E = self.signs / self.four_lambda
        self.means = self.E.mean(axis=0)
        self.E -= self.means

    def weighted(self) -> Array:
        """Return precision × pseudo-data, (n, d), without the patients who lack the view."""
        return np.asarray(self.markov_blanket["Tau"].value * self.E)

    def calculateELBO(self) -> float:
        """Return the view's part of the bound."""
        product, square = self.fitted()
        zeta = self.params["zeta"]
        terms = self.signs * product
        terms -= zeta
        terms *= 0.5
        terms -= np.log1p(np.exp(-zeta))
        terms -= 0.25 * self.four_lambda * (square - zeta**2)
        return float(terms[self.present].sum())


class FastBernoulliTau(Adopting, Tau_Jaakkola):
    """The precision 2λ(ζ) of pseudo-data; zero for patients who lack the view."""

    def precompute(self, options: Any = None) -> None:
        """Set the precision of absent patients to zero."""
        self.value = np.where(self.markov_blanket["Y"].present[:, None], self.value, 0.0)

    def updateExpectations(self) -> None:
        """Take the precision from the pseudo-data's node."""
        y = self.markov_blanket["Y"]
        self.value = 0.5 * y.four_lambda
        self.value[~y.present] = 0.0
