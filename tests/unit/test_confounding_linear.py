import numpy as np
import pandas as pd
import pytest
from statsmodels.api import WLS

from trdomics.confounding.linear import (
    label_test,
    log_cpm,
    voom_weights,
)
from trdomics.differential.moderation import moderate


@pytest.fixture
def data():
    rng = np.random.default_rng(1)
    n, g = 40, 30
    matrix = np.column_stack([np.ones(n), np.arange(n) % 2, rng.normal(size=n)])
    values = rng.normal(5, 1, (n, g)) + matrix[:, [1]] * np.linspace(0, 2, g)
    return values, matrix, rng.uniform(0.5, 2, (n, g))


def test_effects_and_variances_are_those_of_weighted_least_squares(data):
    values, matrix, weights = data
    found = label_test(values, matrix, weights)
    models = [WLS(values[:, j], matrix, weights=weights[:, j]).fit() for j in range(30)]
    np.testing.assert_allclose(found.effect, [m.params[1] for m in models])
    variance = np.array([m.scale for m in models])
    moderated, _ = moderate(variance, np.full(30, 37))
    errors = [m.bse[1] * np.sqrt(s / m.scale) for m, s in zip(models, moderated, strict=True)]
    np.testing.assert_allclose(found.error, errors)


def test_a_weight_of_zero_leaves_a_value_out(data):
    values, matrix, _ = data
    weights = np.ones_like(values)
    weights[:5, 0] = 0
    changed = values.copy()
    changed[:5, 0] = 1e6
    found = label_test(changed, matrix, weights)
    alone = WLS(values[5:, 0], matrix[5:]).fit()
    assert found.effect[0] == pytest.approx(alone.params[1])


def test_a_feature_without_the_label_in_its_values_has_no_test(data):
    values, matrix, _ = data
    weights = np.ones_like(values)
    weights[matrix[:, 1] == 1, 0] = 0
    found = label_test(values, matrix, weights)
    assert np.isnan(found.padj[0]) and np.isnan(found.effect[0])
    assert np.isfinite(found.padj[1:]).all()


def test_weights_grow_with_counts_and_null_features_hold_the_rate():
    rng = np.random.default_rng(3)
    n, g = 80, 400
    means = np.exp(rng.uniform(1, 8, g))
    depth = rng.uniform(0.5, 2, n)
    rate = depth[:, None] * means * rng.gamma(10, 0.1, (n, g))
    counts = rng.poisson(rate).astype(float)
    values, libraries = log_cpm(counts, depth)
    matrix = np.column_stack([np.ones(n), rng.permutation(n) % 2])
    weights = voom_weights(values, libraries, matrix)
    assert weights.shape == values.shape and (weights > 0).all()
    low, high = means < 20, means > 500
    assert np.median(weights[:, high]) > 2 * np.median(weights[:, low])
    found = label_test(values, matrix, weights)
    assert (found.pvalue < 0.05).mean() == pytest.approx(0.05, abs=0.03)
    assert (found.padj < 0.05).sum() <= 2


def test_log_counts_per_million_do_not_depend_on_depth():
    counts = np.array([[100.0, 900], [1000, 9000]])
    values, libraries = log_cpm(counts, np.array([1.0, 10.0]))
    np.testing.assert_allclose(values[0], values[1], atol=0.01)
    assert libraries[1] == pytest.approx(10 * libraries[0])
    assert pd.Series(libraries).gt(0).all()
