import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import StratifiedKFold, cross_validate

from trdomics.tables import LayerTables

PATIENTS = pd.Index([f"p{i}" for i in range(12)])


@pytest.fixture
def tables():
    rng = np.random.default_rng(0)
    first = pd.DataFrame(rng.normal(size=(8, 2)), index=PATIENTS[:8], columns=["a", "b"])
    second = pd.DataFrame(rng.normal(size=(6, 1)), index=PATIENTS[:5:-1], columns=["c"])
    return LayerTables({"first": first, "second": second}, PATIENTS)


def test_rows_follow_the_patients_and_absent_ones_have_none(tables):
    assert tables["second"].index.tolist() == PATIENTS[6:].tolist()
    assert tables.profiled("first").tolist() == [True] * 8 + [False] * 4
    assert tables.aligned("first").isna().all(axis=1).tolist() == [False] * 8 + [True] * 4


def test_patients_are_taken_by_position_or_mask(tables):
    taken = tables.take(np.array([9, 2]))
    assert taken.patients.tolist() == ["p9", "p2"]
    assert taken["first"].index.tolist() == ["p2"]
    masked = tables.take(np.arange(12) < 3)
    assert len(masked) == 3
    assert masked["second"].empty


def test_repeated_or_unlisted_patients_are_refused(tables):
    with pytest.raises(ValueError, match="twice"):
        LayerTables({}, pd.Index(["p1", "p1"]))
    with pytest.raises(ValueError, match="not listed"):
        LayerTables({"first": tables["first"]}, PATIENTS[:3])


class Counting(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.seen_ = list(X.patients)
        return self

    def predict(self, X):
        return np.isin(X.patients, self.seen_).astype(int)


def test_scikit_learns_splitters_index_them_by_patient(tables):
    y = np.arange(12) % 2
    done = cross_validate(
        Counting(), tables, y, cv=StratifiedKFold(3), scoring="accuracy", return_estimator=True
    )
    assert [len(fitted.seen_) for fitted in done["estimator"]] == [8, 8, 8]
    # no test patient was seen, so all are called 0, which half of them are
    assert done["test_score"].tolist() == [0.5, 0.5, 0.5]
