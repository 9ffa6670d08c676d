"""What the parts of a frozen model that are this workflow's consist of."""

from __future__ import annotations

from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from trdomics.classification.calibration import Platt
from trdomics.classification.classifiers import BlockModel
from trdomics.classification.families import FAMILIES
from trdomics.classification.feature_blocks import ColumnBlock, LayerBlock
from trdomics.classification.representation import MultiOmicsRepresentation
from trdomics.classification.stacking import LateFusion
from trdomics.frozen_model.closed import CLASSES, Closed, part_of
from trdomics.frozen_model.closed_sklearn import pipeline
from trdomics.frozen_model.flat_heads import FlatMember
from trdomics.frozen_model.kinds import (
    anything_of,
    array,
    count,
    dict_of,
    exactly,
    features,
    flag,
    list_of,
    names,
    names_once,
    number,
    number_or_nan,
    optional,
    record,
    scalar,
    text,
    values,
)
from trdomics.frozen_model.training_reference import DECILES, TrainingReference
from trdomics.frozen_model.uncertainty import HalfSampleReplicates
from trdomics.integration.mofa import MOFATransformer
from trdomics.integration.views import IntegrationViews
from trdomics.layers.burden import CLASSES as BURDENS
from trdomics.layers.burden import GeneBurden
from trdomics.layers.counts import CountsNormaliser
from trdomics.layers.residualise import CovariateResidualiser
from trdomics.layers.select import TopVariance
from trdomics.layers.values import BinaryNormaliser, ContinuousNormaliser

# The work on a patient grows with the square of the factors, and with each replicate.
MAX_FACTORS, MAX_PAIRS = 200, 100
# Products of weights that the projection from a binary view lays out at once.
MAX_PRODUCTS = 2**28

_settings = dict_of(anything_of(scalar, names))
_likelihoods = dict_of(exactly("gaussian", "bernoulli"))
_kind = exactly(*FAMILIES)
_numbers, _table, _texts = array("f"), array("f", 2), array("U")
_deciles = array("f", gaps=True)
_summary = record(
    {"n": count, "mean": number_or_nan, "sd": number_or_nan},
    {
        "deciles": lambda v: _deciles(v) and len(v) == len(DECILES),
        "fold_means": _numbers,
        "fold_sizes": array("i"),
    },
)
_pattern = record(
    {
        "n": count,
        "mean": _numbers,
        "precision": _table,
        "factors": dict_of(_summary),
        "errors": dict_of(number_or_nan),
        "held_out": dict_of(_summary),
    }
)
_normaliser = dict_of(part_of(CountsNormaliser, ContinuousNormaliser, BinaryNormaliser, GeneBurden))
_head = pipeline(
    select=part_of(SelectKBest),
    model=part_of(LogisticRegression, RandomForestClassifier, GradientBoostingClassifier),
)


def _is_block_model(part: BlockModel) -> bool:
    grid = FAMILIES[part.kind].grid[0]
    if part.params is not None and part.params.keys() != grid.keys():
        return False
    if part.pipeline_ is None:
        return True
    select, model = part.pipeline_["select"], part.pipeline_["model"]
    expected = FAMILIES[part.kind].build(grid, part.seed)
    kept = int(select.get_support().sum())
    return type(model) is type(expected) and model.n_features_in_ == kept


def _is_stack(part: LateFusion) -> bool:
    return len(part.weights_) == len(part.models_)


def _are_replicates(part: HalfSampleReplicates) -> bool:
    n = 2 * part.pairs
    lengths = {len(values) for values in (part.intercepts_, part.slopes_, part.offsets_)}
    lengths |= {len(member.priors_) for member in part.members_}
    shape = (len(part.members_), n)
    return 0 < part.pairs <= MAX_PAIRS and lengths == {n} and part.weights_.shape == shape


def _is_member(part: FlatMember) -> bool:
    part.check()
    return True


def _normalises(part: Any) -> bool:
    return len(part.features_) == len(part.means_)


def _normalises_counts(part: CountsNormaliser) -> bool:
    n_trend = 2 if part.trend_type_ == "parametric" else 1
    lengths = {len(part.features_), len(part.means_), len(part.reference_)}
    return len(lengths) == 1 and len(part.trend_) == n_trend


def _is_burden(part: GeneBurden) -> bool:
    n = len(part.genes_) + len(part.dosages_)
    alike = len(part.excluded_variants_) == len(part.excluded_carriers_)
    return alike and len(part.features_) == len(part.means_) == n


def _residualises(part: CovariateResidualiser) -> bool:
    n = len(part.numeric_) + sum(len(levels) for levels in part.levels_.values())
    shape = (n, len(part.features_))
    return part.coefficients_.shape == shape and len(part.centre_) == len(part.scale_) == n


def _is_layer_block(part: LayerBlock) -> bool:
    features = part.selection_.features_.tolist()
    cleaned = part.residualiser_
    fine = cleaned is None or cleaned.features_.tolist() == features
    # nothing to scale, nothing fitted
    return fine and getattr(part.scaler_, "n_features_in_", 0) == len(features)


def _is_column_block(part: ColumnBlock) -> bool:
    columns = [list(columns) for _, _, columns in part.transformer_.transformers_]
    return columns == [list(part.numeric_), list(part.categories_)]


def _are_views(part: IntegrationViews) -> bool:
    fitted = part.feature_names_.keys()
    return (
        part.selections_.keys() == fitted == part.likelihoods_.keys()
        and fitted <= part.normalisers_.keys()
        and part.residualisers_.keys() <= part.normalisers_.keys()
    )


def _is_mofa(part: MOFATransformer) -> bool:
    views = part.feature_names_.keys()
    if not views or not all(
        found.keys() == views
        for found in (part.likelihoods_, part.w_, part.w2_, part.tau_, part.intercepts_)
    ):
        return False
    n_factors = {w.shape[1] for w in part.w_.values()}
    products = max(w.size * w.shape[1] for w in part.w_.values())
    if len(n_factors) != 1 or max(n_factors) > MAX_FACTORS or products > MAX_PRODUCTS:
        return False
    return all(
        part.w_[view].shape == part.w2_[view].shape
        and len(names_) == len(part.w_[view]) == len(part.tau_[view]) == len(part.intercepts_[view])
        for view, names_ in part.feature_names_.items()
    )


def _is_representation(part: MultiOmicsRepresentation) -> bool:
    parts = (part.views_, part.mofa_, part.factor_scaler_)
    if len({value is None for value in parts}) != 1:
        return False
    if part.mofa_ is not None:
        n_factors = len(part.mofa_.get_feature_names_out())
        views = part.mofa_.feature_names_.keys()
        if part.factor_scaler_.n_features_in_ != n_factors:
            return False
        if not views <= part.views_.feature_names_.keys() <= part.normalisers_.keys():
            return False
    known = part.normalisers_.keys() <= (part.layers or {}).keys()
    blocks = part.layer_blocks_.keys() <= part.normalisers_.keys()
    return known and blocks and part.feature_names_ == part._feature_names()


def _is_reference(part: TrainingReference) -> bool:
    return all(
        pattern["precision"].shape == (len(pattern["mean"]),) * 2
        and len(pattern["mean"]) <= MAX_FACTORS
        for pattern in part.patterns_.values()
    )


CLASSES.update(
    {
        BlockModel: Closed(
            {
                "blocks": names_once,
                "kind": _kind,
                "params": optional(dict_of(number)),
                "max_features": count,
                "seed": count,
            },
            {"classes_": values(0, 1), "prior_": number, "pipeline_": optional(_head)},
            _is_block_model,
        ),
        LateFusion: Closed(
            {},
            {
                "classes_": values(0, 1),
                "models_": list_of(part_of(BlockModel)),
                "weights_": _numbers,
                "intercept_": number,
            },
            _is_stack,
        ),
        Platt: Closed({}, {"slope_": number, "intercept_": number}),
        FlatMember: Closed(
            {},
            {
                "blocks_": names,
                "priors_": _numbers,
                "fitted_": array("b"),
                "columns_": array("i"),
                "constants_": _numbers,
                "coefficients_": _table,
                "trees_": dict_of(array("fi")),
                "forest_": flag,
            },
            _is_member,
        ),
        HalfSampleReplicates: Closed(
            {"pairs": count, "seed": count},
            {
                "members_": list_of(part_of(FlatMember)),
                "weights_": _table,
                "intercepts_": _numbers,
                "slopes_": _numbers,
                "offsets_": _numbers,
                "missing_": dict_of(number),
            },
            _are_replicates,
        ),
        MultiOmicsRepresentation: Closed(
            {
                "layers": optional(dict_of(_settings)),
                "columns": optional(dict_of(names)),
                "categorical": names,
                "regress_out": names,
                "mofa": optional(_settings),
                "mofa_regress_out": names,
            },
            {
                "normalisers_": _normaliser,
                "layer_blocks_": dict_of(part_of(LayerBlock)),
                "column_blocks_": dict_of(part_of(ColumnBlock)),
                "views_": optional(part_of(IntegrationViews)),
                "mofa_": optional(part_of(MOFATransformer)),
                "factor_scaler_": optional(part_of(StandardScaler)),
                "feature_names_": dict_of(names),
            },
            _is_representation,
        ),
        CountsNormaliser: Closed(
            {"min_count": number, "min_share": number, "vst_genes": count},
            {
                "features_": features,
                "means_": _numbers,
                "reference_": array("f", gaps=True),
                "size_factor_method_": exactly("ratio", "poscounts"),
                "trend_type_": text,
                "trend_": _numbers,
            },
            _normalises_counts,
        ),
        ContinuousNormaliser: Closed(
            {"log2": flag, "max_missing": number},
            {"features_": features, "means_": _numbers},
            _normalises,
        ),
        BinaryNormaliser: Closed(
            {"min_prevalence": number}, {"features_": features, "means_": _numbers}, _normalises
        ),
        GeneBurden: Closed(
            {
                "burden": exactly(*BURDENS),
                "min_call_rate": number,
                "max_allele_frequency": number,
                "min_prevalence": number,
                "dosages": names,
            },
            {
                "features_": features,
                "means_": _numbers,
                "genes_": _texts,
                "dosages_": _texts,
                "excluded_variants_": _texts,
                "excluded_carriers_": array("i"),
            },
            _is_burden,
        ),
        TopVariance: Closed(
            {"n_features": count, "exclude_prefix": optional(text)}, {"features_": features}
        ),
        CovariateResidualiser: Closed(
            {"columns": names, "categorical": names},
            {
                "numeric_": names,
                "levels_": dict_of(names),
                "centre_": _numbers,
                "scale_": _numbers,
                "coefficients_": _table,
                "features_": features,
            },
            _residualises,
        ),
        LayerBlock: Closed(
            {"n_features": count, "regress_out": names, "categorical": names},
            {
                "selection_": part_of(TopVariance),
                "residualiser_": optional(part_of(CovariateResidualiser)),
                "scaler_": part_of(StandardScaler, unfitted=True),
            },
            _is_layer_block,
        ),
        ColumnBlock: Closed(
            {"columns": names, "categorical": names},
            {
                "numeric_": names,
                "categories_": names,
                "transformer_": part_of(ColumnTransformer),
            },
            _is_column_block,
        ),
        IntegrationViews: Closed(
            {"settings": optional(dict_of(_settings)), "regress_out": names},
            {
                "normalisers_": _normaliser,
                "residualisers_": dict_of(part_of(CovariateResidualiser)),
                "selections_": dict_of(part_of(TopVariance)),
                "feature_names_": dict_of(names),
                "likelihoods_": _likelihoods,
            },
            _are_views,
        ),
        MOFATransformer: Closed(
            {
                **dict.fromkeys(MOFATransformer().get_params(), scalar),
                "likelihoods": optional(_likelihoods),
            },
            {
                "feature_names_": dict_of(names),
                "likelihoods_": _likelihoods,
                "w_": dict_of(_table),
                "w2_": dict_of(_table),
                "tau_": dict_of(_numbers),
                "intercepts_": dict_of(_numbers),
                "variance_explained_": dict_of(array("f", gaps=True)),
                "elbo_": array("f", gaps=True),
                "converged_": flag,
                "agreement_": array("f", gaps=True),
            },
            _is_mofa,
        ),
        TrainingReference: Closed(
            {},
            {
                "patterns_": dict_of(_pattern),
                "levels_": dict_of(_summary),
                "clinical_": dict_of(_summary),
            },
            _is_reference,
        ),
    }
)
