"""MAF (Mutation Annotation Format, as TCGA and cBioPortal give it) to dosages."""

from __future__ import annotations

import csv
import gzip
import io
import logging
import os
import re
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

import numpy as np
import pandas as pd

from trdomics.config_types import LayerConfig
from trdomics.errors import InputError, InputErrors
from trdomics.inputs.calls import (
    FILTERED,
    CallCollector,
    Variant,
    VariantCalls,
    counted,
    warn_of_terms,
)
from trdomics.inputs.consequences import ConsequenceClasses, gene_name, split_terms
from trdomics.inputs.text_table import check_printable, lines_of, unfloated, unquoted
from trdomics.inputs.variant_annotation import population_frequency

log = logging.getLogger(__name__)

BARCODE = "Tumor_Sample_Barcode"
_REQUIRED = ["Hugo_Symbol", "Chromosome", "Start_Position", "Reference_Allele"]
_REQUIRED += ["Tumor_Seq_Allele2", "Variant_Classification"]
_FREQUENCIES = ["gnomAD_AF", "gnomADe_AF", "gnomADg_AF", "ExAC_AF", "AF", "MAX_AF"]
# Frequencies of populations, beside which AF is one too.
_POPULATIONS = {f"{name.casefold()}_af" for name in ("afr", "amr", "eas", "eur", "sas")}
_POPULATIONS |= {name.casefold() for name in _FREQUENCIES if name != "AF"}
_OPTIONAL = ["t_depth", "t_ref_count", "t_alt_count", "FILTER", "dbSNP_RS", *_FREQUENCIES]
_OPTIONAL += ["Tumor_Seq_Allele1", "Mutation_Status"]
# Values of Mutation_Status that name no mutation.
_NO_MUTATION = ("wildtype", "loh", "uncalled")
# Sample columns of a MAF without Tumor_Sample_Barcode.
_SAMPLE_COLUMNS = [
    "Tumor_Sample_ID", "Tumor_Sample", "Tumor_Barcode", "Sample_Barcode", "Sample_ID", "Sample",
    "Patient_Barcode", "Patient_ID", "Patient", "Case_ID",
]  # fmt: skip
_EMPTY = {"", ".", "na", "n/a", "nan", "none", "null"}
# Participant, and sample without its vial, of a TCGA or TARGET barcode.
_TCGA = re.compile(r"([a-z0-9]+-[a-z0-9]{2}-(?:[a-z0-9]{6}|[a-z0-9]{4}))(-\d\d)?(?:[a-z](?:-.*)?)?")
SCIENTIFIC = re.compile(r"\d(\.\d+)?E\+\d+", re.IGNORECASE)
LARGEST_POSITION = 2**31 - 1
# Number of lines or names in a message.
_SHOWN = 3


@dataclass(frozen=True)
class _Lines:
    """The rows of a MAF as text, with problems found.

    Attributes
    ----------
    header : list of str
        Names of the columns.
    rows : list of str
        Rows with as many fields as the header; line ends and fields behind the last column cut.
    numbers : list of int
        Line of the file of each row.
    sequenced : list of str
        Samples of a line ``#sequenced_samples``.
    problems : list of InputError
        Rows with more or fewer fields.
    """

    header: list[str]
    rows: list[str]
    numbers: list[int]
    sequenced: list[str]
    problems: list[InputError]


def is_maf(path: str | os.PathLike[str]) -> bool:
    """Return whether a file starts like a MAF, regardless of its name."""
    try:
        with _opened(path) as file:
            rows = lines_of(file, longest=1 << 20)
            first = next((line for line in rows if line.strip() and line[0] != "#"), "")
            names = {name.strip().casefold() for name in _split(first.strip(), first)}
    except (OSError, EOFError, ValueError, zlib.error, csv.Error):
        return False
    return {"hugo_symbol", "variant_classification"} <= names


def is_vcf(path: str | os.PathLike[str]) -> bool:
    """Return whether a file starts like a VCF, regardless of its name."""
    try:
        with _opened(path) as file:
            return file.read(16).startswith("##fileformat=VCF")
    except (OSError, EOFError, ValueError, zlib.error):
        return False


def maf_samples(path: str | os.PathLike[str], sample_column: str) -> list[str]:
    """Return the samples that have a row, in the order of their first rows.

    A line ``#sequenced_samples`` adds those without one.

    Raises
    ------
    InputErrors
        If the file cannot be read, lacks columns or has rows of another length.
    """
    rows, lines = _read(path, sample_column, required=())
    return list(dict.fromkeys([*rows["sample"], *lines.sequenced]))


def maf_columns(path: str | os.PathLike[str]) -> dict[str, list[str]]:
    """Return the distinct values of every column but the barcodes', empty ones left out.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    lines = _scan(path)
    rows = _table(lines, range(len(lines.header)))
    found = {name: [v for v in rows[i].unique() if v] for i, name in enumerate(lines.header)}
    return {name: values for name, values in found.items() if values and name != BARCODE}


def read_maf(
    path: str | os.PathLike[str],
    settings: LayerConfig,
    sample_names: pd.Series,
    profiled: Collection[str] | None,
) -> VariantCalls:
    """Read the mutations of the cohort's patients.

    A row is one call of one patient, with a dosage of 1. It is not a call if it has no position or
    no allele that differs from the reference, fails ``pass_only`` (FILTER), is no mutation by its
    ``Mutation_Status``, or its depth (``t_depth``, else ``t_ref_count + t_alt_count``, where these
    exist) is below ``min_depth``. A profiled patient without a call is 0. Where
    ``Tumor_Seq_Allele2`` is the reference, ``Tumor_Seq_Allele1`` is the allele.

    Samples are matched with ``profiled`` by name, otherwise ignoring case, otherwise as TCGA
    barcodes: an aliquot belongs to the sample or patient with which its barcode starts.

    Parameters
    ----------
    path : path
        Tab-separated without quoting, plain or gzipped; also with all fields quoted and row names,
        as R writes it, or separated by commas or semicolons. Lines with ``#`` are comments. Column
        names are case-insensitive.
    sample_names : Series
        Sample name in this file by patient id.
    profiled : collection of str, optional
        Sample names that were sequenced: one without a row is 0, one that is not listed is
        left out. Without it, those with a row or in a line ``#sequenced_samples`` count as
        sequenced.

    Returns
    -------
    VariantCalls
        Dosages, annotation and tallies per patient.

    Raises
    ------
    InputErrors
        If columns are missing, rows have another length, a position is no integer, or no patient
        is in the file.
    """
    rows, lines = _read(path, settings["sample_column"], _REQUIRED)
    names = [str(name) for name in rows["sample"].unique()]
    if profiled is None:
        sequenced = {*names, *lines.sequenced}
        meant = {name: name for name in sequenced}
    else:
        sequenced = set(profiled)
        meant = _profiled_names(path, names, profiled)
    known = sample_names[sample_names.isin(sequenced)]
    if known.empty:
        raise InputError(
            str(path),
            f"has none of the samples of the sheet (file: {_few(sequenced)}; "
            f"sheet: {_few(sample_names.dropna())})",
            "set id_column and sample_column of the layer to columns with the same names",
        )
    place = {str(name): i for i, name in enumerate(known)}
    rows["position"] = _positions(rows, lines, path)
    _resolve_alleles(rows)
    rows = rows.assign(
        Chromosome=rows["Chromosome"].str.removeprefix("chr"),
        place=rows["sample"].map(meant).map(place),
        failure=_failures(rows, settings),
    )
    rows = rows[rows["place"].notna()]
    failed = Counter(dict(rows.loc[rows["failure"] != "", "failure"].value_counts()))
    if failed:
        log.warning("of %d rows are not calls: %s", len(rows), counted(failed))
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
                    (gene_name(call["Hugo_Symbol"]), split_terms(call["Variant_Classification"]))
                    for call in calls
                ),
                population_frequency(
                    {name.lower(): call[name] for name in _FREQUENCIES if name in call}
                    for call in calls
                ),
            ),
            dosage,
            "" if good else calls[0]["failure"],
        )
    warn_of_terms(classes.unknown)
    return collector.finish()


def matched_names(names: Iterable[str], wanted: Iterable[str]) -> dict[str, str]:
    """Return the wanted name that each name refers to, omitting names without one.

    Parameters
    ----------
    names, wanted : iterable of str
        A name means the wanted one that is equal, else equal without case, else the TCGA barcode
        of the same sample, or, where one of both goes no further, of the same patient. More than
        one such is none.
    """
    same = set(wanted)
    meanings: dict[str, set[str]] = {}
    for name in same:
        patient, sample = _barcode(name)
        keys = {name.casefold(), patient, f"{patient}{sample}" if sample else f"{patient}-*"}
        for key in keys if patient else [name.casefold()]:
            meanings.setdefault(key, set()).add(name)
    found = {}
    for name in names:
        patient, sample = _barcode(name)
        # of a sample's barcode: that sample, or a patient who is wanted without one
        looked_up = [name.casefold(), *([f"{patient}{sample}", f"{patient}-*"] if sample else [])]
        choices: list[set[str]] = [{name} & same, *(meanings.get(key, set()) for key in looked_up)]
        meant: set[str] = next(filter(None, choices), set())
        if len(meant) == 1:
            found[name] = next(iter(meant))
    return found


def _barcode(name: str) -> tuple[str, str]:
    """Return patient and sample (such as -01) of a TCGA barcode, empty where it names none."""
    match = _TCGA.fullmatch(name.casefold())
    return (match[1], match[2] or "") if match else ("", "")


def _profiled_names(
    path: str | os.PathLike[str], names: Sequence[str], profiled: Collection[str]
) -> dict[str, str]:
    """Return the profiled sample of each name of the file; warn of names without one."""
    meant = matched_names(names, profiled)
    without = sorted(set(profiled).difference(meant.values()))
    if not meant:
        raise InputError(
            str(path),
            f"none of its samples is in the list of profiled ones (file: {_few(names)}; "
            f"list: {_few(profiled)})",
            "write the names of the file into the list, or set sample_column of the layer",
        )
    others = [name for name in names if name not in meant]
    if others:
        log.warning(
            "%d of %d samples of the file are not in the list of profiled ones and are left out "
            "(file: %s); %d of %d of the list have no mutation (list: %s)",
            len(others),
            len(names),
            _few(others),
            len(without),
            len(profiled),
            _few(without),
        )
    respelt = [name for name, same in meant.items() if name != same]
    if respelt:
        log.warning(
            "%d samples are matched by case or barcode (such as %s with %s)",
            len(respelt),
            respelt[0],
            meant[respelt[0]],
        )
    several = [name for name, count in Counter(meant.values()).items() if count > 1]
    if several:
        log.warning(
            "%d profiled samples have mutations under more than one name, which are "
            "combined (list: %s)",
            len(several),
            _few(several),
        )
    return meant


def _few(names: Iterable[object]) -> str:
    """Return the first few names for a message, in order."""
    shown = sorted(map(str, names))
    return ", ".join(shown[:_SHOWN]) + (", …" if len(shown) > _SHOWN else "")


def _opened(path: str | os.PathLike[str]) -> TextIO:
    with open(path, "rb") as file:
        begin = file.read(2)
    if begin == b"PK":
        raise ValueError("a workbook or a ZIP archive, not text")
    packed = begin == b"\x1f\x8b"
    opener: Any = gzip.open if packed else open
    # line ends are removed by hand: a stray carriage return within a field does not end a row
    return opener(path, "rt", encoding="utf-8-sig", newline="\n")


def _split(row: str, header: str) -> list[str]:
    """Return the fields of a row: as tab-separated, or as CSV where the header has no tab.

    Quotes are ordinary characters unless they are around the names in the header, as R writes it.
    """
    delimiter = next((mark for mark in "\t,;" if mark in header), "\t")
    if delimiter != "\t":
        fields = next(csv.reader([row], delimiter=delimiter), [])
        return [field.replace("\t", " ") for field in fields]
    fields = row.split("\t")
    return [unquoted(field) for field in fields] if header.startswith('"') else fields


def _scan(path: str | os.PathLike[str]) -> _Lines:
    """Read the rows as text, and count their fields."""
    lines = _Lines([], [], [], [], [])
    odd: list[tuple[int, int]] = []
    broken: list[int] = []
    first = ""
    try:
        with _opened(path) as file:
            for number, line in enumerate(lines_of(file), start=1):
                row = line.rstrip("\r\n").lstrip("\ufeff")
                if row.startswith("#"):
                    if row.casefold().startswith("#sequenced_samples"):
                        lines.sequenced.extend(filter(None, re.split(r"[\s,:]+", row)[1:]))
                elif not lines.header:
                    if row.strip():
                        first = row
                        names = [name.strip() for name in _split(row.rstrip("\t"), first)]
                        lines.header.extend(names)
                elif "\0" in row:
                    broken.append(number)
                elif row != first and row.strip():
                    fields = _split(row, first)
                    if not lines.rows and not odd and _has_row_name(fields, lines.header):
                        lines.header.insert(0, "")
                    width = len(lines.header)
                    if len(fields) < width or "".join(fields[width:]).strip(" ,;"):
                        odd.append((number, len(fields)))
                    else:
                        lines.rows.append("\t".join(fields[:width]))
                        lines.numbers.append(number)
    except UnicodeDecodeError as error:
        fix = "save it as text in UTF-8"
        raise InputError(str(path), "not UTF-8 text", fix) from error
    except (OSError, EOFError, ValueError, zlib.error, csv.Error) as error:
        raise InputError(str(path), f"cannot be read ({error})", "check the file") from error
    if broken:
        lines.problems.append(
            InputError(
                f"{path} line {', '.join(map(str, broken[:_SHOWN]))}",
                f"{len(broken)} rows hold a NUL character",
                "copy the file again, or remove it",
            )
        )
    for kind, wrong in (
        ("fewer", [number for number, fields in odd if fields < len(lines.header)]),
        ("more", [number for number, fields in odd if fields > len(lines.header)]),
    ):
        if wrong:
            lines.problems.append(
                InputError(
                    f"{path} line {', '.join(map(str, wrong[:_SHOWN]))}",
                    f"{len(wrong)} of {len(lines.rows) + len(odd)} rows have {kind} fields than "
                    f"the header's {len(lines.header)}",
                    "correct the tabs of these rows, or copy the file again if it is truncated",
                )
            )
    return lines


def _has_row_name(fields: Sequence[str], header: Sequence[str]) -> bool:
    """Return whether the first row has a number in front that the header does not name."""
    return len(fields) == len(header) + 1 and fields[0].isdigit() and bool(fields[-1].strip())


def _table(lines: _Lines, columns: Iterable[int]) -> pd.DataFrame:
    """Return columns of the rows as text, named by position."""
    if not lines.rows:
        return pd.DataFrame(columns=sorted(columns), dtype=object)
    return pd.read_csv(
        io.StringIO("\n".join(lines.rows)),
        sep="\t",
        header=None,
        usecols=sorted(columns),
        dtype=str,
        quoting=csv.QUOTE_NONE,
        na_filter=False,
        lineterminator="\n",
    )


def _read(
    path: str | os.PathLike[str], sample_column: str, required: Sequence[str]
) -> tuple[pd.DataFrame, _Lines]:
    """Return the columns in use as text, under MAF's names and ``sample``.

    Raises
    ------
    InputErrors
        For all missing columns and rows of another length, or if there are no rows.
    """
    lines = _scan(path)
    if not lines.header:
        raise InputError(str(path), "empty", "give the file with its header and rows")
    folded = [name.casefold() for name in lines.header]
    places = {
        name: folded.index(name.casefold())
        for name in [*_REQUIRED, *_OPTIONAL]
        if name.casefold() in folded
    }
    has = f"it has {', '.join(lines.header[:6])}, …"
    problems = [
        InputError(
            str(path),
            f"lacks the MAF column {name} ({has})",
            "give a MAF as TCGA and cBioPortal write it",
        )
        for name in required
        if name not in places
    ]
    problems += [
        InputError(str(path), f"has the column {name} {folded.count(name)} times", "keep one")
        for name in map(str.casefold, [*required, sample_column])
        if folded.count(name) > 1
    ]
    samples = _sample_place(lines.header, sample_column)
    if samples is None:
        problems.append(
            InputError(
                str(path),
                f"has no column {sample_column} ({has})",
                "set sample_column of the layer to the column that names the samples",
            )
        )
    if not lines.rows and not lines.problems:
        problems.append(InputError(str(path), "it has no mutations", "give the file with its rows"))
    problems += lines.problems
    if problems or samples is None:
        raise InputErrors(problems)
    if "AF" in places and not _POPULATIONS & set(folded):
        log.warning("AF is not used: without frequencies of populations it may be of the tumour")
        del places["AF"]
    table = _table(lines, {samples, *places.values()})
    rows = pd.DataFrame({name: table[place] for name, place in places.items()})
    rows["sample"] = unfloated(list(table[samples].str.strip()))
    for name in {"Hugo_Symbol", "sample"} & set(rows.columns):
        check_printable(rows[name], str(path), "Hugo_Symbol" if name != "sample" else "sample")
    return rows, lines


def _sample_place(header: Sequence[str], wanted: str) -> int | None:
    """Return the position of the sample column: by name, ignoring case, or by the usual names."""
    if wanted in header:
        return header.index(wanted)
    folded = [re.sub(r"[\s.-]+", "_", name).casefold() for name in header]
    usual = _SAMPLE_COLUMNS if wanted == BARCODE else []
    for name in [wanted, *usual]:
        if name.casefold() in folded:
            place = folded.index(name.casefold())
            log.info("samples are named by the column %s", header[place])
            return place
    return None


def _positions(rows: pd.DataFrame, lines: _Lines, path: str | os.PathLike[str]) -> pd.Series:
    """Return positions as integers, 0 where a row has none."""
    text = rows["Start_Position"].str.strip()
    text = text.mask(text.str.casefold().isin(_EMPTY), "0")
    # some exports write integers as 101961901.0
    positions = pd.to_numeric(text, errors="coerce")
    bad = positions.isna() | (positions % 1 != 0) | (positions > LARGEST_POSITION)
    if bad.any():
        wrong = np.flatnonzero(bad)
        raise InputError(
            f"{path} line {lines.numbers[wrong[0]]}",
            f"Start_Position {rows['Start_Position'].iloc[wrong[0]]!r} is not an integer"
            + (f" (as in {len(wrong) - 1} more rows)" if len(wrong) > 1 else ""),
            "correct the position",
        )
    rounded = text.str.fullmatch(SCIENTIFIC)
    # R writes 1e+05 for 100000; a spreadsheet cuts all to three digits
    if rounded.sum() > 0.1 * len(text):
        row = int(np.argmax(rounded))
        raise InputError(
            f"{path} line {lines.numbers[row]}",
            f"Start_Position {text.iloc[row]!r} has lost digits in a spreadsheet (as in "
            f"{int(rounded.sum()) - 1} more rows)",
            "use the original file",
        )
    return positions.astype(int)


def _resolve_alleles(rows: pd.DataFrame) -> None:
    """Write bases in capitals, and the allele of a row into ``Tumor_Seq_Allele2``."""
    names = ["Reference_Allele", "Tumor_Seq_Allele2", "Tumor_Seq_Allele1"]
    for name in rows.columns.intersection(names):
        rows[name] = rows[name].str.strip().str.upper()
    if "Tumor_Seq_Allele1" not in rows.columns:
        return
    reference, first, second = (rows[name] for name in (names[0], names[2], names[1]))
    none = (second == reference) | second.str.casefold().isin(_EMPTY)
    other = none & (first != reference) & ~first.str.casefold().isin(_EMPTY)
    if other.any():
        rows.loc[other, "Tumor_Seq_Allele2"] = first[other]
        log.warning(
            "%d rows have the reference as Tumor_Seq_Allele2: Tumor_Seq_Allele1 is used",
            other.sum(),
        )


def _failures(rows: pd.DataFrame, settings: LayerConfig) -> pd.Series:
    """Return the filter that each row fails, or an empty string."""
    failures = pd.Series("", index=rows.index, dtype=object)
    counts = ["t_ref_count", "t_alt_count"]
    if "t_depth" in rows.columns:
        depth = pd.to_numeric(rows["t_depth"], errors="coerce")
    elif set(counts) <= set(rows.columns):
        depth = rows[counts].apply(pd.to_numeric, errors="coerce").sum(axis=1, min_count=2)
    else:
        depth = pd.Series(np.nan, index=rows.index)
    failures[depth < settings["min_depth"]] = "depth too low"
    if settings["pass_only"] and "FILTER" in rows.columns:
        failed = ~rows["FILTER"].str.strip().str.casefold().isin({"pass", *_EMPTY})
        failures[failed] = FILTERED + rows.loc[failed, "FILTER"]
    if "Mutation_Status" in rows.columns:
        status = rows["Mutation_Status"].str.strip().str.casefold()
        for name in _NO_MUTATION:
            failures[status == name] = f"Mutation_Status {name}"
    allele = rows["Tumor_Seq_Allele2"]
    given = ~allele.str.casefold().isin({*_EMPTY, "-"})
    failures[given & (allele == rows["Reference_Allele"])] = "no allele but the reference"
    failures[rows["position"] <= 0] = "no position"
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
