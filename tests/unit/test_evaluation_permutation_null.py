import numpy as np
import pandas as pd
import pytest

from trdomics.evaluation.permutation_null import null_distribution, null_test, permutation_pvalue


def test_pvalue_is_never_zero_and_counts_ties():
    assert permutation_pvalue(0.9, [0.4, 0.5, 0.6]) == pytest.approx(1 / 4)
    assert permutation_pvalue(0.5, [0.4, 0.5, 0.6]) == pytest.approx(3 / 4)


def test_pvalue_is_uniform_under_the_null():
    rng = np.random.default_rng(1)
    pvalues = np.array(
        [permutation_pvalue(draw[0], draw[1:]) for draw in rng.normal(size=(4000, 20))]
    )
    # with 19 permutations the p-values are the multiples of 1/20, all equally likely
    for level in (0.05, 0.25, 0.5, 0.75):
        expected = 3 * np.sqrt(level * (1 - level) / 4000)
        assert abs((pvalues <= level + 1e-9).mean() - level) < expected


def test_mean_over_repeats_errs_on_the_safe_side():
    """Observed: the mean of five repeats with shared patients; permuted: one repeat each."""
    rng = np.random.default_rng(2)
    shared, own = 0.03, 0.02
    rejected = 0
    for _ in range(2000):
        observed = rng.normal(0, shared) + rng.normal(0, own, size=5).mean()
        null = rng.normal(0, shared, size=19) + rng.normal(0, own, size=19)
        rejected += permutation_pvalue(observed, null) <= 0.05
    assert rejected / 2000 < 0.05


@pytest.fixture
def null() -> pd.DataFrame:
    """Two repeats with the true labels, one permutation in each."""
    parts = []
    for permutation, repeat, probability in (
        (0, 1, [0.1, 0.2, 0.8, 0.9]),
        (0, 2, [0.1, 0.8, 0.2, 0.9]),
        (1, 1, [0.6, 0.2, 0.3, 0.1]),
        (2, 2, [0.1, 0.7, 0.3, 0.4]),
    ):
        parts.append(
            pd.DataFrame(
                {
                    "permutation": permutation,
                    "repeat": repeat,
                    "patient_id": list("abcd"),
                    "label_permuted": [0, 0, 1, 1],
                    "probability": probability,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def test_distribution_has_one_value_per_permutation(null):
    table = null_distribution(null.sample(frac=1, random_state=1))
    assert table["auroc"].tolist() == pytest.approx([1.0, 0.75, 0.25, 0.5])
    assert table["permutation"].tolist() == [0, 0, 1, 2]
    result = null_test(table)
    assert result["observed"] == pytest.approx(0.875)
    assert result["mean"] == pytest.approx(0.375)
    assert result["largest"] == 0.5
    assert result["n_permutations"] == 2
    assert result["pvalue"] == pytest.approx(1 / 3)
    assert "reason" not in result


def test_without_permutations_or_true_labels_the_reason_is_given(null):
    none = null_test(null_distribution(null[null["permutation"] == 0]))
    assert np.isnan(none["pvalue"])
    assert "no permutations" in none["reason"]
    unobserved = null_test(null_distribution(null[null["permutation"] > 0]))
    assert np.isnan(unobserved["pvalue"])
    assert "true labels" in unobserved["reason"]
    assert null_distribution(null.iloc[:0]).empty
