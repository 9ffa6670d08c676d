"""A family of classifiers is one class: a search tunes, chooses and reads a toy family."""

from typing import ClassVar

import numpy as np
import pytest
from classification_data import cohort, config
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from trdomics.classification.families import FAMILIES, Family, register
from trdomics.classification.run_split import nested_search


class Discriminant(Family):
    name = "discriminant"
    grid: ClassVar = [{"shrinkage": 0.9}, {"shrinkage": 0.1}]

    def build(self, params, seed):
        return LinearDiscriminantAnalysis(solver="lsqr", **params)

    def importance(self, model):
        return model.coef_[0]


@pytest.fixture
def discriminant(monkeypatch):
    # taken out again after the test
    monkeypatch.setitem(FAMILIES, "discriminant", None)
    register(Discriminant())
    return FAMILIES["discriminant"]


def test_a_search_with_a_toy_family(discriminant):
    tables, labels = cohort()
    search = nested_search(config()).set_params(models=["discriminant"])
    search.fit(tables, labels.to_numpy(dtype=int))
    tried = [row for row in search.candidates_ if row["model"] == "discriminant"]
    assert len(tried) > 2 * len(discriminant.grid)
    probability = search.predict_proba(tables)[:, 1]
    assert ((probability > 0) & (probability < 1)).all()
    # it is fitted on these patients: they are separated
    assert probability[labels == 1].mean() > probability[labels == 0].mean()
    assert np.isfinite(search.importance()["importance"]).all()
