"""The views of MOFA: layers normalised, adjusted for covariates and cut to comparable sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from trdomics.config_types import LayerConfig
from trdomics.layers.normalise import normaliser
from trdomics.layers.residualise import CovariateResidualiser
from trdomics.layers.top_variance import TopVariance
from trdomics.layers.types import DOSAGE_PREFIX, GAUSSIAN, layer_type
from trdomics.tables import LayerTables

# MOFA's authors ask for views of similar size (biofam.github.io/MOFA2/faq.html), since a large view
# dominates the factors. No view may have more than this multiple of the smallest view's features; a
# very small view does not reduce the others below the floor.
LARGEST_RATIO = 10
SIZE_FLOOR = 500


def view_likelihoods(settings: Mapping[str, LayerConfig]) -> dict[str, str]:
    """Return "gaussian" or "bernoulli" by layer, from the layers' settings."""
    return {layer: layer_type(options["type"]).likelihood for layer, options in settings.items()}


class IntegrationViews(TransformerMixin, BaseEstimator):
    """From raw layer tables to MOFA's views, learned only from the patients passed to ``fit``.

    Parameters
    ----------
    settings : mapping of str to mapping
        The config's settings by layer; the layers that become views.
    regress_out : sequence of str
        Columns of the table "clinical" whose linear effects are regressed out of the Gaussian
        views. Binary views are not adjusted.

    Attributes
    ----------
    normalisers_, selections_, residualisers_ : dict of str to estimator
        By layer; residualisers of Gaussian views only, and only with `regress_out`.
    feature_names_ : dict of str to list of str
        The features of each view. A layer left without any is not a view.
    likelihoods_ : dict of str to str
        By view.
    """

    def __init__(
        self,
        settings: Mapping[str, LayerConfig] | None = None,
        regress_out: Sequence[str] = (),
    ) -> None:
        self.settings = settings
        self.regress_out = regress_out

    def fit(self, tables: LayerTables, y: Any = None) -> Self:
        """Learn normalisation, covariate effects and the choice of features.

        Parameters
        ----------
        tables : LayerTables
            Raw layers, and "clinical" when `regress_out` names columns.
        """
        self._fit(tables)
        return self

    def fit_transform(self, tables: LayerTables, y: Any = None, **_: Any) -> LayerTables:
        """Fit, and return the training patients' views without normalising them twice."""
        return self._fit(tables)

    def _fit(self, tables: LayerTables) -> LayerTables:
        settings = self.settings or {}
        self.normalisers_: dict[str, BaseEstimator] = {}
        self.residualisers_: dict[str, BaseEstimator] = {}
        self.selections_: dict[str, BaseEstimator] = {}
        cleaned: dict[str, pd.DataFrame] = {}
        for layer, options in settings.items():
            if layer not in tables or tables[layer].empty:
                continue
            self.normalisers_[layer] = normaliser(options).fit(tables[layer])
            table = self.normalisers_[layer].transform(tables[layer])
            if layer_type(options["type"]).likelihood == GAUSSIAN and len(self.regress_out):
                residualiser = CovariateResidualiser(self.regress_out)
                self.residualisers_[layer] = residualiser.fit(table, tables["clinical"])
                table = residualiser.transform(table, tables["clinical"])
            selection = select(table, options["integration_features"])
            if len(selection.features_):
                self.selections_[layer], cleaned[layer] = selection, table

        sizes = [len(selection.features_) for selection in self.selections_.values()]
        largest = max(SIZE_FLOOR, LARGEST_RATIO * min(sizes, default=0))
        for layer, table in cleaned.items():
            if len(self.selections_[layer].features_) > largest:
                self.selections_[layer] = select(table, largest)
            cleaned[layer] = self.selections_[layer].transform(table)
        self.feature_names_ = {layer: list(table.columns) for layer, table in cleaned.items()}
        self.likelihoods_ = view_likelihoods({layer: settings[layer] for layer in cleaned})
        return LayerTables(cleaned, tables.patients)

    def transform(self, tables: LayerTables) -> LayerTables:
        """Return the views of any patients.

        Parameters
        ----------
        tables : LayerTables
            Raw layers (those not given are missing in all), and "clinical" with `regress_out`.

        Returns
        -------
        LayerTables
            One table of floats without NaN per view. Features that the cohort lacks are left
            out; :class:`trdomics.integration.mofa.MOFATransformer` projects without them.
        """
        check_is_fitted(self, "feature_names_")
        views = {}
        for layer, selection in self.selections_.items():
            if layer not in tables or tables[layer].empty:
                continue
            table = self.normalisers_[layer].transform(tables[layer])
            if layer in self.residualisers_:
                table = self.residualisers_[layer].transform(table, tables["clinical"])
            # what a cohort did not measure is missing: MOFA ignores it
            missing = self.normalisers_[layer].missing_features(tables[layer])
            views[layer] = selection.transform(table).drop(columns=missing, errors="ignore")
        return LayerTables(views, tables.patients)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return "<layer>:<feature>" of all views."""
        check_is_fitted(self, "feature_names_")
        return np.array(
            [f"{layer}:{name}" for layer, names in self.feature_names_.items() for name in names]
        )


def select(table: pd.DataFrame, n_features: int) -> TopVariance:
    """Choose a view's most variable features, without constant ones and candidate dosages.

    Dosages are for the classifier; they do not fit a view of zeros and ones.
    """
    return TopVariance(n_features, exclude_prefix=DOSAGE_PREFIX).fit(table)


def overview(views: LayerTables, estimator: IntegrationViews) -> pd.DataFrame:
    """Return a row per layer: view, likelihood, patients, features, reason (if not a view)."""
    check_is_fitted(estimator, "feature_names_")
    rows = []
    for layer, options in (estimator.settings or {}).items():
        features = len(estimator.feature_names_.get(layer, []))
        rows.append(
            {
                "view": layer,
                "likelihood": layer_type(options["type"]).likelihood,
                "patients": len(views[layer]) if layer in views else 0,
                "features": features,
                "reason": None if features else "no feature of this layer varies between patients",
            }
        )
    return pd.DataFrame(rows)
