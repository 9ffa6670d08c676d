"""Principal components of common variants: ancestry, which burden tests adjust for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2

from trdomics.config_types import LayerConfig
from trdomics.layers.types import layer_type

FEWEST_VARIANTS = 500
FEWEST_PATIENTS = 30
COMPONENTS = 5
MIN_FREQUENCY = 0.05
# Variants closer than this on a chromosome may be in linkage; one of them is kept.
DISTANCE = 50_000
# With a smaller Hardy-Weinberg p-value, a site is more likely miscalled than structured.
SMALLEST_HARDY_WEINBERG = 1e-6
AUTOSOMES = frozenset(map(str, range(1, 23)))
PREFIX = "ancestry_"


@dataclass(frozen=True)
class Ancestry:
    """Components, or why there are none.

    Attributes
    ----------
    components : DataFrame, shape (n_patients, 0 to 5)
        Index patient_id, columns PC1 to PC5, each of unit variance.
    explained : list of float
        Share of the genotypes' variance per component.
    n_common, n_variants : int
        Usable common variants, and their number after thinning.
    reason : str
        Why there are no components; empty if there are.
    """

    components: pd.DataFrame
    explained: list[float]
    n_common: int
    n_variants: int
    reason: str

    def summary(self) -> dict[str, Any]:
        """Return ``n_components``, ``n_common``, ``n_variants``, ``explained``, and the reason."""
        summary: dict[str, Any] = {
            "n_components": self.components.shape[1],
            "n_common": self.n_common,
            "n_variants": self.n_variants,
            "explained": self.explained or None,
        }
        if self.reason:
            summary["n_components_reason"] = summary["explained_reason"] = self.reason
        return summary


def unsuited(settings: LayerConfig) -> str:
    """Return why a layer has no inherited common variants, or an empty string."""
    if layer_type(settings["type"]).is_matrix:
        return f"a {settings['type']} layer holds no genotypes"
    if settings["format"] != "vcf":
        return "a MAF holds no genotypes of common variants"
    if settings["no_call"] == "reference":
        return "a somatic call set (no_call: reference) holds no inherited genotypes"
    return ""


def no_ancestry(patients: pd.Index, reason: str, n_common: int = 0, n: int = 0) -> Ancestry:
    """Return an empty result for the given patients."""
    index = pd.Index(patients, name="patient_id")
    return Ancestry(pd.DataFrame(index=index), [], n_common, n, reason)


def ancestry_components(genotypes: pd.DataFrame) -> Ancestry:
    """Return the leading principal components of common autosomal variants.

    Genotypes are centred and scaled by √(2p(1 − p)) (Patterson, Price & Reich 2006, doi
    10.1371/journal.pgen.0020190); missing calls are set to the mean. Variants are thinned by
    distance, so that regions in strong linkage do not form components.

    Parameters
    ----------
    genotypes : DataFrame, shape (n_patients, n_variants)
        Dosages 0, 1, 2 or NaN; columns (chromosome, position, …) without "chr".
    """
    chromosomes = genotypes.columns.get_level_values("chromosome").astype(str)
    positions = genotypes.columns.get_level_values("position").to_numpy(dtype=np.int64)
    values = genotypes.to_numpy(dtype=np.float32)
    usable = np.flatnonzero(chromosomes.isin(AUTOSOMES) & _well_behaved(values))
    kept = usable[thinned(chromosomes[usable], positions[usable])]
    counts = (len(usable), len(kept))
    if len(genotypes) < FEWEST_PATIENTS:
        reason = f"fewer than {FEWEST_PATIENTS} patients have genotypes"
        return no_ancestry(genotypes.index, reason, *counts)
    if len(kept) < FEWEST_VARIANTS:
        reason = (
            f"{len(kept)} common variants at least {DISTANCE // 1000} kb apart, "
            f"fewer than {FEWEST_VARIANTS}"
        )
        return no_ancestry(genotypes.index, reason, *counts)
    chosen = values[:, kept]
    frequency = np.nanmean(chosen, axis=0) / 2
    scaled = (chosen - 2 * frequency) / np.sqrt(2 * frequency * (1 - frequency))
    scaled = np.where(np.isnan(scaled), 0, scaled).astype(float)
    scores, singular, loadings = np.linalg.svd(scaled, full_matrices=False)
    # the sign of a component is arbitrary: its largest loading is made positive
    largest = np.abs(loadings).argmax(axis=1)
    scores = scores * np.sign(loadings[np.arange(len(loadings)), largest])
    leading = scores[:, :COMPONENTS] * np.sqrt(len(scores))
    explained = singular**2 / (singular**2).sum()
    names = [f"PC{i + 1}" for i in range(leading.shape[1])]
    index = pd.Index(genotypes.index, name="patient_id")
    components = pd.DataFrame(leading, index=index, columns=names)
    return Ancestry(components, explained[:COMPONENTS].tolist(), *counts, "")


def thinned(chromosomes: pd.Index, positions: np.ndarray) -> np.ndarray:
    """Return the indices of variants far enough from the previously kept one."""
    kept: list[int] = []
    for i in np.lexsort((positions, chromosomes)):
        before = kept[-1] if kept else None
        if (
            before is None
            or chromosomes[i] != chromosomes[before]
            or positions[i] - positions[before] >= DISTANCE
        ):
            kept.append(int(i))
    return np.array(kept, dtype=int)


def _well_behaved(values: np.ndarray) -> np.ndarray:
    """Return which variants are common and near Hardy–Weinberg proportions."""
    called = (~np.isnan(values)).sum(axis=0)
    frequency = np.nansum(values, axis=0) / np.maximum(2 * called, 1)
    common = (frequency >= MIN_FREQUENCY) & (frequency <= 1 - MIN_FREQUENCY)
    expected = 2 * frequency * (1 - frequency)
    inbreeding = 1 - (values == 1).sum(axis=0) / np.maximum(called * expected, 1e-9)
    return np.asarray(common & (chi2.sf(called * inbreeding**2, 1) > SMALLEST_HARDY_WEINBERG))


def with_ancestry(
    patients: pd.DataFrame, components: pd.DataFrame
) -> tuple[pd.DataFrame, list[str]]:
    """Add the components to the sheet's columns, and return their names there."""
    named = components.add_prefix(PREFIX)
    return patients.join(named), list(named.columns)
