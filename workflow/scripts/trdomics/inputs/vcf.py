"""Multi-sample VCF with consequence annotation to dosages."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import logging
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from cyvcf2 import VCF

from trdomics.config_types import LayerConfig
from trdomics.errors import InputError
from trdomics.inputs.calls import FILTERED, CallCollector, Variant, VariantCalls, warn_of_terms
from trdomics.inputs.consequences import ConsequenceClasses, Effect
from trdomics.inputs.text_table import check_printable
from trdomics.inputs.variant_annotation import (
    ANNOTATION_TAGS,
    AnnotationFormat,
    entries_of_allele,
    gene_and_terms,
    population_frequency,
)

log = logging.getLogger(__name__)

_FIXED = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT"]
# Entries among the ALTs that are not alleles.
_NO_ALLELE = ("*", "<*>", "<NON_REF>")

# The empty block that ends every BGZF file (SAM specification, section 4.1.2).
_BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")


@dataclass(frozen=True)
class VcfHeader:
    """Samples and annotation of a VCF.

    Attributes
    ----------
    samples : list of str
        Sample names, in the order of the file.
    annotation : str or None
        ``CSQ``, ``ANN`` or ``BCSQ``; None where the file is not annotated.
    """

    samples: list[str]
    annotation: str | None


def vcf_header(path: str | os.PathLike[str]) -> VcfHeader:
    """Read the samples and the annotation tag of a VCF.

    Raises
    ------
    InputError
        If the file is not a VCF or was cut off.
    """
    with opened(path) as vcf:
        annotation = _annotation(vcf)
        return VcfHeader(list(vcf.samples), annotation.tag if annotation else None)


def read_vcf(
    path: str | os.PathLike[str], settings: LayerConfig, sample_names: pd.Series
) -> VariantCalls:
    """Read the calls of the cohort's patients.

    A site is left out if it fails ``pass_only`` or has a QUAL below ``min_quality``; a genotype is
    set to missing if its depth (DP, or the sum of AD) or its GQ is too low. Absent fields are not
    tested. ``no_call`` is the meaning of a missing call: ``missing`` (NaN) or ``reference`` (0;
    somatic call sets). A record without genotypes is left out. A VCF may be without annotation
    where the settings name ``dosages``.

    Parameters
    ----------
    path : path
        VCF, plain or compressed, with INFO CSQ, ANN or BCSQ.
    sample_names : Series
        Sample name in this file by patient id. Patients without a sample in the file are left out.

    Returns
    -------
    VariantCalls
        Dosages, annotation and tallies per patient.

    Raises
    ------
    InputError
        If the file is not a VCF, is cut off, has no record, no annotation or none of the samples.
    """
    with opened(path) as vcf:
        annotation = _annotation(vcf)
        if annotation is None and not settings["dosages"]:
            raise InputError(
                str(path),
                "has no consequence annotation (INFO CSQ, ANN or BCSQ) with genes",
                "annotate it with VEP (--symbol), SnpEff or bcftools csq, or name variants in "
                "dosages",
            )
        columns = {name: i for i, name in enumerate(vcf.samples)}
        known = sample_names[sample_names.isin(list(columns))]
        if known.empty:
            raise InputError(
                str(path),
                f"has none of the samples of the sheet (file: {', '.join(vcf.samples[:3])}; "
                f"sheet: {', '.join(map(str, sample_names[:3]))})",
                "set id_column of the layer to the column with the VCF's sample names",
            )
        order = np.array([columns[name] for name in known])
        pointers = _compound_entries(path, annotation)
        collector = CallCollector(settings, [str(patient) for patient in known.index])
        classes = ConsequenceClasses()
        for site in itertools.groupby(records(vcf, path), lambda r: (r.CHROM, r.POS, r.REF)):
            for record, alleles, first, entries in _annotated(list(site[1]), annotation, pointers):
                if "GT" in record.FORMAT:
                    genotypes = record.genotype.array()[:, :-1][order]
                    poor = unreliable(record, settings)[order]
                    failure = site_failure(record, settings)
                else:
                    genotypes = np.full((len(order), 1), -1)
                    poor, failure = np.ones(len(order), dtype=bool), "no genotypes"
                for number in range(1, len(record.ALT) + 1):
                    if record.ALT[number - 1] in _NO_ALLELE:
                        continue
                    variant = _variant(record, alleles, first + number, entries, classes)
                    dosage = np.where(poor, np.int8(-1), dosage_of(genotypes, number))
                    collector.add(variant, dosage, failure)
    warn_of_terms(classes.unknown)
    calls = collector.finish()
    check_printable(calls.annotation["gene"], str(path), "gene")
    return calls


@contextlib.contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[Any]:
    """Open a VCF for a with block; turn htslib's failures into an InputError."""
    _check_end(path)
    try:
        vcf = VCF(str(path))
    except Exception as error:
        problem, fix = _header_problem(path) or (
            f"is not a readable VCF ({error})",
            "check the file",
        )
        raise InputError(str(path), problem, fix) from error
    try:
        yield vcf
    finally:
        vcf.close()


def _check_end(path: str | os.PathLike[str]) -> None:
    """Raise InputError if a bgzipped file lacks its end block because it is truncated.

    htslib itself only warns, and returns the records before the end as if they were all.
    """
    with open(path, "rb") as file:
        head = file.read(16)
        if head[:4] != b"\x1f\x8b\x08\x04" or head[12:14] != b"BC":
            return
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - len(_BGZF_END)))
        if file.read() != _BGZF_END:
            raise InputError(str(path), "is truncated (no BGZF end block)", "copy the file again")


def _header_problem(path: str | os.PathLike[str]) -> tuple[str, str] | None:
    """Return what is wrong with a VCF's header, and the fix, if it is one of the usual errors."""
    opener: Any = gzip.open if str(path).endswith(".gz") else open
    with (
        contextlib.suppress(OSError, EOFError, zlib.error),
        opener(path, "rt", errors="replace") as file,
    ):
        line = next((line for line in file if not line.startswith("##")), "").rstrip("\r\n")
        names = line.split("\t")[len(_FIXED) :]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            return f"sample column `{twice}` is duplicated", "keep or rename one"
        if line.split()[: len(_FIXED) - 1] == _FIXED[:-1]:
            if "\t" not in line:
                return "its fields are separated by blanks", "separate them by tabs"
            return "its first line is not ##fileformat=VCFv4.2 or the like", "add that line"
    return None


def _annotation(vcf: Any) -> AnnotationFormat | None:
    described = {
        line["ID"]: line.info().get("Description", "")
        for line in vcf.header_iter()
        if line["HeaderType"] == "INFO"
    }
    for tag in ANNOTATION_TAGS:
        found = AnnotationFormat.parse(tag, described.get(tag, ""))
        if found:
            return found
    return None


def records(vcf: Any, path: str | os.PathLike[str]) -> Iterator[Any]:
    """Yield the records of an opened VCF.

    Raises
    ------
    InputError
        If a record cannot be read, naming the one before it, or there is none.
    """
    rows, record = iter(vcf), None
    while True:
        before = record
        try:
            record = next(rows)
        except StopIteration:
            break
        # cyvcf2 raises a bare Exception
        except Exception as error:
            raise InputError(
                str(path),
                f"the record after {_place(before)} cannot be read ({error})",
                "copy the file again if it is truncated, otherwise correct that record",
            ) from error
        # htslib accepts an empty or short line; asking cyvcf2 for its REF would end the process
        if not record.ALT and str(record).split("\t", 4)[3] == ".":
            raise InputError(
                str(path), f"the record after {_place(before)} has no REF", "correct or remove it"
            )
        yield record
    if record is None:
        raise InputError(str(path), "it has no variants", "give the file with its records")


def _place(record: Any) -> str:
    return "the header" if record is None else f"{record.CHROM}:{record.POS}"


def numbers(record: Any, field: str) -> np.ndarray:
    """Return the numbers of a FORMAT field, shape (n_samples, n_values).

    Missing values are negative or NaN. A field that the header does not declare is text.
    """
    try:
        values = record.format(field)
    # cyvcf2 raises a bare Exception where the header declares no type that it knows
    except Exception:
        values = _texts(record, field)
    if values is None:
        return np.full((len(record.genotype.array()), 1), np.nan)
    if values.dtype.kind in "if":
        return np.asarray(values)
    parts = pd.Series(values.ravel().astype(str)).str.split(",", expand=True)
    return parts.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)


def _texts(record: Any, field: str) -> np.ndarray:
    """Return a FORMAT field as it is written, whatever the header declares, shape (n_samples,)."""
    place = record.FORMAT.index(field)
    samples = (text.split(":") for text in str(record).rstrip("\n").split("\t")[9:])
    return np.array([text[place] if place < len(text) else "." for text in samples])


def unreliable(record: Any, settings: LayerConfig) -> np.ndarray:
    """Return a mask of the genotypes that are not to be used, shape (n_samples,).

    They have too little depth or quality, or fail a filter of their own (FORMAT FT).
    """
    fields = set(record.FORMAT)
    bad = np.zeros(len(record.genotype.array()), dtype=bool)
    depth = None
    if "DP" in fields:
        depth = numbers(record, "DP")[:, 0]
    elif "AD" in fields:
        reads = numbers(record, "AD")
        depth = np.where((reads >= 0).any(axis=1), np.where(reads >= 0, reads, 0).sum(axis=1), -1)
    # a missing number is negative or NaN: no evidence against that genotype
    if depth is not None:
        bad |= (depth >= 0) & (depth < settings["min_depth"])
    if "GQ" in fields:
        quality = numbers(record, "GQ")[:, 0]
        bad |= (quality >= 0) & (quality < settings["min_genotype_quality"])
    if "FT" in fields and settings["pass_only"]:
        bad |= ~np.isin(_texts(record, "FT"), ["PASS", ".", ""])
    return bad


def site_failure(record: Any, settings: LayerConfig) -> str:
    """Return the layer's filter that a site fails, or an empty string."""
    if settings["pass_only"] and record.FILTER is not None:
        return f"{FILTERED}{record.FILTER}"
    quality = np.inf if record.QUAL is None else record.QUAL
    if quality < settings["min_quality"]:
        return "quality too low"
    return ""


def _annotated(
    site: Sequence[Any],
    annotation: AnnotationFormat | None,
    pointers: Mapping[tuple[str, str], list[dict[str, str]]],
) -> Iterator[tuple[Any, list[str], int, list[dict[str, str]] | None]]:
    """Give each record of a site with the alleles and entries of the record that was annotated.

    Records of one annotation are parts of one, split after it was annotated. The third value says
    how many of its ALTs come before the record's own. Entries are None where the annotation has
    nothing to say, as bcftools csq of what lies between genes.
    """
    texts = [record.INFO.get(annotation.tag) or "" if annotation else "" for record in site]
    for place, (record, text) in enumerate(zip(site, texts, strict=True)):
        parts = [place]
        if text and len(site) > 1:
            parts = [i for i, other in enumerate(texts) if other == text]
        alleles = [capitals(a) for a in (record.REF, *(a for i in parts for a in site[i].ALT))]
        first = sum(len(site[i].ALT) for i in parts if i < place)
        entries: list[dict[str, str]] | None = None
        if annotation and (text or annotation.tag != "BCSQ"):
            entries = []
            for entry in annotation.entries(text) if text else []:
                field = entry[annotation.fields[0]]
                # bcftools csq: "@POS" stands for the compound entry of the record at POS
                pointed = field[:1] == "@"
                entries += pointers.get((record.CHROM, field[1:]), []) if pointed else [entry]
        yield record, alleles, first, entries


def capitals(allele: str) -> str:
    """Return bases in capitals, as VEP names them; a masked genome has them in small letters."""
    return allele.upper() if allele.isalpha() else allele


def _variant(
    record: Any,
    alleles: Sequence[str],
    number: int,
    entries: list[dict[str, str]] | None,
    classes: ConsequenceClasses,
) -> Variant:
    """Return the description of an ALT, given by its number among all alleles."""
    own = entries_of_allele(entries or [], record.POS, alleles, number)
    return Variant(
        record.CHROM,
        record.POS,
        alleles[0],
        alleles[number],
        next((name for name in (record.ID or "").split(";") if name != "."), ""),
        {"": Effect("", "other")}
        if entries is None
        else classes.per_gene(map(gene_and_terms, own)),
        population_frequency(own),
    )


def _compound_entries(
    path: str | os.PathLike[str], annotation: AnnotationFormat | None
) -> dict[tuple[str, str], list[dict[str, str]]]:
    """Return bcftools csq's compound entries by (chromosome, position of their record).

    They may stand behind the records that point to them, so the file is read once for them.
    """
    found: dict[tuple[str, str], list[dict[str, str]]] = {}
    if annotation is None or "dna_change" not in annotation.fields:
        return found
    with opened(path) as vcf:
        for record in records(vcf, path):
            for entry in annotation.entries(record.INFO.get(annotation.tag) or ""):
                if "+" in entry.get("dna_change", ""):
                    found.setdefault((record.CHROM, str(record.POS)), []).append(entry)
    return found


def dosage_of(genotypes: np.ndarray, number: int) -> np.ndarray:
    """Return the copies of one ALT, -1 if the genotype is not called.

    Parameters
    ----------
    genotypes : ndarray of int, shape (n_samples, ploidy)
        Allele numbers; -1 is missing, -2 fills up a lower ploidy.
    number : int
        Which ALT, from 1.
    """
    copies = (genotypes == number).sum(axis=1)
    # a half call with the ALT certainly has it; without it, it is missing
    unknown = (genotypes == -1).any(axis=1) & (copies == 0)
    return np.where(unknown, -1, copies).astype(np.int8)
