"""Patients and copies of samples on both sides of a split."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trdomics.audit.claim import FAILS, HOLDS, UNCHECKED
from trdomics.audit.claims import no_copies, not_trained_on, one_fold
from trdomics.audit.overlap import (
    in_several_folds,
    near_identical,
    trained_and_tested,
    untrained_folds,
)


def rows_of(n: int = 40, folds: int = 4) -> pd.DataFrame:
    names = [f"p{i}" for i in range(n)]
    fold = [str(i % folds) for i in range(n)]
    return pd.DataFrame({"patient_id": names, "sample": names, "repeat": "1", "fold": fold})


def trained(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the training patients of an honest cross-validation."""
    parts = [rows[rows["fold"] != fold].assign(fold=fold) for fold in rows["fold"].unique()]
    return pd.concat(parts)[["patient_id", "repeat", "fold"]]


@pytest.mark.parametrize("case", ["honest", "a fold is missing", "some were trained on"])
def test_training_patients_are_held_against_those_tested(case):
    rows = rows_of()
    training = trained(rows)
    if case == "a fold is missing":
        training = training[training["fold"] != "2"]
    elif case == "some were trained on":
        training = pd.concat([training, rows[["patient_id", "repeat", "fold"]].head(3)])
    overlap = trained_and_tested(rows, training)
    status = not_trained_on(overlap, untrained_folds(rows, training)).status
    expected = {"honest": HOLDS, "a fold is missing": UNCHECKED, "some were trained on": FAILS}
    assert status == expected[case]
    assert len(overlap) == (3 if status == FAILS else 0)


def test_a_patient_may_be_in_other_folds_of_other_repeats_but_not_of_one():
    rows = rows_of()
    repeated = pd.concat([rows, rows.assign(repeat="2", fold=rows["fold"].iloc[::-1].to_numpy())])
    assert in_several_folds(repeated).empty
    twice = pd.concat([repeated, rows.iloc[[0]].assign(fold="3")])
    found = in_several_folds(twice)
    assert found.to_dict("records") == [{"repeat": "1", "patient_id": "p0", "folds": "0, 3"}]
    assert one_fold(found, 4).status == FAILS


def profiles(rows: pd.DataFrame, n_features: int, strength: float) -> pd.DataFrame:
    """Return samples of two batches that differ in all features by a strength."""
    rng = np.random.default_rng(1)
    batch = rng.random(len(rows)) < 0.5
    values = rng.normal(size=(len(rows), n_features)) + strength * np.outer(
        batch, np.ones(n_features)
    )
    return pd.DataFrame(values, index=rows["sample"])


@pytest.mark.parametrize("strength", [0.0, 3.0])
def test_a_copy_measured_again_is_found_and_a_batch_is_no_copy(strength):
    rows = rows_of()
    values = profiles(rows, 200, strength)
    assert near_identical(rows, values).pairs.empty
    rng = np.random.default_rng(2)
    values.loc["p1"] = values.loc["p0"] + rng.normal(scale=0.1, size=200)
    values.loc["p6"] = values.loc["p2"]
    values.iloc[3, :40] = np.nan
    found = near_identical(rows, values)
    pairs = found.pairs.set_index(["sample", "other_sample"])["across_folds"].to_dict()
    assert pairs == {("p0", "p1"): 1, ("p2", "p6"): 0}
    assert no_copies(found).status == FAILS


def test_over_few_features_only_equal_rows_are_copies():
    rows = rows_of()
    values = profiles(rows, 3, 0.0)
    values.loc["p1"] = values.loc["p0"] + 0.001
    values.loc["p3"] = values.loc["p2"]
    pairs = near_identical(rows, values).pairs
    assert pairs[["sample", "other_sample"]].to_numpy().tolist() == [["p2", "p3"]]
    constant = values * 0
    assert no_copies(near_identical(rows, constant)).status == UNCHECKED
