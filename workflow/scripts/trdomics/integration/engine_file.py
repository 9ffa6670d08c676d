"""The HDF5 file of a fitted MOFA model, in the layout that MOFA2 (R) and mofax read."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from trdomics.integration.engine import MOFAFit

Array = NDArray[np.floating]

# mofapy2 takes 9, which costs seconds per file and saves a few per cent
COMPRESSION: dict[str, Any] = {"compression": "gzip", "compression_opts": 4}


def pseudo_data(fit: MOFAFit, view: str) -> tuple[Array, Array]:
    """Return a Bernoulli view's centred pseudo-data and their precision, both (n, d)."""
    z, w, w2 = fit.z, fit.w[view], fit.w2[view]
    z2 = z**2 + fit.z_variance
    zeta2 = (z @ w.T) ** 2 - z**2 @ (w**2).T + z2 @ w2.T
    zeta = np.sqrt(np.maximum(zeta2, np.finfo(zeta2.dtype).eps))
    bound = np.tanh(zeta / 2) / (4 * zeta)
    return (2 * fit.data[view] - 1) / (4 * bound) - by_patient(fit, view), 2 * bound


def by_patient(fit: MOFAFit, view: str) -> Array:
    """Return the intercepts as they apply to each patient: (1, d), or (n, d) with groups."""
    intercepts = np.atleast_2d(fit.intercepts[view])
    if len(intercepts) == 1:
        return intercepts
    return np.asarray(intercepts[np.unique(fit.groups, return_inverse=True)[1]])


def variance_explained(y: Array, z: Array, w: Array) -> tuple[float, Array]:
    """Return mofapy2's R² of all factors together and of each, shape (K,), on values with NaN."""
    known = ~np.isnan(y)
    y = np.where(known, y, 0)
    total = float((y**2).sum())
    if total == 0:
        return np.nan, np.full(z.shape[1], np.nan)
    together = 1 - float((((z @ w.T) * known - y) ** 2).sum()) / total
    # Σ(y − z_k w_k)² = Σy² − 2 z_kᵀ y w_k + Σ z_k² w_k² over the known values
    shared = np.einsum("nk,nk->k", z, y @ w)
    fitted = np.einsum("nk,nk->k", z**2, known @ (w**2))
    return together, (2 * shared - fitted) / total


def unique_names(feature_names: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return names that occur in one view only, as MOFA2 wants them."""
    views_with = Counter(name for names in feature_names.values() for name in set(names))
    return {
        view: [f"{name}_{view}" if views_with[name] > 1 else str(name) for name in names]
        for view, names in feature_names.items()
    }


def write_fit(
    fit: MOFAFit,
    path: str | os.PathLike[str],
    feature_names: Mapping[str, Sequence[str]],
    patients: Sequence[str],
) -> None:
    """Write the file; see :meth:`trdomics.integration.engine.MOFAFit.save`."""
    views, groups = list(fit.w), [str(group) for group in np.unique(fit.groups)]
    names = unique_names({view: feature_names[view] for view in views})
    for view in views:
        if len(names[view]) != len(fit.w[view]):
            raise ValueError(f"{len(names[view])} names for {len(fit.w[view])} features of {view}")
    if len(patients) != len(fit.z):
        raise ValueError(f"{len(patients)} names for {len(fit.z)} patients")
    rows = {group: np.flatnonzero(fit.groups == group) for group in groups}
    text = h5py.string_dtype(encoding="utf-8")

    with h5py.File(path, "w") as file:

        def put(where: str, values: Any) -> None:
            file.create_dataset(where, data=values, **COMPRESSION)

        def put_text(where: str, values: Sequence[str]) -> None:
            file.create_dataset(where, data=np.array([str(v) for v in values], dtype=text))

        put_text("groups/groups", groups)
        put_text("views/views", views)
        for group in groups:
            put_text(f"samples/{group}", [patients[int(i)] for i in rows[group]])
            put(f"expectations/Z/{group}", fit.z[rows[group]].T)
        r2: dict[str, list[Array]] = {group: [] for group in groups}
        r2_total: dict[str, list[float]] = {group: [] for group in groups}
        for view in views:
            put_text(f"features/{view}", names[view])
            put(f"expectations/W/{view}", fit.w[view].T)
            bernoulli = fit.likelihoods[view] == "bernoulli"
            values, tau = fit.data[view], np.atleast_2d(fit.tau[view])
            if bernoulli:
                values, tau = pseudo_data(fit, view)
            intercepts = np.atleast_2d(fit.intercepts[view])
            for g, group in enumerate(groups):
                here = rows[group]
                known = fit.data[view][here]
                precision = tau[here] if bernoulli else tau[min(g, len(tau) - 1)]
                put(
                    f"expectations/Tau/{view}/{group}", np.where(np.isnan(known), np.nan, precision)
                )
                put(f"data/{view}/{group}", known)
                put(f"intercepts/{view}/{group}", intercepts[min(g, len(intercepts) - 1)])
                together, alone = variance_explained(values[here], fit.z[here], fit.w[view])
                r2[group].append(100 * alone)
                r2_total[group].append(100 * together)
        for group in groups:
            put(f"variance_explained/r2_per_factor/{group}", np.array(r2[group]))
            put(f"variance_explained/r2_total/{group}", np.array(r2_total[group]))

        options = {
            "likelihoods": [fit.likelihoods[view] for view in views],
            "spikeslab_factors": False,
            "spikeslab_weights": True,
            "ard_factors": len(groups) > 1,
            "ard_weights": True,
        }
        for option, value in options.items():
            file.create_dataset(f"model_options/{option}", data=np.asarray(value).astype("S"))
        file["model_options/ard_weights"].attrs["names"] = np.array(list(options), dtype="S")
        training = {"maxiter": len(fit.elbo), "stochastic": 0.0, "seed": fit.seed}
        file.create_dataset("training_opts", data=np.array(list(training.values()), dtype=float))
        file["training_opts"].attrs["names"] = np.array(list(training), dtype="S")
        iterations = len(fit.elbo)
        put("training_stats/elbo", fit.elbo)
        put("training_stats/number_factors", np.full(iterations, float(fit.z.shape[1])))
        # not the clock's: the same fit gives the same file
        put("training_stats/time", np.zeros(iterations))
