"""Permutations run on a split's stored blocks as on those that it learned."""

import numpy as np
import pandas as pd
from classification_data import cohort, config

from trdomics.classification.run_split import run_permutation, split_representations
from trdomics.classification.splits import draw_split
from trdomics.classification.stored_blocks import load_blocks, save_blocks
from trdomics.tables import LayerTables

TABLES, LABELS = cohort()


def test_the_null_is_the_same_from_the_file(tmp_path):
    options = config(null_models=["elastic_net"])
    split = draw_split("r2f1", LABELS, folds=3, seed=5)
    learned = split_representations(TABLES, LABELS, split, options)
    test = learned.transform(TABLES.select(split.test))
    save_blocks(tmp_path / "blocks.npz", learned, test)
    stored = load_blocks(tmp_path / "blocks.npz")
    assert len(stored.folds) == len(learned.folds)
    for name, values in stored.test.values.items():
        np.testing.assert_array_equal(values, test.values[name])
    nobody = LayerTables({}, LABELS.index)
    for permutation in (0, 3):
        expected = run_permutation(TABLES, LABELS, split, permutation, options, learned)
        found = run_permutation(nobody, LABELS, split, permutation, options, stored)
        pd.testing.assert_frame_equal(found, expected)
