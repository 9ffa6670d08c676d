"""What every estimator of a layer owes: frozen, small, exchangeable state."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from trdomics.layers.normalise import normaliser
from trdomics.layers.residualise import CovariateResidualiser
from trdomics.layers.top_variance import TopVariance
from trdomics.layers.transforms import TRANSFORMS, CovariateEffects, LayerTransform
from trdomics.layers.types import layer_type
from trdomics.parts import one_of, put_together, stored, take_apart

N = 37  # unlike any number of features, so that a per-patient array shows by its shape
PATIENTS = pd.Index([f"patient{i}" for i in range(N)], name="patient_id")


def matrix(kind):
    rng = np.random.default_rng(5)
    if kind == "counts":
        values = rng.negative_binomial(5, 5 / (5 + np.geomspace(30, 3000, 40)), size=(N, 40))
    elif kind == "continuous":
        values = rng.normal(size=(N, 40))
        values[rng.random(values.shape) < 0.05] = np.nan
    elif kind == "binary":
        values = (rng.random((N, 40)) < 0.3).astype(float)
        values[rng.random(values.shape) < 0.05] = np.nan
    else:
        values = (rng.random((N, 40)) < 0.1).astype(np.float32)
        columns = [(f"1:{j}:A:C", f"G{j // 4}", "lof" if j % 2 else "other") for j in range(40)]
        names = ["variant", "gene", "consequence_class"]
        return pd.DataFrame(values, PATIENTS, pd.MultiIndex.from_tuples(columns, names=names))
    return pd.DataFrame(values, PATIENTS, [f"f{j}" for j in range(40)])


SETTINGS = {
    "counts": {"type": "counts", "min_count": 5, "file": "x.tsv"},
    "continuous": {"type": "continuous", "max_missing": 0.5},
    "binary": {"type": "binary", "min_prevalence": 0.05},
    "variants": {
        "type": "variants",
        "max_allele_frequency": 1.0,
        "dosages": ["1:2:A:C", "1:99:A:C"],
        "no_call": "missing",
    },
}


@dataclasses.dataclass
class Stored:
    normaliser: LayerTransform = stored(one_of(TRANSFORMS))


def fitted_estimators():
    estimators = [
        (normaliser(settings).fit(matrix(kind)), matrix(kind))
        for kind, settings in SETTINGS.items()
    ]
    table = matrix("continuous").fillna(0)
    return [*estimators, (TopVariance(7, exclude_prefix="f1").fit(table), table)]


ESTIMATORS = fitted_estimators()


def arrays(value):
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from arrays(item)
    elif isinstance(value, (list, tuple)):
        yield np.asarray(value, dtype=object)


@pytest.mark.parametrize("kind", SETTINGS)
def test_what_is_stored_of_a_normaliser_transforms_alike(kind):
    estimator, table = normaliser(SETTINGS[kind]).fit(matrix(kind)), matrix(kind)
    restored = put_together(Stored, *take_apart(Stored(estimator))).normaliser
    assert type(restored) is TRANSFORMS[kind]
    for seen in (table, table.iloc[:, ::-1].iloc[:, 3:]):
        pd.testing.assert_frame_equal(restored.transform(seen), estimator.transform(seen))
        assert restored.missing_features(seen) == estimator.missing_features(seen)


@pytest.mark.parametrize(("estimator", "table"), ESTIMATORS, ids=lambda x: type(x).__name__)
def test_state_holds_no_patient_and_no_pandas(estimator, table):
    state = {k: v for k, v in vars(estimator).items() if k.endswith("_")}
    assert state
    for value in state.values():
        assert not isinstance(value, (pd.DataFrame, pd.Series, pd.Index))
        for array in arrays(value):
            assert N not in array.shape
            assert not set(map(str, array.ravel())) & set(PATIENTS)


@pytest.mark.parametrize(("estimator", "table"), ESTIMATORS, ids=lambda x: type(x).__name__)
def test_dataframe_in_and_out(estimator, table):
    result = estimator.transform(table.iloc[::-1])
    assert list(result.index) == list(table.index[::-1])
    assert list(result.columns) == list(estimator.get_feature_names_out())
    assert result.notna().all(axis=None)
    assert result.dtypes.eq(float).all()


@pytest.mark.parametrize(("estimator", "table"), ESTIMATORS, ids=lambda x: type(x).__name__)
def test_clone_keeps_parameters_and_forgets_state(estimator, table):
    copy = clone(estimator)
    assert copy.get_params() == estimator.get_params()
    with pytest.raises(NotFittedError):
        copy.transform(table)
    pd.testing.assert_frame_equal(copy.fit(table).transform(table), estimator.transform(table))


def test_normaliser_takes_its_own_settings_only():
    estimator = normaliser({"type": "counts", "min_count": 3, "model_features": 9, "file": "x"})
    assert estimator.get_params() == {"min_count": 3, "min_share": 0.25, "vst_genes": 500}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("counts", "gaussian"),
        ("continuous", "gaussian"),
        ("binary", "bernoulli"),
        ("variants", "bernoulli"),
    ],
)
def test_likelihood(kind, expected):
    assert layer_type(kind).likelihood == expected


def covariates():
    rng = np.random.default_rng(6)
    return pd.DataFrame(
        {
            "age": rng.normal(40, 10, N),
            "site": rng.choice(["a", "b", "c"], N),
            "batch": rng.choice([1, 2], N),
        },
        index=PATIENTS,
    )


def confounded():
    known = covariates()
    values = matrix("continuous").fillna(0)
    values["f0"] += 0.3 * known["age"]
    values["f1"] += known["site"].map({"a": 0, "b": 5, "c": -5})
    values["f2"] += known["batch"] * 4
    return values, known


def test_residualiser_removes_covariates_and_keeps_means():
    values, known = confounded()
    residualiser = CovariateResidualiser(["age", "site", "batch"], ["batch"]).fit(values, known)
    result = residualiser.transform(values, known)
    assert abs(np.corrcoef(result["f0"], known["age"])[0, 1]) < 1e-9
    for column, covariate in (("f1", "site"), ("f2", "batch")):
        assert result[column].groupby(known[covariate]).mean().std() < 1e-9
    np.testing.assert_allclose(result.mean(), values.mean())


def test_residualiser_takes_unknown_covariates_as_average():
    values, known = confounded()
    residualiser = CovariateResidualiser(["age", "site", "batch"], ["batch"]).fit(values, known)
    patient = PATIENTS[[3]]
    unknown = known.loc[patient].assign(age=np.nan, site="new", batch=np.nan)
    result = residualiser.transform(values.loc[patient], unknown)
    pd.testing.assert_frame_equal(result, values.loc[patient], check_names=False)


def test_residualiser_reads_a_batch_alike_as_int_and_float():
    values, known = confounded()
    residualiser = CovariateResidualiser(["batch"], ["batch"]).fit(values, known)
    as_float = known.assign(batch=known["batch"].astype(float))
    pd.testing.assert_frame_equal(
        residualiser.transform(values, known), residualiser.transform(values, as_float)
    )


def test_what_is_stored_of_a_residualiser_transforms_alike():
    values, known = confounded()
    fitted = CovariateResidualiser(["age", "site"]).fit(values, known)
    some = fitted.of(list(values.columns[3:9]))
    restored = put_together(CovariateEffects, *take_apart(some))
    pd.testing.assert_frame_equal(
        restored.transform(values, known), fitted.transform(values, known)[restored.features_]
    )
    # who lacks a covariate is taken as average
    without = known.drop(columns=["age", "site"])
    pd.testing.assert_frame_equal(
        restored.transform(values, without), values[restored.features_], check_names=False
    )


def test_top_variance_keeps_the_order_and_drops_constants():
    table = pd.DataFrame(
        {"c": [1.0, 1, 1], "b": [0.0, 5, 9], "dosage:x": [0.0, 50, 90], "a": [0.0, 1, 2]}
    )
    assert list(TopVariance(3, exclude_prefix="dosage:").fit(table).features_) == ["b", "a"]
    assert list(TopVariance(1).fit(table).features_) == ["dosage:x"]
