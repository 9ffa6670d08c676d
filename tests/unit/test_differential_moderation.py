import numpy as np
import pytest
from scipy.special import polygamma

from trdomics.differential.moderation import inverse_trigamma, moderate


def test_moderation_finds_the_prior_it_was_drawn_from():
    # Smyth 2004: s² given σ² is scaled χ², 1/σ² is scaled χ² with d0 degrees of freedom
    rng = np.random.default_rng(2)
    prior, common, freedom = 8.0, 0.5, 20
    true = prior * common / rng.chisquare(prior, 20_000)
    variance = true * rng.chisquare(freedom, 20_000) / freedom
    moderated, total = moderate(variance, np.full(20_000, freedom))
    assert total[0] - freedom == pytest.approx(prior, rel=0.08)
    expected = (prior * common + freedom * variance) / (prior + freedom)
    np.testing.assert_allclose(moderated, expected, rtol=0.08)


def test_equal_variances_become_one():
    variance = np.full(50, 2.0) * np.linspace(0.99, 1.01, 50)
    moderated, total = moderate(variance, np.full(50, 10))
    assert np.ptp(moderated) == 0
    assert total[0] == 500


@pytest.mark.parametrize("value", [1e-8, 0.01, 0.5, 3.0, 1e8])
def test_the_inverse_of_trigamma(value):
    assert polygamma(1, inverse_trigamma(value)) == pytest.approx(value, rel=1e-2)


def test_one_constant_feature_does_not_undo_the_moderation():
    variance = np.append(np.linspace(0.9, 1.1, 100), 1e-18)
    _, total = moderate(variance, np.full(101, 10))
    assert total[0] > 12
