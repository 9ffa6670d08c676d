"""Reads features × samples matrices: TSV, CSV or Parquet."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from trdomics.errors import InputError
from trdomics.inputs.checks import DATE, check_features, checked_values, other_scale
from trdomics.inputs.layouts import (
    ENTREZ,
    FEATURE,
    MIRDEEP2,
    SUMMARY_ROW,
    SYMBOL,
    Layout,
    annotation_columns,
    is_turned,
    layout_of,
    sample_ids,
    summary_rows,
)
from trdomics.inputs.numbers import Source, is_number, read_numbers
from trdomics.inputs.text_table import (
    MISSING,
    NAMES,
    SUFFIXES,
    check_printable,
    few,
    fitted_rows,
    of_layer,
    read_head,
    readable_layer,
    suffix_separator,
)
from trdomics.inputs.value_rules import ValueRules

NUMBER = re.compile(r"[-+]?\d*[.,]?\d+([eE][-+]?\d+)?$|[-+]?(inf|Inf)")
COVERAGE = re.compile(r"\.(gene|exon)_sums\.")
ROW_NUMBERS = ("", "Unnamed: 0", "index", "X")


class LayerMatrix(NamedTuple):
    """A matrix that has been read.

    Attributes
    ----------
    values : DataFrame, shape (n_patients, n_features)
        The patients who have the layer, in the order of the sheet, indexed by `patient_id`. int64
        counts; float64 otherwise, NaN for what is missing.
    ignored : list of str
        Samples of the file without a patient.
    annotation : DataFrame
        Annotation in the file itself: indexed by feature, with `symbol` and `chromosome` if
        present.
    layout : str
        The upstream program of the header; empty if not recognised.
    notes : list of str
        What was left out, rounded, transposed, or looks wrong.
    turned : bool
        Whether the file has its samples in rows.
    """

    values: pd.DataFrame
    ignored: list[str]
    annotation: pd.DataFrame
    layout: str
    notes: list[str]
    turned: bool = False


def read_header(path: str, layer: str, known: Collection[str] = ()) -> list[str]:
    """Return the sample names of a matrix, in its order.

    Parameters
    ----------
    known : collection of str
        Names of samples by the sheet. They are not stripped of suffixes, and show whether a matrix
        has its samples in rows.

    Raises
    ------
    InputError
        If the file is missing, empty, damaged, of an unknown format or has a duplicated sample.
    """
    return list(_source(path, layer, known).layout.samples)


def read_layer_matrix(
    path: str, layer: str, sample_names: pd.Series, rules: ValueRules
) -> LayerMatrix:
    """Read and check a matrix.

    Estimated counts (Salmon, RSEM, kallisto) are rounded, as is usual for DESeq2 with tximport.

    Parameters
    ----------
    sample_names : Series
        patient_id → the patient's sample in this layer; NaN for none.
    rules : ValueRules
        Allowed values of the layer's type.

    Raises
    ------
    InputError
        Naming file, feature and sample of the first wrong value; several for several kinds of
        errors.
    """
    place = {name: patient for patient, name in sample_names.dropna().items()}
    source = _source(path, layer, place)
    samples = source.layout.samples
    wanted = [name for name in place if name in samples]
    if not wanted:
        raise InputError(
            source.where,
            f"it shares no patient with the sheet: its samples are {few(list(samples))}, the "
            f"sheet's are {few(list(place)) or 'none'}",
            f"set `layers.{layer}.id_column` to the sheet's column with these names",
        )
    features, values, annotation = _read_values(source, wanted)
    notes = list(source.layout.notes)
    kept = _without_summary(features, values, rules.are_counts, notes)
    if not len(kept):
        problem = f"none of its rows is a feature ({few(features)})"
        raise InputError(source.where, problem, "give the table of counts, not their summary")
    if len(kept) < len(features):
        features, values = [features[i] for i in kept], values[kept]
        annotation = {name: [text[i] for i in kept] for name, text in annotation.items()}
    check_features(features, source.where)
    values = checked_values(values, features, wanted, rules, source.where, notes)
    odd = [] if rules.are_counts else [wanted[i] for i in np.flatnonzero(other_scale(values))]
    if odd:
        notes.append(f"on another scale than the other samples: {few(odd)}; give all in one unit")
    dates = [name for name in features if DATE.fullmatch(name)]
    if dates:
        notes.append(
            f"{len(dates)} features are named like dates ({few(dates)}): a spreadsheet converted "
            "gene symbols to dates; use the original table"
        )
    index = pd.Index([place[name] for name in wanted], name="patient_id", dtype=object)
    columns = pd.Index(features, name="feature", dtype=object)
    return LayerMatrix(
        pd.DataFrame(values.T, index=index, columns=columns),
        [name for name in samples if name not in place],
        pd.DataFrame(annotation, index=columns, dtype=object),
        source.layout.name,
        notes,
        source.turned,
    )


def _source(path: str, layer: str, known: Collection[str]) -> Source:
    """Read the header of a file and find out how its columns are used."""
    where, known = of_layer(path, layer), set(known)
    head, peek, usual = None, [], ""
    with readable_layer(path, layer):
        if path.lower().endswith((".parquet", ".pq")):
            schema = pq.read_schema(path)
            names = _parquet_names(schema)
            textual = {i for i, name in enumerate(names) if not is_number(schema.field(name).type)}
            if len(textual) == len(names):
                textual = {0}
        else:
            usual = suffix_separator(path, where, SUFFIXES)
            head = read_head(path, usual)
            if head is None:
                raise InputError(where, "empty", "give a header and one row per feature")
            names, peek = ([""] if head.unnamed else []) + head.names, head.peek
            textual = _textual(peek, len(names))
    if COVERAGE.search(PurePath(path).name):
        raise InputError(
            where,
            "by its name it has recount3's sums of base coverage, not counts of reads",
            "convert it by recount3's transform_counts or compute_read_counts, and rename it",
        )
    if SUMMARY_ROW.fullmatch(names[0]) or (len(names) > 1 and FEATURE.match(names[0])):
        raise InputError(
            where,
            "it has no header: its first row is that of a feature",
            "put all samples into one table, a column each, their names in the first row",
        )
    first = int(names[0] in ROW_NUMBERS and 1 in textual and _numbered(peek))
    source = Source(path, layer, names, first, head, Layout({}, {}, "", []), turned=False)
    rows = [row[first] for row in peek if len(row) > first]
    if known and set(sample_ids(names[first + 1 :], known)).isdisjoint(known):
        with readable_layer(path, layer):
            rows = _first_column(source)
    if is_turned(names[first + 1 :], rows, known):
        with readable_layer(path, layer):
            ids = sample_ids(_first_column(source), known)
        layout = Layout(
            {name: row for row, name in enumerate(ids)},
            {names[i].lower(): i for i in textual if i > first},
            "",
            [f"its samples are in rows ({few(ids)}): it was transposed"],
        )
        if len(layout.samples) < len(ids):
            twice = next(name for row, name in enumerate(ids) if name in ids[:row])
            fix = "keep or rename one"
            if 2 * len(layout.samples) < len(ids):
                fix = "if it has a row per sample and feature, give a column per sample instead"
            raise InputError(where, f"sample row `{twice}` is duplicated", fix)
        return replace(source, layout=layout, turned=True)
    layout = layout_of(names, first, textual, known, where)
    if not layout.samples:
        raise InputError(
            where,
            "no sample columns in its header",
            "give features in rows and samples in columns, separated as the suffix says",
        )
    check_printable(layout.samples, where, "sample")
    # spreadsheets write semicolons where the comma is the decimal mark
    if head is not None and head.separator != usual and (usual, head.separator) != (",", ";"):
        layout.notes.append(
            f"its fields are separated by {NAMES[head.separator]}, not by {NAMES[usual]}"
        )
    if head is not None and head.unnamed:
        layout.notes.append("its header has no name for the first column, as R writes it")
    return replace(source, layout=layout)


def _first_column(source: Source) -> list[str]:
    """Return the values of the feature column, which are samples if the matrix is transposed."""
    if source.header is None:
        column = pq.read_table(source.path, columns=[source.names[source.first]]).column(0)
        return [str(value).strip() for value in column.to_pylist()]
    rows = fitted_rows(source.path, source.header, source.where)
    return [row[source.first].strip() for _, row in rows]


def _textual(peek: Sequence[Sequence[str]], width: int) -> set[int]:
    """Return the columns whose first values are all text, none a number."""
    return {
        i
        for i in range(1, width)
        if (values := [row[i].strip() for row in peek if len(row) > i and row[i].strip()])
        and not any(value in MISSING or NUMBER.match(value) for value in values)
    }


def _numbered(peek: Sequence[Sequence[str]]) -> bool:
    """Return whether the first column only numbers the rows."""
    counts = (map(str, range(first, first + len(peek))) for first in (0, 1))
    return [row[0] for row in peek] in map(list, counts)


def _parquet_names(schema: pa.Schema) -> list[str]:
    """Return the columns of a Parquet file, an index that pandas stored as a column first."""
    stored = (schema.pandas_metadata or {}).get("index_columns", [])
    index = [name for name in stored if isinstance(name, str) and name in schema.names][:1]
    return index + [name for name in schema.names if name not in index]


def _read_values(
    source: Source, wanted: list[str]
) -> tuple[list[str], np.ndarray, dict[str, list[Any]]]:
    """Return features, values (n_features, n_wanted) as float64, and columns of annotation."""
    samples, layout = source.layout.samples, source.layout
    if source.turned:
        others = {*layout.described.values()}
        columns = sorted({*range(source.first + 1, len(source.names))} - others)
        features, values, _ = read_numbers(source, columns, {})
        rows = [samples[name] for name in wanted]
        return [source.names[i] for i in columns], values[rows].T, {}
    used = annotation_columns(layout.described)
    if source.names[source.first].lower() in SYMBOL and ENTREZ in layout.described:
        used[ENTREZ] = layout.described[ENTREZ]
    features, values, texts = read_numbers(source, [samples[name] for name in wanted], used)
    if ENTREZ in texts:
        features = _with_entrez(features, texts.pop(ENTREZ), layout.notes)
    if layout.name == MIRDEEP2:
        features, values = _most_reads(features, values, layout.notes)
    kept = [row for row, name in enumerate(features) if name or not np.isnan(values[row]).all()]
    if len(kept) < len(features):
        source.layout.notes.append(f"left out rows without any value: {len(features) - len(kept)}")
        features, values = [features[row] for row in kept], values[kept]
        texts = {name: [text[row] for row in kept] for name, text in texts.items()}
    if not features:
        raise InputError(source.where, "it has no features", "give one row per feature")
    if "chromosome" in texts:
        # featureCounts gives that of each exon
        texts["chromosome"] = [text and text.partition(";")[0] for text in texts["chromosome"]]
    return features, values, texts


def _with_entrez(features: list[str], ids: list[Any], notes: list[str]) -> list[str]:
    """Return the features, those with the same symbol or none named `symbol|id`, as TCGA does."""
    times = Counter(features)
    named = [
        f"{name or '?'}|{own}" if own and (not name or times[name] > 1) else name
        for name, own in zip(features, ids, strict=True)
    ]
    changed = [new for new, old in zip(named, features, strict=True) if new != old]
    if changed:
        notes.append(
            f"{len(changed)} features have another's symbol or none and are named with their "
            f"Entrez id ({few(changed)})"
        )
    return named


def _most_reads(
    features: list[str], values: np.ndarray, notes: list[str]
) -> tuple[list[str], np.ndarray]:
    """Return one row per miRNA: miRDeep2 has one per precursor, with the same reads."""
    order = np.argsort(-values.sum(axis=1), kind="stable")
    first = {features[row]: int(row) for row in order[::-1]}
    kept = sorted(first.values())
    if len(kept) < len(features):
        notes.append(
            f"{len(features) - len(kept)} rows of miRNAs with another precursor were left out: "
            "that with the most reads is used"
        )
    return [features[row] for row in kept], values[kept]


def _without_summary(
    features: list[str], values: np.ndarray, are_counts: bool, notes: list[str]
) -> np.ndarray:
    """Return the rows that are features, and note the others."""
    left, doubtful = summary_rows(features, values, are_counts)
    if left:
        share = 100 * np.nansum(values[left]) / max(np.nansum(values), 1e-300)
        size = f", with {share:.3g} % of the sum of all values" if are_counts else ""
        rows = "row that is not a feature" if len(left) == 1 else "rows that are not features"
        notes.append(f"left out {len(left)} {rows} ({few([features[i] for i in left])}){size}")
    if doubtful:
        names = few([features[i] for i in doubtful])
        notes.append(f"rows named like sums of the others, which they are not, are kept: {names}")
    return np.setdiff1d(np.arange(len(features)), left)
