"""Multi-sample VCF with consequence annotation to dosages."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from cyvcf2 import VCF

from trdomics.errors import InputError
from trdomics.inputs.calls import CallCollector, Variant, VariantCalls
from trdomics.inputs.consequences import (
    ANNOTATION_TAGS,
    AnnotationFormat,
    ConsequenceClasses,
    dosage_of,
    entries_of_allele,
    gene_and_terms,
    population_frequency,
)

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
        If the file is no VCF or was cut off.
    """
    with _opened(path) as vcf:
        annotation = _annotation(vcf)
        return VcfHeader(list(vcf.samples), annotation.tag if annotation else None)


def read_vcf(
    path: str | os.PathLike[str], settings: Mapping[str, Any], sample_names: pd.Series
) -> VariantCalls:
    """Read the calls of the cohort's patients.

    A site is left out where it fails ``pass_only`` or has a QUAL below ``min_quality``; a
    genotype is no call where its depth (DP, else the sum of AD) or its GQ is too low. What a
    genotype does not have is not tested. ``no_call`` says what no call means: ``missing`` (NaN)
    or ``reference`` (0; somatic call sets).

    Parameters
    ----------
    path : path
        VCF, plain or compressed, with INFO CSQ, ANN or BCSQ.
    settings : mapping
        The layer's block of the config.
    sample_names : Series
        Sample name in this file by patient id. Patients whose name the file lacks are left out.

    Returns
    -------
    VariantCalls
        Dosages, annotation and tallies per patient.

    Raises
    ------
    InputError
        If the file is no VCF, is cut off, has no annotation, no genotypes or none of the samples.
    """
    with _opened(path) as vcf:
        annotation = _annotation(vcf)
        if annotation is None:
            raise InputError(
                str(path),
                "has no consequence annotation (INFO CSQ, ANN or BCSQ)",
                "annotate it with VEP, SnpEff or bcftools csq",
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
        for record in vcf:
            if not record.ALT:
                continue
            genotypes = _genotypes(record, path)[order]
            unreliable = _unreliable(record, settings)[order]
            failure = _site_failure(record, settings)
            for number, variant in _alleles(record, annotation, pointers, classes):
                dosage = np.where(unreliable, np.int8(-1), dosage_of(genotypes, number))
                collector.add(variant, dosage, failure)
    return collector.finish()


@contextlib.contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[Any]:
    """Open a VCF for a with block; turn htslib's failures into an InputError."""
    check_end(path)
    try:
        vcf = VCF(str(path))
    except Exception as error:
        raise InputError(str(path), f"is not a readable VCF ({error})", "check the file") from error
    try:
        yield vcf
    finally:
        vcf.close()


def check_end(path: str | os.PathLike[str]) -> None:
    """Raise InputError where a bgzipped file lacks its end block, as a cut-off copy does.

    htslib itself only warns, and gives the records before the cut as if they were all.
    """
    with open(path, "rb") as file:
        head = file.read(16)
        if head[:4] != b"\x1f\x8b\x08\x04" or head[12:14] != b"BC":
            return
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - len(_BGZF_END)))
        if file.read() != _BGZF_END:
            raise InputError(str(path), "is cut off (no BGZF end block)", "copy the file again")


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


def _genotypes(record: Any, path: str | os.PathLike[str]) -> np.ndarray:
    if "GT" not in record.FORMAT:
        raise InputError(
            f"{path} {record.CHROM}:{record.POS}", "has no genotypes (FORMAT GT)", "call them"
        )
    return record.genotype.array()[:, :-1]


def _unreliable(record: Any, settings: Mapping[str, Any]) -> np.ndarray:
    """Return a mask of the genotypes with too little depth or quality, shape (n_samples,)."""
    fields = set(record.FORMAT)
    bad = np.zeros(len(record.genotype.array()), dtype=bool)
    depth = None
    if "DP" in fields:
        depth = record.format("DP")[:, 0].astype(float)
    elif "AD" in fields:
        reads = record.format("AD")
        depth = np.where((reads >= 0).any(axis=1), np.maximum(reads, 0).sum(axis=1), -1)
    # a missing number is negative or NaN: nothing is known against that genotype
    if depth is not None:
        bad |= (depth >= 0) & (depth < settings["min_depth"])
    if "GQ" in fields:
        quality = record.format("GQ")[:, 0].astype(float)
        bad |= (quality >= 0) & (quality < settings["min_genotype_quality"])
    return bad


def _site_failure(record: Any, settings: Mapping[str, Any]) -> str:
    if settings["pass_only"] and record.FILTER is not None:
        return f"filter {record.FILTER}"
    quality = np.inf if record.QUAL is None else record.QUAL
    if quality < settings["min_quality"]:
        return "quality too low"
    return ""


def _alleles(
    record: Any,
    annotation: AnnotationFormat,
    pointers: Mapping[tuple[str, str], list[dict[str, str]]],
    classes: ConsequenceClasses,
) -> Iterator[tuple[int, Variant]]:
    """Give the number and the description of each ALT of a record."""
    text = record.INFO.get(annotation.tag) or ""
    entries: list[dict[str, str]] = []
    for entry in annotation.entries(text) if text else []:
        first = entry[annotation.fields[0]]
        # bcftools csq: "@POS" stands for the compound entry of the record at POS
        entries += pointers.get((record.CHROM, first[1:]), []) if first[:1] == "@" else [entry]
    alleles = [record.REF, *record.ALT]
    rsid = next((name for name in (record.ID or "").split(";") if name != "."), "")
    for number, alternative in enumerate(record.ALT, start=1):
        if alternative in ("*", "<*>", "<NON_REF>"):
            continue
        own = entries_of_allele(entries, record.POS, alleles, number)
        yield (
            number,
            Variant(
                record.CHROM,
                record.POS,
                record.REF,
                alternative,
                rsid,
                classes.per_gene(map(gene_and_terms, own)),
                population_frequency(own),
            ),
        )


def _compound_entries(
    path: str | os.PathLike[str], annotation: AnnotationFormat
) -> dict[tuple[str, str], list[dict[str, str]]]:
    """Return bcftools csq's compound entries by (chromosome, position of their record).

    They may stand behind the records that point to them, so the file is read once for them.
    """
    found: dict[tuple[str, str], list[dict[str, str]]] = {}
    if "dna_change" not in annotation.fields:
        return found
    with _opened(path) as vcf:
        for record in vcf:
            for entry in annotation.entries(record.INFO.get(annotation.tag) or ""):
                if "+" in entry.get("dna_change", ""):
                    found.setdefault((record.CHROM, str(record.POS)), []).append(entry)
    return found
