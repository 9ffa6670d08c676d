"""mofapy2's nodes with the same updates by fewer products.

mofapy2 multiplies patients × features × factors once per *factor*. If only whole patients are
missing, everything it needs of a Gaussian view's Y is in YᵀZ and Y(τW), each computed once per
iteration: for factor k the W update's cross term is τ_d Σ_{j≠k} E[w_dj] (ZᵀZ)_jk, the Z update's is
Σ_{j≠k} z_nj (WᵀTW)_jk, and the τ update's residual is ‖y_d‖² − 2 w·(Zᵀy_d) + wᵀ(ZᵀZ)w + Σ_k
(E[w²]Σ_n E[z²] − E[w]²Σ_n E[z]²). A Bernoulli view's precision differs by patient and feature;
there ZᵀZ becomes the products of all pairs of factors, multiplied with the precision once.

Only Y keeps mofapy2's precision (float32 on request): the small matrices are float64.
Matrices of weights are stored factor by factor, (K, d), and handed to mofapy2 transposed.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

with warnings.catch_warnings():
    # importing mofapy2 switches the warnings of the whole process off
    from mofapy2.core.nodes.W_nodes import SW_Node
    from mofapy2.core.nodes.Z_nodes import Z_Node

from trdomics.integration.nodes_data import (
    Adopting,
    FastBernoulliTau,
    FastBernoulliY,
    FastY,
    padded,
)

Array = NDArray[np.floating]

# elements of a block of K × K cross terms: bounds the memory of Bernoulli views
BLOCK = 1 << 21


def pairs(rows: Array) -> tuple[Array, NDArray[np.intp]]:
    """Return the products of all pairs of rows of (K, m), and the index of pair (i, j), (K, K)."""
    k = len(rows)
    first, second = np.triu_indices(k, 1)
    where = np.full((k, k), len(first))
    where[first, second] = where[second, first] = np.arange(len(first))
    return rows[first] * rows[second], where


def spread(products: Array, where: NDArray[np.intp]) -> Array:
    """Return (pairs, m) as (K, K, m), with zeros on the diagonal."""
    return np.concatenate([products, np.zeros((1, products.shape[1]))])[where]


class FastW(Adopting, SW_Node):
    """Weights with a spike-and-slab prior and relevance by factor."""

    def prepare(self) -> None:
        """Convert to float64, factor by factor."""
        start, moments = self.Q.params, self.Q.expectations
        self.slab, self.variance, self.chosen = (
            np.array(start[name].T, dtype=float, order="C")
            for name in ("mean_B1", "var_B1", "theta")
        )
        self.mean_kd, self.square_kd = (
            np.array(moments[name].T, dtype=float, order="C") for name in ("E", "E2")
        )
        self.spread_off = np.array(start["var_B0"].T[:, :1], dtype=float)
        self.log_variance = np.log(self.variance)
        self.version = 0
        self.publish()

    def publish(self) -> None:
        """Pass the state to mofapy2 in its shapes."""
        off = (1.0 - self.chosen) * self.spread_off
        self.Q.params = {"mean_B1": self.slab.T, "var_B1": self.variance.T, "theta": self.chosen.T}
        self.Q.expectations = {
            "E": self.mean_kd.T,
            "EB": self.chosen.T,
            "EN": self.slab.T,
            "E2": self.square_kd.T,
            "ENN": (self.square_kd + off).T,
        }

    def updateParameters(self, ix: Any = None, ro: float = 1.0) -> None:
        """Update factor after factor, each given the others."""
        relevance = np.asarray(self.markov_blanket["AlphaW"].Q.expectations["E"], dtype=float)
        theta = self.markov_blanket["ThetaW"].Q.expectations
        odds = theta["lnE"] - theta["lnEInv"] + 0.5 * np.log(relevance)
        self.spread_off = 1.0 / relevance[:, None]
        if isinstance(self.markov_blanket["Y"], FastY):
            self.update_gaussian(relevance, odds)
        else:
            self.update_bernoulli(relevance, odds)

    def update_gaussian(self, relevance: Array, odds: Array) -> None:
        """Update from YᵀZ and ZᵀZ."""
        tau = self.markov_blanket["Tau"].Q.expectations["E"][0]
        zy, zz, z2 = self.markov_blanket["Y"].moments()
        others = zz * (1 - np.eye(len(zz)))

        def cross(k: int, mean: Array) -> Array:
            return np.asarray((others[k] @ mean) * tau)

        self.sweep(slice(None), np.multiply.outer(z2, tau), zy * tau, cross, relevance, odds)

    def update_bernoulli(self, relevance: Array, odds: Array) -> None:
        """Update from the products of pairs of factors and the precisions of the pseudo-data."""
        y, tau = self.markov_blanket["Y"], self.markov_blanket["Tau"].value
        z = self.markov_blanket["Z"].Q.expectations
        precision, target = z["E2"].T @ tau, z["E"].T @ y.weighted()
        products, where = pairs(z["E"].T)
        step = max(1, BLOCK // where.size)
        for start in range(0, self.dim[0], step):
            block = slice(start, start + step)
            terms = spread(products @ tau[:, block], where)

            def cross(k: int, mean: Array, terms: Array = terms) -> Array:
                return np.asarray(np.einsum("jd,jd->d", terms[k], mean))

            self.sweep(block, precision[:, block], target[:, block], cross, relevance, odds)

    def sweep(
        self,
        block: slice,
        precision: Array,
        target: Array,
        cross: Any,
        relevance: Array,
        odds: Array,
    ) -> None:
        """Go through the factors for a block of features."""
        precision = precision + relevance[:, None]
        logs = np.log(precision)
        self.variance[:, block] = 1.0 / precision
        self.log_variance[:, block] = -logs
        base = odds[:, None] - 0.5 * logs
        mean = self.mean_kd[:, block]
        for k in range(len(mean)):
            rest = target[k] - cross(k, mean)
            slab = rest * self.variance[k, block]
            rest *= slab
            rest *= 0.5
            rest += base[k]
            np.negative(rest, out=rest)
            np.exp(rest, out=rest)
            rest += 1.0
            chosen = np.reciprocal(rest, out=rest)
            self.slab[k, block], self.chosen[k, block] = slab, chosen
            np.multiply(slab, chosen, out=mean[k])

    def updateExpectations(self, dist: str = "Q") -> None:
        """Update E[W²]; E[W] was updated in the sweep."""
        np.square(self.slab, out=self.square_kd)
        self.square_kd += self.variance
        self.square_kd *= self.chosen
        self.version += 1
        self.publish()

    def calculateELBO(self) -> float:
        """Return the weights' part of the bound."""
        alpha = self.markov_blanket["AlphaW"].Q.expectations
        theta = self.markov_blanket["ThetaW"].Q.expectations
        relevance = np.asarray(alpha["E"], dtype=float)
        k, d = self.chosen.shape
        sizes = self.chosen.sum(axis=1)
        squares = self.Q.expectations["ENN"].sum(axis=0)
        slabs = np.einsum("kd,kd->", self.chosen, self.log_variance)
        bound = 0.5 * (d * np.sum(alpha["lnE"], dtype=float) - relevance @ squares + k * d)
        bound += 0.5 * (slabs - (d - sizes) @ np.log(relevance))
        bound += sizes @ theta["lnE"] + (d - sizes) @ theta["lnEInv"]
        for share in (self.chosen, 1.0 - self.chosen):
            # 0 · ln 0 = 0
            bound -= np.einsum("kd,kd->", share, np.log(np.maximum(share, np.finfo(float).tiny)))
        return float(bound)


class FastZ(Adopting, Z_Node):
    """Factors with a standard normal prior."""

    def prepare(self) -> None:
        """Go to float64."""
        for distribution in (self.P, self.Q):
            distribution.params = {key: a.astype(float) for key, a in distribution.params.items()}
            distribution.updateExpectations()
        self.version = 0

    def updateParameters(self, ix: Any = None, ro: float = 1.0) -> None:
        """Update factor after factor, each given the others."""
        views = list(
            zip(
                self.markov_blanket["Y"].nodes,
                self.markov_blanket["W"].nodes,
                self.markov_blanket["Tau"].nodes,
                strict=True,
            )
        )
        gaussian = [view for view in views if isinstance(view[0], FastY)]
        binary = [view for view in views if not isinstance(view[0], FastY)]
        n, k = self.dim
        target = np.zeros((n, k))
        moments = []
        for y, w, tau in gaussian:
            noise = tau.Q.expectations["E"][0]
            weighted = w.mean_kd * noise
            target += (y.value @ padded(weighted, y.value.dtype).T)[:, :k]
            moment = weighted @ w.mean_kd.T
            np.fill_diagonal(moment, w.square_kd @ noise)
            moments.append(moment)
        for y, w, _ in binary:
            target += y.weighted() @ w.mean_kd.T

        mean = np.empty((n, k))
        variance = np.empty((n, k))
        for rows, has in self.patterns([y for y, _, _ in gaussian]):
            precision = sum((moments[m] for m in np.flatnonzero(has)), start=np.zeros((k, k)))
            precision[np.diag_indices(k)] += 1.0
            step = max(1, BLOCK // k**2) if binary else len(rows)
            for start in range(0, len(rows), step):
                block = rows[start : start + step]
                update = self.by_patient if binary else self.together
                mean[block], variance[block] = update(block, target[block], precision, binary)
        self.Q.params = {"mean": mean, "var": variance}

    def patterns(self, gaussian: list[FastY]) -> list[tuple[NDArray[np.intp], NDArray[np.bool_]]]:
        """Return sets of patients who have the same Gaussian views: rows, views."""
        if not hasattr(self, "found"):
            everyone = np.ones(self.dim[0], dtype=bool)
            has = np.column_stack([everyone, *(y.present for y in gaussian)])
            kinds, kind = np.unique(has, axis=0, return_inverse=True)
            self.found = [
                (np.flatnonzero(kind.ravel() == i), views[1:]) for i, views in enumerate(kinds)
            ]
        return self.found

    def together(
        self, rows: NDArray[np.intp], target: Array, precision: Array, _: Any
    ) -> tuple[Array, Array]:
        """Update patients with one precision: a sweep over the factors is a triangular solve."""
        old = self.Q.params["mean"][rows]
        rest = target.T - np.triu(precision, 1) @ old.T
        mean = solve_triangular(precision, rest, lower=True, check_finite=False).T
        return mean, np.broadcast_to(1.0 / np.diag(precision), mean.shape)

    def by_patient(
        self,
        rows: NDArray[np.intp],
        target: Array,
        precision: Array,
        binary: list[tuple[FastBernoulliY, FastW, FastBernoulliTau]],
    ) -> tuple[Array, Array]:
        """Update patients with individual precisions, those of pseudo-data."""
        k = len(precision)
        diagonal = np.repeat(np.diag(precision)[:, None], len(rows), axis=1)
        off = np.repeat((precision * (1 - np.eye(k)))[:, :, None], len(rows), axis=2)
        for _, w, tau in binary:
            noise = tau.value[rows].T
            products, where = pairs(w.mean_kd)
            off += spread(products @ noise, where)
            diagonal += w.square_kd @ noise
        mean = self.Q.params["mean"][rows].T.copy()
        for j in range(k):
            mean[j] = (target[:, j] - np.einsum("in,in->n", off[j], mean)) / diagonal[j]
        return mean.T, 1.0 / diagonal.T

    def updateExpectations(self, dist: str = "Q") -> None:
        """Update both moments."""
        super().updateExpectations(dist)
        self.version += 1
