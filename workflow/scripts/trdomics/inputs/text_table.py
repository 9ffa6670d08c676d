"""Delimited text as spreadsheets, R and pipelines write it: separators, quotes, comments."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import os
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from trdomics.errors import InputError, InputErrors
from trdomics.files import starting_from, why_no_file

# pandas takes most of a second to import, and what reads FASTQ files does not need it
if TYPE_CHECKING:
    import pandas as pd

# Salmon and RSEM name the tables of a sample .sf and .results.
SEPARATORS = {".csv": ","}
SEPARATORS |= dict.fromkeys((".tsv", ".txt", ".tab", ".sf", ".results", ".gct"), "\t")
SPREADSHEETS = (".xlsx", ".xls", ".xlsm", ".ods")
NAMES = {"\t": "tabs", ",": "commas", ";": "semicolons", " ": "blanks"}
# Beginnings of comments; ! in GEO's series matrices.
COMMENTS = ("#", "!")
# Fields that mean "missing".
MISSING = ("", "NA", "N/A", "NaN", "nan")
PACKED, TWICE = "compressed, not text", "no text but compressed twice, or another program's file"
SUFFIXES = "name it .tsv, .csv (both also .gz) or .parquet"
# Number of problems shown per file.
SHOWN = 20
# Whole numbers written as floats by a program without missing integers.
FLOATED = re.compile(r"(-?\d+)\.0+")
# The second line of a GCT file: numbers of rows and columns; in version 1.3 also of columns that
# describe rows, and of rows below the header that describe columns.
GCT_SIZES = re.compile(r"\d+\t\d+(?:\t\d+\t(\d+))?\s*")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# Characters per line: a row of a matrix with samples in rows contains all features.
LONGEST_LINE = 1 << 26
# Rows below the header by which trailing separators are recognised.
PEEK = 5


@dataclass(frozen=True)
class Header:
    """The first row of a table, and how the rows below it are split.

    Attributes
    ----------
    names : list of str
        Names of the columns, trailing empty ones left out.
    lines : int
        Lines up to and including the header.
    extra : int
        Empty fields at the end of each row without a name in the header.
    unnamed : bool
        Whether the rows have one more field than the header, in front, as R's write.table does.
    peek : list of list of str
        The first rows.
    """

    names: list[str]
    separator: str
    lines: int
    extra: int
    unnamed: bool
    peek: list[list[str]]


@dataclass(frozen=True)
class TextTable:
    """A small table, all of it text.

    Attributes
    ----------
    rows : list of list of str
        Each as long as the header; empty rows are left out.
    lines : list of int
        The line of the file that each row ends in.
    """

    header: list[str]
    rows: list[list[str]]
    lines: list[int]
    separator: str


def suffix_separator(path: str, where: str, fix: str) -> str:
    """Return the separator for a file's suffix."""
    suffix = Path(path.lower().removesuffix(".gz")).suffix
    if suffix in SPREADSHEETS:
        raise InputError(where, f"a spreadsheet ({suffix})", "save it as tab-separated text (.tsv)")
    if suffix not in SEPARATORS:
        raise InputError(where, f"cannot tell the format from the suffix {suffix!r}", fix)
    return SEPARATORS[suffix]


def open_text(path: str) -> io.TextIOBase:
    """Open a text file, plain or gzipped, without its byte-order mark."""
    if path.lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")  # type: ignore[return-value]
    return open(path, encoding="utf-8-sig", newline="")


def lines_of(handle: TextIO | io.TextIOBase, longest: int | None = None) -> Iterator[str]:
    """Yield the lines of a file, none of them too long for the memory.

    Raises
    ------
    LongLineError
        At a line with more than `longest` characters.
    """
    longest, number = longest or LONGEST_LINE, 0
    while line := handle.readline(longest + 1):
        number += 1
        if len(line) > longest:
            raise LongLineError(f"line {number} does not end within {longest:,} characters")
        yield line


class LongLineError(ValueError):
    """A line that is too long to be one of a table."""


def split_rows(
    text: Iterable[str], separator: str, before: int = 0
) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with the number of its line, after `before` lines.

    In tab-separated files a double quote is an ordinary character, except around a whole field, as
    R and Excel write it: one that opens a description would otherwise swallow all lines up to the
    next. In comma- and semicolon-separated files quotes follow CSV.
    """
    if separator != "\t":
        reader = csv.reader(text, delimiter=separator, strict=True)
        for row in reader:
            yield before + reader.line_num, row
        return
    for number, line in enumerate(text, start=before + 1):
        yield number, [unquoted(field) for field in line.rstrip("\r\n").split("\t")]


def unquoted(field: str) -> str:
    """Return a field without the double quotes around all of it."""
    if len(field) > 1 and field[0] == field[-1] == '"':
        return field[1:-1].replace('""', '"')
    return field


def read_head(path: str, separator: str) -> Header | None:
    """Return the header of a file, or None if the file is empty.

    Lines that begin with ``#`` are comments; a single one with as many fields as the row below it
    is the header. Where the suffix's separator is not in the header, another that splits header
    and first row alike is taken.
    """
    with open_text(path) as handle:
        comments: list[str] = []
        first, describing = "", 0
        lines_below = lines_of(handle)
        for line in lines_below:
            if line.lstrip().startswith(COMMENTS):
                comments.append(line)
            elif [c.strip() for c in comments] in (["#1.2"], ["#1.3"]) and (
                sizes := GCT_SIZES.fullmatch(line)
            ):
                comments.append("")
                describing = int(sizes[1] or 0)
            elif line.strip():
                first = line
                break
            else:
                comments.append("")
        if not first and not comments:
            return None
        below = list(itertools.islice(lines_below, 1))
        separator = _separator(first, "".join(below), separator)
        lines = len(comments) + 1 + describing
        rest: Iterator[str] = itertools.islice(
            itertools.chain(below, lines_below), describing, None
        )
        # cBioPortal describes its columns in several comments as wide as the header
        last, before = ["", "", *comments][-1], ["", "", *comments][-2]
        width = last.count(separator) if last.lstrip().startswith("#") else 0
        if not first or (width and width == first.count(separator) != before.count(separator)):
            lines -= 1
            rest = itertools.chain([first] if first else [], rest)
            first = last.lstrip().lstrip("#").lstrip(" ")
        if not first.strip():
            return None
        names = next(split_rows([first], separator))[1]
        peek = []
        for _, row in split_rows(rest, separator):
            if any(map(str.strip, row)) and not _is_comment(row):
                peek.append(row)
            if len(peek) == PEEK:
                break
    names = [name.strip() for name in names]
    width = len(names)
    while len(names) > 1 and not names[-1]:
        names.pop()
    lengths = {len(row) for row in peek}
    beyond = min((len(row) - len(names) for row in peek), default=0)
    empty = all(not field.strip() for row in peek for field in row[len(names) :])
    unnamed = lengths == {width + 1} and width == len(names) and not empty
    return Header(names, separator, lines, max(beyond, 0) if empty else 0, unnamed, peek)


def _separator(first: str, second: str, usual: str) -> str:
    """Return what separates the fields of a header and of the row below it."""
    if usual in first:
        return usual
    for other in NAMES:
        with suppress(csv.Error):
            widths = [len(row) for line in (first, second) for _, row in split_rows([line], other)]
            # R's write.table has no name for the first column
            if len(widths) == 2 and widths[0] > 1 and widths[1] - widths[0] in (0, 1):
                return other
    # below the header may be an empty row, a comment or trailing empty fields
    return ";" if usual == "," and ";" in first else usual


def _is_comment(row: Sequence[str]) -> bool:
    return len(row) == 1 and row[0].startswith(COMMENTS)


def fitted_rows(path: str, header: Header, where: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows below the header, each as long as the header; skip empty ones and comments.

    Raises
    ------
    InputError
        At the end, naming the rows that are longer or shorter.
    """
    width = len(header.names) + header.unnamed
    wrong: list[tuple[int, int]] = []
    fitting = 0
    with open_text(path) as handle:
        rows = lines_of(handle)
        for _ in range(header.lines):
            next(rows)
        number = header.lines
        for number, row in split_rows(rows, header.separator, header.lines):
            if not any(map(str.strip, row)):
                continue
            if len(row) > width and not any(map(str.strip, row[width:])):
                row = row[:width]
            if len(row) == width:
                yield number, row
            elif not _is_comment(row):
                wrong.append((number, len(row)))
            fitting += len(row) == width
        last = number
    if not wrong:
        return
    if not fitting and len(wrong) > 1 and len({n for _, n in wrong}) == 1:
        raise InputError(
            f"{where} line {header.lines}",
            f"taken for the header, it has {width} {'field' if width == 1 else 'fields'}, but each "
            f"row below has {wrong[0][1]}",
            "remove what is above the line that names the columns, such as a title, or name the "
            "last column",
        )
    raise_all(
        [
            InputError(
                f"{where} line {line}",
                f"{n} {'field' if n == 1 else 'fields'} where the header has {width}",
                "add or remove separators"
                if line < last or n > width
                else "remove the line if it is a note; if the file is truncated, copy it again"
                if n == 1
                else "the file is truncated in this row: copy it again",
            )
            for line, n in wrong
        ],
        where,
    )


def raise_all(errors: Sequence[InputError], where: str) -> None:
    """Raise the first errors of a file, if any, and the number of the others."""
    if not errors:
        return
    left = len(errors) - SHOWN
    if left > 0:
        more = InputError(where, f"{left:,} more problems like these", "see the lines above")
        errors = [*errors[:SHOWN], more]
    raise InputErrors(errors) if len(errors) > 1 else errors[0]


def check_printable(names: Iterable[object], where: str, what: str) -> None:
    """Check that names have no control characters: line ends, NUL, commands to a terminal.

    Raises
    ------
    InputErrors
        Naming each that has.
    """
    raise_all(
        [
            InputError(where, f"{what} {str(name)!r} holds a control character", "rename it")
            for name in dict.fromkeys(names)
            if CONTROL.search(str(name))
        ],
        where,
    )


def read_text_table(path: str, where: str, fix: str) -> TextTable | None:
    """Read a small table as text; None if the file is empty.

    Parameters
    ----------
    path : str
        `.tsv`, `.txt`, `.tab` or `.csv`, plain or gzipped.
    fix : str
        What to do about another suffix.

    Raises
    ------
    InputError
        If the format is unknown, or rows are longer or shorter than the header.
    """
    header = read_head(path, suffix_separator(path, where, fix))
    if header is None:
        return None
    rows = list(fitted_rows(path, header, where))
    names = ["", *header.names] if header.unnamed else header.names
    lines = [number for number, _ in rows]
    return TextTable(names, [row for _, row in rows], lines, header.separator)


def read_user_table(
    path: str | os.PathLike[str], key: str, required: Sequence[str], fix: str
) -> pd.DataFrame:
    """Read a small table that a key of the config names, its fields stripped.

    Returns
    -------
    DataFrame of str
        Indexed by the lines of the file.

    Raises
    ------
    InputError
        If it cannot be read, is empty or lacks one of the `required` columns.
    """
    where = f"{path} ({key})"
    with readable(str(path), where, f"correct `{key}`"):
        table = read_text_table(str(path), where, "name it .tsv or .csv (also .gz)")
    if table is None or not table.rows:
        raise InputError(where, "has no rows", fix)
    lacking = [name for name in required if name not in table.header]
    if lacking:
        raise InputError(where, f"has no column {few(lacking)}", fix)
    import pandas as pd

    rows = pd.DataFrame(table.rows, columns=table.header, index=table.lines, dtype=object)
    return rows.apply(lambda column: column.str.strip())


def of_layer(path: str, layer: str) -> str:
    """Return the name of a layer's file in errors."""
    return f"{path} (layer {layer})"


def unfloated(names: Sequence[str]) -> list[str]:
    """Return names that are all like 12.0 as 12: a program has converted them to floats."""
    if names and all(FLOATED.fullmatch(name) for name in names):
        return [name.partition(".")[0] for name in names]
    return list(names)


def few(names: Sequence[object]) -> str:
    """Return the first three names for a message."""
    return ", ".join(f"`{name}`" for name in names[:3]) + (", …" if len(names) > 3 else "")


@contextmanager
def readable(path: str, where: str, fix: str, row: str = "feature") -> Iterator[None]:
    """Convert library exceptions for missing or damaged files to readable errors.

    Parameters
    ----------
    fix : str
        What to do if there is no such file.
    row : str
        What a row represents.
    """
    again = "copy it again"
    problem = why_no_file(path)
    if problem is not None:
        raise InputError(where, problem, fix + starting_from(path))
    try:
        yield
    except LongLineError as error:
        raise InputError(where, str(error), "check that the file is a table") from error
    except EOFError as error:
        raise InputError(where, "the gzip file ends too early", again) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InputError(
            where, f"not a valid gzip file ({error})", "copy it again, or drop the .gz"
        ) from error
    except UnicodeDecodeError as error:
        with open(path, "rb") as handle:
            begin = handle.read(2)
        if begin == b"\x1f\x8b":
            twice = path.lower().endswith(".gz")
            problem, fix = (TWICE, "unpack it once") if twice else (PACKED, "name it .gz")
            raise InputError(where, problem, fix) from error
        archive = begin == b"PK"
        problem = "a workbook or a ZIP archive, not text" if archive else "not UTF-8 text"
        raise InputError(where, problem, "save it as text in UTF-8") from error
    except csv.Error as error:
        raise InputError(where, f"cannot be read ({error})", "look for a stray quote") from error
    except ValueError as error:
        from pandas.errors import EmptyDataError, ParserError
        from pyarrow import ArrowInvalid

        if isinstance(error, EmptyDataError):
            raise InputError(where, "empty", f"give a header and one row per {row}") from error
        if isinstance(error, (ParserError, ArrowInvalid)):
            raise InputError(where, f"cannot be read ({error})", "check the file") from error
        raise
    except OSError as error:
        if "runcated" in str(error) or "zlib" in str(error):
            raise InputError(where, "the gzip file is broken or ends too early", again) from error
        raise InputError(
            where, f"cannot be read ({error.strerror or error})", "check the file"
        ) from error


def readable_layer(path: str, layer: str) -> AbstractContextManager[None]:
    """Return :func:`readable` for a layer's file in the config."""
    return readable(path, of_layer(path, layer), f"correct the path in `layers.{layer}`")
