import numpy as np
import pandas as pd
import pytest

from trdomics.evaluation.restricted import auroc_without


def test_patients_left_out_are_left_out_of_the_measure_and_counted():
    patients = [f"p{i:02d}" for i in range(40)]
    labels = pd.Series(([1.0, 0.0] * 20), patients)
    # perfect but for two positive patients, who were predicted lowest
    probability = labels * 0.5 + np.linspace(0.2, 0.3, 40)
    probability[["p00", "p02"]] = 0.01
    rows = pd.DataFrame({"patient_id": patients, "probability": probability.to_numpy()})
    predictions = pd.concat(
        rows.assign(feature_set=name, repeat=repeat)
        for name in ("selected", "clinical")
        for repeat in (1, 2)
    )
    found = auroc_without(predictions, labels, {"p00", "p02", "stranger"}, n_samples=200, seed=1)
    assert found["n_left_out"] == 2
    assert (found["all"]["n_patients"], found["without"]["n_patients"]) == (40, 38)
    assert found["all"]["value"] == pytest.approx(0.9)
    assert found["without"]["value"] == 1
    assert found["all"]["lower"] < 0.9 < found["all"]["upper"]
