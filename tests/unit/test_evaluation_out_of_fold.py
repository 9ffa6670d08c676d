import numpy as np
import pandas as pd
import pytest

from trdomics.evaluation.out_of_fold import feature_sets, of_splits, out_of_fold


def test_out_of_fold_keeps_labelled_patients_predicted_in_every_repeat():
    predictions = pd.DataFrame(
        {
            "feature_set": "a",
            "role": "candidate",
            "repeat": [1, 1, 1, 2, 2],
            "patient_id": ["p2", "p1", "p3", "p1", "p2"],
            "probability": [0.2, 0.1, 0.3, 0.4, 0.5],
        }
    )
    labels = pd.Series({"p1": 1, "p2": 0, "p3": 1, "p4": 0})
    label, probability = out_of_fold(predictions, labels, "a")
    assert label.tolist() == [1, 0]
    assert probability.tolist() == [[0.1, 0.4], [0.2, 0.5]]
    assert out_of_fold(predictions, labels.replace({0: np.nan}), "a")[0].tolist() == [1]
    assert feature_sets(predictions) == {"a": "candidate"}


def test_tables_of_splits_take_their_split_from_the_predictions_beside_them():
    predictions = [
        pd.DataFrame({"split": "r1f1", "repeat": 1, "patient_id": ["p1"]}),
        pd.DataFrame({"split": "r2f1", "repeat": 2, "patient_id": ["p2"]}),
    ]
    tables = [pd.DataFrame({"feature": ["a", "b"]}), pd.DataFrame({"feature": ["c"]})]
    joined = of_splits(tables, predictions)
    assert joined["split"].tolist() == ["r1f1", "r1f1", "r2f1"]
    assert joined["repeat"].tolist() == [1, 1, 2]
    with_empty = of_splits([pd.DataFrame(columns=["feature"]), tables[1]], predictions)
    assert with_empty["split"].tolist() == ["r2f1"]
    with pytest.raises(ValueError, match="longer"):
        of_splits(tables[:1], predictions)
