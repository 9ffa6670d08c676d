"""The engine: silent, reproducible, with real errors; its file is what MOFA2 reads."""

import dataclasses
import warnings

import h5py
import numpy as np
import pandas as pd
import pytest
from mofapy2.core.BayesNet import BayesNet

from trdomics.integration.engine import contained, fit_mofa
from trdomics.integration.mofa2_file import (
    GROUP,
    add_samples_metadata,
    unique_names,
    write_mofa2,
)

LIKELIHOODS = {"a": "gaussian", "b": "bernoulli"}
OPTIONS = {"n_factors": 3, "seed": 1, "max_iterations": 40}


@pytest.fixture(scope="module")
def views():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(40, 2))
    a = 5 + z @ rng.normal(size=(2, 25)) + rng.normal(size=(40, 25))
    b = (rng.random((40, 20)) < 1 / (1 + np.exp(-z @ rng.normal(size=(2, 20))))).astype(float)
    a[:4] = b[30:33] = np.nan
    return {"a": a, "b": b}


@pytest.fixture(scope="module")
def fit(views):
    return fit_mofa(views, LIKELIHOODS, **OPTIONS)


def test_shapes_are_those_of_the_contract(views, fit):
    assert fit.z.shape == fit.z_variance.shape == (40, 3)
    for view, values in views.items():
        assert fit.w[view].shape == fit.w2[view].shape == (values.shape[1], 3)
        assert fit.tau[view].shape == fit.intercepts[view].shape == (values.shape[1],)
        assert (fit.w2[view] >= fit.w[view] ** 2).all()
        np.testing.assert_array_equal(np.isnan(fit.data[view]), np.isnan(values))
    np.testing.assert_allclose(fit.intercepts["a"], np.nanmean(views["a"], axis=0))
    assert len(fit.elbo) <= 41
    assert fit.z.dtype == fit.w["a"].dtype == np.float64


def test_the_bound_rises(fit):
    bound = fit.elbo[np.isfinite(fit.elbo)]
    assert len(bound) >= 8
    assert (np.diff(bound[1:]) > -1e-6 * np.abs(bound[1:-1])).all()


def test_one_more_update_of_a_patient_is_what_the_docstring_says(views):
    fit = fit_mofa(views, LIKELIHOODS, **OPTIONS | {"max_iterations": 3000, "convergence": "slow"})
    assert fit.converged
    y = views["a"] - fit.intercepts["a"]
    w, w2 = fit.w["b"], fit.w2["b"]
    for i in (1, 10, 31):
        a, b = np.eye(3), np.zeros(3)
        if not np.isnan(y[i]).any():
            moment = fit.w["a"].T @ (fit.tau["a"][:, None] * fit.w["a"])
            np.fill_diagonal(moment, fit.tau["a"] @ fit.w2["a"])
            a, b = a + moment, b + fit.w["a"].T @ (fit.tau["a"] * y[i])
        if not np.isnan(views["b"][i]).any():
            z2 = fit.z[i] ** 2 + fit.z_variance[i]
            zeta = np.sqrt((w @ fit.z[i]) ** 2 + w2 @ z2 - w**2 @ fit.z[i] ** 2)
            bound = np.tanh(zeta / 2) / (4 * zeta)
            moment = w.T @ (2 * bound[:, None] * w)
            np.fill_diagonal(moment, 2 * bound @ w2)
            pseudo = (2 * views["b"][i] - 1) / (4 * bound) - fit.intercepts["b"]
            a, b = a + moment, b + w.T @ (2 * bound * pseudo)
        np.testing.assert_allclose(np.linalg.solve(a, b), fit.z[i], atol=0.01)
        np.testing.assert_allclose(1 / np.diag(a), fit.z_variance[i], rtol=0.01)


def test_the_same_seed_gives_the_same_fit_and_the_input_is_left_alone(views, fit):
    before = {view: values.copy() for view, values in views.items()}
    again = fit_mofa(views, LIKELIHOODS, **OPTIONS)
    np.testing.assert_array_equal(again.z, fit.z)
    np.testing.assert_array_equal(again.elbo, fit.elbo)
    for view, values in views.items():
        np.testing.assert_array_equal(values, before[view])


def test_nothing_is_printed_warned_or_left_behind(views, capfd):
    np.random.seed(5)  # noqa: NPY002
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    filters = list(warnings.filters)
    fit_mofa(views, LIKELIHOODS, **OPTIONS | {"max_iterations": 3, "dtype": "float32"})
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    assert warnings.filters == filters
    double = fit_mofa(views, LIKELIHOODS, **OPTIONS | {"max_iterations": 3, "fast": False})
    assert double.data["a"].dtype == np.float64


def test_iterations_are_as_many_as_asked_for(views):
    fit = fit_mofa(views, LIKELIHOODS, **OPTIONS | {"max_iterations": 7, "bound_every": 1})
    assert len(fit.elbo) == 8
    assert np.isfinite(fit.elbo).all()
    assert not fit.converged


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"views": {}}, "at least one view"),
        ({"views": {"a": np.zeros((4, 3)), "b": np.zeros((5, 3))}}, "different numbers"),
        ({"likelihoods": {"a": "gaussian"}}, "view b needs one of the likelihoods"),
        ({"likelihoods": {"a": "gaussian", "b": "poisson"}}, "view b needs one of the likelihoods"),
        ({"views": {"a": np.full((9, 3), np.inf)}}, "infinite"),
        ({"views": {"a": np.full((9, 3), np.nan)}}, "without values"),
        ({"views": {"b": np.full((9, 3), 2.0)}}, "other than 0 and 1"),
        ({"convergence": "never"}, "convergence must be"),
        ({"n_factors": 41}, "41 factors from 40 patients and 45 features"),
        ({"dtype": "float16"}, "dtype must be"),
    ],
)
def test_input_that_cannot_be_modelled_is_refused(views, change, message):
    arguments = {"views": views, "likelihoods": LIKELIHOODS, **OPTIONS} | change
    with pytest.raises(ValueError, match=message):
        fit_mofa(**arguments)


def test_where_mofapy2_would_end_the_process_there_is_an_error():
    with pytest.raises(RuntimeError, match="its last output: factors all shut down"), contained():
        print("factors all shut down")
        raise SystemExit(0)


def test_an_interrupt_is_an_interrupt(views, monkeypatch):
    def interrupted(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(BayesNet, "removeInactiveFactors", interrupted)
    monkeypatch.setattr(BayesNet, "assess_convergence", lambda *_: interrupted(None))
    with pytest.raises(KeyboardInterrupt):
        fit_mofa(views, LIKELIHOODS, **OPTIONS)


def test_the_file_has_what_mofa2_reads(tmp_path, views, fit):
    path = tmp_path / "model.hdf5"
    names = {"a": [f"f{i}" for i in range(25)], "b": [f"f{i}" for i in range(20)]}
    patients = [f"P{i}" for i in range(40)]
    write_mofa2(fit, path, names, patients)
    with h5py.File(path) as file:
        assert list(file["groups/groups"].asstr()) == [GROUP]
        assert list(file["views/views"].asstr()) == ["a", "b"]
        assert list(file["features/a"].asstr())[:2] == ["f0_a", "f1_a"]
        np.testing.assert_array_equal(file["expectations/W/a"][:].T, fit.w["a"])
        assert list(file[f"samples/{GROUP}"].asstr()) == patients
        np.testing.assert_array_equal(file[f"expectations/Z/{GROUP}"][:].T, fit.z)
        for view in views:
            tau = file[f"expectations/Tau/{view}/{GROUP}"][:]
            data = file[f"data/{view}/{GROUP}"][:]
            assert tau.shape == data.shape == (40, len(names[view]))
            np.testing.assert_array_equal(np.isnan(tau), np.isnan(data))
            assert (tau[~np.isnan(tau)] > 0).all()
            assert file[f"intercepts/{view}/{GROUP}"].shape == (len(names[view]),)
        r2 = file[f"variance_explained/r2_per_factor/{GROUP}"][:]
        total = file[f"variance_explained/r2_total/{GROUP}"][:]
        assert r2.shape == (2, 3)
        assert 20 < total[0] < 100
        likelihoods = file["model_options/likelihoods"][:]
        assert [value.decode() for value in likelihoods] == ["gaussian", "bernoulli"]


def test_the_file_says_what_is_known_of_the_patients(tmp_path, fit):
    path = tmp_path / "model.hdf5"
    patients = [f"P{i}" for i in range(40)]
    write_mofa2(fit, path, {"a": range(25), "b": range(20)}, patients)
    table = pd.DataFrame({"age": np.arange(41.0), "site/centre": ["Münster", None, *["x"] * 39]})
    table.loc[2, "age"] = np.nan
    add_samples_metadata(path, table.set_axis(["outside", *patients][::-1]))
    with h5py.File(path) as file:
        found = file[f"samples_metadata/{GROUP}"]
        assert set(found) == {"sample", "group", "age", "site_centre"}
        assert list(found["sample"].asstr()) == patients
        assert found["age"][39] == 0
        assert np.isnan(found["age"][37])
        assert list(found["site_centre"].asstr()[-2:]) == ["NA", "Münster"]


def test_variance_explained_is_mofapy2s(tmp_path, views, fit):
    path = tmp_path / "model.hdf5"
    write_mofa2(fit, path, {"a": range(25), "b": range(20)}, range(40))
    y = np.nan_to_num(fit.data["a"])
    known = ~np.isnan(fit.data["a"])
    with h5py.File(path) as file:
        for k in range(3):
            residual = y - np.outer(fit.z[:, k], fit.w["a"][:, k]) * known
            expected = 100 * (1 - (residual**2).sum() / (y**2).sum())
            written = file["variance_explained/r2_per_factor/group1"][0, k]
            assert written == pytest.approx(expected)


def test_a_fit_with_fewer_factors_is_written_as_it_is(tmp_path, fit):
    fewer = dataclasses.replace(
        fit,
        z=fit.z[:, :1],
        w={view: w[:, :1] for view, w in fit.w.items()},
        w2={view: w[:, :1] for view, w in fit.w2.items()},
        z_variance=fit.z_variance[:, :1],
    )
    write_mofa2(fewer, tmp_path / "model.hdf5", {"a": range(25), "b": range(20)}, range(40))
    with h5py.File(tmp_path / "model.hdf5") as file:
        assert file["expectations/Z/group1"].shape == (1, 40)


def test_names_of_the_wrong_number_are_refused(tmp_path, fit):
    with pytest.raises(ValueError, match="3 names for 25 features of a"):
        write_mofa2(fit, tmp_path / "model.hdf5", {"a": range(3), "b": range(20)}, range(40))
    with pytest.raises(ValueError, match="3 names for 40 patients"):
        write_mofa2(fit, tmp_path / "model.hdf5", {"a": range(25), "b": range(20)}, range(3))


def test_names_that_several_views_share_get_their_view():
    assert unique_names({"a": ["g1", "g2"], "b": ["g2", "g3"]}) == {
        "a": ["g1", "g2_a"],
        "b": ["g2_b", "g3"],
    }


def test_random_starts_differ_by_seed_and_reach_like_bounds():
    rng = np.random.default_rng(8)
    z = rng.normal(size=(60, 2))
    views = {"a": z @ rng.normal(size=(2, 40)) + rng.normal(size=(60, 40))}
    options = {"n_factors": 3, "max_iterations": 200, "convergence": "slow"}
    first, second = (
        fit_mofa(views, {"a": "gaussian"}, seed=seed, start="random", **options) for seed in (1, 2)
    )
    again = fit_mofa(views, {"a": "gaussian"}, seed=1, start="random", **options)
    np.testing.assert_array_equal(first.z, again.z)
    assert not np.isclose(first.elbo[0], second.elbo[0], rtol=1e-6)
    ends = [fit.elbo[np.isfinite(fit.elbo)][-1] for fit in (first, second)]
    assert np.isclose(*ends, rtol=0.01)


def test_an_unknown_start_is_refused():
    with pytest.raises(ValueError, match="start must be"):
        fit_mofa({"a": np.eye(4)}, {"a": "gaussian"}, n_factors=1, seed=1, start="nowhere")


def test_a_start_can_be_given_and_the_optimum_is_a_fixed_point_of_it(views):
    settled = fit_mofa(views, LIKELIHOODS, **OPTIONS | {"max_iterations": 2000})
    again = fit_mofa(
        views, LIKELIHOODS, **OPTIONS | {"max_iterations": 2000}, start=np.array(settled.z)
    )
    assert len(again.elbo) < len(settled.elbo)
    assert again.elbo[np.isfinite(again.elbo)][-1] == pytest.approx(
        settled.elbo[np.isfinite(settled.elbo)][-1], rel=1e-3
    )


def test_a_start_of_another_shape_is_refused(views):
    with pytest.raises(ValueError, match=r"patients × factors: \(40, 2\)"):
        fit_mofa(views, LIKELIHOODS, **OPTIONS, start=np.zeros((40, 2)))


@pytest.mark.parametrize("unit", [0.05, 500.0])
def test_the_unit_of_a_view_costs_no_factor(unit):
    rng = np.random.default_rng(3)
    z, w = rng.normal(size=(150, 5)), rng.normal(size=(5, 200))
    values = z @ w + rng.normal(size=(150, 200)) * np.sqrt(2.5)
    options = {"n_factors": 8, "seed": 1, "max_iterations": 60}
    fits = [
        fit_mofa({"a": values * scale}, {"a": "gaussian"}, **options)
        for scale in (1.0, unit / values.std())
    ]
    for fit in fits:
        r2 = [
            1
            - ((fit.data["a"] - np.outer(fit.z[:, k], fit.w["a"][:, k])) ** 2).sum()
            / (fit.data["a"] ** 2).sum()
            for k in range(8)
        ]
        assert (np.array(r2) > 0.01).sum() == 5
    np.testing.assert_allclose(fits[0].z, fits[1].z, atol=1e-6)
    np.testing.assert_allclose(fits[1].data["a"].std(), unit, rtol=0.05)


def test_a_start_from_principal_components_reaches_mofapy2s_own_bound(views):
    """Continuous and binary views; whoever has it among the candidates is never below stock."""
    rng = np.random.default_rng(6)
    z = rng.normal(size=(80, 3))
    drawn = {
        "a": 0.1 * (z @ rng.normal(size=(3, 60)) + rng.normal(size=(80, 60))),
        "b": (rng.random((80, 30)) < 1 / (1 + np.exp(-z @ rng.normal(size=(3, 30))))).astype(float),
    }
    options = {"n_factors": 5, "seed": 1, "max_iterations": 100}
    stock = fit_mofa(drawn, LIKELIHOODS, fast=False, **options)
    candidates = [
        fit_mofa(drawn, LIKELIHOODS, **options | {"seed": seed}, start=start)
        for seed, start in ((1, "pca"), (2, "random"))
    ]
    bounds = [fit.elbo[np.isfinite(fit.elbo)][-1] for fit in (stock, *candidates)]
    assert max(bounds[1:]) >= bounds[0] - 1e-6 * abs(bounds[0])
