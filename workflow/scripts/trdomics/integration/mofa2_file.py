"""The HDF5 file of a fitted MOFA model, in the layout that MOFA2 (R) and mofax read."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import h5py
import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from trdomics.integration.engine import Array, MOFAFit
from trdomics.integration.projection import pseudo_data

# The only group of patients; MOFA2 calls it so.
GROUP = "group1"
# mofapy2 uses 9, which costs seconds per file and saves a few per cent
COMPRESSION: dict[str, Any] = {"compression": "gzip", "compression_opts": 4}


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
    """Return names that are unique across views, as MOFA2 requires."""
    views_with = Counter(name for names in feature_names.values() for name in set(names))
    return {
        view: [f"{name}_{view}" if views_with[name] > 1 else str(name) for name in names]
        for view, names in feature_names.items()
    }


def write_mofa2(
    fit: MOFAFit,
    path: str | os.PathLike[str],
    feature_names: Mapping[str, Sequence[str]],
    patients: Sequence[str],
) -> None:
    """Write the HDF5 file that MOFA2 (R) and mofax read, with the expectations W, Z and Tau.

    Parameters
    ----------
    feature_names : mapping of str to sequence of str
        By view. MOFA2 needs names that differ between views: one that occurs in several is
        written as <name>_<view>.
    patients : sequence of str
        In the order of `fit.z`.

    Raises
    ------
    ValueError
        If there are not as many names as features or patients.
    """
    views = list(fit.w)
    names = unique_names({view: feature_names[view] for view in views})
    for view in views:
        if len(names[view]) != len(fit.w[view]):
            raise ValueError(f"{len(names[view])} names for {len(fit.w[view])} features of {view}")
    if len(patients) != len(fit.z):
        raise ValueError(f"{len(patients)} names for {len(fit.z)} patients")
    text = h5py.string_dtype(encoding="utf-8")

    with h5py.File(path, "w") as file:

        def put(where: str, values: Any) -> None:
            file.create_dataset(where, data=values, **COMPRESSION)

        def put_text(where: str, values: Sequence[str]) -> None:
            file.create_dataset(where, data=np.array([str(v) for v in values], dtype=text))

        put_text("groups/groups", [GROUP])
        put_text("views/views", views)
        put_text(f"samples/{GROUP}", patients)
        put(f"expectations/Z/{GROUP}", fit.z.T)
        r2: list[Array] = []
        r2_total: list[float] = []
        for view in views:
            known, intercepts = fit.data[view], fit.intercepts[view]
            values, tau = known, fit.tau[view]
            if fit.likelihoods[view] == "bernoulli":
                values, tau = pseudo_data(known, fit.z, fit.z_variance, fit.w[view], fit.w2[view])
                values = values - intercepts
            put_text(f"features/{view}", names[view])
            put(f"expectations/W/{view}", fit.w[view].T)
            put(f"expectations/Tau/{view}/{GROUP}", np.where(np.isnan(known), np.nan, tau))
            put(f"data/{view}/{GROUP}", known)
            put(f"intercepts/{view}/{GROUP}", intercepts)
            together, alone = variance_explained(values, fit.z, fit.w[view])
            r2.append(100 * alone)
            r2_total.append(100 * together)
        put(f"variance_explained/r2_per_factor/{GROUP}", np.array(r2))
        put(f"variance_explained/r2_total/{GROUP}", np.array(r2_total))

        options = {
            "likelihoods": [fit.likelihoods[view] for view in views],
            "spikeslab_factors": False,
            "spikeslab_weights": True,
            "ard_factors": False,
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
        # not the current time: the same fit gives the same file
        put("training_stats/time", np.zeros(iterations))


def add_samples_metadata(path: str | os.PathLike[str], table: pd.DataFrame) -> None:
    """Add what is known of the patients to a model's file: MOFA2's `samples_metadata`.

    Parameters
    ----------
    path : path
        A file that :func:`write_mofa2` wrote.
    table : DataFrame
        Indexed by patient id: numbers, and texts where a column has any; patients outside the
        model are left out. MOFA2 wants the columns `sample` and `group`, which are added.

    Raises
    ------
    KeyError
        If a patient of the model is not in the table.
    """
    text = h5py.string_dtype(encoding="utf-8")
    with h5py.File(path, "r+") as file:
        samples = list(file[f"samples/{GROUP}"].asstr())
        table = table.loc[samples].assign(sample=samples, group=GROUP)
        for name, column in table.items():
            values = (
                column.to_numpy(dtype=float)
                if is_numeric_dtype(column)
                else column.fillna("NA").astype(str).to_numpy(dtype=text)
            )
            # a slash would open a group inside the file
            where = str(name).replace("/", "_")
            file.create_dataset(f"samples_metadata/{GROUP}/{where}", data=values)
