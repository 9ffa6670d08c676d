"""Gene symbols for the features of a layer."""

from __future__ import annotations

import pandas as pd


def symbols_of(features: pd.DataFrame) -> dict[str, str]:
    """Return symbols by feature, from the columns ``feature`` and, if there is one, ``symbol``.

    Features without a symbol are not in it; of several rows of a feature the first counts.
    """
    if "symbol" not in features:
        return {}
    known = features.drop_duplicates("feature").dropna(subset=["feature", "symbol"])
    return dict(zip(known["feature"].astype(str), known["symbol"].astype(str), strict=True))


def with_symbols(results: pd.DataFrame, annotation: pd.DataFrame) -> pd.DataFrame:
    """Add a ``symbol`` column; the feature's own name if it has none."""
    features = results["feature"].astype(str)
    symbols = features.map(symbols_of(annotation)).fillna(features)
    named = results.copy()
    named.insert(list(results.columns).index("feature") + 1, "symbol", symbols)
    return named
