"""The projection is the exact posterior mean, whoever else is projected."""

import numpy as np
import pytest

from trdomics.integration.projection import (
    project,
    pseudo_data,
    second_moment,
    second_moments,
    variance_explained,
)


@pytest.fixture
def model():
    rng = np.random.default_rng(3)
    k, sizes = 3, {"a": 12, "b": 7, "c": 9}
    w = {view: rng.normal(size=(d, k)) for view, d in sizes.items()}
    return {
        "w": w,
        "w2": {view: values**2 + 0.1 for view, values in w.items()},
        "tau": {view: rng.uniform(0.5, 2, d) for view, d in sizes.items()},
        "intercepts": {view: rng.normal(size=d) for view, d in sizes.items()},
        "likelihoods": {"a": "gaussian", "b": "gaussian", "c": "bernoulli"},
    }


@pytest.fixture
def values(model):
    rng = np.random.default_rng(4)
    n = 8
    tables = {view: rng.normal(size=(n, len(w))) for view, w in model["w"].items()}
    tables["c"] = (rng.random(tables["c"].shape) < 0.4).astype(float)
    tables["a"][0] = tables["b"][1] = tables["c"][2] = np.nan
    tables["a"][3] = tables["b"][3] = tables["c"][3] = np.nan
    return tables


def test_gaussian_views_follow_the_formula_patient_by_patient(model, values):
    gaussian = {view: values[view] for view in "ab"}
    z, variance = project(gaussian, **model)
    for i in range(len(z)):
        precision, target = np.eye(3), np.zeros(3)
        for view, table in gaussian.items():
            if np.isnan(table[i]).any():
                continue
            w, w2, tau = model["w"][view], model["w2"][view], model["tau"][view]
            for d in range(len(w)):
                moment = np.outer(w[d], w[d])
                np.fill_diagonal(moment, w2[d])
                precision += tau[d] * moment
                target += tau[d] * w[d] * (table[i, d] - model["intercepts"][view][d])
        np.testing.assert_allclose(z[i], np.linalg.solve(precision, target), rtol=1e-10)
        np.testing.assert_allclose(variance[i], 1 / np.diag(precision), rtol=1e-10)


def test_plain_transposed_weights_are_not_the_answer(model, values):
    z, _ = project({"a": values["a"]}, **model)
    naive = (values["a"] - model["intercepts"]["a"]) @ model["w"]["a"]
    assert not np.allclose(z[4:], naive[4:], atol=0.5)


def test_bernoulli_views_are_at_the_fixed_point_of_the_bound(model, values):
    z, variance = project(values, **model)
    w, w2, tau = model["w"], model["w2"], model["tau"]
    who = ~np.isnan(values["c"]).any(axis=1)
    pseudo, noise = pseudo_data(values["c"][who], z[who], variance[who], w["c"], w2["c"])
    precision = np.eye(3) + second_moments(w["c"], w2["c"], noise)
    target = (noise * (pseudo - model["intercepts"]["c"])) @ w["c"]
    for view in "ab":
        has = ~np.isnan(values[view][who]).any(axis=1)
        precision[has] += second_moment(w[view], w2[view], tau[view])
        centred = values[view][who][has] - model["intercepts"][view]
        target[has] += (centred * tau[view]) @ w[view]
    expected = np.linalg.solve(precision, target[:, :, None])[:, :, 0]
    np.testing.assert_allclose(z[who], expected, atol=1e-8)


def test_the_precision_of_pseudo_data_is_a_quarter_at_zero():
    y = np.array([[0.0, 1.0]])
    pseudo, noise = pseudo_data(
        y, np.zeros((1, 1)), np.ones((1, 1)), np.zeros((2, 1)), np.zeros((2, 1))
    )
    np.testing.assert_allclose(noise, 0.25, rtol=1e-6)
    np.testing.assert_allclose(pseudo, [[-2.0, 2.0]], rtol=1e-6)


def test_a_patient_without_views_gets_the_prior(model, values):
    z, variance = project(values, **model)
    np.testing.assert_array_equal(z[3], 0)
    np.testing.assert_array_equal(variance[3], 1)


def test_nobody_depends_on_who_else_is_projected(model, values):
    together, _ = project(values, **model)
    for i in range(len(together)):
        alone, _ = project({view: table[i : i + 1] for view, table in values.items()}, **model)
        np.testing.assert_allclose(alone[0], together[i], atol=1e-12)


def test_a_view_that_is_not_given_is_lacked_by_all(model, values):
    lacking = {**values, "b": np.full_like(values["b"], np.nan)}
    expected, _ = project(lacking, **model)
    given, _ = project({view: values[view] for view in "ac"}, **model)
    np.testing.assert_allclose(given, expected)


def test_gaps_inside_a_view_are_refused(model, values):
    values["a"][5, 2] = np.nan
    with pytest.raises(ValueError, match="view a has patients with some of the values missing"):
        project(values, **model)


def test_a_wrong_number_of_features_is_refused(model, values):
    with pytest.raises(ValueError, match="view b has 6 features, its model 7"):
        project({"b": values["b"][:, :6]}, **model)


def test_variance_explained_is_that_of_the_residuals(model, values):
    z, variance = project(values, **model)
    arguments = {key: model[key] for key in ("w", "w2", "intercepts", "likelihoods")}
    by_factor, together = variance_explained(values, z, variance, **arguments)
    has = ~np.isnan(values["a"]).any(axis=1)
    y = values["a"][has] - model["intercepts"]["a"]
    for k in range(3):
        residual = y - np.outer(z[has, k], model["w"]["a"][:, k])
        assert by_factor["a"][k] == pytest.approx(1 - (residual**2).sum() / (y**2).sum())
    residual = y - z[has] @ model["w"]["a"].T
    assert together["a"] == pytest.approx(1 - (residual**2).sum() / (y**2).sum())
