"""What is not in the training set changes nothing that was fitted, in the whole pipeline."""

import joblib
import numpy as np
import pandas as pd
import pytest
from classification_data import cohort, config

from trdomics.classification.run_split import nested_search, run_permutation, run_split
from trdomics.classification.splits import draw_split
from trdomics.tables import LayerTables

TABLES, LABELS = cohort()
SPLIT = draw_split("r1f2", LABELS, folds=3, seed=5)
TRAIN, TEST = SPLIT.train, SPLIT.test


def everything_fitted(tables, labels, kinds=("elastic_net",), only=None):
    """Return a hash of every fitted object of a split's search; of all feature sets or some."""
    options = config(models=list(kinds), inner_folds=2, regress_out=["age"])
    search = nested_search(options)
    search.feature_sets = [f for f in search.feature_sets if only is None or f.name in only]
    search.fit(tables.select(TRAIN), labels[TRAIN].to_numpy(dtype=int))
    return joblib.hash(
        {
            "representation": search.representation_,
            "models": search.models_,
            "calibrations": search.calibrations_,
            "candidates": search.candidates_,
            "winner": search.winner_,
        }
    )


@pytest.fixture(scope="module")
def reference():
    return everything_fitted(TABLES, LABELS)


def perturbed():
    """Return the cohort with other values for every test patient, in every layer."""
    changed = {}
    for name, table in TABLES.items():
        table = table.copy()
        rows = table.index.isin(TEST)
        if name == "clinical":
            table.loc[rows, ["age", "failed"]] = [[1e6, -1e6]]
            table.loc[rows, ["sex", "site", "batch"]] = "never seen"
        elif name == "dna":
            table.loc[rows] = np.float32(2)
        else:
            table.loc[rows] = table.loc[rows] * 37 + 11
        changed[name] = table
    return LayerTables(changed, TABLES.patients)


def test_fitting_is_reproducible_to_the_byte(reference):
    assert everything_fitted(TABLES, LABELS) == reference


def test_values_of_test_patients_change_nothing_fitted(reference):
    assert everything_fitted(perturbed(), LABELS) == reference


def test_values_of_test_patients_change_no_tree():
    options = {"kinds": ("random_forest", "gradient_boosting"), "only": ("early", "mofa_clinical")}
    expected = everything_fitted(TABLES, LABELS, **options)
    assert everything_fitted(perturbed(), LABELS, **options) == expected


def test_labels_of_test_patients_change_nothing_fitted(reference):
    flipped = LABELS.copy()
    flipped[TEST] = 1 - flipped[TEST]
    assert everything_fitted(TABLES, flipped) == reference


def test_added_patients_change_nothing_fitted(reference):
    more, labels = cohort(n=25, seed=3, prefix="new-")
    tables = {name: pd.concat([TABLES[name], more[name]]) for name in TABLES}
    together = LayerTables(tables, TABLES.patients.append(more.patients))
    assert everything_fitted(together, pd.concat([LABELS, labels])) == reference


def test_a_training_patient_does_change_what_is_fitted(reference):
    rna = TABLES["rna"].copy()
    rna.loc[rna.index[rna.index.isin(TRAIN)][0]] *= 3
    assert everything_fitted(TABLES.replace(rna=rna), LABELS) != reference


def test_a_test_patient_changes_the_predictions_of_no_other():
    small = config(repeats=1)
    rna, who = TABLES["rna"].copy(), TEST[-1]
    rna.loc[who] = rna.loc[who] * 5 + 3
    before, after = (
        run_split(tables, LABELS, SPLIT, small)
        | {"null": run_permutation(tables, LABELS, SPLIT, 1, small)}
        for tables in (TABLES, TABLES.replace(rna=rna))
    )
    for name in ("chosen", "importance"):
        pd.testing.assert_frame_equal(before[name], after[name])
    for name in ("predictions", "null"):
        others = [table[name][table[name]["patient_id"] != who] for table in (before, after)]
        pd.testing.assert_frame_equal(*others)
    mine = [t["predictions"].set_index("patient_id").loc[who, "decision"] for t in (before, after)]
    assert not np.allclose(*mine)
