"""Columns of the sheet: quantities and categories."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype


def is_quantity(values: pd.Series, categorical: Collection[str] = ()) -> bool:
    """Return whether a column is a quantity; otherwise it is a category.

    Parameters
    ----------
    values : Series
        The column as typed by the sheet's reader: numbers or text.
    """
    numeric = is_numeric_dtype(values) and not is_bool_dtype(values)
    return bool(numeric and values.name not in categorical)


def as_text(values: pd.Series) -> pd.Series:
    """Return categories as text (object, NaN where missing).

    A batch 12 is "12" even if a missing value in its column made it 12.0.
    """
    text = (
        values.map("{:g}".format, na_action="ignore") if is_quantity(values) else values.astype(str)
    )
    return text.astype(object).where(values.notna(), np.nan)
