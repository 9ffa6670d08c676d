"""Fitted normalisers applied to raw layers, without scikit-learn.

The estimators in `counts`, `values`, `burden` and `residualise` inherit from them and add ``fit``;
a frozen model holds only these classes.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from trdomics.columns import as_text
from trdomics.errors import InputError
from trdomics.layers.types import DOSAGE_PREFIX
from trdomics.parts import FLAG, NAMES, array, mapping, stored, text

Names = Sequence[str] | np.ndarray
# Rarer variants could identify training patients: no fitted model names them.
MIN_CARRIERS = 5
# By type of layer: each class registers itself under its `kind`.
TRANSFORMS: dict[str, type[LayerTransform]] = {}
CLASSES = {"lof": ("lof",), "damaging": ("lof", "damaging")}
# A table of this many genes that shares none with the model uses other gene names.
_GENES_TO_JUDGE = 20


@dataclass(eq=False, repr=False)
class LayerTransform:
    """Kept features and parameters are fixed after training.

    A table to transform may have its columns in any order, unknown columns (dropped), and may lack
    columns of the model (imputed by the training mean, listed by :meth:`missing_features`). A
    patient's result never depends on the other rows.

    Attributes
    ----------
    features_ : sequence of str, length n_kept
        Kept features, in the order of the training table.
    means_ : ndarray, shape (n_kept,)
        Training means of the transformed features.
    """

    features_: Names = stored(NAMES)
    means_: np.ndarray = stored(array("features_"))

    def __init_subclass__(cls, kind: str | None = None, **options: Any) -> None:
        super().__init_subclass__(**options)
        if kind is not None:
            TRANSFORMS[kind] = cls

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the columns that ``transform`` gives, shape (n_kept,)."""
        return np.asarray(self.features_, dtype=object)

    def missing_features(self, table: pd.DataFrame) -> list[str]:
        """Return the kept features that `table` lacks, in the order of the model."""
        present = self._present(table)
        return [str(name) for name, has in zip(self.features_, present, strict=True) if not has]

    def made_up(self, patients: pd.Index, rng: np.random.Generator) -> pd.DataFrame:
        """Return a raw table of artificial patients for a frozen model's self-test."""
        values = self._raw(rng, (len(patients), len(self.features_)))
        return pd.DataFrame(values, index=patients, columns=[str(name) for name in self.features_])

    def _raw(self, rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
        """Return raw values that ``transform`` takes."""
        return np.asarray(self.means_ + rng.random(shape))

    def _present(self, table: pd.DataFrame) -> np.ndarray:
        return np.asarray(pd.Index(self.get_feature_names_out()).isin(table.columns))

    def _values(self, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return (values of the present features, mask of these over ``features_``)."""
        present = self._present(table)
        names = self.get_feature_names_out()[present]
        return table[list(names)].to_numpy(dtype=float), present

    def _filled(
        self, values: np.ndarray, present: np.ndarray, fill: np.ndarray, index: pd.Index
    ) -> pd.DataFrame:
        """Return the full table: `values` for present features, otherwise `fill`."""
        result = np.tile(fill, (len(index), 1))
        result[:, present] = np.where(np.isnan(values), result[:, present], values)
        return pd.DataFrame(result, index=index, columns=list(self.features_))


@dataclass(eq=False, repr=False)
class CountsTransform(LayerTransform, kind="counts"):
    """Size factors and variance-stabilising transformation (VST).

    Attributes
    ----------
    reference_ : ndarray, shape (n_kept,)
        Log geometric means of the training counts, NaN where a feature is no reference.
    trend_type_ : str
        ``"parametric"``, or ``"mean"`` where the parametric trend did not converge.
    trend_ : ndarray, shape (2,) or (1,)
        a0 and a1 of dispersion = a0 + a1 / mean; or the trimmed mean of the dispersions.
    """

    reference_: np.ndarray = stored(array("features_", gaps=True))
    trend_type_: str = stored(text("parametric", "mean"))
    trend_: np.ndarray = stored(array("_n_trend"))

    @property
    def _n_trend(self) -> int:
        return 2 if self.trend_type_ == "parametric" else 1

    def transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return variance-stabilised values on the log2 scale (patients × kept features)."""
        counts, present = self._values(table)
        normalised = counts / self._factors(counts, present, table.index)[:, None]
        return self._filled(self._stabilise(normalised), present, self.means_, table.index)

    def size_factors(self, table: pd.DataFrame) -> np.ndarray:
        """Return each patient's size factor relative to the training reference, shape (n,)."""
        counts, present = self._values(table)
        return self._factors(counts, present, table.index)

    def _raw(self, rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
        return rng.integers(1, 2000, size=shape)

    def _factors(self, counts: np.ndarray, present: np.ndarray, patients: pd.Index) -> np.ndarray:
        reference = self.reference_[present]
        usable = np.isfinite(reference)
        values = counts[:, usable]
        countless = ~(values > 0).any(axis=1)
        if countless.any():
            raise InputError(
                f"patient {patients[np.flatnonzero(countless)[0]]}",
                "has no read in any feature of the size-factor reference",
                "leave the sample out or check that its features are named as in training",
            )
        ratios = np.full(values.shape, np.nan)
        np.log(values, out=ratios, where=values > 0)
        ratios -= reference[usable]
        complete = ~np.isnan(ratios).any(axis=1)
        medians = np.empty(len(values))
        medians[complete] = np.median(ratios[complete], axis=1)
        medians[~complete] = np.nanmedian(ratios[~complete], axis=1)
        return np.exp(medians)

    def _stabilise(self, normalised: np.ndarray) -> np.ndarray:
        """Return the VST of normalised counts: DESeq2's vignette "vst.pdf", eq. 1 and 2."""
        if self.trend_type_ == "parametric":
            a0, a1 = self.trend_
            root = np.sqrt(a0 * normalised * (1 + a1 + a0 * normalised))
            return np.log2((1 + a1 + 2 * a0 * normalised + 2 * root) / (4 * a0))
        dispersion = self.trend_[0]
        scaled = 2 * np.arcsinh(np.sqrt(dispersion * normalised))
        return (scaled - np.log(dispersion) - np.log(4)) / np.log(2)


@dataclass(eq=False, repr=False)
class ContinuousTransform(LayerTransform, kind="continuous"):
    """Optional log2(x + 1); missing values are imputed by the training mean."""

    log2: bool = stored(FLAG)

    def transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the values without missing ones (patients × kept features)."""
        values, present = self._values(table)
        return self._filled(self._logged(values), present, self.means_, table.index)

    def _raw(self, rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
        values = super()._raw(rng, shape)
        return np.exp2(values) - 1 if self.log2 else values

    def _logged(self, values: np.ndarray) -> np.ndarray:
        if not self.log2:
            return values
        if (values < 0).any():
            raise InputError(
                "continuous layer",
                "log2 is set but there are negative values",
                "set log2: false if the values are on a log scale already",
            )
        return np.log2(values + 1)


@dataclass(eq=False, repr=False)
class BinaryTransform(LayerTransform, kind="binary"):
    """Missing values are imputed by the more common value, so that 0/1 stays 0/1."""

    def transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return 0 and 1 without missing values (patients × kept features)."""
        values, present = self._values(table)
        return self._filled(values, present, np.round(self.means_), table.index)

    def _raw(self, rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
        return rng.integers(0, 2, size=shape).astype(float)

    def carrier_counts(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the numbers of training patients with and without each kept feature.

        Returns
        -------
        DataFrame
            ``carriers``, ``others``, indexed by ``features_``; those with a missing value are in
            neither.
        """
        values, _ = self._values(table)
        counts = {"carriers": (values == 1).sum(axis=0), "others": (values == 0).sum(axis=0)}
        return pd.DataFrame(counts, index=self.get_feature_names_out())


@dataclass(eq=False, repr=False)
class BurdenTransform(LayerTransform, kind="variants"):
    """Carriers of rare variants of the chosen class per gene (0/1), and dosages of named variants.

    Attributes
    ----------
    burden : {"damaging", "lof"}
        Classes that count: ``damaging`` includes ``lof``.
    genes_ : sequence of str
        Genes kept; they are followed in ``features_`` by the dosages.
    dosages_ : sequence of str
        Named variants.
    excluded_variants_ : sequence of str
        Variants left out of the burden for call rate or frequency.
    """

    burden: str = stored(text(*CLASSES))
    genes_: Names = stored(NAMES)
    dosages_: Names = stored(NAMES)
    excluded_variants_: Names = stored(NAMES)

    def check(self) -> None:
        """Raise ValueError if the features are not the genes and dosages."""
        if list(self.features_) != [*self.genes_, *(DOSAGE_PREFIX + n for n in self.dosages_)]:
            raise ValueError("its features are not its genes and dosages")

    def transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return carriers (0/1) per gene and dosages (patients × kept features)."""
        names, carriers = self._carriers(table)
        result = np.tile(self.means_, (len(table), 1))
        place = pd.Index(names).get_indexer(pd.Index(np.asarray(self.genes_, dtype=object)))
        result[:, : len(place)] = np.where(place >= 0, carriers[:, place], 0) if len(names) else 0
        variants = table.columns.get_level_values("variant")
        for column, name in enumerate(self.dosages_, start=len(place)):
            found = np.flatnonzero(variants == name)
            if len(found):
                values = table.iloc[:, found[0]].to_numpy(dtype=float)
                result[:, column] = np.where(np.isnan(values), self.means_[column], values)
        return pd.DataFrame(result, index=table.index, columns=list(self.features_))

    def made_up(self, patients: pd.Index, rng: np.random.Generator) -> pd.DataFrame:
        """Return a table of artificial patients with a variant per gene, and the dosages."""
        columns = [(f"probe:{gene}", str(gene), "lof") for gene in self.genes_]
        columns += [(str(name), "", "") for name in self.dosages_]
        names = ["variant", "gene", "consequence_class"]
        return pd.DataFrame(
            rng.integers(0, 2, size=(len(patients), len(columns))).astype(np.float32),
            index=patients,
            columns=pd.MultiIndex.from_tuples(columns, names=names),
        )

    def without_rare(self, table: pd.DataFrame, min_carriers: int) -> Self:
        """Return a fitted copy that names no variant with fewer carriers.

        With a person's genome, rare variants could reveal whether the person was among the training
        patients. The cost is that rarely called ones may count in the burden of new patients.
        """
        position = positions(table)
        result = copy.copy(self)
        result.excluded_variants_ = [
            str(name)
            for name in self.excluded_variants_
            if carriers_and_others(table, position[name])[0] >= min_carriers
        ]
        return result

    def carrier_counts(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the numbers of carriers and non-carriers of each kept feature in training.

        Returns
        -------
        DataFrame
            ``carriers``, ``others``, indexed by ``features_``. For a named variant, patients with a
            call; for a gene all, as in its mean: a missing call is not a carrier.
        """
        carriers = np.rint(self.means_[: len(self.genes_)] * len(table)).astype(int).tolist()
        others = [len(table) - count for count in carriers]
        position = positions(table)
        for name in self.dosages_:
            carrying, not_carrying = carriers_and_others(table, position[name])
            carriers.append(carrying)
            others.append(not_carrying)
        return pd.DataFrame(
            {"carriers": carriers, "others": others}, index=self.get_feature_names_out()
        )

    def missing_features(self, table: pd.DataFrame) -> list[str]:
        """Return absent dosages, and all genes if the table uses other gene names."""
        genes = set(table.columns.get_level_values("gene"))
        strangers = len(genes) >= _GENES_TO_JUDGE and genes.isdisjoint(self.genes_)
        variants = set(table.columns.get_level_values("variant"))
        absent = [DOSAGE_PREFIX + str(n) for n in self.dosages_ if n not in variants]
        return [str(gene) for gene in self.genes_ if strangers] + absent

    def _carriers(self, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return (genes sorted, carriers 0/1 of shape (n_patients, n_genes))."""
        columns = table.columns
        counts = columns.get_level_values("consequence_class").isin(CLASSES[self.burden])
        counts &= ~columns.get_level_values("variant").isin(self.excluded_variants_)
        genes = np.asarray(columns.get_level_values("gene"), dtype=str)
        places = np.flatnonzero(counts & (genes != ""))
        if not len(places):
            return np.zeros(0, dtype=str), np.zeros((len(table), 0), dtype=np.int8)
        places = places[np.argsort(genes[places], kind="stable")]
        names, starts = np.unique(genes[places], return_index=True)
        # NaN >= 1 is False: a missing call is not a carrier
        carried = table.to_numpy(dtype=np.float32)[:, places] >= 1
        return names, np.logical_or.reduceat(carried, starts, axis=1).astype(np.int8)


def positions(table: pd.DataFrame) -> dict[str, int]:
    """Return the first column of each variant, which has one per affected gene."""
    variants = table.columns.get_level_values("variant")
    return {name: place for place, name in reversed(list(enumerate(variants)))}


def carriers_and_others(table: pd.DataFrame, column: int) -> tuple[int, int]:
    """Return the numbers of carriers and of known non-carriers of a variant."""
    values = table.iloc[:, column].to_numpy(dtype=np.float32)
    return int((values >= 1).sum()), int((values < 1).sum())


@dataclass(eq=False, repr=False)
class CovariateEffects:
    """The linear effects of covariates on each feature, to be subtracted.

    The design is centred by its training means, numbers also scaled by their training standard
    deviation, so that a missing number and a missing or unseen category correspond to the average
    patient.

    Attributes
    ----------
    numeric_ : list of str
        Numeric covariates.
    levels_ : dict of str to list of str
        Categories seen in training, by covariate.
    centre_, scale_ : ndarray, shape (n_design,)
        Training means and scales of the design's columns.
    features_ : sequence of str
        Features, as in the training table.
    coefficients_ : ndarray, shape (n_design, n_features)
        Effects.
    """

    numeric_: list[str] = stored(NAMES)
    levels_: dict[str, list[str]] = stored(mapping(NAMES))
    centre_: np.ndarray = stored(array("n_design"))
    scale_: np.ndarray = stored(array("n_design"))
    features_: Names = stored(NAMES)
    coefficients_: np.ndarray = stored(array("n_design", "features_"))

    @property
    def n_design(self) -> int:
        """Number of columns of the design."""
        return len(self.numeric_) + sum(map(len, self.levels_.values()))

    def of(self, features: Sequence[str]) -> CovariateEffects:
        """Return the effects on some of the features."""
        own, wanted = (pd.Index(np.asarray(n, dtype=object)) for n in (self.features_, features))
        coefficients = self.coefficients_[:, own.get_indexer(wanted)]
        design = (self.numeric_, self.levels_, self.centre_, self.scale_)
        return CovariateEffects(*design, list(features), coefficients)

    def transform(self, table: pd.DataFrame, covariates: pd.DataFrame) -> pd.DataFrame:
        """Return the table without the covariates' effects, features as in training."""
        raw = self._raw_design(covariates.loc[table.index])
        design = np.nan_to_num(raw - self.centre_) / self.scale_
        values = table[list(self.features_)].to_numpy(dtype=float)
        return pd.DataFrame(
            values - design @ self.coefficients_, index=table.index, columns=list(self.features_)
        )

    def _raw_design(self, covariates: pd.DataFrame) -> np.ndarray:
        """Return numbers, then indicators per level; NaN for missing or unseen values.

        A covariate that the cohort lacks is missing in all its patients.
        """
        blocks = [covariates.reindex(columns=self.numeric_).to_numpy(dtype=float)]
        for name, levels in self.levels_.items():
            column = covariates.get(name, pd.Series(np.nan, covariates.index, dtype=object))
            place = pd.Index(levels, dtype=object).get_indexer(pd.Index(as_text(column)))
            indicators = (place[:, None] == np.arange(len(levels))).astype(float)
            indicators[place < 0] = np.nan
            blocks.append(indicators)
        return np.hstack(blocks)
