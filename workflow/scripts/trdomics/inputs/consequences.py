"""Consequences of variants: their terms, and how severe they are."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from trdomics.shipped import shipped

CONSEQUENCE_TABLE = shipped("resources/consequences.tsv")

_CLASS_ORDER = {"lof": 0, "damaging": 1, "other": 2}
_UNKNOWN = (_CLASS_ORDER["other"], 999, "other")
# Entries for a variant outside genes.
_NO_GENE = {"", ".", "-", "unknown", "na", "n/a", "nan", "none", "null"}


@dataclass(frozen=True)
class Effect:
    """The most severe consequence of a variant for one gene."""

    term: str
    consequence_class: str


class ConsequenceClasses:
    """Terms of VEP, SnpEff, bcftools csq and MAF with severity and class; case does not matter.

    Loss of function (``lof``): stop gained, frameshift, essential splice site, start lost.
    ``damaging``: missense, in-frame indel, stop lost. Everything else, including unknown terms, is
    ``other``. Predictions (SIFT, PolyPhen) are not used: they are in some annotations only, and the
    class must have the same meaning in every cohort.

    ``resources/consequences.tsv`` has the columns term, severity (1 is worst; Ensembl's order) and
    class.

    Attributes
    ----------
    unknown : Counter
        Number of variants with each unknown term.
    """

    def __init__(self) -> None:
        table = pd.read_csv(CONSEQUENCE_TABLE, sep="\t")
        # rank by class first: the class matters for the burden
        self._known: dict[str, tuple[int, int, str]] = {
            _folded(term): (_CLASS_ORDER[name], int(severity), name)
            for term, severity, name in zip(
                table["term"], table["severity"], table["class"], strict=True
            )
        }
        self.unknown: Counter[str] = Counter()

    def effect(self, terms: Iterable[str]) -> Effect:
        """Return the most severe of some terms: by class, then by severity."""
        _, _, consequence_class, term = min((*self._rank(term), term) for term in terms)
        return Effect(term, consequence_class)

    def _rank(self, term: str) -> tuple[int, int, str]:
        rank = self._known.get(_folded(term), _UNKNOWN)
        # bcftools csq: a term after * is known, and does not count
        if rank is _UNKNOWN and not term.startswith("*"):
            self.unknown[term or "(empty)"] += 1
        return rank

    def per_gene(self, entries: Iterable[tuple[str, Sequence[str]]]) -> dict[str, Effect]:
        """Return the worst effect by gene from (gene, terms) of all transcripts."""
        terms: dict[str, set[str]] = {}
        for gene, some in entries:
            terms.setdefault(gene, set()).update(some)
        return {gene: self.effect(some) for gene, some in terms.items()}


@functools.cache
def _folded(term: str) -> str:
    """Return a term without case, and with _ for its blanks and hyphens."""
    return re.sub(r"[\s-]+", "_", term.strip()).casefold()


@functools.cache
def split_terms(joined: str) -> tuple[str, ...]:
    """Return the terms of a field that joins them with ``&``, comma, semicolon or ``+``."""
    return tuple(term for part in re.split(r"[&,;+]", joined) if (term := part.strip())) or ("",)


@functools.cache
def gene_name(written: str) -> str:
    """Return a gene's name, empty if the file gives none."""
    name = written.strip()
    return "" if name.casefold() in _NO_GENE else name
