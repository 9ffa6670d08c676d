"""MOFA with several seeds: storage of each fit, choice of one, stability of its factors.

The evidence bound has local optima, so results depend on the start. The first seed starts from
principal components, as mofapy2 does, the others at random. The model with the highest bound is
chosen; a factor that other seeds do not reproduce should not be interpreted.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trdomics.files import replacing
from trdomics.integration.mofa import FittedViews
from trdomics.integration.projection import correlations, factor_names

Array = NDArray[np.floating]


@dataclasses.dataclass(frozen=True)
class SeedModel:
    """One seed's model, with what is needed to choose and describe it.

    Parameters
    ----------
    patients : list of str
        The n patients of the fit.
    features : dict of str to list of str
        By view.
    z : array, shape (n, K)
        Factors.
    w : dict of str to array, shape (d, K)
        Weights by view.
    by_factor : dict of str to array, shape (K,)
        R² of every factor alone, by view.
    together : dict of str to float
        R² of all factors, by view.
    likelihoods : dict of str to str
        By view.
    elbo : array, shape (iterations,)
        The evidence bound.
    converged : bool
        Whether it settled.
    engine : str
        Implementation used for the fit.
    """

    patients: list[str]
    features: dict[str, list[str]]
    z: Array
    w: dict[str, Array]
    by_factor: dict[str, Array]
    together: dict[str, float]
    likelihoods: dict[str, str]
    elbo: Array
    converged: bool
    engine: str

    @classmethod
    def of(cls, fitted: FittedViews) -> SeedModel:
        """Keep the relevant parts of a fit."""
        fit = fitted.fit
        elbo = np.asarray(fit.elbo, dtype=float)
        return cls(
            patients=fitted.patients,
            features=fitted.features,
            z=fit.z,
            w=fit.w,
            by_factor=fitted.by_factor,
            together=fitted.together,
            likelihoods=fitted.likelihoods,
            elbo=elbo[np.isfinite(elbo)],
            converged=bool(fit.converged),
            engine=str(fit.engine),
        )

    @property
    def factors(self) -> list[str]:
        """Names of the factors."""
        return factor_names(self.z.shape[1])

    @property
    def bound(self) -> float:
        """The evidence bound at the end of the fit."""
        return float(self.elbo[-1])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write an .npz without pickled objects; what is no array goes in as JSON."""
        facts = {
            "patients": self.patients,
            "features": self.features,
            "together": self.together,
            "likelihoods": self.likelihoods,
            "converged": self.converged,
            "engine": self.engine,
        }
        stored = {"facts": np.array(json.dumps(facts)), "z": self.z, "elbo": self.elbo}
        for view in self.w:
            stored[f"w/{view}"] = self.w[view]
            stored[f"by_factor/{view}"] = self.by_factor[view]
        with replacing(path) as temporary, temporary.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **stored)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> SeedModel:
        """Read what :meth:`save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            facts = json.loads(str(stored["facts"]))
            views = list(facts["features"])
            return cls(
                z=stored["z"],
                elbo=stored["elbo"],
                w={view: stored[f"w/{view}"] for view in views},
                by_factor={view: stored[f"by_factor/{view}"] for view in views},
                **facts,
            )


def best_seed(models: Mapping[str, SeedModel]) -> str:
    """Return the seed with the highest evidence bound; the first of equal ones."""
    return max(models, key=lambda seed: models[seed].bound)


def models_table(models: Mapping[str, SeedModel], chosen: str) -> pd.DataFrame:
    """Return one row per seed: seed, elbo, n_factors, iterations, converged, engine, chosen."""
    return pd.DataFrame(
        {
            "seed": list(models),
            "elbo": [m.bound for m in models.values()],
            "n_factors": [len(m.factors) for m in models.values()],
            "iterations": [len(m.elbo) for m in models.values()],
            "converged": [int(m.converged) for m in models.values()],
            "engine": [m.engine for m in models.values()],
            "chosen": [int(seed == chosen) for seed in models],
        }
    )


def stability(models: Mapping[str, SeedModel], chosen: str) -> pd.DataFrame:
    """Match each factor of the chosen model with those of every other seed.

    Returns
    -------
    DataFrame
        factor, seed, n_factors and elbo (of that seed), matched (its factor with the highest
        correlation over the patients), r (absolute Pearson correlation with it, 0 to 1). Empty with
        one seed.
    """
    reference = models[chosen]
    rows = []
    for seed, model in models.items():
        if seed == chosen:
            continue
        if model.patients != reference.patients:
            raise ValueError(f"seed {seed} was fitted on different patients from seed {chosen}")
        r = np.abs(correlations(reference.z, model.z))
        matched = r.argmax(axis=1)
        of_seed = (seed, len(model.factors), model.bound)
        rows += [
            (factor, *of_seed, model.factors[best], r[i, best])
            for i, (factor, best) in enumerate(zip(reference.factors, matched, strict=True))
        ]
    return pd.DataFrame(rows, columns=["factor", "seed", "n_factors", "elbo", "matched", "r"])


def factor_table(model: SeedModel) -> pd.DataFrame:
    """Return patient_id, Factor1 … FactorK."""
    table = pd.DataFrame(model.z, columns=model.factors)
    table.insert(0, "patient_id", model.patients)
    return table


def weight_table(model: SeedModel, view: str, symbols: Mapping[str, str]) -> pd.DataFrame:
    """Return feature, symbol, Factor1 … FactorK of a view.

    A layer that gave no view has a table without rows; a feature without a symbol is its own.
    """
    features = model.features.get(view, [])
    weights = model.w[view] if features else np.zeros((0, len(model.factors)))
    table = pd.DataFrame(weights, columns=model.factors)
    table.insert(0, "feature", features)
    table.insert(1, "symbol", [symbols.get(feature, feature) for feature in features])
    return table


def variance_table(model: SeedModel) -> pd.DataFrame:
    """Return view, factor, r2: every factor alone, and all together as the factor "total"."""
    rows = [
        (view, factor, r2)
        for view, values in model.by_factor.items()
        for factor, r2 in zip(
            [*model.factors, "total"], [*values, model.together[view]], strict=True
        )
    ]
    return pd.DataFrame(rows, columns=["view", "factor", "r2"])
