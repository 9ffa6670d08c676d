import functools

import numpy as np
import pandas as pd
import pytest
from consortium_pooled import draw_consortium
from scipy.stats import false_discovery_control, norm, t
from statsmodels.stats.meta_analysis import combine_effects

from trdomics.consortium import meta_analysis
from trdomics.consortium.digits import effect_step, on_grid
from trdomics.consortium.meta_analysis import (
    between_cohorts,
    combine_features,
    moderate,
    weighted_mean,
)
from trdomics.simulation.features import read_genes

REPETITIONS = 8000


def drawn(tau=0.0, affected=1.0, differing=0.06, n=REPETITIONS, k=4, seed=0):
    """Return estimates, errors and true means of features that differ between cohorts by tau."""
    rng = np.random.default_rng(seed)
    error = np.exp(rng.normal(np.log(0.15), 0.3, (n, k)))
    mean = np.where(rng.random(n) < differing, rng.normal(0, 0.3, n), 0.0)
    between = np.where(rng.random(n) < affected, tau, 0.0)
    effect = mean[:, None] + rng.normal(size=(n, k)) * np.sqrt(error**2 + between[:, None] ** 2)
    return pd.DataFrame(effect), pd.DataFrame(error), mean


@functools.cache
def combined(tau, affected):
    """Return the combined effects of drawn features, and their true means."""
    effects, errors, mean = drawn(tau, affected)
    return combine_features(effects, errors), mean


def fdp(padj, mean):
    called = np.asarray(padj < 0.05)
    return (called & (mean == 0)).sum() / max(called.sum(), 1), called.sum()


def test_without_moderation_it_is_statsmodels_dersimonian_laird():
    effects, errors, _ = drawn(tau=0.3, n=19)
    effect, weight = effects.to_numpy(), 1 / errors.to_numpy() ** 2
    fixed, _ = weighted_mean(effect, weight)
    q = (weight * (effect - fixed[:, None]) ** 2).sum(axis=1)
    found = combine_features(effects, errors)
    for row in range(len(effect)):
        expected = combine_effects(effect[row], 1 / weight[row], method_re="dl")
        assert q[row] == pytest.approx(expected.q, rel=1e-10)
        assert found["q"][row] == pytest.approx(expected.q, rel=1e-10)
        tau2 = between_cohorts(q, weight)[row]
        assert tau2 == pytest.approx(max(expected.tau2, 0), abs=1e-12)
        assert found["effect_fixed"][row] == pytest.approx(expected.mean_effect_fe, rel=1e-10)
        assert found["se_fixed"][row] == pytest.approx(expected.sd_eff_w_fe, rel=1e-10)
        if expected.tau2 > 0:
            # fewer than 20 features: nothing is moderated
            assert found["tau2"][row] == pytest.approx(expected.tau2, rel=1e-10)
            assert found["effect"][row] == pytest.approx(expected.mean_effect_re, rel=1e-10)
            assert found["se"][row] == pytest.approx(expected.sd_eff_w_re, rel=1e-10)
            statistic = abs(expected.mean_effect_re / expected.sd_eff_w_re)
            assert found["pvalue"][row] == pytest.approx(2 * t.sf(statistic, 3), rel=1e-9)
        iterated = combine_effects(effect[row], 1 / weight[row], method_re="iterated", maxiter=500)
        single = 2 * norm.sf(abs(iterated.mean_effect_re / iterated.sd_eff_w_re))
        assert found["pvalue_single"][row] == pytest.approx(single, rel=1e-10)


def test_features_of_some_cohorts_only():
    effects, errors, _ = drawn(n=200)
    effects.iloc[0, 1:] = np.nan
    errors.iloc[1, :2] = np.nan
    effects.iloc[2] = np.nan
    found = combine_features(effects, errors)
    assert found["k"].tolist()[:4] == [1, 2, 0, 4]
    assert found["reason"][0] == found["reason"][2] == meta_analysis.TOO_FEW
    assert found.loc[[0, 2], ["effect", "pvalue", "padj"]].isna().all(axis=None)
    two = combine_effects(
        effects.iloc[1, 2:].to_numpy(), errors.iloc[1, 2:].to_numpy() ** 2, method_re="dl"
    )
    assert found["effect_fixed"][1] == pytest.approx(two.mean_effect_fe)
    assert found["reason"][1:2].isna().all()
    assert combine_features(effects.iloc[:0], errors.iloc[:0]).empty


def test_the_prior_finds_the_common_heterogeneity():
    rng = np.random.default_rng(3)
    # scaled inverse chi-square with 8 degrees of freedom around 2
    true = 2 * 8 / rng.chisquare(8, 20000)
    found, prior = moderate(true * rng.chisquare(3, 20000) / 3, np.full(20000, 3))
    assert prior == pytest.approx(8, rel=0.15)
    assert np.corrcoef(np.log(found), np.log(true))[0, 1] > 0.4
    alike, infinite = moderate(rng.chisquare(3, 20000) / 3, np.full(20000, 3))
    assert infinite > 100
    assert np.ptp(alike) < 0.2
    assert alike.mean() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(("tau", "affected"), [(0.0, 1.0), (0.1, 1.0), (0.2, 1.0), (0.2, 0.3)])
def test_few_calls_are_wrong_whether_cohorts_agree_or_not(tau, affected):
    found, mean = combined(tau, affected)
    wrong, _ = fdp(found["padj"], mean)
    assert wrong < 0.1
    if tau and affected == 1:
        # the fixed effect, which knows no heterogeneity, is what this guards against
        z = found["effect_fixed"] / found["se_fixed"]
        assert fdp(false_discovery_control(2 * norm.sf(z.abs())), mean)[0] > 0.25


def test_it_has_the_power_of_the_fixed_effect_where_cohorts_agree():
    found, mean = combined(0.0, 1.0)
    _, called = fdp(found["padj"], mean)
    z = norm.sf((found["effect_fixed"] / found["se_fixed"]).abs())
    _, fixed = fdp(false_discovery_control(2 * z), mean)
    _, hksj = fdp(false_discovery_control(found["pvalue_hksj"]), mean)
    assert called > 0.95 * fixed
    assert hksj < 0.1 * fixed


def test_sites_of_a_simulated_consortium_share_patients_truth_but_not_depth():
    genes = read_genes("resources/simulation_genes.tsv")
    drawn_ = draw_consortium(120, genes, 700, seed=4)
    assert len(drawn_.patients) == 4
    names = [set(patients.index) for patients in drawn_.patients.values()]
    assert not set.intersection(*names)
    pooled, counts = drawn_.pooled()
    assert pooled.index.equals(counts.index)
    assert counts.columns.tolist() == drawn_.truth["feature"].tolist()
    means = pd.DataFrame({site: table.mean() for site, table in drawn_.counts.items()})
    ratio = np.log2(means["site_a"] / means["site_b"])[means.min(axis=1) > 50]
    assert ratio.std() > 0.25


def test_rounding_costs_few_calls_where_its_step_is_known():
    effects, errors, mean = drawn(n=4000)
    steps = pd.DataFrame(effect_step(errors))
    rounded = pd.DataFrame(on_grid(effects, steps))
    exact, short, blind = (
        set(np.flatnonzero(combine_features(*tables)["padj"] < 0.05))
        for tables in ((effects, errors), (rounded, errors, steps), (rounded, errors))
    )
    assert len(exact - short) <= 0.03 * len(exact)
    assert fdp(combine_features(rounded, errors, steps)["padj"], mean)[0] < 0.07
    # rounded estimates that agree by chance look like no heterogeneity at all in some features
    assert len(exact - blind) > len(exact - short)
