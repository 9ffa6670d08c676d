"""Units of sequencing: the files of each sample's reads."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from trdomics.errors import InputError, InputErrors
from trdomics.inputs.text_table import MISSING, few, of_layer, read_text_table, readable_layer

COLUMNS = ("sample", "lane", "fq1", "fq2", "bam")
# Samples and lanes are parts of file names and, joined by a dot, wildcards of rules.
SAMPLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
LANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
INDEX = (".bai", ".csi")


@dataclass(frozen=True)
class Unit:
    """The files of one sample on one lane.

    Attributes
    ----------
    sample, lane : str
    fq1, fq2 : str or None
        FASTQ files, gzipped or plain; `fq2` holds the mates of paired reads.
    bam : str or None
        Aligned reads instead of FASTQ.
    line : int
        Its line in the table.
    """

    sample: str
    lane: str
    fq1: str | None
    fq2: str | None
    bam: str | None
    line: int

    @property
    def files(self) -> tuple[str, ...]:
        """The files that the table names."""
        return tuple(file for file in (self.fq1, self.fq2, self.bam) if file is not None)


@dataclass(frozen=True)
class Units:
    """All units of a layer, in the order of their table; all FASTQ or all BAM."""

    path: str
    rows: tuple[Unit, ...]

    @cached_property
    def samples(self) -> tuple[str, ...]:
        """The samples, in the order of the table."""
        return tuple(dict.fromkeys(unit.sample for unit in self.rows))

    @property
    def aligned(self) -> bool:
        """Whether they are BAM files."""
        return self.rows[0].bam is not None

    @cached_property
    def _by_sample(self) -> dict[str, tuple[Unit, ...]]:
        return {s: tuple(unit for unit in self.rows if unit.sample == s) for s in self.samples}

    def of(self, sample: str) -> tuple[Unit, ...]:
        """Return the units of a sample, one per lane."""
        return self._by_sample[sample]

    def paired(self, sample: str) -> bool:
        """Return whether a sample's FASTQ files hold pairs of reads."""
        return self.of(sample)[0].fq2 is not None

    def unit(self, sample: str, lane: str) -> Unit:
        """Return the unit of a sample on a lane."""
        return next(unit for unit in self.of(sample) if unit.lane == lane)


def read_units(path: str, layer: str) -> Units:
    """Read the table of a layer's units; its files are not opened.

    Parameters
    ----------
    path : str
        TSV or CSV with the columns ``sample``, ``lane`` (may be left out where no sample has
        several) and ``fq1``, ``fq2`` (empty for single reads), or ``bam``.
    layer : str
        The layer's name, for errors.

    Raises
    ------
    InputErrors
        Naming the lines that cannot be used.
    """
    where = of_layer(path, layer)
    with readable_layer(path, layer):
        table = read_text_table(path, where, "save the units as tab-separated text")
    if table is None or not table.rows:
        raise InputError(where, "it has no units", "write one row per sample and lane")
    unknown = [name for name in table.header if name not in COLUMNS]
    twice = [name for name in table.header if table.header.count(name) > 1]
    if unknown or twice:
        problem = f"unknown column `{unknown[0]}`" if unknown else f"`{twice[0]}` is duplicated"
        raise InputError(where, problem, f"its columns are {', '.join(COLUMNS)}")
    if "sample" not in table.header or not {"fq1", "bam"} & set(table.header):
        raise InputError(where, "it lacks a column", "give `sample`, and `fq1` or `bam`")
    rows, errors = [], []
    for line, values in zip(table.lines, table.rows, strict=True):
        fields = {
            name: None if value.strip() in MISSING else value.strip()
            for name, value in zip(table.header, values, strict=True)
        }
        unit = Unit(
            fields["sample"] or "",
            fields.get("lane") or "1",
            fields.get("fq1"),
            fields.get("fq2"),
            fields.get("bam"),
            line,
        )
        wrong = _problem(unit)
        if wrong:
            errors.append(InputError(f"{where} line {line}", *wrong))
        rows.append(unit)
    units = Units(path, tuple(rows))
    if not errors:
        errors = list(_contradictions(units, where))
    if errors:
        raise InputErrors(errors) if len(errors) > 1 else errors[0]
    return units


def _problem(unit: Unit) -> tuple[str, str] | None:
    """Return what is wrong with one row, and the fix."""
    if not SAMPLE.fullmatch(unit.sample):
        return (
            f"`sample` is {unit.sample!r}",
            "use letters, digits, _, -, + and . only, here and in the sheet",
        )
    if not LANE.fullmatch(unit.lane):
        return f"`lane` is {unit.lane!r}", "use letters, digits, _ and - only"
    if (unit.fq1 is None) == (unit.bam is None):
        return "it names both `fq1` and `bam`, or neither", "name FASTQ files or a BAM file"
    if unit.fq1 is None and unit.fq2 is not None:
        return "it has `fq2` and no `fq1`", "name the FASTQ files of a pair in `fq1` and `fq2`"
    if any(set("{}\"'\n") & set(file) for file in unit.files):
        return "a file's name has a brace or a quote", "rename the file"
    return None


def _contradictions(units: Units, where: str) -> Iterator[InputError]:
    """Yield errors for contradictory rows."""
    seen: dict[tuple[str, str], int] = {}
    files: dict[str, int] = {}
    for unit in units.rows:
        key = (unit.sample, unit.lane)
        if key in seen:
            yield InputError(
                f"{where} lines {seen[key]} and {unit.line}",
                f"sample `{unit.sample}` has the lane `{unit.lane}` twice",
                "give each lane a name of its own in `lane`",
            )
        seen[key] = unit.line
        for file in unit.files:
            if file in files:
                yield InputError(
                    f"{where} lines {files[file]} and {unit.line}",
                    f"{file} is named twice",
                    "its reads would be counted twice: name each file once",
                )
            files[file] = unit.line
    if len({unit.bam is None for unit in units.rows}) > 1:
        yield InputError(
            where,
            "some units are FASTQ and some are BAM files",
            "use one kind: counts from two alignment methods differ like two batches",
        )
        return
    for sample in units.samples:
        lanes = units.of(sample)
        if len({unit.fq2 is None for unit in lanes}) > 1:
            yield InputError(
                f"{where} line {lanes[0].line}",
                f"sample `{sample}` has paired and single reads",
                "name the mates of all its lanes in `fq2`, or of none",
            )
        if units.aligned and len(lanes) > 1:
            yield InputError(
                f"{where} line {lanes[1].line}",
                f"sample `{sample}` has {len(lanes)} BAM files",
                "merge them with `samtools merge`",
            )


def missing_files(units: Units, layer: str, made: Callable[[str], bool]) -> Iterator[InputError]:
    """Yield errors for missing files of units, and for BAM files without an index.

    Parameters
    ----------
    units : Units
    layer : str
    made : callable
        Whether a rule of the cohort makes a file.
    """
    where = of_layer(units.path, layer)
    lost = [(u, f) for u in units.rows for f in u.files if not made(f) and not Path(f).is_file()]
    if lost:
        unit, file = lost[0]
        more = f" (and {len(lost) - 1} more)" if len(lost) > 1 else ""
        looked = "" if Path(file).is_absolute() else f"; it is looked for in {Path.cwd()}"
        yield InputError(
            f"{where} line {unit.line}", f"{file}: no such file{more}", f"correct it{looked}"
        )
    bare = [
        unit.bam
        for unit in units.rows
        if unit.bam is not None and not made(unit.bam) and Path(unit.bam).is_file()
        if not any(Path(name).is_file() for name in _indices(unit.bam))
    ]
    if bare:
        yield InputError(
            where, f"BAM files without an index: {few(bare)}", "run `samtools index` on each"
        )


def _indices(bam: str) -> list[str]:
    return [stem + suffix for stem in (bam, bam.removesuffix(".bam")) for suffix in INDEX]
