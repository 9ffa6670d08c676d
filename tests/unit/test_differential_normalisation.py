import numpy as np
import pandas as pd
import pytest

from trdomics.differential.counts import differential_counts
from trdomics.differential.design import build_design
from trdomics.differential.normalisation import MIN_STABLE, stable_features
from trdomics.layers.counts import size_factors

N_PATIENTS, N_GENES, N_LOWER = 60, 300, 90
CONTRAST = ("group", "case", "control")


@pytest.fixture(scope="module")
def patients():
    index = [f"P{i}" for i in range(N_PATIENTS)]
    return pd.DataFrame({"group": ["case", "control"] * (N_PATIENTS // 2)}, index=index)


@pytest.fixture(scope="module")
def counts(patients):
    """Return counts of which the first 90 genes are lower in cases, and none is higher."""
    rng = np.random.default_rng(11)
    depth = np.exp(rng.normal(0, 0.3, (N_PATIENTS, 1)))
    mean = np.exp(rng.uniform(3, 8, N_GENES)) * depth
    lower = np.arange(N_GENES) < N_LOWER
    mean = mean * 2.0 ** np.outer(patients["group"] == "case", np.where(lower, -1.0, 0.0))
    drawn = rng.negative_binomial(10, 10 / (10 + mean))
    return pd.DataFrame(drawn, index=patients.index, columns=[f"g{i}" for i in range(N_GENES)])


def stable_of(counts, patients):
    cases = (patients["group"] == "case").to_numpy(float)
    matrix = np.column_stack([np.ones(len(cases)), cases])
    return stable_features(counts.to_numpy(), matrix, np.array([0.0, 1.0]))


def test_size_factors_do_not_follow_genes_that_differ_in_one_direction(counts, patients):
    stable, warning = stable_of(counts, patients)
    assert warning == ""
    assert not stable[:N_LOWER].any() and stable[N_LOWER:].mean() > 0.9
    cases = patients["group"] == "case"
    null = counts.iloc[:, N_LOWER:].sum(axis=1)

    def bias(factors):
        ratio = np.log2(null / factors)
        return ratio[cases].mean() - ratio[~cases].mean()

    everything = bias(size_factors(counts.to_numpy()))
    assert everything > 0.05
    assert abs(bias(size_factors(counts.to_numpy()[:, stable]))) < everything / 3


def test_one_directional_differences_make_no_false_calls(counts, patients):
    design = build_design(patients, "~ group", CONTRAST)
    called, used = {}, {}
    for deges in (False, True):
        results, summary = differential_counts(
            counts, design, min_count=10, min_share=0.25, fdr=0.05, deges=deges
        )
        called[deges] = (results["padj"] < 0.05).to_numpy()
        used[deges] = summary["n_size_factor_features"]
        assert summary["deges"] == deges
    false = {deges: found[N_LOWER:].sum() / found.sum() for deges, found in called.items()}
    assert false[False] > 0.1 and false[True] < 0.07
    assert called[True][:N_LOWER].sum() >= called[False][:N_LOWER].sum()
    assert used[False] == N_GENES and used[True] < N_GENES - 0.9 * N_LOWER


def test_of_few_features_half_are_enough(counts, patients):
    few = counts.iloc[:, [*range(10), *range(N_LOWER, N_LOWER + 38)]]
    assert few.shape[1] < MIN_STABLE
    stable, warning = stable_of(few, patients)
    assert not stable[:10].any() and stable[10:].mean() > 0.9
    assert not warning


def test_features_that_the_median_of_ratios_cannot_use_do_not_count(counts, patients):
    # 55 have reads in all patients, and 30 of those differ
    sparse = counts.copy()
    sparse.iloc[0, [*range(60), *range(115, N_GENES)]] = 0
    stable, warning = stable_of(sparse, patients)
    assert stable.all()
    assert "of 55 with reads in all patients seem not to differ" in warning
    design = build_design(patients, "~ group", CONTRAST)
    _, summary = differential_counts(
        sparse, design, min_count=10, min_share=0.25, fdr=0.05, deges=True
    )
    assert summary["deges"] is False
    assert warning in summary["notes"]


def test_most_features_left_out_is_a_warning(counts, patients):
    cases = np.flatnonzero(patients["group"] == "case")
    changed = counts.copy()
    changed.iloc[cases, N_LOWER : 2 * N_LOWER] *= 2
    stable, warning = stable_of(changed, patients)
    assert not stable.all()
    assert "features seem to differ and are left out of the size factors" in warning


def test_constant_features_do_not_count_as_different(counts, patients):
    constant = counts.assign(g299=7)
    assert stable_of(constant, patients)[0].sum() >= N_GENES - N_LOWER - 0.1 * N_GENES
