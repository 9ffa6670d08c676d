"""Patients' rows of values, with which everything to be shared is compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trdomics.classification.fitted_representation import FittedRepresentation
from trdomics.tables import LayerTables

# Fewer values agree by chance.
FEWEST = 10
# In standard deviations: more than rounding moves a value, so that one in twenty agrees by chance.
NEAR = 0.05
HALF = 0.5


@dataclass(frozen=True)
class Profiles:
    """Values of all patients, raw and as the model transforms them.

    Attributes
    ----------
    matrices : list of DataFrame
        Patients × features.
    """

    matrices: list[pd.DataFrame] = field(default_factory=list)

    def row_in(self, values: NDArray[Any], names: Sequence[str] | None = None) -> str | None:
        """Return the patient whose values, possibly rounded, an array holds, or None.

        Parameters
        ----------
        values : array, shape (n,) or (n, m)
            With two axes, each row and each column is compared.
        names : sequence of str, optional
            Of the features, length n; without them values are compared in their order.
        """
        if values.ndim not in (1, 2):
            return None
        for vector in [*values, *values.T] if values.ndim == 2 else [values]:
            found = self._row(np.asarray(vector, dtype=float), names)
            if found is not None:
                return found
        return None

    def _row(self, vector: NDArray[np.float64], names: Sequence[str] | None) -> str | None:
        told = np.isfinite(vector) & (vector != 0)
        if told.sum() < FEWEST:
            return None
        for matrix in self.matrices:
            if names is None:
                if matrix.shape[1] != len(vector):
                    continue
                table, wanted = matrix.loc[:, told], vector[told]
            else:
                known = pd.Series(vector[told], np.asarray(names, dtype=object)[told])
                shared = known.index.intersection(matrix.columns)
                if len(shared) < FEWEST:
                    continue
                table, wanted = matrix[shared], known[shared].to_numpy()
            rows = table.to_numpy(dtype=float)
            near = np.abs(rows - wanted) <= NEAR * np.nanstd(rows, axis=0)
            # most patients carry nothing, and small numbers are close to that
            share = (near & (rows != 0)).mean(axis=1)
            if share.max() > HALF:
                return str(matrix.index[int(share.argmax())])
        return None


def profiles_of(representation: FittedRepresentation, tables: LayerTables) -> Profiles:
    """Return patients' values before and after a representation's transformation.

    Parameters
    ----------
    tables : LayerTables
        Raw layers and the sheet of the training patients.
    """
    normalised = representation.normalised(tables)
    matrices: list[pd.DataFrame] = []
    for layer, table in normalised.items():
        matrices.append(table)
        if table.columns.isin(tables[layer].columns).all():
            matrices.append(tables[layer][list(table.columns)])
    parts: Mapping[str, LayerTables] = {
        "views": representation.views(tables),
        "blocks": representation.transform(tables),
    }
    for part in parts.values():
        for name, table in part.items():
            matrices.append(table)
            if name in normalised:
                matrices.append(normalised[name].loc[table.index, list(table.columns)])
    return Profiles([matrix for matrix in matrices if len(matrix) and matrix.shape[1] >= FEWEST])
