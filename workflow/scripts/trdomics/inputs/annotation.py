"""Symbols and chromosomes of features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from trdomics.errors import InputError
from trdomics.inputs.layouts import annotation_columns
from trdomics.inputs.text_table import (
    MISSING,
    SUFFIXES,
    few,
    of_layer,
    read_text_table,
    readable_layer,
)


def read_annotation(
    path: str | None, layer: str, features: Sequence[str], own: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return symbol and chromosome of features.

    Parameters
    ----------
    path : str or None
        A TSV or CSV whose first column holds the features' names, with columns `symbol` and
        `chromosome`, or Ensembl's names of them; None without such a file.
    own : DataFrame, optional
        Annotation in the matrix itself; the file takes precedence.

    Returns
    -------
    DataFrame, shape (n_features, 3)
        `feature`, `symbol` (if unknown, the feature's name, or the first part of `TP53|7157`),
        `chromosome` (without "chr"; NaN if unknown).
    """
    annotation = pd.DataFrame({"feature": list(features)}, dtype=object)
    annotation["symbol"] = [_symbol_of(str(feature)) for feature in features]
    annotation["chromosome"] = np.nan
    if own is not None:
        for column in own.columns:
            found = pd.Series(own[column].to_numpy(object))
            annotation[column] = found.where(found.notna(), annotation[column])
    if path is not None:
        _annotate(annotation, path, layer)
    # if no chromosome is known, the column would be numeric
    annotation["chromosome"] = (
        annotation["chromosome"].astype(object).str.replace("^chr", "", regex=True)
    )
    return annotation


def _annotate(annotation: pd.DataFrame, path: str, layer: str) -> None:
    """Fill in the values of a feature table."""
    where = of_layer(path, layer)
    with readable_layer(path, layer):
        text = read_text_table(path, where, SUFFIXES)
    if text is None:
        raise InputError(where, "empty", "give a header and one row per feature")
    table = pd.DataFrame(text.rows, columns=text.header, dtype=object)
    table = table.apply(lambda column: column.str.strip())
    table = table.where(~table.isin(MISSING), np.nan)
    # gene tables often have one row per cross-reference; the first is used
    table = table.drop_duplicates(subset=table.columns[0]).set_index(table.columns[0])
    if not annotation["feature"].isin(table.index).any():
        raise InputError(
            where,
            f"none of its features is in the matrix: it has {few(list(table.index))}, the matrix "
            f"has {few(list(annotation['feature']))}",
            "give the matrix's feature names in the first column",
        )
    columns = {table.columns[i].lower(): i for i in reversed(range(len(table.columns)))}
    known = annotation_columns(columns)
    for target, source in known.items():
        found = annotation["feature"].map(table.iloc[:, source])
        annotation[target] = found.where(found.notna(), annotation[target])
    if not known:
        raise InputError(
            where,
            "neither a column `symbol` nor `chromosome`",
            "name its columns so, or leave `features` out",
        )


def _symbol_of(feature: str) -> str:
    """Return the symbol in a name such as TP53|7157, or the name itself."""
    symbol = feature.partition("|")[0]
    return symbol if symbol not in ("", "?") else feature
