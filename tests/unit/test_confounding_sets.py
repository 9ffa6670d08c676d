import numpy as np
import pandas as pd
import pytest

from trdomics.cohort.config import resolve_config
from trdomics.confounding.plan import (
    adjustment_sets,
    column_roles,
    cumulative,
    own_signature,
    technical_columns,
    with_estimated,
)
from trdomics.confounding.sets import coded, compared_patients, set_design
from trdomics.errors import InputError


def config(**changes):
    raw = {
        "cohort": "c",
        "samples": {"file": "s.tsv", "site": "centre"},
        "label": {"column": "y", "positive": "a", "negative": "b"},
        "clinical": {
            "technical": ["rin", "centre"],
            "confounders": ["centre", "neutro", "drug"],
            "circular": ["fails"],
            "predictors": ["age"],
        },
        "cells": {"columns": {"neutrophils": "neutro"}},
        "layers": {"rna": {"type": "counts", "file": "r.tsv"}},
        "differential": {"design": "~ sex + age + rin + fails + y"},
    }
    for key, value in changes.items():
        raw[key] = {**raw.get(key, {}), **value}
    return resolve_config(raw, "c.yaml")


def test_sets_derived_from_the_roles_add_each_column_once():
    assert adjustment_sets(config()) == {
        "minimal": [],
        "technical": ["centre", "rin"],
        "cells": ["neutro"],
        "confounders": ["drug"],
        "all": ["sex", "age"],
    }


def test_estimated_cells_stand_in_where_none_are_measured():
    found = adjustment_sets(config(cells={"columns": None}))
    assert found["cells"] == ["estimated_cells"]
    sets, without = with_estimated(found, ["estimated_t", "estimated_b"])
    assert sets["cells"] == ["estimated_t", "estimated_b"] and without == []
    sets, without = with_estimated(found, [])
    assert "cells" not in sets and without == ["cells"]


def test_without_cells_and_signature_there_is_no_set_of_cells():
    changed = config(cells={"columns": None, "signature": None})
    assert "cells" not in adjustment_sets(changed)
    assert own_signature(changed) is None


def test_a_signature_of_the_users_is_one_file():
    assert own_signature(config(cells={"signature": "x.tsv"})) == "x.tsv"
    assert own_signature(config()) is None


def test_given_sets_are_cumulative_in_their_order():
    given = {"technical": ["rin"], "drugs": ["drug"]}
    sets = adjustment_sets(config(differential={"adjustment_sets": given}))
    assert cumulative(sets) == {"minimal": [], "technical": ["rin"], "drugs": ["rin", "drug"]}


def test_a_set_may_not_adjust_for_the_label():
    with pytest.raises(InputError, match=r"adjustment_sets\.bad"):
        config(differential={"adjustment_sets": {"bad": ["y"]}})


def test_roles_and_technical_columns():
    changed = config()
    roles = column_roles(changed, adjustment_sets(changed))
    assert technical_columns(changed) == ["centre", "rin"]
    assert roles["centre"] == ["site", "technical", "confounder"]
    assert roles["sex"] == ["covariate"]
    assert roles["fails"] == ["circular"]
    assert "y" not in roles


def test_coding_takes_the_commonest_level_as_reference_and_no_constants():
    levels = coded(pd.Series(["a", "b", "b", "c"], name="site"))
    assert list(levels) == ["site=a", "site=c"]
    np.testing.assert_array_equal(levels["site=c"], [0, 0, 0, 1])
    assert coded(pd.Series([1.0, 1.0], name="x")) == {}


def test_what_earlier_columns_determine_is_dropped_and_named():
    rng = np.random.default_rng(0)
    batch = np.repeat(["a", "b", "c"], 20)
    patients = pd.DataFrame({"batch": batch, "site": np.where(batch == "a", "x", "y")})
    positive = rng.random(60) < 0.5
    design = set_design(patients, positive, ["batch", "site"])
    assert design.dropped == ["site=x"]
    assert design.reason is None
    assert design.names[:2] == ["intercept", "label"]
    assert np.linalg.matrix_rank(design.matrix) == design.matrix.shape[1] == 4
    np.testing.assert_array_equal(design.matrix[:, 1], positive)


def test_a_set_that_tells_the_label_gives_a_reason():
    positive = np.repeat([True, False], 20)
    patients = pd.DataFrame({"site": np.where(positive, "x", "y")})
    assert "determine the label" in set_design(patients, positive, ["site"]).reason


def test_too_many_coefficients_give_a_reason():
    positive = np.arange(20) % 2 == 0
    patients = pd.DataFrame({"site": [f"s{i // 2}" for i in range(20)]})
    assert "for 20 patients" in set_design(patients, positive, ["site"]).reason


def test_patients_of_the_comparison_are_complete_in_all_sets():
    patients = pd.DataFrame(
        {"y": ["a", "a", "b", "b", "other"], "x": [1, np.nan, 2, 3, 4]}, index=list("pqrst")
    )
    complete, positive, left_out = compared_patients(
        patients, ["y", "a", "b"], {"minimal": [], "x": ["x"]}
    )
    assert list(complete) == ["p", "r", "s"]
    assert list(positive) == [True, False, False]
    assert left_out == {"x": 1}
