import numpy as np
import pandas as pd
import pytest
from pydeseq2.dds import DeseqDataSet

from trdomics.errors import InputError
from trdomics.layers.counts import (
    CountsNormaliser,
    by_ratios,
    refused_warning,
    size_factors,
    spread_over_means,
    without_empty_libraries,
)


def negative_binomial(n=40, d=60, seed=0, depth=5.0):
    rng = np.random.default_rng(seed)
    means = np.exp(rng.normal(depth, 1.2, d))
    dispersions = 0.05 + 2 / means
    factors = np.exp(rng.normal(0, 0.4, n))[:, None]
    counts = rng.negative_binomial(
        1 / dispersions, 1 / (1 + dispersions * means * factors), size=(n, d)
    )
    return pd.DataFrame(
        counts, [f"patient{i}" for i in range(n)], [f"gene{j}" for j in range(d)], dtype=int
    )


def pydeseq2_fit(counts):
    metadata = pd.DataFrame({"all": "one"}, index=counts.index)
    return DeseqDataSet(counts=counts, metadata=metadata, design="~1", n_cpus=1, quiet=True)


def test_transform_equals_pydeseq2_on_training_and_new_patients():
    train, new = negative_binomial(), negative_binomial(seed=1).iloc[:5]
    train, new = train + 1, new + 1  # pydeseq2's size factors do not pass by a patient's zeros
    reference = pydeseq2_fit(train)
    reference.vst_fit()
    ours = CountsNormaliser(min_count=0, min_share=0, vst_genes=1000).fit(train)
    assert ours.trend_type_ == "parametric"
    # pydeseq2 stops its search for a dispersion a little short of the optimum
    np.testing.assert_allclose(ours.trend_, reference.uns["vst_trend_coeffs"].to_numpy(), rtol=1e-4)
    np.testing.assert_allclose(ours.size_factors(train), reference.obs["size_factors"], rtol=1e-9)
    np.testing.assert_allclose(ours.transform(train), reference.vst_transform(), rtol=1e-5)
    np.testing.assert_allclose(
        ours.transform(new), reference.vst_transform(new.to_numpy()), rtol=1e-5
    )


def test_trend_of_some_features_is_close_to_that_of_all():
    train = negative_binomial(n=60, d=400)
    every = CountsNormaliser(vst_genes=400).fit(train)
    some = CountsNormaliser(vst_genes=100).fit(train)
    difference = (every.transform(train) - some.transform(train)).abs().to_numpy().max()
    assert 0 < difference < 0.25


def test_poscounts_reference_where_every_feature_has_a_zero():
    train = negative_binomial(d=30)
    for j in range(train.shape[1]):
        train.iloc[j, j] = 0
    ours = CountsNormaliser(min_count=1, min_share=0.1).fit(train)
    assert ours.size_factor_method_ == "poscounts"
    reference = pydeseq2_fit(train)
    reference.fit_size_factors(fit_type="poscounts")
    np.testing.assert_allclose(ours.size_factors(train), reference.obs["size_factors"], rtol=1e-9)
    assert np.log(ours.size_factors(train)).mean() == pytest.approx(0, abs=1e-12)


def test_mean_trend_where_the_parametric_one_does_not_converge():
    # dispersion grows with the mean, which a0 + a1 / mean with positive a1 cannot follow
    rng = np.random.default_rng(2)
    means = np.geomspace(20, 20_000, 60)
    dispersions = np.geomspace(0.01, 1.5, 60)
    counts = rng.negative_binomial(1 / dispersions, 1 / (1 + dispersions * means), size=(40, 60))
    train = pd.DataFrame(counts + 1, columns=[f"g{j}" for j in range(60)])
    ours = CountsNormaliser(min_count=0, min_share=0, vst_genes=1000).fit(train)
    assert ours.trend_type_ == "mean"
    reference = pydeseq2_fit(train.set_axis([f"p{i}" for i in range(40)]))
    reference.vst_fit_type = "mean"
    reference.vst_fit()
    np.testing.assert_allclose(ours.transform(train), reference.vst_transform(), rtol=1e-6)


def test_low_count_filter_counts_training_patients():
    train = negative_binomial()
    train["rare"] = 0
    train.iloc[:10, train.columns.get_loc("rare")] = 10
    assert "rare" in CountsNormaliser(min_count=10, min_share=0.25).fit(train).features_
    assert "rare" not in CountsNormaliser(min_count=10, min_share=0.26).fit(train).features_


def test_a_patient_does_not_depend_on_the_others():
    train, new = negative_binomial(), negative_binomial(seed=3).iloc[:6]
    fitted = CountsNormaliser().fit(train)
    together = fitted.transform(new)
    for patient in new.index:
        pd.testing.assert_frame_equal(fitted.transform(new.loc[[patient]]), together.loc[[patient]])


def test_depth_of_sequencing_cancels_out():
    train = negative_binomial(depth=8)
    fitted = CountsNormaliser().fit(train)
    deeper = fitted.transform(train * 4)
    assert np.abs(deeper - fitted.transform(train)).to_numpy().max() < 1e-9


def test_order_superfluous_and_missing_features():
    train, new = negative_binomial(), negative_binomial(seed=4).iloc[:3]
    fitted = CountsNormaliser().fit(train)
    whole = fitted.transform(new)
    shuffled = new[new.columns[::-1]].assign(unknown=7)
    pd.testing.assert_frame_equal(fitted.transform(shuffled), whole)
    assert fitted.missing_features(shuffled) == []
    lacking = new.drop(columns=["gene3", "gene8"])
    filled = fitted.transform(lacking)
    assert fitted.missing_features(lacking) == ["gene3", "gene8"]
    mean = fitted.transform(train)["gene3"].mean()
    np.testing.assert_allclose(filled["gene3"], mean)
    assert list(filled.columns) == list(whole.columns)


def test_a_patient_without_reads_is_named():
    train = negative_binomial()
    fitted = CountsNormaliser().fit(train)
    with pytest.raises(InputError, match=r"patient patient2.*no read"):
        fitted.transform(
            train.assign(**{g: train[g].where(train.index != "patient2", 0) for g in train})
        )


def test_no_feature_passes_the_filter():
    with pytest.raises(InputError, match="none of its 60 features passes"):
        CountsNormaliser(min_count=10**9).fit(negative_binomial())


def test_spread_over_means_takes_both_ends_and_leaves_low_means_out():
    means = np.concatenate([np.full(50, 1.0), np.arange(6, 106)])
    chosen = spread_over_means(means, 11)
    assert len(chosen) == 11
    assert (means[chosen].min(), means[chosen].max()) == (6, 105)
    np.testing.assert_array_equal(spread_over_means(np.full(5, 2.0), 500), np.arange(5))


def drawn_counts(n_features, depths, mean, seed=1):
    rng = np.random.default_rng(seed)
    levels = mean * np.exp(rng.normal(size=n_features))
    return rng.poisson(np.outer(depths, levels))


@pytest.mark.parametrize("mean", [100, 0.5])
def test_size_factors_of_a_cohort_are_those_of_deseq2(mean):
    counts = drawn_counts(300, np.exp(np.random.default_rng(2).normal(0, 0.3, 40)), mean)
    counts[:, counts.sum(axis=0) == 0] = 1
    kind = "ratio" if by_ratios(counts) else "poscounts"
    data = DeseqDataSet(
        counts=pd.DataFrame(counts, index=[f"p{i}" for i in range(40)]).rename(columns=str),
        metadata=pd.DataFrame({"all": "one"}, index=[f"p{i}" for i in range(40)]),
        design="~1",
        quiet=True,
    )
    data.fit_size_factors(kind)
    np.testing.assert_allclose(size_factors(counts), data.obs["size_factors"], rtol=1e-10)


def test_few_features_in_everybody_do_not_decide_the_size_factors():
    depths = np.exp(np.random.default_rng(2).normal(0, 0.3, 60))
    counts = drawn_counts(400, depths, 1.0)
    counts[0] = 0
    counts[0, :3] = 1  # one library of 3 reads
    counts[:, 0] = np.maximum(counts[:, 0], 1)  # the one feature that everybody has
    assert not by_ratios(counts)
    kept, refused = without_empty_libraries(pd.DataFrame(counts, index=range(60)))
    assert list(refused) == ["0"]
    assert "a library of 3 reads" in refused["0"]
    assert refused_warning(refused).startswith("1 library is left out of the test, with less")
    assert refused_warning({}) is None
    factors = size_factors(kept.to_numpy())
    error = np.log(factors / depths[1:])
    plain = np.log(counts[1:, 0] / depths[1:])  # what the median of ratios would rest on
    assert plain.std() > error.std()


def test_a_whole_cohort_has_no_empty_library():
    counts = pd.DataFrame(drawn_counts(50, np.ones(20), 20.0))
    kept, refused = without_empty_libraries(counts)
    assert refused == {}
    pd.testing.assert_frame_equal(kept, counts)
