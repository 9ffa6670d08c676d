"""Collection of variant calls of any format into one table of dosages."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trdomics.inputs.consequences import Effect, is_snv, is_transition

log = logging.getLogger(__name__)

LEVELS = ["variant", "gene", "consequence_class"]
ANNOTATION_COLUMNS = [
    *LEVELS,
    "consequence",
    "rsid",
    "chromosome",
    "position",
    "reference",
    "alternative",
    "population_frequency",
    "called",
    "carriers",
    "kept",
    "reason",
]


@dataclass(frozen=True)
class Variant:
    """One alternative allele with what is known of it."""

    chromosome: str
    position: int
    reference: str
    alternative: str
    rsid: str
    effects: Mapping[str, Effect]
    frequency: float

    @property
    def key(self) -> str:
        """Return chrom:pos:ref:alt, without "chr", so that cohorts of either habit agree."""
        chromosome = self.chromosome.removeprefix("chr")
        return f"{chromosome}:{self.position}:{self.reference}:{self.alternative}"


@dataclass(frozen=True)
class VariantCalls:
    """What a call set is reduced to.

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


class CallCollector:
    """Takes alleles one by one, keeps the dosages that later stages can use.

    Kept are rare variants (population frequency at most ``max_allele_frequency``) of the classes
    ``lof`` and ``damaging`` that someone carries, and the variants named in ``dosages``, which
    pass by these three rules but not by the filters of quality. A named variant that is common
    stands as class ``other``, so that it makes no burden.

    Parameters
    ----------
    settings : mapping
        The layer's block of the config.
    patients : sequence of str
        Patients, in the order of the dosages that will be added.
    """

    def __init__(self, settings: Mapping[str, Any], patients: Sequence[str]) -> None:
        self.patients = list(patients)
        self._snv_only = bool(settings.get("snv_only", False))
        self._reference = settings.get("no_call", "missing") == "reference"
        self._max_frequency = float(settings.get("max_allele_frequency", 0.01))
        self._named = set(settings.get("dosages", ()))
        self._keys: set[str] = set()
        self._columns: list[tuple[str, str, str]] = []
        self._dosages: list[np.ndarray] = []
        self._rows: list[tuple[Any, ...]] = []
        self._sites = 0
        self._tally = np.zeros((4, len(self.patients)), dtype=int)

    def add(self, variant: Variant, dosage: np.ndarray, failure: str = "") -> None:
        """Add one allele.

        Parameters
        ----------
        variant : Variant
            The allele.
        dosage : ndarray of int8, shape (n_patients,)
            Copies of the allele, -1 where there is no (reliable) call.
        failure : str
            The filter of the site that it fails, if any.
        """
        if self._reference:
            dosage = np.maximum(dosage, 0)
        called, carriers = int((dosage >= 0).sum()), int((dosage > 0).sum())
        named = variant.key in self._named or variant.rsid in self._named
        common = variant.frequency > self._max_frequency
        if not failure and variant.key in self._keys:
            failure = "listed twice"
        if not failure and self._snv_only and not is_snv(variant.reference, variant.alternative):
            failure = "not an SNV"
        if not failure:
            self._keys.add(variant.key)
            self._count(variant, dosage)
        for gene, effect in (variant.effects or {"": Effect("", "other")}).items():
            reason, entry = failure, effect.consequence_class
            if not failure and named:
                entry = "other" if common else entry
            elif not failure:
                reason = _useless(effect, common, carriers)
            name = variant.rsid if variant.rsid in self._named else variant.key
            self._rows.append(
                (
                    name,
                    gene,
                    effect.consequence_class,
                    effect.term,
                    variant.rsid,
                    variant.chromosome.removeprefix("chr"),
                    variant.position,
                    variant.reference,
                    variant.alternative,
                    variant.frequency,
                    called,
                    carriers,
                    int(not reason),
                    reason,
                )
            )
            if not reason:
                self._columns.append((name, gene, entry))
                self._dosages.append(dosage)

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
        self._warn_of_names(annotation)
        return VariantCalls(*self._by_key_where_ambiguous(dosages, annotation), patients)

    def _count(self, variant: Variant, dosage: np.ndarray) -> None:
        self._sites += 1
        carried = dosage > 0
        self._tally[0] += dosage >= 0
        self._tally[1] += carried
        if is_snv(variant.reference, variant.alternative):
            row = 2 if is_transition(variant.reference, variant.alternative) else 3
            self._tally[row] += carried

    def _warn_of_names(self, annotation: pd.DataFrame) -> None:
        found = set(annotation.loc[annotation["kept"] == 1, "variant"])
        for name in sorted(self._named - found):
            log.warning("%s, named in dosages, is not in the file or fails a filter", name)

    @staticmethod
    def _by_key_where_ambiguous(
        dosages: pd.DataFrame, annotation: pd.DataFrame
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Give back chrom:pos:ref:alt to alleles that share an rsID, which names none of them."""
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


def _useless(effect: Effect, common: bool, carriers: int) -> str:
    """Return why a variant cannot make a burden, or nothing."""
    if effect.consequence_class == "other":
        return "consequence without effect on the protein"
    if common:
        return "common in the population"
    return "" if carriers else "no carrier"
