import numpy as np
import pandas as pd
import pytest

from trdomics.classification.splits import (
    permutations_of,
    permuted_labels,
    repeated_splits,
    split_names,
    train_and_test,
)

LABELS = pd.Series([1.0] * 22 + [0.0] * 18 + [np.nan] * 5, [f"p{i:02d}" for i in range(45)])
SPLITS = repeated_splits(LABELS, repeats=3, folds=4, seed=1)


def test_every_labelled_patient_is_tested_once_a_repeat():
    assert set(SPLITS["split"]) == set(split_names(3, 4))
    assert (SPLITS["role"] == "test").all()
    for _, rows in SPLITS.groupby("repeat"):
        assert sorted(rows["patient_id"]) == sorted(LABELS.dropna().index)


def test_folds_are_stratified_and_repeats_differ():
    positives = SPLITS.assign(label=SPLITS["patient_id"].map(LABELS)).groupby("split")["label"]
    assert positives.sum().between(5, 6).all()
    folds = SPLITS.pivot_table(index="patient_id", columns="repeat", values="fold")
    assert not folds[1].equals(folds[2])


def test_splits_depend_on_the_seed_and_not_on_the_order_of_patients():
    again = repeated_splits(LABELS.sample(frac=1, random_state=0), repeats=3, folds=4, seed=1)
    pd.testing.assert_frame_equal(SPLITS, again)
    assert not SPLITS.equals(repeated_splits(LABELS, repeats=3, folds=4, seed=2))


def test_training_patients_are_the_labelled_ones_that_are_not_tested():
    train, test = train_and_test(SPLITS, LABELS, "r2f3")
    assert not set(train) & set(test)
    assert set(train) | set(test) == set(LABELS.dropna().index)
    with pytest.raises(ValueError, match="r9f9"):
        train_and_test(SPLITS, LABELS, "r9f9")


def test_permuted_labels_keep_the_classes_of_each_fold():
    true = permuted_labels(LABELS, SPLITS, 2, 0, seed=1)
    pd.testing.assert_series_equal(true, LABELS.dropna())
    permuted = permuted_labels(LABELS, SPLITS, 2, 5, seed=1)
    assert not permuted.equals(true)
    folds = SPLITS[SPLITS["repeat"] == 2].set_index("patient_id")["fold"]
    pd.testing.assert_series_equal(permuted.groupby(folds).sum(), true.groupby(folds).sum())
    pd.testing.assert_series_equal(permuted, permuted_labels(LABELS, SPLITS, 2, 5, seed=1))
    assert not permuted.equals(permuted_labels(LABELS, SPLITS, 2, 8, seed=1))


def test_permutations_are_dealt_over_the_repeats():
    dealt = [permutations_of(repeat, 3, 7) for repeat in (1, 2, 3)]
    assert dealt == [[0, 1, 4, 7], [0, 2, 5], [0, 3, 6]]
    assert permutations_of(1, 3, 0) == []
