"""Collects variant calls of any format in one table of dosages."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from trdomics.config_types import LayerConfig
from trdomics.errors import InputError
from trdomics.inputs.consequences import Effect

log = logging.getLogger(__name__)

LEVELS = ["variant", "gene", "consequence_class"]
ANNOTATION_COLUMNS = [*LEVELS, "consequence", "rsid", "chromosome", "position", "reference"]
ANNOTATION_COLUMNS += [
    "alternative",
    "population_frequency",
    "called",
    "carriers",
    "kept",
    "reason",
]
# Reasons due to the file, not to the consequence of a variant.
NO_ENTRY, NO_GENE = "no annotation of this allele", "in no gene"
FILTERED = "filter "
_EXPECTED = ("consequence without effect on the protein", "no carrier", "common in the population")
# A germline call set with this many alleles has common ones; fewer carriers may be chance.
_ALLELES_TO_JUDGE, _COMMON, _CARRIERS = 10, 0.01, 5
_POSITION = re.compile(
    r"(?:chr)?([\w.]+?)[:_-](?:g\.)?(\d+)(?:[:_-]?([ACGTN]+|-)[:_>/-]([ACGTN]+|-))?", re.IGNORECASE
)
_MONTH = "(jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)"
_DATE = re.compile(
    rf"\d{{1,2}}[-/]{_MONTH}([-/]\d+)?|{_MONTH}[-/]\d+|\d{{4}}-\d\d-\d\d.*", re.IGNORECASE
)


def variant_name(written: str) -> str:
    """Return a variant's name in tables.

    For a position, chrom:pos or chrom:pos:ref:alt without "chr" with any separator; for an rsID,
    the rsID.
    """
    match = _POSITION.fullmatch(written.strip())
    if match is None:
        return written.strip()
    chromosome, *others = match.groups()
    return ":".join([chromosome, *(part.upper() for part in others if part)])


def counted(counts: Counter[str], most: int = 5) -> str:
    """Return counts for a log line, the largest first: "Foo (12), Bar (3)"."""
    shown = [f"{name} ({count:,})" for name, count in counts.most_common(most)]
    return ", ".join(shown) + (", …" if len(counts) > most else "")


@dataclass(frozen=True)
class Variant:
    """One alternative allele and its annotation."""

    chromosome: str
    position: int
    reference: str
    alternative: str
    rsid: str
    effects: Mapping[str, Effect]
    frequency: float

    @property
    def key(self) -> str:
        """Return chrom:pos:ref:alt without "chr", so that cohorts with and without it agree."""
        return f"{self.place}:{self.reference}:{self.alternative}"

    @property
    def place(self) -> str:
        """Return chrom:pos, without "chr"."""
        return f"{self.chromosome.removeprefix('chr')}:{self.position}"


@dataclass(frozen=True)
class VariantCalls:
    """The summary of a call set.

    Attributes
    ----------
    dosages : DataFrame, shape (n_patients, n_variants)
        float32: 0, 1, 2 or NaN (not called); columns (variant, gene, consequence_class).
    annotation : DataFrame
        Every variant of the file per gene, whether it was kept, and why not.
    patients : DataFrame
        Per patient: sites that pass the site filters, calls, variants, transitions,
        transversions.
    """

    dosages: pd.DataFrame
    annotation: pd.DataFrame
    patients: pd.DataFrame

    def with_reasons(self, reasons: Sequence[str], named: Iterable[str]) -> VariantCalls:
        """Return the calls with the reasons why variants do not count in the burden, and warn.

        Parameters
        ----------
        reasons : sequence of str, one per column of ``dosages``
            Empty where a variant counts.
        named : iterable of str
            Variants that are separate features, even if they do not count in the burden.
        """
        annotation = self.annotation.copy()
        # kept rows and columns are in the same order
        rows = annotation.index[annotation["kept"] == 1]
        found = pd.Series(list(reasons), index=rows, dtype=object)
        found = found[(found != "") & ~annotation.loc[rows, "variant"].isin(list(named))]
        annotation.loc[found.index, "reason"] = found
        annotation.loc[found.index, "kept"] = 0
        if len(found):
            counts = Counter(dict(found.value_counts()))
            log.warning(
                "of %d variants in the table, not in the burden: %s", len(rows), counted(counts)
            )
        return replace(self, annotation=annotation)

    def check_any(self, where: str) -> None:
        """Check that a variant is left.

        Raises
        ------
        InputError
            Counting the reasons, if there is none.
        """
        if self.dosages.empty:
            reasons = Counter(dict(self.annotation["reason"].value_counts()))
            raise InputError(
                where,
                f"no variant is left: {counted(reasons, most=8)}",
                "correct the file or the layer's filters, or name variants in `dosages`",
            )


class CallCollector:
    """Adds alleles one by one, and keeps the dosages that later stages can use.

    Kept are rare variants (population frequency at most ``max_allele_frequency``) of the classes
    ``lof`` and ``damaging`` with at least one carrier, and the variants named in ``dosages``, which
    are exempt from these three rules but not from the quality filters. A common named variant gets
    the class ``other``, so it does not count in the burden.

    Parameters
    ----------
    patients : sequence of str
        Patients, in the order of the dosages that will be added.
    """

    def __init__(self, settings: LayerConfig, patients: Sequence[str]) -> None:
        self.patients = list(patients)
        self._snv_only = bool(settings.get("snv_only", False))
        self._reference = settings.get("no_call", "missing") == "reference"
        self._max_frequency = float(settings.get("max_allele_frequency", 0.01))
        self._named = {variant_name(name): name for name in settings.get("dosages", ())}
        self._min_call_rate = float(settings.get("min_call_rate", 0.9))
        self._keys: set[str] = set()
        self._columns: list[tuple[str, str, str]] = []
        self._dosages: list[np.ndarray] = []
        self._rows: list[tuple[Any, ...]] = []
        self._sites = self._rarely_called = self._genotypes_0 = 0
        self._common = False
        self._left_out: Counter[str] = Counter()
        self._tally = np.zeros((4, len(self.patients)), dtype=int)

    def add(self, variant: Variant, dosage: np.ndarray, failure: str = "") -> None:
        """Add one allele.

        Parameters
        ----------
        dosage : ndarray of int8, shape (n_patients,)
            Copies of the allele, -1 without a (reliable) call.
        failure : str
            Why it cannot be used, such as a site filter that it fails; empty otherwise.
        """
        if self._reference:
            dosage = np.maximum(dosage, 0)
        called, carriers = int((dosage >= 0).sum()), int((dosage > 0).sum())
        names = [n for n in (variant.rsid, variant.key, variant.place) if n in self._named]
        name = self._named[names[0]] if names else variant.key
        common = variant.frequency > self._max_frequency
        if not failure and variant.key in self._keys:
            failure = "listed twice"
        if not failure and self._snv_only and not is_snv(variant.reference, variant.alternative):
            failure = "not an SNV"
        if not failure:
            self._keys.add(variant.key)
            self._count(variant, dosage, called, carriers)
        kept = False
        reason = failure or NO_ENTRY
        for gene, effect in (variant.effects or {"": Effect("", "other")}).items():
            reason, entry = failure, effect.consequence_class
            if not failure and names:
                entry = "other" if common else entry
            elif not failure and not variant.effects:
                reason = NO_ENTRY
            elif not failure:
                reason = _useless(gene, effect, common, carriers)
            kept |= not reason
            named = (name, gene, effect.consequence_class, effect.term, variant.rsid)
            where = (variant.chromosome.removeprefix("chr"), variant.position, variant.reference)
            seen = (variant.alternative, variant.frequency, called, carriers)
            self._rows.append((*named, *where, *seen, int(not reason), reason))
            if not reason:
                self._columns.append((name, gene, entry))
                self._dosages.append(dosage)
        if not kept:
            self._left_out[reason] += 1

    def finish(self) -> VariantCalls:
        """Return the collected table."""
        annotation = pd.DataFrame(self._rows, columns=ANNOTATION_COLUMNS)
        stacked = np.array(self._dosages, dtype=np.float32).reshape(-1, len(self.patients)).T
        dosages = pd.DataFrame(
            np.where(stacked < 0, np.float32(np.nan), stacked),
            index=pd.Index(self.patients, name="patient_id", dtype=object),
            columns=pd.MultiIndex.from_tuples(self._columns, names=LEVELS)
            if self._columns
            else pd.MultiIndex.from_arrays([[], [], []], names=LEVELS),
        )
        called, variants, transitions, transversions = self._tally
        patients = pd.DataFrame(
            {
                "patient_id": self.patients,
                "sites": self._sites,
                "called": called,
                "variants": variants,
                "transitions": transitions,
                "transversions": transversions,
            }
        )
        self._warn(annotation)
        return VariantCalls(*self._by_key_where_ambiguous(dosages, annotation), patients)

    def _count(self, variant: Variant, dosage: np.ndarray, called: int, carriers: int) -> None:
        self._sites += 1
        carried = dosage > 0
        self._tally[0] += dosage >= 0
        self._tally[1] += carried
        self._rarely_called += called < self._min_call_rate * len(dosage)
        self._genotypes_0 += called - carriers
        if not self._common and carriers >= _CARRIERS:
            self._common = bool(dosage[carried].sum() > 2 * called * _COMMON)
        if is_snv(variant.reference, variant.alternative):
            row = 2 if is_transition(variant.reference, variant.alternative) else 3
            self._tally[row] += carried

    def _warn(self, annotation: pd.DataFrame) -> None:
        """Log what is lost and what looks wrong, one line each."""
        if self._left_out:
            lost = set(self._left_out).difference(_EXPECTED)
            failed = sum(n for reason, n in self._left_out.items() if reason.startswith(FILTERED))
            most = 2 * failed > sum(self._left_out.values()) + len(self._dosages)
            log.log(
                logging.WARNING if lost else logging.INFO,
                "alleles left out: %s%s",
                counted(self._left_out, most=8),
                "; to keep those that FILTER flags, set `pass_only: false`" if most else "",
            )
        kept = annotation[annotation["kept"] == 1]
        absent = sorted(set(self._named.values()).difference(kept["variant"]))
        for name in absent:
            log.warning("%s, named in dosages, is not in the file or fails a filter", name)
        dates = sorted(name for name in set(kept["gene"]) if _DATE.fullmatch(name))
        if dates:
            log.warning(
                "%d genes look like dates that a spreadsheet made from names such as MARCH1 and "
                "SEPT2: %s; write the genes' names",
                len(dates),
                ", ".join(dates[:5]),
            )
        if not self._reference and self._sites:
            self._warn_of_call_set(bool(absent))

    def _warn_of_call_set(self, absent: bool) -> None:
        """Warn if a germline call set lacks the expected calls or common variants."""
        genotypes = self._tally[0].sum()
        if self._rarely_called > self._sites / 2:
            merged = self._genotypes_0 < 0.01 * genotypes
            log.warning(
                "%d of %d alleles are called in fewer than %.0f%% of the patients (call rate "
                "%.0f%%)%s",
                self._rarely_called,
                self._sites,
                100 * self._min_call_rate,
                100 * genotypes / (self._sites * max(len(self.patients), 1)),
                "; hardly any genotype is 0/0, as if VCFs of single samples had been merged: set "
                "no_call: reference, or call the samples together"
                if merged
                else "",
            )
        elif not self._common and (absent or self._sites >= _ALLELES_TO_JUDGE):
            log.warning(
                "none of %d alleles has a frequency above %g in the patients: if common variants "
                "were removed (as by VEP's --filter_common), named dosages and ancestry lack "
                "them; give the unfiltered VCF",
                self._sites,
                _COMMON,
            )

    @staticmethod
    def _by_key_where_ambiguous(
        dosages: pd.DataFrame, annotation: pd.DataFrame
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return to chrom:pos:ref:alt for alleles that share an rsID."""
        parts = annotation[["chromosome", "position", "reference", "alternative"]].astype(str)
        keys = parts.agg(":".join, axis=1)
        kept = annotation["kept"] == 1
        alleles = keys[kept].groupby(annotation.loc[kept, "variant"]).transform("nunique")
        shared = alleles.index[alleles > 1]
        if not len(shared):
            return dosages, annotation
        for name in sorted(set(annotation.loc[shared, "variant"])):
            log.warning("%s has several alleles; name one of them as chrom:pos:ref:alt", name)
        annotation.loc[shared, "variant"] = keys[shared]
        frame = dosages.columns.to_frame(index=False)
        # columns and kept rows were added together, so they are in the same order
        frame["variant"] = annotation.loc[kept, "variant"].to_numpy()
        dosages.columns = pd.MultiIndex.from_frame(frame, names=LEVELS)
        return dosages, annotation


def _useless(gene: str, effect: Effect, common: bool, carriers: int) -> str:
    """Return why a variant cannot count in the burden, or an empty string."""
    if effect.consequence_class == "other":
        return "consequence without effect on the protein"
    if not gene:
        return NO_GENE
    if common:
        return "common in the population"
    return "" if carriers else "no carrier"


def warn_of_terms(unknown: Counter[str]) -> None:
    """Warn of unknown consequences, which count as having no effect."""
    if unknown:
        log.warning(
            "unknown consequences, treated as having no effect on the protein: %s",
            counted(unknown, 8),
        )


def is_snv(ref: str, alt: str) -> bool:
    """Return whether one base is replaced by another."""
    return len(ref) == len(alt) == 1 and ref in "ACGT" and alt in "ACGT"


def is_transition(ref: str, alt: str) -> bool:
    """Return whether an SNV is a transition (purine to purine or pyrimidine to pyrimidine)."""
    return {ref, alt} in ({"A", "G"}, {"C", "T"})
