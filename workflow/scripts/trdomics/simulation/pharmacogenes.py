"""Diplotypes, genotypes and drugs of the simulated patients.

Star alleles have about their European frequencies. Of patients on citalopram or escitalopram
the CYP2C19 diplotype is drawn given the label, like everything else of these patients: the faster
the drug is cleared, the more likely the label is positive. All others have the frequencies of the
population, and no draw of another part of the cohort changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trdomics.files import read_table
from trdomics.pharmacogenes.definitions import Allele, Gene, read_genes, read_sites
from trdomics.shipped import shipped
from trdomics.simulation.cohort import Cohort

# Exposure to (es)citalopram relative to normal metabolisers: for poor ones from Jukić 2018, for the
# others intermediate values are assumed.
EXPOSURE = {"PM": 3.3, "likely PM": 3.3, "IM": 1.6, "likely IM": 1.4, "NM": 1, "RM": 0.8, "UM": 0.6}
# Log odds of the positive label per log exposure, assumed and larger than in any study, so that it
# can be detected.
EXPOSURE_EFFECT = -1.0
ACTS_ON, ACTING_GENE = ("citalopram", "escitalopram"), "CYP2C19"
# Drugs of each class of the sheet, with shares and a usual dose.
DRUGS = {
    "ssri": {"escitalopram": 0.35, "sertraline": 0.25, "citalopram": 0.15, "fluoxetine": 0.1}
    | {"paroxetine": 0.1, "fluvoxamine": 0.05},
    "snri": {"venlafaxine": 0.7, "duloxetine": 0.3},
    "tricyclic": {"amitriptyline": 0.6, "nortriptyline": 0.4},
    "other": {"mirtazapine": 0.5, "bupropion": 0.2, "vortioxetine": 0.2, "agomelatine": 0.1},
    "none": {},
}
# Added to the first drug of some patients.
ADD_ON = {"mirtazapine": 0.08, "bupropion": 0.06, "quetiapine": 0.06}
DOSES = {"escitalopram": 15, "sertraline": 100, "citalopram": 20, "fluoxetine": 20}
DOSES |= {"paroxetine": 20, "fluvoxamine": 100, "venlafaxine": 150, "duloxetine": 60}
DOSES |= {"amitriptyline": 75, "nortriptyline": 75, "mirtazapine": 30, "bupropion": 150}
DOSES |= {"vortioxetine": 10, "agomelatine": 25, "quetiapine": 150}
# The gene deleted: not among the alleles that can be called.
DELETION = "*5"
CALL_RATE, DEPTH = 0.997, 35.0
IMPACTS = {"upstream_gene_variant": "MODIFIER", "intron_variant": "MODIFIER"}
IMPACTS |= {"synonymous_variant": "LOW", "missense_variant": "MODERATE"}
IMPACTS |= {"inframe_deletion": "MODERATE"}


@dataclass(frozen=True)
class Pharmacogenes:
    """Planted diplotypes.

    Attributes
    ----------
    diplotypes : DataFrame
        ``patient_id``, ``gene``, ``diplotype``, ``phenotype`` (of both alleles, a deleted one
        without activity), ``deleted`` (1 if an allele is).
    dosages : DataFrame, patients × variants
        Copies as seen by genotyping; -1 if both copies are deleted.
    log_ratio : Series, by patient
        Log likelihood ratio of the label from the diplotypes.
    """

    diplotypes: pd.DataFrame
    dosages: pd.DataFrame
    log_ratio: pd.Series


def draw_medication(cohort: Cohort, rng: np.random.Generator) -> pd.DataFrame:
    """Draw the drugs of the sheet's classes, within a class independently of the label.

    Returns
    -------
    DataFrame
        ``patient``, ``drug``, ``start``, ``stop``, ``dose`` (mg a day).
    """
    rows = []
    for patient, group in cohort.patients["medication"].items():
        choices = DRUGS[group]
        start = pd.Timestamp("2023-01-01") + pd.Timedelta(days=int(rng.integers(0, 500)))
        first = str(rng.choice(list(choices), p=list(choices.values()))) if choices else None
        added = rng.choice([*ADD_ON, ""], p=[*ADD_ON.values(), 1 - sum(ADD_ON.values())])
        weeks = int(rng.integers(6, 20))
        for drug in dict.fromkeys([first, str(added) if first and added else None]):
            if drug is not None:
                stop = start + pd.Timedelta(weeks=weeks)
                rows.append((patient, drug, f"{start:%Y-%m-%d}", f"{stop:%Y-%m-%d}", DOSES[drug]))
    return pd.DataFrame(rows, columns=["patient", "drug", "start", "stop", "dose"])


def draw_pharmacogenes(
    cohort: Cohort, medication: pd.DataFrame, rng: np.random.Generator
) -> Pharmacogenes:
    """Draw the diplotypes of all patients, those of (es)citalopram's patients given the label."""
    frequencies = read_table(shipped("resources/simulation_pharmacogenes.tsv"))
    takes = set(medication.loc[medication["drug"].isin(ACTS_ON), "patient"])
    exposed = cohort.patients.index.isin(takes)
    ratio = np.zeros(len(exposed))
    rows, dosages = [], []
    for gene in read_genes():
        own = frequencies[frequencies["gene"] == gene.name]
        share = own["frequency"].to_numpy() / own["frequency"].sum()
        pairs = [(a, b) for a in own["allele"] for b in own["allele"]]
        prior = np.outer(share, share).ravel()
        phenotypes = [phenotype(gene, pair) for pair in pairs]
        chosen = rng.choice(len(pairs), len(exposed), p=prior)
        if gene.name == ACTING_GENE:
            weight = np.array([EXPOSURE[p] for p in phenotypes]) ** EXPOSURE_EFFECT
            tilted = prior * weight / (prior @ weight)
            resistant = rng.choice(len(pairs), len(exposed), p=tilted)
            chosen = np.where(exposed & cohort.positive, resistant, chosen)
            ratio = np.where(exposed, np.log(weight / (prior @ weight))[chosen], 0.0)
        dosages.append(_genotypes(gene, [pairs[i] for i in chosen], cohort.patients.index))
        rows += [
            (
                *(patient, gene.name, "/".join(_sorted(gene, pairs[i])), phenotypes[i]),
                int(DELETION in pairs[i] and gene.name == "CYP2D6"),
            )
            for patient, i in zip(cohort.patients.index, chosen, strict=True)
        ]
    columns = ["patient_id", "gene", "diplotype", "phenotype", "deleted"]
    return Pharmacogenes(
        pd.DataFrame(rows, columns=columns),
        pd.concat(dosages, axis=1),
        pd.Series(ratio, index=cohort.patients.index),
    )


def phenotype(gene: Gene, pair: tuple[str, str]) -> str:
    """Return the true phenotype of two alleles, of which one may be the deletion."""
    return gene.phenotype([_alleles(gene)[name] for name in pair])


def _alleles(gene: Gene) -> dict[str, Allele]:
    alleles = {allele.name: allele for allele in gene.alleles}
    if gene.is_scored:
        alleles[DELETION] = Allele(DELETION, frozenset(), frozenset(), "none", 0.0)
    return alleles


def _sorted(gene: Gene, pair: tuple[str, str]) -> list[str]:
    order = list(_alleles(gene))
    return sorted(pair, key=order.index)


def _genotypes(gene: Gene, pairs: list[tuple[str, str]], patients: pd.Index) -> pd.DataFrame:
    """Return each variant's copies as genotyped: with a deletion, the other counts twice."""
    alleles = _alleles(gene)
    carried = {
        name: np.array([v in allele.variants | allele.may_carry for v in gene.variants], dtype=int)
        for name, allele in alleles.items()
    }
    values = []
    for pair in pairs:
        copies = [name for name in pair if not (gene.is_scored and name == DELETION)]
        shown = copies * 2 if len(copies) == 1 else copies
        values.append(
            sum(carried[name] for name in shown) if shown else np.full(len(gene.variants), -1)
        )
    return pd.DataFrame(np.array(values), index=patients, columns=list(gene.variants))


def variant_sites() -> pd.DataFrame:
    """Return the sites as :func:`trdomics.simulation.variants.draw_sites` does, on GRCh38."""
    sites = read_sites()
    return pd.DataFrame(
        {
            "gene": sites["gene"],
            "chromosome": sites["chromosome"].astype(int),
            "position": sites["grch38"],
            "id": sites["rsid"],
            "ref": sites["reference_grch38"],
            "alt": sites["alternative"],
            "consequence": sites["consequence"],
            "impact": sites["consequence"].map(IMPACTS).fillna("HIGH"),
            "filter": "PASS",
            "qual": 2000.0,
            "call_rate": CALL_RATE,
            "depth": DEPTH,
        }
    )


def site_frequencies() -> pd.Series:
    """Return the frequency of each variant, by its name, from those of the alleles."""
    frequencies = read_table(shipped("resources/simulation_pharmacogenes.tsv"))
    found: dict[str, float] = {}
    for gene in read_genes():
        alleles = _alleles(gene)
        own = frequencies[frequencies["gene"] == gene.name]
        for variant in gene.variants:
            found[variant] = sum(
                float(share)
                for name, share in zip(own["allele"], own["frequency"], strict=True)
                if variant in alleles[name].variants | alleles[name].may_carry
            )
    return pd.Series(found)


def exposure_truth() -> Mapping[str, Any]:
    """Return the planted truth for ``truth.json``."""
    return {"drugs": list(ACTS_ON), "gene": ACTING_GENE, "exposure": EXPOSURE} | {
        "log_odds_per_log_exposure": EXPOSURE_EFFECT
    }
