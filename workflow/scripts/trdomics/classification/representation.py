"""From raw layer tables to the blocks of the classifiers, learned from training patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self, cast

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from trdomics.classification.block_estimators import ColumnBlock, LayerBlock, standard_scale
from trdomics.classification.feature_blocks import FittedView
from trdomics.classification.feature_sets import PRESENCE
from trdomics.classification.fitted_representation import (
    FittedRepresentation,
    columns_of,
    has_any,
)
from trdomics.config_types import FitConfig, LayerConfig
from trdomics.integration.mofa import MOFATransformer
from trdomics.integration.views import IntegrationViews
from trdomics.layers.normalise import already_normalised, normaliser
from trdomics.layers.types import DOSAGE_PREFIX, layer_part
from trdomics.tables import CLINICAL, LayerTables


class MultiOmicsRepresentation(TransformerMixin, BaseEstimator, FittedRepresentation):
    """From layer tables to blocks, learned only from the patients passed to ``fit``.

    Each layer is normalised once; the normalised table feeds both the layer's own block and
    MOFA's views. Labels are not used, so one fitted representation serves all labels.

    Parameters
    ----------
    layers : mapping of str to mapping
        Settings by layer, see :func:`layer_parameters`.
    columns : mapping of str to sequence of str
        Groups of the sheet's columns, each a block: ``{"clinical": [...], "confounders": [...]}``.
        Those of the group ``layers_present`` are layers: 1 for patients who have one, otherwise 0.
    regress_out : sequence of str
        Columns whose effects are regressed out of the layers' blocks.
    mofa : mapping, optional
        Parameters of :class:`MOFATransformer` except ``likelihoods``; None for no such block.
    mofa_regress_out : sequence of str
        Columns whose effects are regressed out of MOFA's views.
    derived : sequence of str
        Derived tables, each a block.
    panels : mapping of str to mapping of str to sequence of str
        Features of each panel by layer, as its normaliser names them; each panel is a block.

    Attributes
    ----------
    As :class:`trdomics.classification.fitted_representation.FittedRepresentation`.
    """

    def __init__(
        self,
        layers: Mapping[str, LayerConfig] | None = None,
        columns: Mapping[str, Sequence[str]] | None = None,
        categorical: Sequence[str] = (),
        regress_out: Sequence[str] = (),
        mofa: Mapping[str, Any] | None = None,
        mofa_regress_out: Sequence[str] = (),
        derived: Sequence[str] = (),
        panels: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
    ) -> None:
        self.layers = layers
        self.columns = columns
        self.categorical = categorical
        self.regress_out = regress_out
        self.mofa = mofa
        self.mofa_regress_out = mofa_regress_out
        self.derived = derived
        self.panels = panels

    def fit(self, tables: LayerTables, y: Any = None) -> Self:
        """Learn all blocks."""
        self.fit_transform(tables)
        return self

    def fit_transform(self, tables: LayerTables, y: Any = None, **_: Any) -> LayerTables:
        """Fit, and return the training patients' blocks without normalising them twice."""
        self.normalisers_: dict[str, BaseEstimator] = {}
        self.layer_blocks_: dict[str, BaseEstimator] = {}
        normalised: dict[str, pd.DataFrame] = {}
        for layer, settings in (self.layers or {}).items():
            if layer not in tables or tables[layer].empty:
                continue
            self.normalisers_[layer] = normaliser(settings).fit(tables[layer])
            normalised[layer] = self.normalisers_[layer].transform(tables[layer])
            block = LayerBlock(settings["model_features"], self.regress_out, self.categorical)
            self.layer_blocks_[layer] = block.fit(normalised[layer], tables.get(CLINICAL))
        self.panel_blocks_ = {
            panel: {
                layer: LayerBlock(len(names), self.regress_out, self.categorical).fit(
                    normalised[layer][names], tables.get(CLINICAL)
                )
                for layer, listed in by_layer.items()
                if layer in normalised
                and (names := [name for name in listed if name in normalised[layer]])
            }
            for panel, by_layer in (self.panels or {}).items()
        }
        self.column_blocks_ = {
            name: ColumnBlock(columns, self.categorical).fit(columns_of(name, tables))
            for name, columns in (self.columns or {}).items()
            if len(columns)
        }
        self.derived_blocks_ = {
            name: ColumnBlock(list(tables[name].columns)).fit(tables[name])
            for name in self.derived
            if name in tables and not tables[name].empty
        }
        self.views_: dict[str, FittedView] = {}
        self.mofa_: Any = None
        self.factor_means_ = self.factor_scales_ = np.zeros(0)
        if self.mofa is not None:
            self._fit_mofa(self._with_sheet(normalised, tables))
        return self._blocks(normalised, normalised, tables)

    def transform(self, tables: LayerTables) -> LayerTables:
        """Return the blocks of any patients, see :class:`FittedRepresentation`."""
        check_is_fitted(self, "normalisers_")
        return super().transform(tables)

    def _with_sheet(
        self, normalised: Mapping[str, pd.DataFrame], tables: LayerTables
    ) -> LayerTables:
        sheet = {CLINICAL: tables[CLINICAL]} if CLINICAL in tables else {}
        return LayerTables({**normalised, **sheet}, tables.patients)

    def _fit_mofa(self, normalised: LayerTables) -> None:
        settings = {
            layer: already_normalised(options["type"])
            | {"integration_features": options["integration_features"]}
            for layer, options in (self.layers or {}).items()
            if layer in normalised and _has_view(normalised[layer])
        }
        if not settings:
            return
        views = IntegrationViews(settings, self.mofa_regress_out)
        values = views.fit_transform(normalised)
        self.mofa_ = MOFATransformer(likelihoods=views.likelihoods_, **(self.mofa or {}))
        self.mofa_.fit(values)
        self.views_ = {
            name: FittedView(features, effects and effects.of(features))
            for name, features in self.mofa_.feature_names_.items()
            for effects in [views.residualisers_.get(name)]
        }
        factors = self.mofa_.transform(values)
        self.factor_means_, self.factor_scales_ = standard_scale(
            factors[has_any(values)].to_numpy()
        )


def _has_view(table: pd.DataFrame) -> bool:
    """Return whether a normalised layer has a feature for MOFA; dosages have none."""
    values = table.loc[:, ~table.columns.str.startswith(DOSAGE_PREFIX)].to_numpy()
    return bool(values.size and (np.ptp(values, axis=0) > 0).any())


def layer_parameters(settings: LayerConfig) -> LayerConfig:
    """Return those of a layer's settings that its model depends on: no paths or column names."""
    sizes = ("model_features", "integration_features")
    own = cast("LayerConfig", normaliser(settings).get_params())
    return {"type": settings["type"], **own, **layer_part(settings, sizes)}


def representation(config: FitConfig, incomplete: Sequence[str] = ()) -> MultiOmicsRepresentation:
    """Return the unfitted representation of a cohort.

    Parameters
    ----------
    config : mapping
        A resolved config; its ``layers``, ``clinical``, ``samples``, ``integration`` and
        ``classification`` are used, and ``derived`` if present. What either stage regresses out is
        regressed out of MOFA's views.
    incomplete : sequence of str
        Layers that some patients lack.
    """
    clinical, mofa = config["clinical"], config["integration"]
    regress_out = list(config["classification"]["regress_out"])
    options = {key: mofa[key] for key in ("max_iterations", "convergence")}
    return MultiOmicsRepresentation(
        layers={name: layer_parameters(layer) for name, layer in config["layers"].items()},
        columns={
            CLINICAL: list(clinical["predictors"]),
            "confounders": list(clinical["confounders"]),
            PRESENCE: list(incomplete),
            "circular": list(clinical["circular"]),
        },
        categorical=list(config["samples"]["categorical"]),
        regress_out=regress_out,
        mofa={"n_factors": mofa["factors"], "seed": mofa["seeds"][0], **options},
        mofa_regress_out=list(dict.fromkeys([*mofa["regress_out"], *regress_out])),
        derived=list(config.get("derived", ())),
        panels=config.get("panel_members"),
    )
