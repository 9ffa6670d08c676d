"""The numbers of a matrix, and the first non-numeric cell."""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from trdomics.errors import InputError
from trdomics.inputs.layouts import Layout
from trdomics.inputs.text_table import (
    MISSING,
    Header,
    fitted_rows,
    of_layer,
    raise_all,
    readable_layer,
    unquoted,
)

DECIMAL_COMMAS = "its fields are separated by semicolons: commas were read as decimal marks"
# A decimal comma, or separators of thousands.
THOUSANDS = re.compile(r"-?\d+([,.'\u2019\s]\d+)+")
# A row of a matrix with samples in rows contains all features.
BLOCK = 1 << 26


@dataclass(frozen=True)
class Source:
    """A file of a layer, and how it is read.

    Attributes
    ----------
    names : list of str
        Of all columns.
    first : int
        The column of features, or of samples where the matrix is turned.
    header : Header or None
        None of Parquet.
    layout : Layout
        Its `samples` are rows if the matrix is transposed.
    turned : bool
        Whether the samples are in rows.
    """

    path: str
    layer: str
    names: list[str]
    first: int
    header: Header | None
    layout: Layout
    turned: bool

    @property
    def where(self) -> str:
        """Return what errors name."""
        return of_layer(self.path, self.layer)


def is_number(kind: pa.DataType) -> bool:
    """Return whether a column of this type holds numbers."""
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)


def read_numbers(
    source: Source, columns: list[int], texts: Mapping[str, int]
) -> tuple[list[str], np.ndarray, dict[str, list[Any]]]:
    """Read the column of features, columns of numbers, and columns of text by their names."""
    with readable_layer(source.path, source.layer):
        if source.header is None:
            used = list(dict.fromkeys([source.first, *columns, *texts.values()]))
            table = pq.read_table(
                source.path, columns=[source.names[i] for i in used], use_pandas_metadata=False
            ).rename_columns([str(i) for i in used])
        else:
            table = _read_text(source, columns, texts.values())
    features = [
        unquoted(name or "").strip()
        for name in table.column(str(source.first)).cast(pa.string()).to_pylist()
    ]
    values = np.empty((len(features), len(columns)))
    odd = [i for i in columns if not is_number(table.schema.field(str(i)).type)]
    if odd:
        table = _from_text(table, source, features, odd)
    for place, i in enumerate(columns):
        values[:, place] = table.column(str(i)).to_numpy(zero_copy_only=False)
    found = {
        name: [
            None if text is None or text.strip() in MISSING else unquoted(text.strip())
            for text in table.column(str(i)).cast(pa.string()).to_pylist()
        ]
        for name, i in texts.items()
    }
    return features, values, found


def _read_text(source: Source, columns: Sequence[int], texts: Collection[int]) -> pa.Table:
    """Read columns, called by their numbers; as text, if some are not numbers."""
    head = source.header
    assert head is not None
    names = [str(i) for i in range(len(source.names) + head.extra)]
    beyond = names[len(source.names) :]
    if not head.peek:
        return pa.table({name: pa.array([], pa.string()) for name in names})
    text = dict.fromkeys([*(str(i) for i in (source.first, *texts)), *beyond], pa.string())

    def read(file: Any, kind: pa.DataType, skip: int, decimal: str = ".") -> pa.Table:
        return pa_csv.read_csv(
            file,
            read_options=pa_csv.ReadOptions(
                column_names=names, skip_rows=skip, block_size=BLOCK if source.turned else None
            ),
            parse_options=pa_csv.ParseOptions(
                delimiter=head.separator, quote_char=False if head.separator == "\t" else '"'
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types={**dict.fromkeys(map(str, columns), kind), **text},
                include_columns=list(dict.fromkeys([*text, *map(str, columns)])),
                null_values=list(MISSING),
                strings_can_be_null=False,
                decimal_point=decimal,
            ),
        )

    def attempt(make: Callable[[], Any], skip: int) -> pa.Table:
        try:
            return read(make(), pa.float64(), skip)
        except pa.ArrowInvalid as error:
            if "conversion error" not in str(error):
                raise
        if head.separator == ";":
            with contextlib.suppress(pa.ArrowInvalid):
                table = read(make(), pa.float64(), skip, ",")
                source.layout.notes.append(DECIMAL_COMMAS)
                return table
        return read(make(), pa.string(), skip)

    try:
        table = attempt(lambda: source.path, head.lines)
        if not any(field.strip() for name in beyond for field in table.column(name).to_pylist()):
            return table
    except pa.ArrowInvalid as error:
        if not re.search(r"Expected \d+ columns", str(error)):
            raise
    # rows that differ in length: those which only end in separators are cut, others are named
    buffer = io.StringIO()
    writer = csv.writer(
        buffer,
        delimiter=head.separator,
        lineterminator="\n",
        quoting=csv.QUOTE_NONE if head.separator == "\t" else csv.QUOTE_MINIMAL,
        quotechar=None if head.separator == "\t" else '"',
    )
    for _, row in fitted_rows(source.path, head, source.where):
        writer.writerow(row + [""] * head.extra)
    data = buffer.getvalue().encode()
    return attempt(lambda: io.BytesIO(data), 0)


def _from_text(
    table: pa.Table, source: Source, features: list[str], columns: Sequence[int]
) -> pa.Table:
    """Convert text columns to numbers; name the non-numeric values in reading order.

    A column or row of text is one error, and so is a table of text.
    """
    wrong: list[tuple[int, int, str]] = []
    of_text: dict[int, str] = {}
    for i in columns:
        text = pd.Series(table.column(str(i)).to_pylist(), dtype=object).fillna("").astype(str)
        text = text.str.strip().map(unquoted)
        numbers = pd.to_numeric(text, errors="coerce")
        odd = (numbers.isna() & ~text.isin(MISSING)).to_numpy()
        found = [(int(row), i, text.iloc[row]) for row in np.flatnonzero(odd)]
        if len(found) == (~text.isin(MISSING)).sum() > 1 and not any(
            THOUSANDS.fullmatch(value) for _, _, value in found
        ):
            of_text[i] = found[0][2]
        else:
            wrong += found
        place = table.schema.get_field_index(str(i))
        table = table.set_column(place, str(i), pa.array(numbers.to_numpy(float)))
    none = "none of its values is a number, such as"
    if len(of_text) == len(columns):
        fix = "write plain numbers, such as 1 and 0 in a binary layer"
        raise InputError(source.where, f"{none} {of_text[columns[0]]!r}", fix)
    what = "feature" if source.turned else "sample"
    errors = [
        InputError(
            source.where,
            f"{what} `{source.names[i]}`: {none} {value!r}",
            f"remove the column if it is no {what}",
        )
        for i, value in of_text.items()
    ]
    commas = "write decimal points, and no separators of thousands"
    for row, cells in itertools.groupby(sorted(wrong), key=lambda cell: cell[0]):
        values = [(source.names[i], value) for _, i, value in cells]
        texts = [value for _, value in values if not re.search(r"\d", value)]
        if len(texts) == len(columns) - len(of_text) > 1 and not source.turned:
            problem = f"feature `{features[row]}`: {none} {texts[0]!r}"
            fix = "remove the row if it describes the samples"
            errors.append(InputError(source.where, problem, fix))
            continue
        for column, value in values:
            feature, sample = (column, features[row]) if source.turned else (features[row], column)
            errors.append(
                InputError(
                    source.where,
                    f"feature `{feature}`, sample `{sample}`: {value!r} is not a number",
                    commas if THOUSANDS.fullmatch(value) else "correct the value",
                )
            )
    raise_all(errors, source.where)
    return table
