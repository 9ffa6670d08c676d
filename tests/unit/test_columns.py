import numpy as np
import pandas as pd
import pytest

from trdomics.columns import as_text, is_quantity


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2], True),
        ([1.5, np.nan], True),
        ([True, False], False),
        (["a", "b"], False),
        (["1", np.nan], False),
    ],
)
def test_numbers_are_quantities_and_the_rest_are_categories(values, expected):
    assert is_quantity(pd.Series(values, name="x")) is expected


def test_a_number_named_as_a_category_is_one():
    assert not is_quantity(pd.Series([1.0, 2.0], name="batch"), ["batch"])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([12.0, np.nan], ["12", np.nan]),
        ([12, 3], ["12", "3"]),
        (["04", None], ["04", np.nan]),
        ([True, False], ["True", "False"]),
        ([np.nan, np.nan], [np.nan, np.nan]),
    ],
)
def test_text_of_a_category_has_no_trace_of_gaps_in_its_column(values, expected):
    pd.testing.assert_series_equal(as_text(pd.Series(values)), pd.Series(expected, dtype=object))
