"""Variants summarised as carriers per gene and dosages of named variants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from trdomics.errors import InputError
from trdomics.layers.base import LayerNormaliser
from trdomics.layers.transforms import MIN_CARRIERS, BurdenTransform, carriers_and_others, positions
from trdomics.layers.types import DOSAGE_PREFIX


class GeneBurden(LayerNormaliser, BurdenTransform):
    """Carriers of rare variants of the chosen class per gene (0/1), and dosages of named variants.

    A variant is left out if its training call rate is too low or its training allele frequency too
    high (those common in the population have already been left out on reading). Fewer than five
    carriers are no evidence of a common variant: among 40 patients a single one has an allele
    frequency of 0.0125. A variant not seen in training counts, since it has passed the same static
    filters: most rare variants are novel. A missing genotype is not a carrier.

    A call set lists only variable sites. So a model's gene without a column in a new table is 0,
    not missing - unless a table of 20 or more genes shares none with the model, which suggests
    other gene names: then :meth:`missing_features` lists every gene. An absent dosage is always
    listed, and imputed by the training mean.

    Parameters
    ----------
    burden : {"damaging", "lof"}
        Classes that count: ``damaging`` includes ``lof``.
    min_call_rate : float
        Smallest share of training patients with a call.
    max_allele_frequency : float
        Largest allele frequency in the training patients, for the burden only, of variants carried
        by at least five of them.
    min_prevalence : float
        A gene is kept if at least this share of the training patients are carriers, but not all.
    dosages : sequence of str
        Names in the level ``variant`` whose dosage becomes a column ``dosage:<name>``, if it has at
        least five carriers and five non-carriers in training.

    Attributes
    ----------
    dosages_ : ndarray of str
        Named variants of the training table with a sufficient call rate, at least five carriers and
        five non-carriers (:meth:`dosage_reasons`).
    """

    def __init__(
        self,
        burden: str = "damaging",
        min_call_rate: float = 0.9,
        max_allele_frequency: float = 0.01,
        min_prevalence: float = 0.03,
        dosages: Sequence[str] = (),
    ) -> None:
        self.burden = burden
        self.min_call_rate = min_call_rate
        self.max_allele_frequency = max_allele_frequency
        self.min_prevalence = min_prevalence
        self.dosages = dosages

    def fit(self, table: pd.DataFrame, y: Any = None) -> GeneBurden:
        """Learn excluded variants, kept genes and mean dosages.

        Parameters
        ----------
        table : DataFrame, shape (n_patients, n_variants)
            Dosages 0, 1, 2 or NaN; columns (variant, gene, consequence_class).
        """
        values = table.to_numpy(dtype=np.float32)
        variants = table.columns.get_level_values("variant")
        call_rate, dosage, n_carriers = _tallies(values)
        rarely_called, common = self._excluded(call_rate, dosage, n_carriers)
        excluded = rarely_called | common
        # a variant in two genes has two columns
        self.excluded_variants_ = np.unique(np.asarray(variants[excluded], dtype=str))

        names, carriers = self._carriers(table)
        prevalence = carriers.mean(axis=0)
        kept = (prevalence >= self.min_prevalence) & (prevalence > 0) & (prevalence < 1)
        self.genes_ = np.asarray(names[kept], dtype=str)

        position = positions(table)
        usable = [name for name, reason in self.dosage_reasons(table).items() if not reason]
        self.dosages_ = np.asarray(usable, dtype=str)
        self.features_ = np.asarray(
            [*self.genes_, *(DOSAGE_PREFIX + name for name in self.dosages_)], dtype=str
        )
        if not len(self.features_) and rarely_called.mean() > 0.5:
            raise InputError(
                "variants layer",
                f"{rarely_called.sum()} of {len(rarely_called)} variants are called in fewer than "
                f"{self.min_call_rate:.0%} of the patients (call rate {call_rate.mean():.0%})",
                "set `no_call: reference` if ./. means no variant, as in somatic calls and VCFs "
                "merged from single samples, or lower min_call_rate",
            )
        if not len(self.features_):
            raise InputError(
                "variants layer",
                f"no gene has carriers in {self.min_prevalence:.1%} of the patients, and no named "
                f"variant {MIN_CARRIERS} carriers and {MIN_CARRIERS} non-carriers",
                "lower min_prevalence, raise max_allele_frequency "
                f"({self.max_allele_frequency:g}), or check gene names and filters of the layer",
            )
        self.means_ = np.concatenate(
            [prevalence[kept], [float(dosage[position[name]]) for name in usable]]
        )
        return self

    def burden_reasons(self, table: pd.DataFrame) -> list[str]:
        """Return why each variant would be left out of the burden, "" where it counts."""
        rarely_called, common = self._excluded(*_tallies(table.to_numpy(dtype=np.float32)))
        rare = f"called in fewer than {self.min_call_rate:.0%} of the patients"
        frequent = f"more frequent in the patients than {self.max_allele_frequency:g}"
        return np.where(rarely_called, rare, np.where(common, frequent, "")).tolist()

    def _excluded(
        self, call_rate: np.ndarray, dosage: np.ndarray, n_carriers: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return masks of the variants that are called too rarely, and of those too frequent."""
        common = (dosage / 2 > self.max_allele_frequency) & (n_carriers >= MIN_CARRIERS)
        return call_rate < self.min_call_rate, common

    def dosage_reasons(self, table: pd.DataFrame) -> dict[str, str]:
        """Return why named variants cannot be separate features, "" for those that can."""
        position = positions(table)
        reasons = {}
        for name in self.dosages:
            if name not in position:
                reasons[name] = "not in the file, or filtered"
                continue
            carriers, others = carriers_and_others(table, position[name])
            if (carriers + others) / max(len(table), 1) < self.min_call_rate:
                reasons[name] = f"called in fewer than {self.min_call_rate:.0%} of the patients"
            elif min(carriers, others) < MIN_CARRIERS:
                rare = "carriers" if carriers < others else "non-carriers"
                reasons[name] = f"fewer than {MIN_CARRIERS} {rare}"
            else:
                reasons[name] = ""
        return reasons

    def burden_genes(self, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return all genes with a variant that counts, kept or not, and their carriers' share."""
        check_is_fitted(self)
        names, carriers = self._carriers(table)
        return names, carriers.mean(axis=0)


def _tallies(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return call rate, mean dosage and number of carriers of each variant."""
    called = ~np.isnan(values)
    n_called = called.sum(axis=0)
    dosage = np.where(called, values, 0).sum(axis=0) / np.maximum(n_called, 1)
    return n_called / max(len(values), 1), dosage, (values >= 1).sum(axis=0)
