import numpy as np
import pandas as pd
import pytest
from scipy.stats import skew

from trdomics.subtypes.consensus import (
    ambiguous_share,
    consensus_labels,
    consensus_matrix,
    patient_consensus,
)
from trdomics.subtypes.reference import SEVERAL_MODES, UnimodalReference, nearest_unimodal
from trdomics.subtypes.selection import find_subtypes, lacking_layers, weigh

# references enough for a p-value of 0.025, and resamples for a consensus of 0.97
FEW: dict[str, int] = {"references": 39, "resamples": 20}


def cloud(kind, rng, n=120, n_factors=5):
    values = rng.normal(size=(n, n_factors))
    if kind == "correlated":
        return values @ (rng.normal(size=(n_factors, n_factors)) + np.eye(n_factors))
    if kind == "long":
        return values * np.geomspace(3, 0.3, n_factors)
    if kind == "skewed":
        values[:, 0] = rng.exponential(size=n) * 1.5
    if kind == "heavy tails":
        values[:, 0] = rng.standard_t(3, n)
    if kind == "bounded":
        values[:, :2] = rng.uniform(-2, 2, size=(n, 2))
    if kind == "missing layer":  # factors of patients who lack a layer are drawn to zero
        values[rng.random(n) < 0.1, :3] *= 0.3
    return values


def blobs(rng, sizes, distance, n_factors=5):
    """Draw groups at the corners of a simplex."""
    groups = np.repeat(np.arange(len(sizes)), sizes)
    centres = np.eye(n_factors)[: len(sizes)] * distance / np.sqrt(2)
    return rng.normal(size=(len(groups), n_factors)) + centres[groups], groups


@pytest.mark.parametrize(
    "kind",
    ["one Gaussian", "correlated", "long", "skewed", "heavy tails", "bounded", "missing layer"],
)
def test_one_cloud_has_no_subtypes(kind):
    found = [
        find_subtypes(cloud(kind, np.random.default_rng(seed)), seed, **FEW)
        for seed in (1, 2)  # of twenty seeds one finds some by chance
    ]
    assert [subtypes.n_subtypes for subtypes in found] == [1, 1]
    none = found[0]
    assert "a single cluster" in none.reason
    assert (none.labels == 0).all() and np.isnan(none.consensus).all()
    assert none.table.set_index("k").loc[1, "chosen"] == 1


@pytest.mark.parametrize("sizes", [(60, 60), (90, 30), (40, 40, 40)])
def test_planted_groups_are_found(sizes):
    values, groups = blobs(np.random.default_rng(1), sizes, 6.0)
    found = find_subtypes(values, 1, **FEW)
    assert found.n_subtypes == len(sizes)
    assert found.pvalue == pytest.approx(1 / (FEW["references"] + 1))
    agreement = pd.crosstab(groups, found.labels).to_numpy()
    assert agreement.max(axis=1).sum() >= 0.97 * len(groups)
    assert np.bincount(found.labels).tolist() == sorted(np.bincount(found.labels), reverse=True)
    assert found.consensus.mean() > 0.95
    assert found.table.set_index("k")["chosen"].idxmax() == len(sizes)


def test_the_same_seed_gives_the_same_subtypes():
    values, _ = blobs(np.random.default_rng(2), (50, 50), 5.0)
    one, other = (find_subtypes(values, 3, references=19, resamples=20) for _ in range(2))
    pd.testing.assert_frame_equal(one.table, other.table)
    np.testing.assert_array_equal(one.matrix, other.matrix)


def test_too_few_patients_or_no_factor_is_said():
    rng = np.random.default_rng(3)
    few = find_subtypes(rng.normal(size=(29, 4)), 1)
    assert (few.n_subtypes, few.reason) == (1, "fewer than 30 patients")
    assert np.isnan(few.pvalue)
    assert find_subtypes(np.empty((80, 0)), 1).reason == "no factor explains anything"


def test_factors_weigh_by_what_they_explain_in_all_layers():
    rng = np.random.default_rng(4)
    factors = pd.DataFrame(rng.normal(size=(40, 4)) * [1, 9, 1, 1], columns=list("abcd"))
    factors["d"] = 2.0
    variance = pd.DataFrame(
        {
            "view": ["x"] * 4 + ["y"] * 4,
            "factor": list("abcd") * 2,
            "r2": [0.3, 0.1, -0.01, 0.2, 0.1, 0.0, 0.0, 0.2],
        }
    )
    weighted = weigh(factors, variance)
    assert list(weighted) == ["a", "b"]
    np.testing.assert_allclose(weighted.var(ddof=0), [0.2, 0.05])


def test_the_reference_has_the_covariance_and_the_skewness_of_the_data():
    rng = np.random.default_rng(5)
    values = rng.normal(size=(400, 3)) @ np.array([[1, 0.5, 0], [0, 1, 0], [0, 0, 2.0]])
    values[:, 2] = rng.gamma(2, size=400)
    reference = UnimodalReference().fit(values)
    draws = [reference.draw(rng) for _ in range(30)]
    for draw in draws:
        np.testing.assert_allclose(np.cov(draw.T), np.cov(values.T), atol=1e-8)
    assert all(curve is not None for curve in reference.curves_)
    # sample skewness of skewed data is itself far from exact
    assert 0.6 < np.mean([skew(draw[:, 2]) for draw in draws]) / skew(values[:, 2]) < 1.6


def test_a_small_group_apart_does_not_pass_for_skewness():
    rng = np.random.default_rng(6)
    apart = rng.normal(size=(200, 1)) + 7 * (np.arange(200) < 50)[:, None]
    assert nearest_unimodal(apart[:, 0])[0] * np.sqrt(200) > SEVERAL_MODES
    assert UnimodalReference().fit(apart).curves_ == [None]
    for shape in (rng.normal(size=200), rng.exponential(size=200), rng.standard_t(2, 200)):
        distance, x, height = nearest_unimodal(shape)
        assert distance * np.sqrt(200) < SEVERAL_MODES
        density = np.diff(height) / np.diff(x)
        rises = np.sign(np.diff(density))
        assert (np.diff(rises) <= 0).all()  # up to the mode, and down from there


def test_consensus_is_one_within_clear_groups_and_zero_between():
    values, groups = blobs(np.random.default_rng(7), (20, 30), 20.0)
    matrix = consensus_matrix(values, 2, np.random.default_rng(1), resamples=30)
    same = groups[:, None] == groups[None, :]
    assert (matrix[same] == 1).all() and (matrix[~same] == 0).all()
    labels = consensus_labels(matrix, 2)
    np.testing.assert_array_equal(labels, np.where(groups == 1, 0, 1))  # 0 is the larger one
    np.testing.assert_array_equal(patient_consensus(matrix, labels), 1)
    assert ambiguous_share(matrix) == 0


def test_a_patient_alone_in_a_cluster_has_no_consensus():
    matrix = np.array([[1, 0.8, 0.2], [0.8, 1, 0.05], [0.2, 0.05, 1]])
    np.testing.assert_array_equal(
        patient_consensus(matrix, np.array([0, 0, 1])), [0.8, 0.8, np.nan]
    )
    assert ambiguous_share(matrix) == pytest.approx(2 / 3)


def test_a_number_of_clusters_is_chosen_only_if_it_stands_out_itself():
    """Two groups in a weak factor: cutting the strong one in two is stable, but no subtype."""
    rng = np.random.default_rng(8)
    values = rng.normal(size=(200, 2)) * [5.0, 0.1]
    values[:, 1] += np.where(np.arange(200) < 100, -1.2, 1.2)
    table = find_subtypes(values, 1, **FEW).table.set_index("k")
    assert table.loc[2, "consensus"] > 0.8 and table.loc[2, "p"] > 0.05
    assert table.loc[2, "chosen"] == 0
    assert (table.loc[table["chosen"] == 1, "p"] <= 0.05).all() or table.loc[1, "chosen"] == 1


def test_patients_without_a_layer_that_counts_are_named():
    patients = pd.DataFrame({"in_x": [1, 0, 1, 0], "in_y": [1, 1, 0, 0], "in_z": [0, 0, 0, 0.0]})
    variance = pd.DataFrame(
        {
            "view": ["x", "x", "y", "z", "z"],
            "factor": ["a", "b", "a", "a", "total"],
            "r2": [0.03, 0.03, 0.4, 0.01, 0.9],
        }
    )
    assert lacking_layers(patients, variance).tolist() == ["", "x", "y", "x y"]
