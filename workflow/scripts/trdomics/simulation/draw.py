"""Draws the raw files of the simulated cohort and its truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from trdomics.config_types import SimulationConfig
from trdomics.files import write_counts, write_json, write_table
from trdomics.simulation import counts, variants
from trdomics.simulation.cohort import COHORT_SEED, EXPLAINED_BY, LABEL_FACTORS, Cohort
from trdomics.simulation.features import (
    MRNA,
    SEX_SWITCH,
    SMALL_RNA,
    SWITCH_DISPERSION,
    covariate_values,
    draw_effects,
    name_features,
)
from trdomics.simulation.pharmacogenes import (
    Pharmacogenes,
    draw_medication,
    draw_pharmacogenes,
    exposure_truth,
    site_frequencies,
    variant_sites,
)

LAYERS = ["mrna", "small_rna", "mutations"]
# Reads per sample on 20,000 genes and on small RNAs: usual median and limits.
MRNA_READS, MRNA_LIMITS, ALL_GENES = 25e6, (10e6, 60e6), 20_000
SMALL_RNA_READS, SMALL_RNA_LIMITS = 5e6, (2e6, 10e6)
# Pairs of patients whose samples of this layer are swapped.
SWAPPED_LAYER, N_SWAPS = "small_rna", 2
# Columns that fully explain an effect; a design with them adjusts for it.
EXPLANATIONS: dict[str, list[str]] = {**EXPLAINED_BY, "tricyclic": ["medication"]}


@dataclass(frozen=True)
class Simulation:
    """Raw data and truth.

    Attributes
    ----------
    mrna, small_rna : DataFrame of int, features × samples
        Counts, columns by the layer's own sample names.
    mrna_features : DataFrame
        ``feature``, ``symbol``, ``chromosome``.
    sites : DataFrame
        From :func:`trdomics.simulation.variants.draw_sites`.
    genotypes : tuple of ndarray, shape (n_sites, n_sequenced)
        From :func:`trdomics.simulation.variants.draw_genotypes`.
    sequenced : list of str
        Patients with mutations.
    features : DataFrame
        Planted truth of the features of both count layers.
    present : DataFrame of bool, patients × layers
        Which patients have which layers.
    swaps : list of [str, str]
        Pairs of patients whose samples of ``SWAPPED_LAYER`` are swapped.
    medication : DataFrame
        ``patient``, ``drug``, ``start``, ``stop``, ``dose``.
    pharmacogenes : Pharmacogenes
        Planted diplotypes; those of ``sequenced`` patients are in ``genotypes``.
    """

    mrna: pd.DataFrame
    mrna_features: pd.DataFrame
    small_rna: pd.DataFrame
    sites: pd.DataFrame
    genotypes: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
    sequenced: list[str]
    features: pd.DataFrame
    present: pd.DataFrame
    swaps: list[list[str]]
    medication: pd.DataFrame
    pharmacogenes: Pharmacogenes


def simulate(
    cohort: Cohort,
    settings: SimulationConfig,
    seed: int,
    genes: pd.DataFrame,
    small_rnas: pd.DataFrame,
) -> Simulation:
    """Draw all layers of a cohort.

    Parameters
    ----------
    seed : int
        The same seed gives the same files. Every part has its own generator, so that more genes do
        not change the small RNAs.
    genes, small_rnas : DataFrame
        Curated names, as :mod:`trdomics.simulation.features` reads them.
    """
    # a new part comes last, so that the others keep their draws
    parts = ["present", "mrna", "small_rna", "mutations", "swaps", "switch", "alleles"]
    parts += ["medication", "pharmacogenes"]
    streams = np.random.SeedSequence(seed).spawn(len(parts))
    rng = {name: np.random.default_rng(stream) for name, stream in zip(parts, streams, strict=True)}
    present = draw_present(cohort, settings["missing_layer"], rng["present"])
    values = covariate_values(cohort.patients, cohort.factors)

    n_genes = settings["genes"]
    names = name_features(genes, n_genes, "GENE", rng["mrna"])
    scale = n_genes / ALL_GENES
    effects = draw_effects(names, MRNA, MRNA_READS * scale, rng["mrna"])
    limits = (MRNA_LIMITS[0] * scale, MRNA_LIMITS[1] * scale)
    libraries = counts.draw_libraries(len(values), MRNA_READS * scale, limits, rng["mrna"])
    mrna = counts.draw_counts(effects, values, libraries, rng["mrna"])
    # drawn separately, with the dispersion of the sex that expresses them
    switched = effects["feature"].isin(SEX_SWITCH).to_numpy()
    effects.loc[switched, "dispersion"] = SWITCH_DISPERSION
    again = counts.draw_counts(effects[switched], values, libraries, rng["switch"])
    mrna.loc[again.index] = again

    small_names = name_features(small_rnas, settings["small_rnas"], "novel-miR-", rng["small_rna"])
    small = draw_effects(small_names, SMALL_RNA, SMALL_RNA_READS, rng["small_rna"])
    sizes = len(values), SMALL_RNA_READS, SMALL_RNA_LIMITS
    libraries = counts.draw_libraries(*sizes, rng["small_rna"])
    small_rna = counts.draw_counts(small, values, libraries, rng["small_rna"])
    swaps = draw_swaps(present, rng["swaps"])

    chosen = variants.choose_genes(names, settings["variant_genes"])
    sites = variants.draw_sites(chosen, rng["mutations"])
    sites = variants.with_transitions(sites, rng["alleles"])
    sequenced = present.index[present["mutations"]].tolist()
    genotypes = variants.draw_genotypes(sites, len(sequenced), rng["mutations"])
    medication = draw_medication(cohort, rng["medication"])
    drawn = draw_pharmacogenes(cohort, medication, rng["pharmacogenes"])
    sites, genotypes = _with_pharmacogenes(sites, genotypes, drawn, sequenced, rng["pharmacogenes"])
    annotation = names[["feature", "chromosome"]].copy()
    annotation.insert(1, "symbol", annotation["feature"])
    features = pd.concat([effects.assign(layer="mrna"), small.assign(layer="small_rna")])
    return Simulation(
        mrna=_deliver(mrna, cohort, present, "mrna"),
        mrna_features=annotation,
        small_rna=_deliver(exchanged(small_rna, swaps), cohort, present, "small_rna"),
        sites=sites,
        genotypes=genotypes,
        sequenced=sequenced,
        features=features[["layer", *effects.columns]],
        present=present,
        swaps=swaps,
        medication=medication,
        pharmacogenes=drawn,
    )


def _with_pharmacogenes(
    sites: pd.DataFrame,
    genotypes: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    drawn: Pharmacogenes,
    sequenced: list[str],
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Insert the pharmacogene sites between the others, which keep their numbers."""
    added = variant_sites()
    added["frequency"] = site_frequencies().reindex(drawn.dosages.columns).to_numpy()
    calls = variants.genotype_calls(added, drawn.dosages.loc[sequenced].to_numpy().T, rng)
    added.index = added.index + len(sites)
    together = pd.concat([sites, added[sites.columns]])
    places = together[["chromosome", "position"]].to_numpy().T
    order = np.lexsort(places[::-1])
    first, second, third, fourth = (
        np.concatenate([old, new])[order] for old, new in zip(genotypes, calls, strict=True)
    )
    return together.iloc[order], (first, second, third, fourth)


def _deliver(
    table: pd.DataFrame, cohort: Cohort, present: pd.DataFrame, layer: str
) -> pd.DataFrame:
    """Keep the profiled patients, with the laboratory's names and order."""
    kept = table.loc[:, present[layer].to_numpy()]
    names = cohort.patients[f"{layer}_id"]
    return kept.rename(columns=names.to_dict()).sort_index(axis=1)


def draw_swaps(present: pd.DataFrame, rng: np.random.Generator) -> list[list[str]]:
    """Draw the pairs of patients whose samples are swapped, among those with both RNA layers."""
    both = present.index[present["mrna"] & present["small_rna"]]
    drawn = rng.choice(both, (N_SWAPS, 2), replace=False)
    return [sorted(map(str, pair)) for pair in drawn]


def exchanged(table: pd.DataFrame, swaps: list[list[str]]) -> pd.DataFrame:
    """Return features × patients with the columns of each pair of patients swapped."""
    other = {a: b for pair in swaps for a, b in (pair, reversed(pair))}
    source = [other.get(name, name) for name in map(str, table)]
    return table[source].set_axis(table.columns, axis=1)


def draw_present(cohort: Cohort, share: float, rng: np.random.Generator) -> pd.DataFrame:
    """Draw who has which layer.

    Degraded RNA loses the RNA layers, and sites differ, independently of the label. Every patient
    keeps at least one layer, and the patient of the wrong sex the layer that shows it.
    """
    patients = cohort.patients
    present = pd.DataFrame(True, index=patients.index, columns=LAYERS)
    by_site = pd.Series(rng.uniform(0.5, 1.5, patients["site"].nunique()))
    site = by_site.iloc[pd.factorize(patients["site"], sort=True)[0]].to_numpy()
    for layer in rng.permutation(LAYERS):
        quality = np.exp(-0.5 * (patients["rin"] - patients["rin"].mean())).to_numpy()
        weight = site * (quality if layer != "mutations" else 1.0)
        weight *= present.drop(columns=layer).any(axis=1).to_numpy()
        lost = rng.choice(
            len(patients), round(share * len(patients)), replace=False, p=weight / weight.sum()
        )
        present.loc[present.index[lost], layer] = False
    if not present.loc[cohort.wrong_sex, "mrna"]:
        other = present.index[present["mrna"]][0]
        present.loc[[cohort.wrong_sex, other]] = present.loc[[other, cohort.wrong_sex]].to_numpy()
    return present


def write_raw(simulation: Simulation, paths: Mapping[str, str]) -> None:
    """Write ``mrna``, ``mrna_features``, ``small_rna``, ``mutations`` and ``medication``."""
    write_counts(simulation.mrna.rename_axis("gene"), paths["mrna"])
    write_counts(simulation.small_rna.rename_axis("mirna"), paths["small_rna"])
    write_table(simulation.mrna_features, paths["mrna_features"])
    write_table(simulation.medication, paths["medication"])
    variants.write_vcf(
        simulation.sites, simulation.sequenced, simulation.genotypes, paths["mutations"]
    )


def write_truth(
    cohort: Cohort, simulation: Simulation, seed: int, paths: Mapping[str, str]
) -> None:
    """Write the truth: ``factors``, ``features``, ``patients``, ``pharmacogenes``, ``truth``.

    A patient's true risk includes the pharmacogenes in the VCF; a model can exceed ``best_auc``
    only by chance.
    """
    write_table(cohort.factors.reset_index(), paths["factors"])
    write_table(simulation.features, paths["features"])
    write_table(simulation.pharmacogenes.diplotypes, paths["pharmacogenes"])
    # pharmacogenes are unknown in patients without a VCF
    ratio = simulation.pharmacogenes.log_ratio.where(simulation.present["mutations"], 0.0)
    logit = cohort.logit + ratio.to_numpy()
    patients = pd.DataFrame(
        {"true_label": cohort.positive.astype(int), "true_risk": expit(logit)},
        index=cohort.patients.index,
    ).join(simulation.present.astype(int).add_prefix("in_"))
    write_table(patients.reset_index(), paths["patients"])
    differs = simulation.features.groupby("layer")["differs_by"].value_counts()
    truth = {
        "best_auc": float(roc_auc_score(cohort.positive, logit)),
        "pharmacogenes": exposure_truth(),
        "cohort_seed": COHORT_SEED,
        "seed": seed,
        "n_patients": len(cohort.patients),
        "n_positive": int(cohort.positive.sum()),
        "swaps": {"layer": SWAPPED_LAYER, "pairs": simulation.swaps},
        "wrong_sex": [cohort.wrong_sex],
        "label_factors": LABEL_FACTORS,
        "explained_by": EXPLANATIONS,
        "differs_by": {
            layer: differs[layer].to_dict() for layer in simulation.features["layer"].unique()
        },
    }
    write_json(truth, paths["truth"])
