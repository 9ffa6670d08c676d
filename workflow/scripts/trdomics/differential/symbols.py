"""Gene symbols for the features of a layer."""

from __future__ import annotations

import pandas as pd


def with_symbols(results: pd.DataFrame, annotation: pd.DataFrame) -> pd.DataFrame:
    """Add a ``symbol`` column; the feature's own name if it has none.

    Parameters
    ----------
    results : DataFrame
        With the column ``feature``.
    annotation : DataFrame
        With the column ``feature`` and, if the layer has symbols, ``symbol``.
    """
    features = results["feature"].astype(str)
    symbols = features
    if "symbol" in annotation.columns:
        known = annotation.drop_duplicates("feature").set_index("feature")["symbol"].dropna()
        known.index = known.index.astype(str)
        symbols = features.map(known.astype(str)).fillna(features)
    named = results.copy()
    named.insert(list(results.columns).index("feature") + 1, "symbol", symbols)
    return named
