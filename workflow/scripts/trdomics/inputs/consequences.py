"""What a variant does to a gene: annotation fields, terms, classes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trdomics.shipped import shipped

# INFO tags of VEP, SnpEff and bcftools csq, in the order in which one is chosen
ANNOTATION_TAGS = ("CSQ", "ANN", "BCSQ")
CONSEQUENCE_TABLE = shipped("resources/consequences.tsv")

_GENE_FIELDS = ("symbol", "gene_name", "gene", "gene_id")
_FREQUENCY_FIELDS = ("gnomad_af", "gnomade_af", "gnomadg_af", "exac_af", "af")
_CLASS_ORDER = {"lof": 0, "damaging": 1, "other": 2}


@dataclass(frozen=True)
class Effect:
    """The most severe thing a variant does to one gene."""

    term: str
    consequence_class: str


class ConsequenceClasses:
    """Terms of VEP, SnpEff, bcftools csq and MAF with severity and class.

    Loss of function (``lof``): stop gained, frameshift, essential splice site, start lost.
    ``damaging``: missense, in-frame indel, stop lost. Everything else, terms that the table does
    not know included, is ``other``. Predictions (SIFT, PolyPhen) are not used: they come with
    some annotations only, and the class must mean the same in every cohort.

    Parameters
    ----------
    path : path
        Table with the columns term, severity (1 is worst; Ensembl's order) and class.
    """

    def __init__(self, path: str | os.PathLike[str] = CONSEQUENCE_TABLE) -> None:
        table = pd.read_csv(path, sep="\t")
        # rank by class first: the class is what counts in a burden
        self._known: dict[str, tuple[int, int, str]] = {
            term: (_CLASS_ORDER[name], int(severity), name)
            for term, severity, name in zip(
                table["term"], table["severity"], table["class"], strict=True
            )
        }

    def effect(self, terms: Iterable[str]) -> Effect:
        """Return the worst of some terms: by class, then by severity."""
        unknown = (_CLASS_ORDER["other"], 999, "other")
        ranked = [(*self._known.get(term, unknown), term) for term in terms]
        _, _, consequence_class, term = min(ranked)
        return Effect(term, consequence_class)

    def per_gene(self, entries: Iterable[tuple[str, Sequence[str]]]) -> dict[str, Effect]:
        """Return the worst effect by gene from (gene, terms) of all transcripts."""
        terms: dict[str, set[str]] = {}
        for gene, some in entries:
            terms.setdefault(gene, set()).update(some)
        return {gene: self.effect(some) for gene, some in terms.items()}


@dataclass(frozen=True)
class AnnotationFormat:
    """Where the fields of an annotation stand, as the header's Description says."""

    tag: str
    fields: tuple[str, ...]

    @classmethod
    def parse(cls, tag: str, description: str) -> AnnotationFormat | None:
        """Read the field names from an INFO Description; None where it lists none."""
        parts = [part.strip(" \"'[]*.") for part in description.split("|")]
        if len(parts) < 2:
            return None
        parts[0] = re.split(r"[\s':\"\]*]+", parts[0])[-1]
        fields = tuple(part.lower() for part in parts)
        known = {"consequence", "annotation"} & set(fields)
        return cls(tag, fields) if known and set(_GENE_FIELDS) & set(fields) else None

    def entries(self, text: str) -> list[dict[str, str]]:
        """Return the transcripts of one INFO value as dictionaries by field."""
        return [dict(zip(self.fields, entry.split("|"), strict=False)) for entry in text.split(",")]


def gene_and_terms(entry: Mapping[str, str]) -> tuple[str, list[str]]:
    """Return the gene (symbol where there is one) and the terms of a transcript's entry.

    A term behind ``*`` (bcftools csq: downstream of a stop in the same haplotype) stays as it
    is and so is unknown: the stop itself is what counts.
    """
    gene = next((entry[name] for name in _GENE_FIELDS if entry.get(name)), "")
    joined = entry.get("consequence") or entry.get("annotation") or ""
    return gene, joined.split("&")


def population_frequency(entries: Iterable[Mapping[str, str]]) -> float:
    """Return the highest population frequency of an allele, NaN where none is given.

    gnomAD's, ExAC's and 1000 Genomes' global frequencies are looked at; ``MAX_AF`` (of any
    subpopulation) only where none of those is there.
    """
    entries = list(entries)
    for names in (_FREQUENCY_FIELDS, ("max_af",)):
        found = [
            float(value)
            for entry in entries
            for name in names
            for value in entry.get(name, "").split("&")
            if re.fullmatch(r"[0-9.]+([eE][-+]?[0-9]+)?", value) and value != "."
        ]
        if found:
            return max(found)
    return float("nan")


def vep_allele(ref: str, alt: str, all_alleles: Sequence[str]) -> str:
    """Return how VEP writes an ALT: without the first base where all alleles share it."""
    shared = len({allele[0] for allele in all_alleles}) == 1
    if all(len(allele) == 1 for allele in all_alleles) or not shared:
        return alt
    return alt[1:] or "-"


def is_snv(ref: str, alt: str) -> bool:
    """Return whether one base takes the place of one other."""
    return len(ref) == len(alt) == 1 and ref in "ACGT" and alt in "ACGT"


def is_transition(ref: str, alt: str) -> bool:
    """Return whether an SNV exchanges purines or pyrimidines among themselves."""
    return {ref, alt} in ({"A", "G"}, {"C", "T"})


def entries_of_allele(
    entries: Sequence[Mapping[str, str]], position: int, alleles: Sequence[str], number: int
) -> list[Mapping[str, str]]:
    """Return the entries that speak of one ALT of a record.

    VEP says so by ``ALLELE_NUM`` or by the trimmed allele, SnpEff by the ALT, bcftools csq by
    the DNA change (entries without one, in non-coding regions, hold for all ALTs). Of compound
    bcftools entries (several variants of one haplotype) those are used that the variant has for
    lack of one of its own.

    Parameters
    ----------
    entries : sequence of mappings
        Transcripts as :meth:`AnnotationFormat.entries` gives them.
    position : int
        POS of the record.
    alleles : sequence of str
        REF and all ALTs.
    number : int
        Which ALT, from 1.
    """
    ref, alt = alleles[0], alleles[number]
    change = f"{position}{ref}>{alt}"
    if any(entry.get("dna_change") for entry in entries):
        own = [e for e in entries if not e.get("dna_change") or e["dna_change"] == change]
        genes = {gene_and_terms(e)[0] for e in own if e.get("dna_change")}
        compound = [
            e
            for e in entries
            if change in e.get("dna_change", "").split("+")
            and "+" in e["dna_change"]
            and gene_and_terms(e)[0] not in genes
        ]
        return own + compound
    if len(alleles) == 2:
        return list(entries)
    if any(entry.get("allele_num") for entry in entries):
        return [e for e in entries if e.get("allele_num") == str(number)]
    names = {alt, vep_allele(ref, alt, alleles)}
    return [e for e in entries if e.get("allele", alt) in names]


def dosage_of(genotypes: np.ndarray, number: int) -> np.ndarray:
    """Return the copies of one ALT, -1 where the genotype is not called.

    Parameters
    ----------
    genotypes : ndarray of int, shape (n_samples, ploidy)
        Allele numbers; -1 is missing, -2 fills up a lower ploidy.
    number : int
        Which ALT, from 1.
    """
    copies = (genotypes == number).sum(axis=1)
    # a half call with the ALT has it for certain; without, it is not known
    unknown = (genotypes == -1).any(axis=1) & (copies == 0)
    return np.where(unknown, -1, copies).astype(np.int8)
