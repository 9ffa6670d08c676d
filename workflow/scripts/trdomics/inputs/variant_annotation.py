"""Annotation of variants by VEP, SnpEff and bcftools csq: fields, and which entries an ALT has."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from trdomics.inputs.consequences import gene_name, split_terms

# INFO tags of VEP, SnpEff and bcftools csq, in the order in which one is chosen
ANNOTATION_TAGS = ("CSQ", "ANN", "BCSQ")
_GENE_FIELDS = ("symbol", "gene_name", "gene", "gene_id")
# Alleles and changes of sequences, not VEP's words such as "deletion".
_BASES = re.compile(r"[acgtnACGTN\d>+-]+")
_FREQUENCY_FIELDS = ("gnomad_af", "gnomade_af", "gnomadg_af", "exac_af", "af")


@dataclass(frozen=True)
class AnnotationFormat:
    """Positions of an annotation's fields, from the header's Description."""

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
        """Return the transcripts of one INFO value as dictionaries by field, bases in capitals."""
        entries = [
            dict(zip(self.fields, entry.split("|"), strict=False)) for entry in text.split(",")
        ]
        for entry in entries:
            for name in ("allele", "dna_change"):
                if _BASES.fullmatch(entry.get(name, "")):
                    entry[name] = entry[name].upper()
        return entries


def gene_and_terms(entry: Mapping[str, str]) -> tuple[str, Sequence[str]]:
    """Return the gene (symbol if there is one) and the terms of a transcript's entry.

    A term behind ``*`` (bcftools csq: downstream of a stop in the same haplotype) stays as it
    is and so is unknown: the stop itself is what counts.
    """
    genes = (gene_name(entry.get(name, "")) for name in _GENE_FIELDS)
    joined = entry.get("consequence") or entry.get("annotation") or ""
    return next(filter(None, genes), ""), split_terms(joined)


def population_frequency(entries: Iterable[Mapping[str, str]]) -> float:
    """Return the highest population frequency of an allele, NaN where none is given.

    gnomAD's, ExAC's and 1000 Genomes' global frequencies are used; ``MAX_AF`` (of any
    subpopulation) only if none of those is given.
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


def vep_names(ref: str, alts: Sequence[str]) -> list[str]:
    """Return VEP's names of the ALTs of a record.

    Where one differs from REF in length and all alleles begin with the same base, that base is
    cut off. ``*`` and symbolic alleles have no first base (VEP's VCF parser).
    """
    if all(len(alt) == len(ref) for alt in alts):
        return list(alts)
    if len({allele[0] for allele in (ref, *alts) if not _symbolic(allele)}) > 1:
        return list(alts)
    return [alt if _symbolic(alt) else alt[1:] or "-" for alt in alts]


def trimmed(ref: str, alt: str) -> tuple[int, str, str]:
    """Return the number of shared first bases of REF and ALT, and both without shared ends."""
    start = _n_shared(ref, alt)
    ref, alt = ref[start:], alt[start:]
    end = _n_shared(ref[::-1], alt[::-1])
    return start, ref[: len(ref) - end], alt[: len(alt) - end]


def _n_shared(one: str, other: str) -> int:
    """Return the number of shared first letters of two strings."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))


def _symbolic(allele: str) -> bool:
    """Return whether an allele is ``*``, symbolic or a breakend, and not a sequence."""
    return not allele.isalpha()


def entries_of_allele(
    entries: Sequence[Mapping[str, str]], position: int, alleles: Sequence[str], number: int
) -> list[Mapping[str, str]]:
    """Return the entries that refer to one ALT of a record.

    VEP says so by ``ALLELE_NUM`` or by its name of the allele, SnpEff by the ALT, bcftools csq by
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
        REF and all ALTs of the record that was annotated: where it was split since, those of
        all its parts.
    number : int
        Which ALT, from 1.
    """
    ref, alt = alleles[0], alleles[number]
    if any(entry.get("dna_change") for entry in entries):
        return _entries_of_change(entries, position, ref, alt)
    present = {entry["allele"] for entry in entries if entry.get("allele")}
    if not present:
        numbered = any(entry.get("allele_num") for entry in entries)
        return [e for e in entries if not numbered or e.get("allele_num") == str(number)]
    # most records have one ALT, and entries of it
    if len(alleles) == 2 and present == set(vep_names(ref, [alt])):
        return list(entries)
    if _symbolic(alt):
        return [e for e in entries if e["allele"] == alt or e["allele"][:1].islower()]
    if _numbers_hold(entries, alleles):
        return [e for e in entries if e["allele_num"] == str(number)]
    snpeff = any("annotation" in entry for entry in entries)
    name = _names_in_entries(present, ref, alleles[1:], snpeff)[number - 1]
    return [e for e in entries if e.get("allele") == name]


def _namings(ref: str, alts: Sequence[str]) -> list[list[str]]:
    """Return the names that ALTs may have: VEP's, of the record and of each ALT, minimal, plain."""
    alone = [vep_names(ref, [alt])[0] for alt in alts]
    minimal = [trimmed(ref, alt)[2] or "-" for alt in alts]
    return [vep_names(ref, alts), alone, minimal, list(alts)]


def _numbers_hold(entries: Sequence[Mapping[str, str]], alleles: Sequence[str]) -> bool:
    """Return whether each ``ALLELE_NUM`` is of an ALT with a name of the entry's."""
    names = [set(named) for named in zip(*_namings(alleles[0], alleles[1:]), strict=True)]
    numbers = [entry.get("allele_num", "") for entry in entries]
    return all(
        number.isdigit()
        and 1 <= int(number) <= len(names)
        and entry["allele"] in names[int(number) - 1]
        for number, entry in zip(numbers, entries, strict=True)
    )


def _names_in_entries(
    present: Collection[str], ref: str, alts: Sequence[str], snpeff: bool
) -> list[str | None]:
    """Return by which name each ALT has entries, None where it has none.

    Records may have been annotated before they were split or normalised, or with ``--minimal``.
    So the naming counts that most ALTs have entries by; an ALT left over takes the only entry
    left over that holds its changed bases.
    """
    names = set(present)
    namings = _namings(ref, alts)
    if snpeff:
        namings = [list(alts), *namings]
    namings.sort(key=lambda naming: -len(names.intersection(naming)))
    found: list[str | None] = [None] * len(alts)
    for naming in namings:
        free = names.difference(filter(None, found))
        found = [
            name if taken is None and name in free else taken
            for taken, name in zip(found, naming, strict=True)
        ]
    for place, alt in enumerate(alts):
        if found[place] is None and not _symbolic(alt):
            bases = trimmed(ref, alt)[2]
            near = [n for n in names.difference(filter(None, found)) if _holds(n, bases)]
            found[place] = near[0] if len(near) == 1 else None
    return found


def _holds(name: str, bases: str) -> bool:
    """Return whether an entry's allele has the bases in it, an insertion also where shifted."""
    return bases in name or (len(bases) == len(name) and bases in name * 2)


def _entries_of_change(
    entries: Sequence[Mapping[str, str]], position: int, ref: str, alt: str
) -> list[Mapping[str, str]]:
    """Return bcftools csq's entries of a DNA change, however its alleles are padded."""
    changes = {change for e in entries for change in e.get("dna_change", "").split("+") if change}
    change = f"{position}{ref}>{alt}"
    if change not in changes:
        start, *short = trimmed(ref, alt)
        wanted = (position + start, *short)
        change = next((c for c in changes if _placed(c) == wanted), change)
    own = [e for e in entries if not e.get("dna_change") or e["dna_change"] == change]
    genes = {gene_and_terms(e)[0] for e in own if e.get("dna_change")}
    compound = [
        e
        for e in entries
        if "+" in e.get("dna_change", "")
        and change in e["dna_change"].split("+")
        and gene_and_terms(e)[0] not in genes
    ]
    return own + compound


def _placed(change: str) -> tuple[int, str, str] | None:
    """Return position, REF and ALT of a DNA change without shared ends."""
    match = re.fullmatch(r"(\d+)([A-Za-z]+)>([A-Za-z]+)", change)
    if match is None:
        return None
    start, ref, alt = trimmed(match[2], match[3])
    return int(match[1]) + start, ref, alt
