import numpy as np
import pandas as pd
import pytest

from trdomics.classification.permutations import permutations_of, permuted_labels
from trdomics.classification.splits import (
    draw_split,
    split_names,
)

LABELS = pd.Series([1.0] * 22 + [0.0] * 18 + [np.nan] * 5, [f"p{i:02d}" for i in range(45)])
DRAW = {"folds": 4, "seed": 1}
SPLITS = {name: draw_split(name, LABELS, **DRAW) for name in split_names(3, 4)}


def fold_members(repeat):
    return {f: list(SPLITS[f"r{repeat}f{f}"].test) for f in range(1, 5)}


def test_every_labelled_patient_is_tested_once_a_repeat():
    for repeat in (1, 2, 3):
        together = [patient for test in fold_members(repeat).values() for patient in test]
        assert sorted(together) == sorted(LABELS.dropna().index)


def test_folds_are_stratified_and_repeats_differ():
    assert all(5 <= LABELS[split.test].sum() <= 6 for split in SPLITS.values())
    assert fold_members(1) != fold_members(2)


def test_a_split_is_drawn_from_patients_seed_and_name_alone():
    shuffled = LABELS.sample(frac=1, random_state=0)
    for name, split in SPLITS.items():
        again = draw_split(name, shuffled, **DRAW)
        pd.testing.assert_index_equal(again.test, split.test)
        pd.testing.assert_index_equal(again.train, split.train)
    other = draw_split("r1f1", LABELS, folds=4, seed=2)
    assert not other.test.equals(SPLITS["r1f1"].test)


def test_folds_do_not_change_between_versions():
    """Otherwise results of two versions could not be compared."""
    expected = [1, 2, 14, 17, 19, 22, 24, 29, 30, 33]
    assert list(SPLITS["r2f3"].test) == [f"p{i:02d}" for i in expected]


def test_training_patients_are_the_labelled_ones_that_are_not_tested():
    split = SPLITS["r2f3"]
    assert (split.name, split.repeat, split.fold) == ("r2f3", 2, 3)
    assert not set(split.train) & set(split.test)
    assert set(split.train) | set(split.test) == set(LABELS.dropna().index)


@pytest.mark.parametrize("name", ["r9f9", "r0f1", "r1f0", "s01", "x", "r1f1s2"])
def test_a_split_that_there_is_not_is_refused(name):
    with pytest.raises(ValueError, match=name):
        draw_split(name, LABELS, **DRAW)


def test_permuted_labels_keep_the_classes_of_each_fold():
    def permuted(permutation):
        return permuted_labels(LABELS, repeat=2, permutation=permutation, **DRAW)

    true = permuted(0)
    pd.testing.assert_series_equal(true, LABELS.dropna())
    assert not permuted(5).equals(true)
    for test in fold_members(2).values():
        assert permuted(5)[test].sum() == true[test].sum()
    pd.testing.assert_series_equal(permuted(5), permuted(5))
    assert not permuted(5).equals(permuted(8))


def test_permutations_are_dealt_over_the_repeats():
    dealt = [permutations_of(repeat, 3, 7) for repeat in (1, 2, 3)]
    assert dealt == [[0, 1, 4, 7], [0, 2, 5], [0, 3, 6]]
    assert permutations_of(1, 3, 0) == []


def test_more_permutations_only_add_some():
    for repeat in (1, 2, 3):
        fewer = permutations_of(repeat, 3, 7)
        assert permutations_of(repeat, 3, 11)[: len(fewer)] == fewer
