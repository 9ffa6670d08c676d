"""From raw layer tables to the blocks of the classifiers, learned from training patients."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from trdomics.classification.feature_blocks import ColumnBlock, LayerBlock
from trdomics.integration.mofa import MOFATransformer
from trdomics.integration.views import IntegrationViews
from trdomics.layers.normalise import already_normalised, normaliser
from trdomics.layers.types import DOSAGE_PREFIX
from trdomics.tables import LayerTables

CLINICAL = "clinical"
MOFA = "mofa"


class MultiOmicsRepresentation(TransformerMixin, BaseEstimator):
    """Layer tables in, blocks out; nothing is learned but from the patients of ``fit``.

    Each layer is normalised once; the normalised table feeds both the layer's own block and
    MOFA's views. Labels play no part, so that one fitted representation serves all labels.

    Parameters
    ----------
    layers : mapping of str to mapping
        Settings by layer, see :func:`layer_parameters`.
    columns : mapping of str to sequence of str
        Groups of the sheet's columns, each a block: ``{"clinical": [...], "confounders": [...]}``.
    categorical : sequence of str
        Columns that are categories although they look like numbers.
    regress_out : sequence of str
        Columns whose effects are taken out of the layers' blocks.
    mofa : mapping, optional
        Parameters of :class:`MOFATransformer` but for ``likelihoods``; None for no such block.
    mofa_regress_out : sequence of str
        Columns whose effects are taken out of MOFA's views.

    Attributes
    ----------
    normalisers_, layer_blocks_, column_blocks_ : dict of str to estimator
        By layer and by group of columns. A layer that no training patient has is not among them.
    views_, mofa_, factor_scaler_ : estimators or None
        MOFA's views, its model and the scaling of its factors.
    feature_names_ : dict of str to list of str
        By block, in the order layers, columns, mofa.
    """

    def __init__(
        self,
        layers: Mapping[str, Mapping[str, Any]] | None = None,
        columns: Mapping[str, Sequence[str]] | None = None,
        categorical: Sequence[str] = (),
        regress_out: Sequence[str] = (),
        mofa: Mapping[str, Any] | None = None,
        mofa_regress_out: Sequence[str] = (),
    ) -> None:
        self.layers = layers
        self.columns = columns
        self.categorical = categorical
        self.regress_out = regress_out
        self.mofa = mofa
        self.mofa_regress_out = mofa_regress_out

    def fit(self, tables: LayerTables, y: Any = None) -> Self:
        """Learn all blocks.

        Parameters
        ----------
        tables : LayerTables
            Raw layers, and the sheet as "clinical".
        y : ignored
        """
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
        self.column_blocks_ = {
            name: ColumnBlock(columns, self.categorical).fit(tables[CLINICAL])
            for name, columns in (self.columns or {}).items()
            if len(columns)
        }
        self.views_: Any = None
        self.mofa_: Any = None
        self.factor_scaler_: Any = None
        if self.mofa is not None:
            self._fit_mofa(self._with_sheet(normalised, tables))
        self.feature_names_ = self._feature_names()
        return self._blocks(normalised, normalised, tables)

    def transform(self, tables: LayerTables) -> LayerTables:
        """Return the blocks of any patients.

        Parameters
        ----------
        tables : LayerTables
            Raw layers; those not given are lacked by all. Columns in any order, see the
            normalisers for missing and superfluous ones.

        Returns
        -------
        LayerTables
            One standardised table per block with rows for the patients who have it; zero is the
            mean of the training patients.
        """
        check_is_fitted(self, "feature_names_")
        normalised = self.normalised(tables)
        return self._blocks(normalised, self._measured(normalised, tables), tables)

    def normalised(self, tables: LayerTables) -> dict[str, pd.DataFrame]:
        """Return the normalised layers that patients have, features that they lack filled."""
        check_is_fitted(self, "feature_names_")
        return {
            layer: fitted.transform(tables[layer])
            for layer, fitted in self.normalisers_.items()
            if layer in tables and not tables[layer].empty
        }

    def views(self, tables: LayerTables) -> LayerTables:
        """Return MOFA's views of any patients, without the features that they lack."""
        measured = self._measured(self.normalised(tables), tables)
        views = self.views_.transform(self._with_sheet(measured, tables))
        assert isinstance(views, LayerTables)
        return views

    def _measured(
        self, normalised: Mapping[str, pd.DataFrame], tables: LayerTables
    ) -> dict[str, pd.DataFrame]:
        # MOFA passes over what was not measured; the other blocks take the training mean for it
        return {
            layer: table.drop(
                columns=self.normalisers_[layer].missing_features(tables[layer]), errors="ignore"
            )
            for layer, table in normalised.items()
        }

    def restricted(self, blocks: Iterable[str]) -> MultiOmicsRepresentation:
        """Return a fitted copy with only what the given blocks need."""
        check_is_fitted(self, "feature_names_")
        kept = set(blocks)
        result = copy.copy(self)
        result.layer_blocks_ = {k: v for k, v in self.layer_blocks_.items() if k in kept}
        result.column_blocks_ = {k: v for k, v in self.column_blocks_.items() if k in kept}
        views: set[str] = set(self.views_.feature_names_) if MOFA in kept and self.views_ else set()
        if not views:
            result.views_ = result.mofa_ = result.factor_scaler_ = result.mofa = None
        result.normalisers_ = {
            k: v for k, v in self.normalisers_.items() if k in {*result.layer_blocks_, *views}
        }
        result.layers = {k: (self.layers or {})[k] for k in result.normalisers_}
        result.columns = {k: (self.columns or {})[k] for k in result.column_blocks_}
        result.feature_names_ = result._feature_names()
        return result

    def sheet_columns(self) -> list[str]:
        """Return the columns of the sheet that ``transform`` reads."""
        check_is_fitted(self, "feature_names_")
        used = [c for block in self.column_blocks_.values() for c in block.columns]
        if self.layer_blocks_:
            used += list(self.regress_out)
        if self.views_ is not None:
            used += list(self.mofa_regress_out)
        return list(dict.fromkeys(used))

    def _feature_names(self) -> dict[str, list[str]]:
        fitted = {**self.layer_blocks_, **self.column_blocks_}
        if self.mofa_ is not None:
            fitted[MOFA] = self.mofa_
        return {k: [str(n) for n in v.get_feature_names_out()] for k, v in fitted.items()}

    def _blocks(
        self,
        normalised: Mapping[str, pd.DataFrame],
        measured: Mapping[str, pd.DataFrame],
        tables: LayerTables,
    ) -> LayerTables:
        sheet = tables.get(CLINICAL)
        blocks = {}
        for layer, block in self.layer_blocks_.items():
            if layer in normalised:
                blocks[layer] = block.transform(normalised[layer], sheet)
        for name, block in self.column_blocks_.items():
            blocks[name] = block.transform(tables[CLINICAL])
        if self.mofa_ is not None:
            blocks[MOFA] = self._factors(self._with_sheet(measured, tables))
        # a block that nobody here has is there all the same, without rows
        for name, features in self.feature_names_.items():
            if name not in blocks:
                blocks[name] = pd.DataFrame(
                    columns=features, index=tables.patients[:0], dtype=float
                )
        return LayerTables({name: blocks[name] for name in self.feature_names_}, tables.patients)

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
        self.views_ = views
        self.mofa_ = MOFATransformer(likelihoods=views.likelihoods_, **(self.mofa or {}))
        self.mofa_.fit(values)
        factors = self.mofa_.transform(values)
        self.factor_scaler_ = StandardScaler().fit(factors[_has_any(values)].to_numpy())

    def _factors(self, normalised: LayerTables) -> pd.DataFrame:
        values = self.views_.transform(normalised)
        factors = self.mofa_.transform(values)
        scaled = pd.DataFrame(
            self.factor_scaler_.transform(factors.to_numpy()),
            index=factors.index,
            columns=factors.columns,
        )
        return scaled[_has_any(values)]


def _has_view(table: pd.DataFrame) -> bool:
    """Return whether a normalised layer has a feature for MOFA; dosages are for classifiers."""
    values = table.loc[:, ~table.columns.str.startswith(DOSAGE_PREFIX)].to_numpy()
    return bool(values.size and (np.ptp(values, axis=0) > 0).any())


def _has_any(views: LayerTables) -> np.ndarray:
    """Return who has at least one view; the factors of others are the prior's mean."""
    has = [views.profiled(view) for view in views]
    return np.logical_or.reduce(has) if has else np.zeros(len(views), dtype=bool)


def layer_parameters(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a layer's settings its model depends on: no paths, no names of columns.

    Parameters
    ----------
    settings : mapping
        The layer's block of the resolved config.
    """
    used = [*normaliser(settings).get_params(), "model_features", "integration_features"]
    return {"type": settings["type"], **{key: settings[key] for key in used if key in settings}}


def representation(config: Mapping[str, Any]) -> MultiOmicsRepresentation:
    """Return the unfitted representation of a cohort.

    Parameters
    ----------
    config : mapping
        A resolved config; its ``layers``, ``clinical``, ``samples``, ``integration`` and
        ``classification`` are used. MOFA's views lose what either stage regresses out.
    """
    clinical, mofa = config["clinical"], config["integration"]
    regress_out = list(config["classification"]["regress_out"])
    options = {k: mofa[k] for k in ("max_iterations", "convergence", "dtype", "fast")}
    return MultiOmicsRepresentation(
        layers={name: layer_parameters(layer) for name, layer in config["layers"].items()},
        columns={
            CLINICAL: list(clinical["predictors"]),
            "confounders": list(clinical["confounders"]),
            "circular": list(clinical["circular"]),
        },
        categorical=list(config["samples"]["categorical"]),
        regress_out=regress_out,
        mofa={"n_factors": mofa["factors"], "seed": mofa["seeds"][0], **options},
        mofa_regress_out=list(dict.fromkeys([*mofa["regress_out"], *regress_out])),
    )
