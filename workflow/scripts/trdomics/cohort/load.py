"""The cohort's tables in the container used by all estimators."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from trdomics.cohort.config import text_columns
from trdomics.config_types import FitConfig, PatientsConfig
from trdomics.files import read_json, read_matrix, read_table
from trdomics.tables import CLINICAL, LayerTables


def read_patients(path: str | os.PathLike[str], config: PatientsConfig) -> pd.DataFrame:
    """Read ``patients.tsv`` with the types that the sheet's columns have.

    Returns
    -------
    DataFrame
        Indexed by `patient_id`; `label` and numbers float64, names object with NaN.
    """
    # all as text first: numeric names, such as a site 04, would lose their zeros
    table = read_table(path, dtype=str).set_index("patient_id")
    names = text_columns(config)
    for column in table.columns:
        numbers = pd.to_numeric(table[column], errors="coerce")
        if column not in names and numbers.notna().equals(table[column].notna()):
            table[column] = numbers.astype(float)
        else:
            table[column] = table[column].astype(object).where(table[column].notna(), np.nan)
    return table


def load_tables(
    patients: str | os.PathLike[str],
    layers: Mapping[str, str | os.PathLike[str]],
    config: PatientsConfig,
    derived: Mapping[str, str | os.PathLike[str]] | None = None,
) -> LayerTables:
    """Load layers, with the sheet's columns as the layer "clinical".

    Parameters
    ----------
    layers : mapping of str to path
        ``table.parquet`` of each layer.
    derived : mapping of str to path, optional
        ``features.tsv`` of each derived table.

    Returns
    -------
    LayerTables
        All patients in the order of ``patients.tsv``. "clinical" has a row for each, and the
        sheet's columns except ids, the label and its column, so that no estimator can use those.
    """
    table = read_patients(patients, config)
    ids = [layer["id_column"] for layer in config["layers"].values()]
    own = ["label", config["label"]["column"], *(f"in_{name}" for name in config["layers"]), *ids]
    tables = {name: read_matrix(path) for name, path in layers.items()}
    for name, path in (derived or {}).items():
        tables[name] = read_table(path).set_index("patient_id").astype(float)
    tables[CLINICAL] = table.drop(columns=[name for name in own if name in table.columns])
    return LayerTables(tables, table.index)


def load_fit_inputs(inputs: Any, settings: FitConfig) -> tuple[FitConfig, LayerTables, pd.Series]:
    """Load the inputs shared by every fit of the whole procedure.

    Parameters
    ----------
    inputs : object
        With the paths ``patients``, ``layers`` and ``derived`` (in the order of the settings), and
        ``members`` of the panels, empty without panels.

    Returns
    -------
    config : dict
        The settings, with the panels' members.
    tables : LayerTables
        All patients.
    labels : Series
        See :func:`load_labels`.
    """
    config: FitConfig = {
        **settings,
        "panel_members": read_json(inputs.members) if inputs.members else {},
    }
    layers = dict(zip(config["layers"], inputs.layers, strict=True))
    derived = dict(zip(config["derived"], inputs.derived, strict=True))
    tables = load_tables(inputs.patients, layers, config, derived)
    return config, tables, load_labels(inputs.patients)


def load_labels(patients: str | os.PathLike[str]) -> pd.Series:
    """Return the label of each patient of ``patients.tsv``: 1, 0 or NaN, by patient."""
    table = read_table(patients, usecols=["patient_id", "label"])
    return table.set_index("patient_id")["label"].astype(float)
