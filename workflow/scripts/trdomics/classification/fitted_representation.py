"""A fitted representation: from patients' layer tables to blocks, without scikit-learn.

The estimator in `representation` inherits from it and adds ``fit``; a frozen model holds only this
class.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Self

import numpy as np
import pandas as pd

from trdomics.classification.feature_blocks import (
    FittedColumnBlock,
    FittedLayerBlock,
    FittedView,
    Floats,
)
from trdomics.classification.feature_sets import PRESENCE
from trdomics.integration.projection import MOFAProjection
from trdomics.layers.transforms import TRANSFORMS, CovariateEffects
from trdomics.parts import array, mapping, one_of, optional, part, stored
from trdomics.tables import CLINICAL, LayerTables

MOFA = "mofa"


@dataclass(eq=False, repr=False)
class FittedRepresentation:
    """From raw layer tables to the blocks of the classifiers.

    Attributes
    ----------
    normalisers_ : dict of str to LayerTransform
        By layer. A layer that no training patient has is not among them.
    layer_blocks_, column_blocks_ : dict of str to block
        By layer and by group of columns.
    panel_blocks_ : dict of str to dict of str to block
        By panel and layer.
    derived_blocks_ : dict of str to block
        By derived table.
    views_ : dict of str to FittedView
        MOFA's; empty without MOFA.
    factor_means_, factor_scales_ : array, shape (n_factors,)
        Of the training patients' factors.
    """

    normalisers_: dict[str, Any] = stored(mapping(one_of(TRANSFORMS)))
    layer_blocks_: dict[str, Any] = stored(mapping(part(FittedLayerBlock)))
    column_blocks_: dict[str, Any] = stored(mapping(part(FittedColumnBlock)))
    panel_blocks_: dict[str, Any] = stored(mapping(mapping(part(FittedLayerBlock))))
    derived_blocks_: dict[str, Any] = stored(mapping(part(FittedColumnBlock)))
    views_: dict[str, FittedView] = stored(mapping(part(FittedView)))
    mofa_: Any = stored(optional(part(MOFAProjection)))
    factor_means_: Floats = stored(array("n_factors"))
    factor_scales_: Floats = stored(array("n_factors"))

    def check(self) -> None:
        """Raise ValueError if blocks or views need layers that are absent."""
        layers = {name: set(fitted.features_) for name, fitted in self.normalisers_.items()}
        parts = [*self.layer_blocks_.items(), *self.views_.items()]
        parts += [pair for blocks in self.panel_blocks_.values() for pair in blocks.items()]
        for name, block in parts:
            if name not in layers or not layers[name].issuperset(block.features_):
                raise ValueError(f"{name[:40]} needs features that its layer has not")
        known = {name: list(view.features_) for name, view in self.views_.items()}
        if known != (self.mofa_.feature_names_ if self.mofa_ else {}):
            raise ValueError("the factors are of other views")
        blocks = [*self.layer_blocks_, *self.panel_blocks_, *self.column_blocks_]
        blocks += [*self.derived_blocks_, MOFA]
        if len(set(blocks)) != len(blocks):
            raise ValueError("two blocks have the same name")
        if not (self.factor_scales_ > 0).all():
            raise ValueError("a scale is not above 0")

    @property
    def n_factors(self) -> int:
        """Number of factors; 0 without MOFA."""
        return 0 if self.mofa_ is None else len(self.mofa_.get_feature_names_out())

    @property
    def types(self) -> dict[str, str]:
        """The type of each layer."""
        return {
            layer: next(name for name, cls in TRANSFORMS.items() if isinstance(fitted, cls))
            for layer, fitted in self.normalisers_.items()
        }

    @property
    def feature_names_(self) -> dict[str, list[str]]:
        """Names of the features by block, by layers, panels, columns, derived, mofa."""
        names = {k: _names(v) for k, v in self.layer_blocks_.items()}
        for panel, blocks in self.panel_blocks_.items():
            names[panel] = [f"{k}:{name}" for k, v in blocks.items() for name in _names(v)]
        names |= {k: _names(v) for k, v in self.column_blocks_.items()}
        names |= {k: _names(v) for k, v in self.derived_blocks_.items()}
        return names if self.mofa_ is None else {**names, MOFA: _names(self.mofa_)}

    def features_of(self, layer: str) -> set[str]:
        """Return the features of a layer that a block or a view uses."""
        groups = (self.layer_blocks_, self.views_, *self.panel_blocks_.values())
        parts = [group[layer] for group in groups if layer in group]
        return {str(name) for part in parts for name in part.features_}

    def effects(self) -> list[tuple[str, CovariateEffects]]:
        """Return the covariate effects regressed out of layers, each with its layer."""
        parts = [*self.layer_blocks_.items(), *self.views_.items()]
        parts += [pair for blocks in self.panel_blocks_.values() for pair in blocks.items()]
        return [(layer, part.effects_) for layer, part in parts if part.effects_ is not None]

    def sheet_columns(self) -> list[str]:
        """Return the columns of the sheet that ``transform`` reads."""
        parts = [*self.column_blocks_.values(), *(effects for _, effects in self.effects())]
        return list(dict.fromkeys(c for part in parts for c in [*part.numeric_, *part.levels_]))

    def transform(self, tables: LayerTables) -> LayerTables:
        """Return the blocks of any patients.

        Parameters
        ----------
        tables : LayerTables
            Raw layers; those not given are missing in all patients. Columns in any order; for
            missing and superfluous ones see the normalisers.

        Returns
        -------
        LayerTables
            One standardised table per block with rows for the patients who have it; zero is the
            mean of the training patients.
        """
        normalised = self.normalised(tables)
        return self._blocks(normalised, self._measured(normalised, tables), tables)

    def normalised(self, tables: LayerTables) -> dict[str, pd.DataFrame]:
        """Return the normalised layers that patients have, with missing features filled in."""
        return {
            layer: fitted.transform(tables[layer])
            for layer, fitted in self.normalisers_.items()
            if layer in tables and not tables[layer].empty
        }

    def views(self, tables: LayerTables) -> LayerTables:
        """Return MOFA's views of any patients, without the features that they lack."""
        return self._views(self._measured(self.normalised(tables), tables), tables)

    def restricted(self, blocks: Iterable[str]) -> Self:
        """Return a copy with only what the given blocks need."""
        kept = set(blocks)
        result = copy.copy(self)
        result.layer_blocks_ = {k: v for k, v in self.layer_blocks_.items() if k in kept}
        result.column_blocks_ = {k: v for k, v in self.column_blocks_.items() if k in kept}
        result.panel_blocks_ = {k: v for k, v in self.panel_blocks_.items() if k in kept}
        result.derived_blocks_ = {k: v for k, v in self.derived_blocks_.items() if k in kept}
        if MOFA not in kept:
            result.views_, result.mofa_ = {}, None
            result.factor_means_ = result.factor_scales_ = np.zeros(0)
        needed = {*result.layer_blocks_, *result.views_, *chain(*result.panel_blocks_.values())}
        result.normalisers_ = {k: v for k, v in self.normalisers_.items() if k in needed}
        return result

    def _views(self, measured: Mapping[str, pd.DataFrame], tables: LayerTables) -> LayerTables:
        views = {
            name: view.transform(measured[name], tables.get(CLINICAL))
            for name, view in self.views_.items()
            if name in measured and not measured[name].empty
        }
        return LayerTables(views, tables.patients)

    def _measured(
        self, normalised: Mapping[str, pd.DataFrame], tables: LayerTables
    ) -> dict[str, pd.DataFrame]:
        # MOFA ignores what was not measured; the other blocks impute the training mean
        return {
            layer: table.drop(
                columns=self.normalisers_[layer].missing_features(tables[layer]), errors="ignore"
            )
            for layer, table in normalised.items()
        }

    def _blocks(
        self,
        normalised: Mapping[str, pd.DataFrame],
        measured: Mapping[str, pd.DataFrame],
        tables: LayerTables,
    ) -> LayerTables:
        sheet, names = tables.get(CLINICAL), self.feature_names_
        blocks = {}
        for layer, block in self.layer_blocks_.items():
            if layer in normalised:
                blocks[layer] = block.transform(normalised[layer], sheet)
        for panel, by_layer in self.panel_blocks_.items():
            parts = [
                block.transform(normalised[layer], sheet).add_prefix(f"{layer}:")
                for layer, block in by_layer.items()
                if layer in normalised
            ]
            if parts:
                # what a patient lacks is imputed by the training mean
                whole = pd.concat(parts, axis=1).reindex(columns=names[panel])
                blocks[panel] = whole.fillna(0.0)
        for name, block in self.column_blocks_.items():
            blocks[name] = block.transform(columns_of(name, tables))
        for name, block in self.derived_blocks_.items():
            if name in tables:
                blocks[name] = block.transform(tables[name])
        if self.mofa_ is not None:
            blocks[MOFA] = self._factors(self._views(measured, tables))
        # a block that none of these patients has is kept, without rows
        for name, features in names.items():
            if name not in blocks:
                blocks[name] = pd.DataFrame(
                    columns=features, index=tables.patients[:0], dtype=float
                )
        return LayerTables({name: blocks[name] for name in names}, tables.patients)

    def _factors(self, views: LayerTables) -> pd.DataFrame:
        factors = self.mofa_.transform(views)
        scaled = (factors - self.factor_means_) / self.factor_scales_
        return scaled[has_any(views)]


def columns_of(group: str, tables: LayerTables) -> pd.DataFrame:
    """Return the table with the columns of a group: the sheet, or indicators of layers."""
    if group != PRESENCE:
        return tables[CLINICAL]
    has = {layer: tables.profiled(layer).astype(float) for layer in tables if layer != CLINICAL}
    return pd.DataFrame(has, index=tables.patients)


def _names(fitted: Any) -> list[str]:
    return [str(name) for name in fitted.get_feature_names_out()]


def has_any(views: LayerTables) -> np.ndarray:
    """Return which patients have at least one view; factors of the others are the prior mean."""
    has = [views.profiled(view) for view in views]
    return np.logical_or.reduce(has) if has else np.zeros(len(views), dtype=bool)
