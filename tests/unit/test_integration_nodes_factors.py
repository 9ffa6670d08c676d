"""The fast updates are mofapy2's own: bound by bound, factor by factor."""

import logging

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from trdomics.integration.engine import fit_mofa
from trdomics.integration.nodes_factors import pairs, spread

TOLERANCE = {"float64": 1e-8, "float32": 1e-4}


def drawn(seed, likelihoods, lacking, n, sizes):
    """Return views with two planted factors; `lacking` gives each patient's missing views."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, 2))
    views = {}
    for m, (likelihood, d) in enumerate(zip(likelihoods, sizes, strict=True)):
        signal = z @ rng.normal(size=(2, d))
        if likelihood == "bernoulli":
            values = (rng.random((n, d)) < 1 / (1 + np.exp(-signal))).astype(float)
        else:
            values = 3 + signal + rng.normal(size=(n, d))
        # nobody lacks everything
        without = (lacking[:, m] if len(likelihoods) > 1 else np.zeros(n, dtype=bool)).copy()
        without[:3] = False
        values[without] = np.nan
        views[f"view{m}"] = values
    return views, dict(zip(views, likelihoods, strict=True))


def both(views, likelihoods, **options):
    options = {"n_factors": 3, "seed": 1, "max_iterations": 60, "bound_every": 1, **options}
    stock = fit_mofa(views, likelihoods, fast=False, **options)
    fast = fit_mofa(views, likelihoods, fast=True, **options)
    assert fast.engine == "fast"
    assert stock.engine == "stock (asked for)"
    return stock, fast


def assert_same(stock, fast, bound, rest):
    assert len(stock.elbo) == len(fast.elbo)
    assert np.isfinite(stock.elbo).all()
    np.testing.assert_allclose(fast.elbo, stock.elbo, rtol=bound)
    assert fast.converged == stock.converged
    np.testing.assert_allclose(fast.z, stock.z, atol=rest)
    np.testing.assert_allclose(fast.z_variance, stock.z_variance, atol=rest)
    for name in ("w", "w2", "tau", "intercepts", "data"):
        for view, values in getattr(stock, name).items():
            np.testing.assert_allclose(
                getattr(fast, name)[view], values, rtol=rest, atol=rest, err_msg=f"{name} {view}"
            )


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    likelihoods=st.lists(st.sampled_from(["gaussian", "bernoulli"]), min_size=1, max_size=3),
    pattern=st.sampled_from(["none", "one view", "any"]),
    data_seed=st.integers(0, 2**16),
    seed=st.integers(0, 2**16),
    n=st.integers(24, 40),
    size=st.integers(8, 30),
    dtype=st.sampled_from(["float64", "float32"]),
)
def test_every_bound_and_moment_is_that_of_mofapy2(
    likelihoods, pattern, data_seed, seed, n, size, dtype
):
    rng = np.random.default_rng(data_seed)
    lacking = np.zeros((n, len(likelihoods)), dtype=bool)
    if pattern == "one view":
        lacking[:, -1] = rng.random(n) < 0.4
    elif pattern == "any":
        lacking = rng.random((n, len(likelihoods))) < 0.3
        lacking[lacking.all(axis=1), 0] = False
    sizes = [size + 3 * m for m in range(len(likelihoods))]
    views, likelihoods = drawn(data_seed, likelihoods, lacking, n, sizes)
    options = {"seed": seed, "dtype": dtype, "max_iterations": 55}
    stock, fast = both(views, likelihoods, **options)
    tolerance = TOLERANCE[dtype]
    # moments follow the bound to the square root of its precision where it is flat
    assert_same(stock, fast, bound=tolerance, rest=1e-7 if dtype == "float64" else 1e-2)


def test_the_sparsity_that_starts_late_is_the_same():
    lacking = np.zeros((30, 2), dtype=bool)
    lacking[20:, 0] = True
    views, likelihoods = drawn(1, ["gaussian", "bernoulli"], lacking, 30, [20, 20])
    stock, fast = both(views, likelihoods, max_iterations=120, convergence="slow")
    assert_same(stock, fast, bound=1e-10, rest=1e-7)


def test_the_start_from_a_randomised_pca_is_the_same():
    # beyond 500 features scikit-learn's PCA takes another way
    lacking = np.zeros((40, 2), dtype=bool)
    lacking[30:, 1] = True
    views, likelihoods = drawn(4, ["gaussian", "bernoulli"], lacking, 40, [520, 20])
    for seed in (1, 2):
        stock, fast = both(views, likelihoods, max_iterations=30, seed=seed)
        assert_same(stock, fast, bound=1e-10, rest=1e-7)


def test_blocks_of_binary_features_and_patients_change_nothing(monkeypatch):
    lacking = np.zeros((30, 2), dtype=bool)
    views, likelihoods = drawn(2, ["gaussian", "bernoulli"], lacking, 30, [20, 20])
    whole = fit_mofa(views, likelihoods, n_factors=3, seed=1, max_iterations=20)
    monkeypatch.setattr("trdomics.integration.nodes_factors.BLOCK", 50)
    blocks = fit_mofa(views, likelihoods, n_factors=3, seed=1, max_iterations=20)
    np.testing.assert_allclose(blocks.z, whole.z, atol=1e-10)
    np.testing.assert_allclose(blocks.w["view1"], whole.w["view1"], atol=1e-10)


def test_scattered_gaps_go_to_the_stock_updates_and_the_log_says_so(caplog):
    rng = np.random.default_rng(0)
    views = {"a": rng.normal(size=(30, 20))}
    options = {"n_factors": 2, "seed": 1, "max_iterations": 5}
    views["a"][2, 3] = np.nan
    with caplog.at_level(logging.WARNING):
        fit = fit_mofa(views, {"a": "gaussian"}, **options)
    assert fit.engine == "stock (view a lacks single values, not whole patients)"
    assert "lacks single values" in caplog.text
    assert np.isnan(fit.data["a"]).sum() == 1


def test_stock_and_fast_models_do_not_touch_each_other():
    lacking = np.zeros((30, 1), dtype=bool)
    views, likelihoods = drawn(3, ["gaussian"], lacking, 30, [20])
    options = {"n_factors": 2, "seed": 1, "max_iterations": 10, "bound_every": 1}
    before = fit_mofa(views, likelihoods, fast=False, **options)
    fit_mofa(views, likelihoods, fast=True, dtype="float32", **options)
    after = fit_mofa(views, likelihoods, fast=False, **options)
    np.testing.assert_array_equal(before.elbo, after.elbo)
    np.testing.assert_array_equal(before.z, after.z)


def test_pairs_hold_every_product_once():
    rows = np.arange(1.0, 7.0).reshape(3, 2)
    products, where = pairs(rows)
    assert products.shape == (3, 2)
    full = spread(products, where)
    expected = rows[:, None] * rows[None]
    expected[np.arange(3), np.arange(3)] = 0
    np.testing.assert_array_equal(full, expected)
