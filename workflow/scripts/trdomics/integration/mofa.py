"""MOFA as a scikit-learn estimator: fitted on training patients, applied to any."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from trdomics.integration.engine import MOFAFit, fit_mofa
from trdomics.integration.projection import (
    Array,
    MOFAProjection,
    arrays,
    correlations,
    profiled,
    variance_explained,
)
from trdomics.tables import LayerTables

# A factor that explains less than this share of every view has been switched off by MOFA's
# relevance prior.
INACTIVE = 1e-3


def signs(w: Mapping[str, Array]) -> Array:
    """Return the signs that make each factor's largest |weight| positive, shape (K,).

    The sign of a factor is not identified. Weights are compared in units of their view's largest
    one, so that the view with the largest scale does not dominate.
    """
    scaled = [weights / max(np.abs(weights).max(), 1e-300) for weights in w.values()]
    stacked = np.concatenate(scaled)
    largest = stacked[np.abs(stacked).argmax(axis=0), np.arange(stacked.shape[1])]
    return np.where(largest < 0, -1.0, 1.0)


def explained(
    fit: MOFAFit, values: Mapping[str, Array], likelihoods: Mapping[str, str]
) -> tuple[dict[str, Array], dict[str, float]]:
    """Return R² by view: of every factor of a fit alone, shape (K,), and of all together."""
    return variance_explained(
        values,
        fit.z,
        fit.z_variance,
        w=fit.w,
        w2=fit.w2,
        intercepts=fit.intercepts,
        likelihoods=likelihoods,
    )


def arranged(
    fit: MOFAFit, values: Mapping[str, Array], likelihoods: Mapping[str, str]
) -> tuple[MOFAFit, dict[str, Array], dict[str, float]]:
    """Bring a fit's factors into a standard form: active, ordered, with fixed signs.

    Factors are ordered by the sum over views of the variance they explain, as mofapy2 does in its
    files. If none is active the strongest is kept.

    Parameters
    ----------
    values : mapping of str to array, shape (n, d)
        What it was fitted on.
    likelihoods : mapping of str to str
        By view.

    Returns
    -------
    fit : MOFAFit
        A copy with the arrays of factors rearranged.
    by_factor : dict of str to array, shape (K,)
        R² of each factor by view, in the new order.
    together : dict of str to float
        R² of all kept factors by view.
    """
    by_factor, _ = explained(fit, values, likelihoods)
    r2 = np.stack(list(by_factor.values()))
    order = np.argsort(-r2.sum(axis=0), kind="stable")
    active = order[(r2[:, order] >= INACTIVE).any(axis=0)]
    kept = active if len(active) else order[:1]
    flip = signs({view: w[:, kept] for view, w in fit.w.items()})
    fit = dataclasses.replace(
        fit,
        z=fit.z[:, kept] * flip,
        z_variance=fit.z_variance[:, kept],
        w={view: w[:, kept] * flip for view, w in fit.w.items()},
        w2={view: w2[:, kept] for view, w2 in fit.w2.items()},
    )
    return fit, *explained(fit, values, likelihoods)


@dataclasses.dataclass(frozen=True)
class FittedViews:
    """A MOFA model in standard form, and the data of its fit."""

    fit: MOFAFit
    patients: list[str]
    features: dict[str, list[str]]
    likelihoods: dict[str, str]
    by_factor: dict[str, Array]
    together: dict[str, float]


def fit_views(views: LayerTables, likelihoods: Mapping[str, str], **options: Any) -> FittedViews:
    """Fit MOFA on the patients who have any view.

    Parameters
    ----------
    views : LayerTables
        Patients × features by view, without NaN; tables without features or without a
        likelihood are left out.
    likelihoods : mapping of str to {"gaussian", "bernoulli"}
        By view.
    **options
        Of :func:`trdomics.integration.engine.fit_mofa`.

    Raises
    ------
    ValueError
        If no view is left, or one has missing values.
    """
    features = {
        view: [str(name) for name in views[view].columns]
        for view in views
        if view in likelihoods and views[view].size
    }
    if not features:
        raise ValueError("MOFA needs a view with features and a likelihood")
    values = arrays(views, features)
    has_any = np.any([profiled(v, view) for view, v in values.items()], axis=0)
    values = {view: v[has_any] for view, v in values.items()}
    used = {view: likelihoods[view] for view in features}
    fit = fit_mofa(values, used, **options)
    fit, by_factor, together = arranged(fit, values, used)
    patients = [str(patient) for patient in views.patients[has_any]]
    return FittedViews(fit, patients, features, used, by_factor, together)


class MOFATransformer(TransformerMixin, BaseEstimator, MOFAProjection):
    """Multi-omics factor analysis (Argelaguet et al. 2018, 2020) with exact projection.

    ``fit_transform`` and ``transform`` are the same function: the posterior mean of the factors
    given the fitted weights and precisions. So training and new patients are treated alike.

    Parameters
    ----------
    n_factors : int
        Initial number of factors; those that stay inactive are dropped in ``fit``.
    likelihoods : mapping of str to {"gaussian", "bernoulli"}
        By view. Other tables are ignored.
    convergence : {"fast", "medium", "slow"}
        mofapy2's tolerances on the evidence bound.

    Attributes
    ----------
    w_, w2_ : dict of str to array, shape (d, K)
        E[W] and E[W²] by view, in the units of its values.
    tau_, intercepts_ : dict of str to array, shape (d,)
        Noise precisions, and the means subtracted from the features, by view.
    feature_names_ : dict of str to list of str
        The features of each view.
    variance_explained_ : dict of str to array, shape (K,)
        R² of each factor by view.
    elbo_ : array, shape (iterations,)
        The evidence bound at every iteration.
    converged_ : bool
        Whether it settled within `max_iterations`.
    agreement_ : array, shape (K,)
        Correlation of each projected factor with mofapy2's own, over the training patients.
        Below 1 if the coordinate-wise updates had not converged when the fit stopped.
    """

    def __init__(
        self,
        n_factors: int = 10,
        likelihoods: Mapping[str, str] | None = None,
        seed: int = 1,
        max_iterations: int = 500,
        convergence: str = "medium",
    ) -> None:
        self.n_factors = n_factors
        self.likelihoods = likelihoods
        self.seed = seed
        self.max_iterations = max_iterations
        self.convergence = convergence

    def fit(self, views: LayerTables, y: Any = None) -> Self:
        """Fit the model on the patients who have any view.

        Parameters
        ----------
        views : LayerTables
            Patients × features by view, without NaN; patients may lack views.

        Raises
        ------
        ValueError
            If no table is one of `likelihoods`, or a table has NaN.
        """
        fitted = fit_views(
            views,
            self.likelihoods or {},
            n_factors=self.n_factors,
            seed=self.seed,
            max_iterations=self.max_iterations,
            convergence=self.convergence,
        )
        fit = fitted.fit
        self.feature_names_ = fitted.features
        self.likelihoods_ = fitted.likelihoods
        self.w_, self.w2_, self.tau_ = fit.w, fit.w2, fit.tau
        self.intercepts_ = fit.intercepts
        self.variance_explained_ = fitted.by_factor
        self.elbo_ = np.asarray(fit.elbo)
        self.converged_ = bool(fit.converged)
        trained = views.select(pd.Index(fitted.patients))
        z = self._project(trained)
        self.agreement_ = np.diag(correlations(z, fit.z)).copy()
        return self

    def transform(self, views: LayerTables) -> pd.DataFrame:
        """Project patients; see :class:`trdomics.integration.projection.MOFAProjection`."""
        check_is_fitted(self, "w_")
        return super().transform(views)
