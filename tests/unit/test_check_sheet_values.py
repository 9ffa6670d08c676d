"""What `check` says of values that may stand for "not known", and of other labels."""

import numpy as np
import pandas as pd
import pytest

from trdomics.check.covariates import check_layer_classes
from trdomics.check.sheet_values import id_warnings, label_warnings, value_warnings
from trdomics.errors import InputError

N = 20


def told(values, categorical=()):
    sheet = pd.DataFrame({"x": values})
    settings = {"columns": {"x": "clinical.predictors"}, "samples": {"patient_id": "id"}}
    return value_warnings(sheet, settings, list(categorical))


@pytest.mark.parametrize(
    ("codes", "shown"),
    [
        ([-9.0, -9.0], "`-9` (2)"),
        ([999.0], "`999` (1)"),
        ([-99.0, 999.0], "`-99` (1), `999` (1)"),
        (["n/a", "n/a", "-"], "`n/a` (2), `-` (1)"),
        (["NULL", "[Not Available]", "Unknown"], "`NULL` (1)"),
    ],
)
def test_codes_for_not_known_are_counted(codes, shown):
    plain = ["ssri", "snri"] if isinstance(codes[0], str) else [31.0, 45.0]
    (line,) = told(plain * 8 + codes)
    assert shown in line
    assert "leave the field empty if the value is unknown" in line


@pytest.mark.parametrize(
    "values",
    [
        np.linspace(-12, 12, N),
        [*np.linspace(60, 98, N), 99.0],
        [0.0, 1.0] * 10,
        [*range(10), 9],
        ["None", "SSRI"] * 10,
        [np.nan] * 5 + ["a"] * 5,
    ],
    ids=["below 0 too", "scale up to 99", "0 and 1", "ten levels", "None is a class", "gaps"],
)
def test_values_of_a_scale_are_no_codes(values):
    values = list(values)
    assert told([float(v) if isinstance(v, int) else v for v in values]) == []


def test_nine_among_zeros_and_ones_is_a_code():
    assert "`9` (2)" in told([0.0, 1.0] * 9 + [9.0, 9.0])[0]


def test_one_name_in_two_spellings_is_said():
    assert told(["Berlin", "berlin", "Ber lin", "Munich"] * 5) == [
        "column x: `Berlin` and `berlin` and `Ber lin` differ in case or blanks alone"
    ]
    (line,) = id_warnings(pd.DataFrame(index=["P1", "p1", "P-1"]))
    assert "patients `P1` and `p1` differ in case or blanks alone" in line


def test_texts_as_many_as_patients_are_no_categories():
    values = [f"note {i}" for i in range(N)]
    assert told(values) == [
        "column x: 20 distinct texts in 20 patients are its categories, such as 'note 0', "
        "'note 1', 'note 2'"
    ]
    assert told(values, ["x"]) == []


def test_other_labels_are_listed():
    sheet = pd.DataFrame({"y": ["a"] * 3 + ["b"] * 3 + ["partial"] * 2 + ["lost", np.nan]})
    label = {"column": "y", "positive": "a", "negative": "b"}
    (line,) = label_warnings(sheet, label)
    assert "3 patients have other values" in line
    assert "`partial` (2), `lost` (1)" in line
    assert label_warnings(sheet[:6], label) == []


def test_a_layer_of_one_class_is_refused():
    has = pd.DataFrame({"rna": [True] * 4, "noise": [True, True, False, False]})
    config = {
        "label": {"positive": "TRD", "negative": "responder"},
        "layers": {"rna": {"file": "r.tsv"}, "noise": {"file": "n.tsv"}},
    }
    with pytest.raises(InputError, match=r"n\.tsv .*all 2 labelled patients .* are `TRD`"):
        check_layer_classes(has, pd.Series([1.0, 1, 0, 0]), config)
    check_layer_classes(has, pd.Series([1.0, 0, 1, 0]), config)
    check_layer_classes(has, pd.Series([np.nan, np.nan, 1, 0]), config)
