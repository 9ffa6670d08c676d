"""Features × samples matrices as sequencing cores deliver them: TSV, CSV or Parquet."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from trdomics.errors import InputError
from trdomics.inputs.value_rules import ValueRules

SEPARATORS = {".tsv": "\t", ".txt": "\t", ".tab": "\t", ".csv": ","}
MISSING = ["", "NA", "N/A", "NaN", "nan"]


def read_header(path: str, layer: str) -> list[str]:
    """Return the sample names of a matrix, in its order.

    Raises
    ------
    InputError
        If the file is missing, empty, broken, of an unknown format or has a sample twice.
    """
    first, *names = _column_names(path, layer)
    if not names:
        raise InputError(
            _where(path, layer),
            "no sample columns in its header",
            "give features in rows and samples in columns, separated as the suffix says",
        )
    seen = {first}
    for name in names:
        if name in seen:
            raise InputError(
                _where(path, layer), f"sample column `{name}` stands twice", "keep or rename one"
            )
        seen.add(name)
    return names


def read_layer_matrix(
    path: str, layer: str, sample_names: pd.Series, rules: ValueRules
) -> tuple[pd.DataFrame, list[str]]:
    """Read and check a matrix.

    Parameters
    ----------
    path : str
        The file.
    layer : str
        Its name, for errors.
    sample_names : Series
        patient_id → the patient's sample in this layer; NaN for none.
    rules : ValueRules
        What the values may be: those of the layer's type.

    Returns
    -------
    matrix : DataFrame, shape (n_patients, n_features)
        The patients who have the layer, in the order of `sample_names`, indexed by `patient_id`.
        NaN for what is missing.
    ignored : list of str
        Sample columns of the file that no patient has.

    Raises
    ------
    InputError
        Naming file, feature and sample of the first value that cannot be.
    """
    header = read_header(path, layer)
    place = {name: patient for patient, name in sample_names.dropna().items()}
    ignored = [name for name in header if name not in place]
    present = set(header)
    wanted = [name for name in place if name in present]
    if not wanted:
        raise InputError(
            _where(path, layer),
            f"it shares no patient with the sheet: its samples are {_few(header)}, the sheet's "
            f"are {_few(list(place)) or 'none'}",
            f"set `layers.{layer}.id_column` to the sheet's column with these names",
        )
    features, values = _read_values(path, layer, wanted)
    _check_features(features, _where(path, layer))
    _check_values(values, features, wanted, rules, _where(path, layer))
    values = values.astype(rules.dtype, copy=False)
    index = pd.Index([place[name] for name in wanted], name="patient_id", dtype=object)
    columns = pd.Index(features, name="feature", dtype=object)
    return pd.DataFrame(values.T, index=index, columns=columns), ignored


def read_annotation(path: str | None, layer: str, features: Sequence[str]) -> pd.DataFrame:
    """Return symbol and chromosome of features.

    Parameters
    ----------
    path : str or None
        A TSV or CSV whose first column holds the features' names, with columns `symbol` and
        `chromosome`, or what Ensembl's tables call them; None where there is no such file.
    layer : str
        The layer's name, for errors.
    features : sequence of str
        The features of the matrix.

    Returns
    -------
    DataFrame, shape (n_features, 3)
        `feature`, `symbol` (where none is known the feature's name, of `TP53|7157` the first
        part), `chromosome` (without "chr"; NaN where it is not known).
    """
    annotation = pd.DataFrame({"feature": list(features)}, dtype=object)
    annotation["symbol"] = [_symbol_of(str(feature)) for feature in features]
    annotation["chromosome"] = np.nan
    if path is None:
        return annotation
    where = _where(path, layer)
    with readable(path, layer):
        table = pd.read_csv(
            path, sep=_separator(path, layer), dtype=str, keep_default_na=False, na_values=MISSING
        )
    # tables of genes often have one row per cross-reference; the first names the gene
    table = table.drop_duplicates(subset=table.columns[0]).set_index(table.columns[0])
    shared = annotation["feature"].isin(table.index)
    if not shared.any():
        raise InputError(
            where,
            f"none of its features is in the matrix: it has {_few(list(table.index))}, the matrix "
            f"has {_few(list(features))}",
            "give the matrix's feature names in the first column",
        )
    columns = {name.lower(): name for name in reversed(table.columns)}
    known = False
    for target, names in (
        ("symbol", ("symbol", "gene_symbol", "gene_name")),
        ("chromosome", ("chromosome", "chr", "chrom", "seqname")),
    ):
        source = next((columns[name] for name in names if name in columns), None)
        if source is not None:
            known = True
            found = annotation["feature"].map(table[source])
            annotation[target] = found.where(found.notna(), annotation[target])
    if not known:
        raise InputError(where, "neither a column `symbol` nor `chromosome`", "name its columns so")
    # where no chromosome is known the column would be one of numbers
    annotation["chromosome"] = (
        annotation["chromosome"].astype(object).str.replace("^chr", "", regex=True)
    )
    return annotation


def _symbol_of(feature: str) -> str:
    """Return the symbol of a name such as TP53|7157; the name itself where it holds none."""
    symbol = feature.partition("|")[0]
    return symbol if symbol not in ("", "?") else feature


def _where(path: str, layer: str) -> str:
    return f"{path} (layer {layer})"


def _few(names: Sequence[object]) -> str:
    return ", ".join(f"`{name}`" for name in names[:3]) + (", …" if len(names) > 3 else "")


def _is_parquet(path: str) -> bool:
    return path.lower().endswith((".parquet", ".pq"))


def _separator(path: str, layer: str) -> str:
    suffix = Path(path.lower().removesuffix(".gz")).suffix
    if suffix not in SEPARATORS:
        raise InputError(
            _where(path, layer),
            f"cannot tell the format from the suffix {suffix!r}",
            "name it .tsv, .csv (both also .gz) or .parquet",
        )
    return SEPARATORS[suffix]


@contextmanager
def readable(path: str, layer: str) -> Iterator[None]:
    """Turn what libraries raise for missing or broken files into errors for people."""
    where = _where(path, layer)
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(where, "no such file", f"correct the path in `layers.{layer}`") from error
    except EOFError as error:
        raise InputError(where, "the gzip file ends too early", "copy it again, whole") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InputError(
            where, f"not a sound gzip file ({error})", "copy it again, or drop the .gz"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(where, "not UTF-8 text", "save it as text in UTF-8") from error
    except pd.errors.EmptyDataError as error:
        raise InputError(where, "empty", "give a header and one row per feature") from error
    except (csv.Error, pd.errors.ParserError, pa.ArrowInvalid) as error:
        raise InputError(where, f"cannot be read ({error})", "check the file") from error
    except OSError as error:
        if "runcated" in str(error) or "zlib" in str(error):
            raise InputError(
                where, "the gzip file is broken or ends too early", "copy it again, whole"
            ) from error
        raise InputError(where, f"cannot be read ({error})", "check the file") from error


def _open_text(path: str) -> io.TextIOBase:
    if path.lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")  # type: ignore[return-value]
    return open(path, encoding="utf-8-sig", newline="")


def _column_names(path: str, layer: str) -> list[str]:
    """Return the names of all columns, that of the features first."""
    if _is_parquet(path):
        with readable(path, layer):
            return _parquet_names(pq.read_schema(path))
    separator = _separator(path, layer)
    with readable(path, layer), _open_text(path) as handle:
        # the limit of csv on a field's length never binds on names
        header = next(csv.reader(handle, delimiter=separator), None)
        second = next(csv.reader(handle, delimiter=separator), None)
    if not header:
        raise InputError(_where(path, layer), "empty", "give a header and one row per feature")
    if second is not None and len(second) == len(header) + 1:
        raise InputError(
            _where(path, layer),
            "the header has one name less than the rows have fields, as R writes it",
            "name the first column, for example `feature`",
        )
    return [name.strip() for name in header]


def _parquet_names(schema: pa.Schema) -> list[str]:
    """Return the columns of a Parquet file, an index that pandas stored as a column first."""
    stored = (schema.pandas_metadata or {}).get("index_columns", [])
    index = [name for name in stored if isinstance(name, str) and name in schema.names][:1]
    return index + [name for name in schema.names if name not in index]


def _read_values(path: str, layer: str, wanted: list[str]) -> tuple[list[str], np.ndarray]:
    """Return feature names and their values, shape (n_features, n_wanted), as float64."""
    names = _column_names(path, layer)
    if _is_parquet(path):
        with readable(path, layer):
            table = pq.read_table(path, columns=[names[0], *wanted], use_pandas_metadata=False)
        features = table.column(names[0]).cast(pa.string()).to_pylist()
        if any(not _is_numeric(table.schema.field(name).type) for name in wanted):
            _raise_first_text(table, features, wanted, _where(path, layer))
    else:
        table, features = _read_text(path, layer, names, wanted)
    if not features:
        raise InputError(_where(path, layer), "no features in it", "give one row per feature")
    values = np.empty((len(features), len(wanted)))
    for column, name in enumerate(wanted):
        values[:, column] = table.column(name).to_numpy(zero_copy_only=False)
    return [str(name or "").strip() for name in features], values


def _is_numeric(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)


def _read_text(
    path: str, layer: str, names: list[str], wanted: list[str]
) -> tuple[pa.Table, list[Any]]:
    """Read the wanted columns, as numbers; if that fails, as text to find out where."""

    def read(kind: pa.DataType) -> pa.Table:
        # columns are named here, so that names with blanks around them agree with the header
        return pa_csv.read_csv(
            path,
            read_options=pa_csv.ReadOptions(column_names=names, skip_rows=1),
            parse_options=pa_csv.ParseOptions(delimiter=_separator(path, layer)),
            convert_options=pa_csv.ConvertOptions(
                column_types={names[0]: pa.string(), **dict.fromkeys(wanted, kind)},
                include_columns=[names[0], *wanted],
                null_values=MISSING,
                strings_can_be_null=False,
            ),
        )

    with readable(path, layer):
        try:
            table = read(pa.float64())
        except pa.ArrowInvalid as error:
            if "Empty CSV" in str(error):
                return pa.table({name: pa.array([], pa.float64()) for name in names}), []
            if "conversion error" not in str(error):
                raise
            table = read(pa.string())
            features = table.column(names[0]).to_pylist()
            _raise_first_text(table, features, wanted, _where(path, layer))
    return table, table.column(names[0]).to_pylist()


def _raise_first_text(table: pa.Table, features: list[Any], wanted: list[str], where: str) -> None:
    """Name the first value that is no number, feature by feature as one reads the file."""
    first: tuple[int, str, str] | None = None
    for name in wanted:
        text = pd.Series(table.column(name).to_pylist(), dtype=object).fillna("").astype(str)
        odd = pd.to_numeric(text, errors="coerce").isna() & ~text.isin(MISSING)
        row = int(np.argmax(odd.to_numpy()))
        if odd.any() and (first is None or row < first[0]):
            first = (row, name, text.iloc[row])
    if first is None:
        raise InputError(where, "columns that are not numbers", "store them as numbers")
    row, name, value = first
    raise InputError(
        where,
        f"feature `{features[row]}`, sample `{name}`: {value!r} is not a number",
        "correct the value",
    )


def _check_features(features: list[str], where: str) -> None:
    seen: dict[str, int] = {}
    for row, name in enumerate(features, start=1):
        if not name:
            raise InputError(where, f"row {row} has no feature name", "name it or remove the row")
        if name in seen:
            raise InputError(
                where,
                f"feature `{name}` stands twice (rows {seen[name]} and {row} below the header)",
                "sum the rows, or give each a name of its own",
            )
        seen[name] = row


def _check_values(
    values: np.ndarray,
    features: list[str],
    samples: list[str],
    rules: ValueRules,
    where: str,
) -> None:
    """Name the first value that the rules forbid."""

    def forbid(wrong: np.ndarray, problem: str, mend: str) -> None:
        if wrong.any():
            row, column = divmod(int(np.argmax(wrong)), len(samples))
            value = values[row, column]
            shown = "missing" if np.isnan(value) else f"{value:.10g}"
            raise InputError(
                where,
                f"feature `{features[row]}`, sample `{samples[column]}`: {shown}{problem}",
                mend,
            )

    forbid(np.isinf(values), " is not finite", "correct the value")
    for rule in rules.forbidden:
        forbid(rule.wrong(values), rule.problem, rule.fix)
    empty = rules.empty(values)
    if empty.any():
        sample = samples[int(np.argmax(empty))]
        raise InputError(
            where,
            f"sample `{sample}` has {rules.nothing}",
            "remove its column, or set `exclude` to 1 for the patient in the sheet",
        )
