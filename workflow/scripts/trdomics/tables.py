"""The container of layer tables used by every estimator of the workflow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

# The table of the sheet's columns, beside those of the layers.
CLINICAL = "clinical"


class LayerTables(Mapping[str, pd.DataFrame]):
    """Patients × features tables by layer name; a patient may lack a layer.

    Indexable along patients as scikit-learn expects (``shape``, ``len``, ``take``), so its
    splitters, searches and ``cross_validate`` work unchanged.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        One table per layer. Its rows are the patients that were profiled in that layer, in any
        order; a patient who lacks the layer has no row in it.
    patients : Index
        All patients, in the order of the samples.

    Raises
    ------
    ValueError
        If a patient is listed twice, or a table has a patient who is not in `patients`.
    """

    def __init__(self, tables: Mapping[str, pd.DataFrame], patients: pd.Index) -> None:
        patients = pd.Index(patients)
        if not patients.is_unique:
            raise ValueError(f"patients are listed twice: {patients[patients.duplicated()][:3]}")
        for name, table in tables.items():
            if not table.index.is_unique or not table.index.isin(patients).all():
                raise ValueError(f"layer {name} has repeated patients or patients not listed")
        self.patients = patients
        self._tables = {
            name: table.loc[patients[patients.isin(table.index)]] for name, table in tables.items()
        }

    def __getitem__(self, layer: str) -> pd.DataFrame:
        return self._tables[layer]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        """Return the number of patients (samples), as scikit-learn counts them."""
        return len(self.patients)

    @property
    def shape(self) -> tuple[int, int]:
        """Return (number of patients, number of layers)."""
        return len(self.patients), len(self._tables)

    @property
    def iloc(self) -> LayerTables:
        """Mark the object as positionally indexable for scikit-learn's ``_safe_indexing``."""
        return self

    def take(self, indices: np.ndarray, axis: int = 0) -> LayerTables:
        """Return the patients at the given positions.

        Parameters
        ----------
        indices : array of int or of bool, shape (n,)
            Positions of patients, or a mask over all of them.
        axis : int
            Always 0; for compatibility with ``DataFrame.take``.
        """
        if axis != 0:
            raise ValueError("layer tables are indexed by patient only")
        return self.select(self.patients[np.asarray(indices)])

    def select(self, patients: pd.Index) -> LayerTables:
        """Return the given patients, in that order."""
        patients = pd.Index(patients)
        kept = {name: t.loc[t.index.isin(patients)] for name, t in self._tables.items()}
        return LayerTables(kept, patients)

    def profiled(self, layer: str) -> np.ndarray:
        """Return a mask of the `patients` who have this layer. Shape (n_patients,)."""
        return np.asarray(self.patients.isin(self._tables[layer].index))

    def aligned(self, layer: str) -> pd.DataFrame:
        """Return a layer for all `patients`, with rows of NaN for those who lack it."""
        return self._tables[layer].reindex(self.patients)

    def replace(self, **tables: pd.DataFrame) -> LayerTables:
        """Return a copy in which the given layers are replaced or added."""
        return LayerTables({**self._tables, **tables}, self.patients)
