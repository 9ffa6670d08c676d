"""Types of layers, one class each: values, tests, quality measures and figures.

A new type is a subclass of :class:`LayerType`, registered with :func:`register`, with a fitted
normaliser, a :class:`trdomics.layers.transforms.LayerTransform`. The normalisers of the types below
are set in :mod:`trdomics.layers.normalise`, so that a rule that only reads a layer does not depend
on them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trdomics.config_types import LayerConfig
from trdomics.inputs.value_rules import ValueRule, ValueRules

log = logging.getLogger(__name__)

DOSAGE_PREFIX = "dosage:"
# MOFA's likelihoods.
GAUSSIAN, BERNOULLI = "gaussian", "bernoulli"
# Differential tests: PyDESeq2, moderated t, Firth's logistic regression of carriers.
NEGATIVE_BINOMIAL, MODERATED_T, CARRIERS = "negative_binomial", "moderated_t", "carriers"
# float64 represents every integer up to here; no read count comes near it.
LARGEST_COUNT = 2.0**31 - 1
# Sums of squares of larger values overflow.
LARGEST_VALUE = 1e100
# A log2 value of 100 would be more molecules than a blood sample contains.
LOGGED_BELOW = 100


class LayerType:
    """A type of layer. The defaults suit any features × samples matrix.

    Attributes
    ----------
    name : str
        As in ``layers.<name>.type`` of the config.
    keys : mapping, optional
        JSON schema of the type's own keys of the config, by key. None if the config's schema has a
        block with the type's name.
    is_matrix : bool
        Whether its file is a features × samples matrix; otherwise it is a VCF or MAF.
    is_expression : bool
        Whether its values are amounts of molecules, informative about sex, cells and gene sets.
    is_counts : bool
        Whether they are read counts: comparable only after correction for library size.
    likelihood : {"gaussian", "bernoulli"}
        MOFA's likelihood of the normalised layer.
    test : {"negative_binomial", "moderated_t", "carriers"}
        Differential test.
    effect : str
        What the test estimates.
    joined : {"sum", "mean", "max"}
        How features with the same name are joined.
    normaliser : type of LayerNormaliser
        Estimator with `fit` and `transform` from raw to normalised tables; its parameters are
        keys of the config.
    axes : tuple
        x and y of the quality figure: measure, label, for x whether its scale is logarithmic.
    outlier_rules : mapping
        Measure → (whether on a log scale, "both" sides, "high" or "low").
    """

    name: ClassVar[str]
    keys: ClassVar[Mapping[str, Any] | None] = None
    is_matrix: ClassVar[bool] = True
    is_expression: ClassVar[bool] = False
    is_counts: ClassVar[bool] = False
    likelihood: ClassVar[str] = GAUSSIAN
    test: ClassVar[str] = MODERATED_T
    effect: ClassVar[str] = "difference"
    joined: ClassVar[str] = "mean"
    normaliser: ClassVar[type[Any]]
    axes: ClassVar[tuple[tuple[str, str, bool], tuple[str, str]]] = (
        ("median", "Median value", False),
        ("spread", "Interquartile range"),
    )
    outlier_rules: ClassVar[Mapping[str, tuple[bool, str]]] = {
        "median": (False, "both"),
        "spread": (True, "both"),
    }

    def value_rules(self, settings: LayerConfig) -> ValueRules:
        """Return the allowed values of a matrix, given the layer's settings."""
        return ValueRules()

    def guess(self, known: NDArray[np.float64]) -> LayerConfig:
        """Return settings, besides the type, suggested by the values of a new matrix."""
        return {}

    def measures(
        self, table: pd.DataFrame, normalised: pd.DataFrame, calls: pd.DataFrame | None
    ) -> pd.DataFrame:
        """Return measures of quality by patient, those of `axes` and `outlier_rules` included.

        Parameters
        ----------
        table, normalised : DataFrame, patients × features
            Raw and normalised.
        calls : DataFrame, optional
            Tallies per patient of a file of variants.
        """
        low, middle, high = np.quantile(normalised, [0.25, 0.5, 0.75], axis=1)
        measures = {"median": middle, "spread": high - low, "missing_share": _missing(table)}
        return pd.DataFrame(measures, index=table.index)

    def features(
        self,
        table: pd.DataFrame,
        annotation: pd.DataFrame,
        fitted: Any,
        settings: LayerConfig,
    ) -> pd.DataFrame:
        """Return every feature of a raw table with its mean, whether it was kept, and why not.

        Parameters
        ----------
        annotation : DataFrame
            What is known of the features: ``feature``, or for variants ``variant`` and ``gene``.
        fitted : LayerNormaliser
            Fitted on `table`.

        Returns
        -------
        DataFrame
            At least ``feature``, ``symbol``, ``chromosome``, ``mean``, ``kept``, ``reason``.
        """
        kept = table.columns.isin(fitted.get_feature_names_out())
        known = annotation.drop(columns=["mean", "kept", "reason"], errors="ignore")
        features = pd.DataFrame({"feature": table.columns}).merge(known, on="feature", how="left")
        for column in ("symbol", "chromosome"):
            if column not in features:
                features[column] = pd.NA
        return features.assign(
            mean=self._means(table, fitted).to_numpy(),
            kept=kept.astype(int),
            reason=np.where(kept, "", self._filtered(settings)),
        )

    def details(
        self, fitted: Any, table: pd.DataFrame, annotation: pd.DataFrame, patients: pd.DataFrame
    ) -> dict[str, Any]:
        """Return headline numbers specific to this type; `patients` are its measures."""
        return {}

    def _means(self, table: pd.DataFrame, fitted: Any) -> pd.Series:
        return table.mean(axis=0)

    def _filtered(self, settings: LayerConfig) -> str:
        """Return why a feature was not kept."""
        return "filtered by the normaliser"


class Binary(LayerType):
    """Zeros and ones."""

    name = "binary"
    likelihood = BERNOULLI
    test = CARRIERS
    effect = "log odds ratio"
    joined = "max"
    axes = (("positive_features", "Positive features", False), ("missing_share", "Share missing"))
    outlier_rules: ClassVar = {"positive_features": (False, "both")}

    def value_rules(self, settings: LayerConfig) -> ValueRules:
        """Return the rules for zeros and ones."""
        odd = ValueRule(
            lambda values: ~np.isnan(values) & (values != 0) & (values != 1),
            " is neither 0 nor 1",
            "write 0, 1 or nothing, or choose another `type`",
        )
        return ValueRules((odd,))

    def measures(
        self, table: pd.DataFrame, normalised: pd.DataFrame, calls: pd.DataFrame | None
    ) -> pd.DataFrame:
        """Return positive features and the share that is missing."""
        positive = np.nansum(table.to_numpy(dtype=float), axis=1)
        measures = {"positive_features": positive, "missing_share": _missing(table)}
        return pd.DataFrame(measures, index=table.index)

    def _filtered(self, settings: LayerConfig) -> str:
        return f"rarer than {settings['min_prevalence']:.1%}"


class Counts(LayerType):
    """Counts of reads."""

    name = "counts"
    is_expression = True
    is_counts = True
    test = NEGATIVE_BINOMIAL
    effect = "log2 fold change"
    joined = "sum"
    axes = (("library_size", "Reads", True), ("detected_features", "Detected features"))
    outlier_rules: ClassVar = {
        "library_size": (True, "both"),
        "detected_features": (False, "both"),
        "top_feature_share": (True, "high"),
    }

    def value_rules(self, settings: LayerConfig) -> ValueRules:
        """Return the rules for counts, none missing."""
        return ValueRules(
            (
                ValueRule(np.isnan, " where a count must be", "write 0 where nothing was counted"),
                ValueRule(
                    lambda values: values < 0,
                    " is a negative count",
                    "give raw counts, or `type: continuous` for values on a log scale",
                ),
                ValueRule(
                    lambda v: v > LARGEST_COUNT, " is too large for a count", "give raw counts"
                ),
            ),
            are_counts=True,
        )

    def measures(
        self, table: pd.DataFrame, normalised: pd.DataFrame, calls: pd.DataFrame | None
    ) -> pd.DataFrame:
        """Return the library's size, detected features and the share of the most abundant one."""
        values = table.to_numpy(dtype=float)
        total = values.sum(axis=1)
        measures = {
            "library_size": total,
            "detected_features": (values > 0).sum(axis=1),
            "top_feature_share": values.max(axis=1) / np.where(total > 0, total, np.nan),
        }
        return pd.DataFrame(measures, index=table.index)

    def details(
        self, fitted: Any, table: pd.DataFrame, annotation: pd.DataFrame, patients: pd.DataFrame
    ) -> dict[str, Any]:
        """Return depth, size factors and the dispersion trend."""
        factors = fitted.size_factors(table)
        return {
            "median_library_size": patients["library_size"].median(),
            "median_detected_features": patients["detected_features"].median(),
            "size_factor_method": fitted.size_factor_method_,
            "smallest_size_factor": factors.min(),
            "largest_size_factor": factors.max(),
            "dispersion_trend": fitted.trend_type_,
        }

    def _means(self, table: pd.DataFrame, fitted: Any) -> pd.Series:
        return table.div(fitted.size_factors(table), axis=0).mean(axis=0)

    def _filtered(self, settings: LayerConfig) -> str:
        return f"fewer than {settings['min_share']:.0%} of patients with {settings['min_count']}"


class Continuous(LayerType):
    """Values that are normalised already, such as protein abundances."""

    name = "continuous"
    is_expression = True

    def value_rules(self, settings: LayerConfig) -> ValueRules:
        """Return the rules: any number, but none negative if logarithms are to be taken."""
        large = ValueRule(
            lambda values: np.isfinite(values) & (np.abs(values) > LARGEST_VALUE),
            " is too large",
            "correct the value",
        )
        negative = ValueRule(
            lambda values: values < 0, " is negative, but `log2: true`", "set `log2: false`"
        )
        log2 = bool(settings.get("log2"))
        return ValueRules((large, negative) if log2 else (large,), take_log2=log2)

    def guess(self, known: NDArray[np.float64]) -> LayerConfig:
        """Return whether logarithms are to be taken."""
        return {"log2": True} if known.min() >= 0 and known.max() > LOGGED_BELOW else {}

    def _filtered(self, settings: LayerConfig) -> str:
        return f"missing in more than {settings['max_missing']:.0%} of patients, or constant"


class Variants(LayerType):
    """Dosages of variants; normalised to carriers per gene and dosages of named variants."""

    name = "variants"
    is_matrix = False
    # of the carriers; dosages have three values and are not integrated
    likelihood = BERNOULLI
    test = CARRIERS
    effect = "log odds ratio"
    axes = (
        ("variants", "Variants carried", True),
        ("burden_genes", "Genes with a counted variant"),
    )
    outlier_rules: ClassVar = {
        "variants": (True, "both"),
        "call_rate": (False, "low"),
        "ti_tv": (True, "both"),
    }

    def measures(
        self, table: pd.DataFrame, normalised: pd.DataFrame, calls: pd.DataFrame | None
    ) -> pd.DataFrame:
        """Return variants carried, call rate, transitions per transversion, genes hit."""
        assert calls is not None, "a variants layer comes with its tallies"
        tallies = calls.set_index("patient_id").loc[table.index]
        transversions = tallies["transversions"].replace(0, np.nan)
        genes = [name for name in normalised.columns if not name.startswith(DOSAGE_PREFIX)]
        return tallies[["variants"]].assign(
            call_rate=tallies["called"] / tallies["sites"],
            ti_tv=tallies["transitions"] / transversions,
            burden_genes=normalised[genes].sum(axis=1).astype(int),
        )

    def features(
        self,
        table: pd.DataFrame,
        annotation: pd.DataFrame,
        fitted: Any,
        settings: LayerConfig,
    ) -> pd.DataFrame:
        """Return genes with a variant that counts, then the named variants."""
        names, prevalence = fitted.burden_genes(table)
        rare = f"fewer than {settings['min_prevalence']:.1%} carriers"
        genes = pd.DataFrame({"feature": names, "symbol": names, "mean": prevalence})
        genes["kept"] = np.isin(names, fitted.genes_).astype(int)
        genes["reason"] = np.where(
            genes["kept"] == 1, "", np.where(prevalence < 1, rare, "all are carriers")
        )
        by_gene = annotation.drop_duplicates("gene").set_index("gene")["chromosome"]
        genes["chromosome"] = genes["feature"].map(by_gene)
        named = list(settings["dosages"])
        means = dict(zip(fitted.features_, fitted.means_, strict=True))
        dosages = pd.DataFrame({"feature": [DOSAGE_PREFIX + name for name in named]})
        by_name = annotation.drop_duplicates("variant").set_index("variant")
        dosages["symbol"] = [by_name["gene"].get(name, pd.NA) for name in named]
        dosages["chromosome"] = [by_name["chromosome"].get(name, pd.NA) for name in named]
        dosages["mean"] = dosages["feature"].map(means)
        dosages["kept"] = dosages["feature"].isin(fitted.features_).astype(int)
        reasons = fitted.dosage_reasons(table)
        dosages["reason"] = [reasons[name] for name in named]
        for name, reason in reasons.items():
            if reason:
                log.warning("%s, named in dosages, is not a feature: %s", name, reason)
        parts = [part for part in (genes, dosages) if len(part)]
        return pd.concat(parts)[["feature", "symbol", "chromosome", "mean", "kept", "reason"]]

    def details(
        self, fitted: Any, table: pd.DataFrame, annotation: pd.DataFrame, patients: pd.DataFrame
    ) -> dict[str, Any]:
        """Return what was read, left out and counted."""
        alleles = annotation[["chromosome", "position", "reference", "alternative"]]
        return {
            "variants_in_file": len(alleles.drop_duplicates()),
            "variants_kept": int(table.columns.get_level_values("variant").nunique()),
            "variants_left_out": annotation["reason"].dropna().value_counts().to_dict(),
            "variants_excluded_from_burden": len(fitted.excluded_variants_),
            "median_variants": patients["variants"].median(),
            "median_call_rate": patients["call_rate"].median(),
            "median_ti_tv": patients["ti_tv"].median(),
            "median_burden_genes": patients["burden_genes"].median(),
            "burden": fitted.burden,
        }


def _missing(table: pd.DataFrame) -> NDArray[np.float64]:
    """Return the share of missing values of each patient."""
    return np.asarray(np.isnan(table.to_numpy(dtype=float)).mean(axis=1))


TYPES: dict[str, LayerType] = {}


def register(kind: LayerType) -> None:
    """Register a type under its name."""
    TYPES[kind.name] = kind


# From narrow to wide: a new matrix gets the first type with rules that its values satisfy.
for _kind in (Binary(), Counts(), Continuous(), Variants()):
    register(_kind)


def layer_type(name: str) -> LayerType:
    """Return the type of that name."""
    return TYPES[name]


def layer_part(layer: LayerConfig, keys: Iterable[str]) -> LayerConfig:
    """Return those of the keys that a layer has."""
    whole = cast("Mapping[str, Any]", layer)
    return cast("LayerConfig", {key: whole[key] for key in keys if key in whole})


def guessed_type(values: NDArray[np.float64], named_counts: bool) -> LayerType:
    """Return the first matrix type with rules satisfied by all values.

    Parameters
    ----------
    values : ndarray, shape (n_features, n_samples)
    named_counts : bool
        Whether the file name contains "counts".
    """
    return next(
        kind
        for kind in TYPES.values()
        if kind.is_matrix and kind.value_rules({}).fit(values, named_counts)
    )


def with_layer_types(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema with the registered types as the values of its ``$defs/layer_type``."""
    return {**schema, "$defs": {**schema["$defs"], "layer_type": {"enum": list(TYPES)}}}


def types_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config's schema with the registered types and their keys.

    ``$defs`` of the schema as stored has ``matrix``, the keys of every matrix, and blocks of the
    types that do not bring their own keys along.
    """
    blocks = dict(schema["$defs"])
    for kind in TYPES.values():
        block = blocks.get(kind.name, {"properties": {}})
        own = block["properties"] if kind.keys is None else kind.keys
        common = blocks["matrix"]["properties"] if kind.is_matrix else {}
        blocks[kind.name] = {**blocks["matrix"], "properties": {**common, **own}}
    layer = dict(blocks["layer"])
    layer["properties"] = {"type": {**layer["properties"]["type"], "enum": list(TYPES)}}
    # if/then gives a message about the wrong key, while oneOf would say that no schema matches
    layer["allOf"] = [
        {
            "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
            "then": {"$ref": f"#/$defs/{name}"},
        }
        for name in TYPES
    ]
    return {**schema, "$defs": {**blocks, "layer": layer}}
