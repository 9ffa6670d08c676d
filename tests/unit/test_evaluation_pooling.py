import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from trdomics.evaluation.pooling import logit_auroc, pooled_auroc


def test_equal_sites_have_no_heterogeneity_and_their_own_mean():
    pooled = pooled_auroc([0.75] * 5, [30] * 5, [30] * 5)
    assert pooled["auroc"] == pytest.approx(0.75)
    assert pooled["tau2"] == 0
    assert pooled["i2"] == 0
    assert pooled["q_pvalue"] == pytest.approx(1)
    assert pooled["lower"] < 0.75 < pooled["upper"]
    assert pooled["reason"] == ""


def test_sites_that_differ_are_told_and_widen_the_prediction_interval():
    alike = pooled_auroc([0.74, 0.76, 0.75, 0.75], [40] * 4, [40] * 4)
    apart = pooled_auroc([0.55, 0.95, 0.60, 0.90], [40] * 4, [40] * 4)
    assert apart["q_pvalue"] < 1e-4
    assert apart["i2"] > 0.8
    assert apart["prediction_lower"] < apart["lower"] < apart["auroc"]
    assert apart["prediction_upper"] > apart["upper"]
    assert apart["upper"] - apart["lower"] > 2 * (alike["upper"] - alike["lower"])


def test_large_sites_weigh_more():
    pooled = pooled_auroc([0.7, 0.74, 0.7], [20, 500, 20], [20, 500, 20])
    assert pooled["tau2"] == 0
    assert 0.735 < pooled["auroc"] < 0.74


def test_few_sites_give_less_and_say_so():
    one = pooled_auroc([0.7], [20], [20])
    assert np.isnan(one["auroc"])
    assert "fewer than two" in one["reason"]
    two = pooled_auroc([0.7, 0.8], [20, 20], [20, 20])
    assert 0.7 < two["auroc"] < 0.8
    assert np.isnan(two["prediction_lower"])
    assert "fewer than three" in two["reason"]


def test_a_perfect_site_is_kept_and_finite():
    effect, variance = logit_auroc([1.0, 0.0], [5, 5], [6, 6])
    assert np.isfinite(effect).all()
    assert (variance > 0).all()
    assert effect[0] == pytest.approx(-effect[1])
    assert pooled_auroc([1.0, 0.7, 0.75], [5, 30, 30], [6, 30, 30])["auroc"] < 0.9


def test_the_variance_is_that_of_repeated_samples():
    rng = np.random.default_rng(2)
    shift, positive, negative = 0.954, 25, 35  # a true AUROC of 0.75
    label = np.r_[np.ones(positive), np.zeros(negative)]
    drawn = [roc_auc_score(label, rng.normal(size=60) + shift * label) for _ in range(1500)]
    _, variance = logit_auroc(norm.cdf(shift / np.sqrt(2)), positive, negative)
    assert float(variance) == pytest.approx(np.var(logit(drawn)), rel=0.15)


def test_the_interval_covers_the_mean_of_sites_that_differ():
    rng = np.random.default_rng(4)
    size, tau, mean, covered, tries = 40, 0.4, logit(0.75), 0, 300
    for _ in range(tries):
        true = expit(rng.normal(mean, tau, size=6))
        _, variance = logit_auroc(true, [size] * 6, [size] * 6)
        seen = expit(rng.normal(logit(true), np.sqrt(variance)))
        pooled = pooled_auroc(seen, [size] * 6, [size] * 6)
        covered += pooled["lower"] < 0.75 < pooled["upper"]
    assert covered / tries > 0.92
