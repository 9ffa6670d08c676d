"""MAF (Mutation Annotation Format, as TCGA and cBioPortal give it) to dosages."""

from __future__ import annotations

import gzip
import os
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd

from trdomics.errors import InputError
from trdomics.inputs.calls import CallCollector, Variant, VariantCalls
from trdomics.inputs.consequences import ConsequenceClasses, population_frequency

BARCODE = "Tumor_Sample_Barcode"
_REQUIRED = [
    "Hugo_Symbol",
    "Chromosome",
    "Start_Position",
    "Reference_Allele",
    "Tumor_Seq_Allele2",
    "Variant_Classification",
]
_FREQUENCIES = ["gnomAD_AF", "gnomADe_AF", "gnomADg_AF", "ExAC_AF", "AF", "MAX_AF"]


def maf_samples(path: str | os.PathLike[str], sample_column: str) -> list[str]:
    """Return the samples that have a row, in the order of their first rows.

    Raises
    ------
    InputError
        If the file cannot be read or lacks the column.
    """
    return list(dict.fromkeys(_read(path, sample_column)[sample_column]))


def maf_columns(path: str | os.PathLike[str]) -> dict[str, list[str]]:
    """Return the distinct values of every column but the barcodes', empty ones left out.

    Raises
    ------
    InputError
        If the file cannot be read or lacks the barcodes' column.
    """
    rows = _read(path, BARCODE).drop(columns=BARCODE)
    values = {str(name): [v for v in rows[name].unique() if v] for name in rows.columns}
    return {name: found for name, found in values.items() if found}


def read_maf(
    path: str | os.PathLike[str],
    settings: Mapping[str, Any],
    sample_names: pd.Series,
    profiled: Collection[str] | None,
) -> VariantCalls:
    """Read the mutations of the cohort's patients.

    A row is one call of one patient: its dosage is 1. A row is no call where it fails
    ``pass_only`` (FILTER) or its depth (``t_depth``, else ``t_ref_count + t_alt_count``, where
    these exist) is below ``min_depth``. A profiled patient without a call is 0.

    Parameters
    ----------
    path : path
        Tab-separated, plain or gzipped; lines before the header may begin with ``#``.
    settings : mapping
        The layer's block of the config.
    sample_names : Series
        Sample name in this file by patient id.
    profiled : collection of str, optional
        Sample names that were sequenced: one without a row is 0, one that is not listed is
        left out. Without it, those with a row count as sequenced.

    Returns
    -------
    VariantCalls
        Dosages, annotation and tallies per patient.

    Raises
    ------
    InputError
        If columns are missing, a position is no integer, or no patient is in the file.
    """
    column = settings["sample_column"]
    rows = _read(path, column)
    missing = [name for name in _REQUIRED if name not in rows.columns]
    if missing:
        raise InputError(
            str(path),
            f"lacks the MAF column {missing[0]} (it has {', '.join(rows.columns[:6])}, …)",
            "give a MAF as TCGA and cBioPortal write it",
        )
    sequenced = set(rows[column]) if profiled is None else set(profiled)
    known = sample_names[sample_names.isin(sequenced)]
    if known.empty:
        raise InputError(
            str(path),
            f"has none of the samples of the sheet (file: {', '.join(sorted(sequenced)[:3])}; "
            f"sheet: {', '.join(map(str, sample_names[:3]))})",
            "set id_column and sample_column of the layer to columns with the same names",
        )
    place = {str(name): i for i, name in enumerate(known)}
    rows = rows.assign(
        Chromosome=rows["Chromosome"].str.removeprefix("chr"),
        position=_positions(rows, path),
        place=rows[column].map(place),
        failure=_failures(rows, settings),
    )
    rows = rows[rows["place"].notna()]
    collector = CallCollector({**settings, "no_call": "reference"}, [str(p) for p in known.index])
    classes = ConsequenceClasses()
    keys = ["Chromosome", "position", "Reference_Allele", "Tumor_Seq_Allele2"]
    for (chromosome, position, reference, alternative), calls in _groups(rows, keys):
        dosage = np.zeros(len(known), dtype=np.int8)
        good = [call for call in calls if not call["failure"]]
        dosage[[int(call["place"]) for call in good]] = 1
        collector.add(
            Variant(
                chromosome,
                position,
                reference,
                alternative,
                _rsid(calls[0]),
                classes.per_gene(
                    (call["Hugo_Symbol"], [call["Variant_Classification"]]) for call in calls
                ),
                population_frequency(
                    {name.lower(): call[name] for name in _FREQUENCIES if name in call}
                    for call in calls
                ),
            ),
            dosage,
            "" if good else calls[0]["failure"],
        )
    return collector.finish()


def _read(path: str | os.PathLike[str], sample_column: str) -> pd.DataFrame:
    """Read all columns as text, without the comment lines before the header."""
    opened = gzip.open if str(path).endswith(".gz") else open
    try:
        with opened(path, "rt", encoding="utf-8") as file:
            comments = 0
            while file.readline().startswith("#"):
                comments += 1
        rows = pd.read_csv(path, sep="\t", dtype=str, skiprows=comments, keep_default_na=False)
    except (OSError, EOFError, UnicodeDecodeError, pd.errors.ParserError) as error:
        raise InputError(str(path), f"cannot be read ({error})", "check the file") from error
    if sample_column not in rows.columns:
        raise InputError(
            str(path),
            f"has no column {sample_column} (it has {', '.join(rows.columns[:6])}, …)",
            "set sample_column of the layer",
        )
    return rows


def _positions(rows: pd.DataFrame, path: str | os.PathLike[str]) -> pd.Series:
    # some exports write integers as 101961901.0
    positions = pd.to_numeric(rows["Start_Position"], errors="coerce")
    bad = positions.isna() | (positions % 1 != 0)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise InputError(
            f"{path} row {row + 1}",
            f"Start_Position {rows['Start_Position'].iloc[row]!r} is no integer",
            "mend the position",
        )
    return positions.astype(int)


def _failures(rows: pd.DataFrame, settings: Mapping[str, Any]) -> pd.Series:
    """Return per row the filter that it fails, or an empty text."""
    failures = pd.Series("", index=rows.index)
    counts = ["t_ref_count", "t_alt_count"]
    if "t_depth" in rows.columns:
        depth = pd.to_numeric(rows["t_depth"], errors="coerce")
    elif set(counts) <= set(rows.columns):
        depth = rows[counts].apply(pd.to_numeric, errors="coerce").sum(axis=1, min_count=2)
    else:
        depth = pd.Series(np.nan, index=rows.index)
    failures[depth < settings["min_depth"]] = "depth too low"
    if settings["pass_only"] and "FILTER" in rows.columns:
        failed = ~rows["FILTER"].isin(["PASS", ".", ""])
        failures[failed] = "filter " + rows.loc[failed, "FILTER"]
    return failures


def _groups(rows: pd.DataFrame, keys: list[str]) -> list[tuple[tuple[Any, ...], list[dict]]]:
    """Return the rows of each allele, alleles in the order of the file."""
    groups: dict[tuple[Any, ...], list[dict]] = {}
    for row in rows.to_dict("records"):
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    return list(groups.items())


def _rsid(row: Mapping[str, str]) -> str:
    name = row.get("dbSNP_RS", "")
    return name if name.startswith("rs") else ""
