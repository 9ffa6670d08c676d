"""Features of another platform translated to the names of a model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from trdomics.errors import InputError
from trdomics.inputs.text_table import MISSING, few, read_user_table
from trdomics.layers.types import layer_type

COLUMNS = ["theirs", "ours"]
# Version suffix of an Ensembl identifier: ENSG00000141510.17, ENSG00000182378.15_PAR_Y.
_VERSION = re.compile(r"\.\d+(_PAR_Y)?$")


@dataclass(frozen=True)
class Mapped:
    """A table with the model's feature names, and counts of what was renamed.

    Attributes
    ----------
    n_mapped : int
        Features that were renamed.
    n_joined : int
        Names to which several features were joined.
    ambiguous : list of str
        Features that have several names in the table; left out.
    """

    table: pd.DataFrame
    n_mapped: int
    n_joined: int
    ambiguous: list[str]


def read_names(path: str | Path, layer: str) -> pd.DataFrame:
    """Read a table of names: columns ``theirs`` and ``ours``, tab- or comma-separated.

    Raises
    ------
    InputError
        If it cannot be read, has other columns or no rows. Rows with an empty field are left out.
    """
    key, fix = f"scoring.feature_names.{layer}", "give a row per feature: `theirs` and `ours`"
    table = read_user_table(path, key, COLUMNS, fix)
    if len(table.columns) > len(COLUMNS):
        raise InputError(f"{path} ({key})", f"has the columns {few(list(table.columns))}", fix)
    table = table[~table.isin(MISSING).any(axis=1)].drop_duplicates()
    if table.empty:
        raise InputError(f"{path} ({key})", "has no names", fix)
    return table


def mapped(table: pd.DataFrame, names: pd.DataFrame, kind: str) -> Mapped:
    """Translate a raw layer's features to the model's names.

    A feature is looked up by its full name, then without its version; a feature that is not in the
    table keeps its name. Features with the same new name are joined by their sum (counts), mean
    (continuous) or maximum (binary). In variant layers the genes are renamed and nothing is joined.

    Parameters
    ----------
    names : DataFrame
        Of :func:`read_names`.
    """
    many = names["theirs"].duplicated(keep=False)
    doubtful = set(names.loc[many, "theirs"])
    known = dict(zip(names.loc[~many, "theirs"], names.loc[~many, "ours"], strict=True))

    def key(feature: str) -> str:
        listed = feature in known or feature in doubtful
        return feature if listed else _VERSION.sub("", feature)

    if not layer_type(kind).is_matrix:
        genes = table.columns.get_level_values("gene").astype(str)
        new = [known.get(key(gene), gene) for gene in genes]
        frame = table.columns.to_frame(index=False).assign(gene=new)
        changed = {gene for gene in genes if key(gene) in known}
        doubts = sorted({gene for gene in genes if key(gene) in doubtful})
        renamed = table.set_axis(pd.MultiIndex.from_frame(frame), axis=1)
        return Mapped(renamed, len(changed), 0, doubts)
    features = [str(name) for name in table.columns]
    doubts = [name for name in features if key(name) in doubtful]
    kept = table.loc[:, [key(name) not in doubtful for name in features]]
    new = [known.get(key(str(name)), str(name)) for name in kept.columns]
    n_mapped = sum(key(str(name)) in known for name in kept.columns)
    renamed = kept.set_axis(pd.Index(new), axis=1)
    twice = renamed.columns.duplicated(keep=False)
    if twice.any():
        joined = _joined(renamed.loc[:, twice], kind)
        renamed = pd.concat([renamed.loc[:, ~twice], joined], axis=1)
    return Mapped(renamed, n_mapped, len(set(renamed.columns) & set(pd.Index(new)[twice])), doubts)


def _joined(table: pd.DataFrame, kind: str) -> pd.DataFrame:
    groups = table.T.groupby(level=0, sort=True)
    return pd.DataFrame(getattr(groups, layer_type(kind).joined)().T)
