"""The views: learned from training patients, of comparable size, without what cannot be used."""

import numpy as np
import pandas as pd
import pytest

from trdomics.integration.views import LARGEST_RATIO, SIZE_FLOOR, IntegrationViews, overview
from trdomics.tables import LayerTables

N = 60


@pytest.fixture
def tables():
    rng = np.random.default_rng(2)
    patients = pd.Index([f"P{i:02d}" for i in range(N)])
    clinical = pd.DataFrame(
        {"batch": rng.choice(["1", "2"], N), "age": rng.normal(40, 9, N)}, index=patients
    )
    expression = pd.DataFrame(
        rng.normal(size=(N, 700)) * rng.uniform(0.5, 2, 700)
        + 3.0 * (clinical[["batch"]] == "2").to_numpy(),
        index=patients,
        columns=[f"g{i}" for i in range(700)],
    )
    expression["flat"] = 1.0
    mutation = pd.DataFrame(
        (rng.random((N, 20)) < 0.3).astype(float),
        index=patients,
        columns=[f"m{i}" for i in range(20)],
    )
    mutation["never"] = 0.0
    return LayerTables(
        {"expression": expression.iloc[5:], "mutation": mutation.iloc[:50], "clinical": clinical},
        patients,
    )


def settings(**expression):
    return {
        "expression": {"type": "continuous", "integration_features": 600, **expression},
        "mutation": {"type": "binary", "integration_features": 200},
    }


def test_views_hold_the_profiled_patients_and_no_gaps(tables):
    estimator = IntegrationViews(settings())
    views = estimator.fit_transform(tables)
    assert list(views) == ["expression", "mutation"]
    assert views["expression"].shape == (55, SIZE_FLOOR)
    assert views["mutation"].shape == (50, 20)
    assert estimator.likelihoods_ == {"expression": "gaussian", "mutation": "bernoulli"}
    assert not any(views[view].isna().any(axis=None) for view in views)
    assert set(np.unique(views["mutation"])) == {0.0, 1.0}


def test_fit_transform_and_transform_are_the_same(tables):
    estimator = IntegrationViews(settings(), ["batch", "age"])
    views = estimator.fit_transform(tables)
    again = estimator.transform(tables)
    for view in views:
        pd.testing.assert_frame_equal(views[view], again[view])


def test_the_most_variable_features_are_kept_and_flat_ones_never(tables):
    views = IntegrationViews(settings(integration_features=10)).fit_transform(tables)
    spread = tables["expression"].std()
    assert set(views["expression"].columns) == set(spread.nlargest(10).index)
    everything = IntegrationViews(settings(integration_features=1000)).fit(tables)
    assert "flat" not in everything.feature_names_["expression"]


def test_a_large_view_is_cut_down_to_a_multiple_of_the_smallest(tables):
    rng = np.random.default_rng(0)
    wide = pd.DataFrame(
        rng.normal(size=(N, 900)), index=tables.patients, columns=[f"p{i}" for i in range(900)]
    )
    both = LayerTables({"wide": wide, "medium": wide.iloc[:, :60]}, tables.patients)
    options = {"type": "continuous", "integration_features": 900}
    views = IntegrationViews({"wide": options, "medium": options}).fit_transform(both)
    assert views["wide"].shape[1] == LARGEST_RATIO * 60
    assert views["medium"].shape[1] == 60


def test_covariates_are_taken_out_of_gaussian_views_only(tables):
    raw = IntegrationViews(settings()).fit_transform(tables)
    cleaned = IntegrationViews(settings(), ["batch"]).fit_transform(tables)
    batch = (tables["clinical"]["batch"] == "2").astype(float)
    r = {
        name: np.abs(views["expression"].corrwith(batch.loc[views["expression"].index])).max()
        for name, views in (("raw", raw), ("cleaned", cleaned))
    }
    assert r["raw"] > 0.5
    assert r["cleaned"] < 1e-6
    pd.testing.assert_frame_equal(raw["mutation"], cleaned["mutation"])


def test_new_patients_change_nothing(tables):
    train = tables.select(tables.patients[:40])
    estimator = IntegrationViews(settings(), ["batch", "age"]).fit(train)
    alone = estimator.transform(tables.select(tables.patients[40:42]))
    many = estimator.transform(tables)
    for view in alone:
        expected = many[view].loc[alone[view].index]
        pd.testing.assert_frame_equal(alone[view], expected, rtol=1e-12)


def test_a_cohort_may_lack_a_layer_or_a_layer_every_feature(tables):
    estimator = IntegrationViews(settings()).fit(tables)
    fewer = LayerTables({"mutation": tables["mutation"]}, tables.patients)
    assert list(estimator.transform(fewer)) == ["mutation"]
    none = LayerTables(
        {"mutation": tables["mutation"], "expression": tables["expression"].iloc[:0]},
        tables.patients,
    )
    assert list(estimator.transform(none)) == ["mutation"]


def test_candidate_dosages_are_no_part_of_a_view_and_the_overview_says_so(tables):
    dosages = tables["mutation"].iloc[:, :2].add_prefix("dosage:")
    estimator = IntegrationViews(settings())
    views = estimator.fit_transform(tables.replace(mutation=dosages))
    table = overview(views, estimator).set_index("view")
    assert "mutation" not in views
    assert table.loc["mutation", "features"] == 0
    assert "no feature" in table.loc["mutation", "reason"]
    assert table.loc["expression", ["likelihood", "patients", "features", "reason"]].tolist() == [
        "gaussian",
        55,
        600,
        None,
    ]
