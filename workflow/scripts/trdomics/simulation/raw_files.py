"""The files of a raw cohort: reads, references and the planted truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
import pandas as pd

from trdomics.files import replacing, write_json, write_table
from trdomics.simulation.cohort import COHORT_SEED, LABEL_FACTORS, Cohort
from trdomics.simulation.draw import EXPLANATIONS
from trdomics.simulation.genome import text, write_fasta, write_gff
from trdomics.simulation.haplotypes import dosages
from trdomics.simulation.raw_cohort import (
    GLOBINS,
    SWAPPED_LAYER,
    RawCohort,
    Sequencer,
    target_regions,
)

# One unit of sequencing: sample, lane, and its one or two FASTQ files.
Unit = tuple[str, str, Sequence[str]]


def write_reads(
    raw: RawCohort, cohort: Cohort, seed: int, units: Mapping[str, Sequence[Unit]], n_processes: int
) -> None:
    """Write the FASTQ files of all units; lanes of a sample divide its reads.

    Parameters
    ----------
    units : mapping of layer to sequence of Unit
    n_processes : int
        Results do not depend on it.
    """
    jobs = [
        (layer, patient, [unit for unit in some if unit[0] == tube])
        for layer, some in units.items()
        for patient, tube in tubes(cohort, layer).items()
    ]
    with ProcessPoolExecutor(n_processes) as pool:
        list(pool.map(partial(_sequence, Sequencer(raw, cohort, seed)), jobs, chunksize=8))


def _sequence(sequencer: Sequencer, job: tuple[str, str, list[Unit]]) -> None:
    layer, patient, units = job
    lanes = [(f"{sample}:{lane}", *files) for sample, lane, files in units]
    if lanes:
        getattr(sequencer, layer)(sequencer.raw.sampled(layer, patient), lanes)


def tubes(cohort: Cohort, layer: str) -> pd.Series:
    """Return the name of each patient's sample of a layer."""
    if layer == "mutations":
        return pd.Series(cohort.patients.index, index=cohort.patients.index)
    return cohort.patients[f"{layer}_id"]


def write_references(raw: RawCohort, paths: Mapping[str, str]) -> None:
    """Write ``genome``, ``annotation``, ``hairpin``, ``mature`` and ``regions``."""
    write_fasta(raw.genome.sequences, paths["genome"])
    write_gff(raw.genome, paths["annotation"])
    for kind, table in (("hairpin", raw.hairpins), ("mature", raw.matures)):
        with replacing(paths[kind]) as temporary:
            # as in miRBase: a description after the name, and RNA
            lines = [
                f">{name} MI{number:07d} Homo sapiens {name.split('-', 1)[1]}\n"
                f"{text(sequence).replace('T', 'U')}\n"
                for number, (name, sequence) in enumerate(table.items(), 1)
            ]
            temporary.write_text("".join(lines), encoding="ascii")
    regions = [
        (name, *map(int, region))
        for name, found in target_regions(raw.genome).items()
        for region in found
    ]
    with replacing(paths["regions"]) as temporary:
        pd.DataFrame(regions).to_csv(temporary, sep="\t", header=False, index=False)


def write_raw_truth(
    raw: RawCohort, cohort: Cohort, seed: int, layers: Sequence[str], paths: Mapping[str, str]
) -> None:
    """Write the truth: tables of patients, features, factors, fragments, molecules, genotypes.

    Numbers of fragments and molecules are given by sample, so those of swapped patients are each
    other's.
    """
    write_table(cohort.factors.reset_index(), paths["factors"])
    write_table(raw.features, paths["features"])
    patients = pd.DataFrame(
        {"true_label": cohort.positive.astype(int), "true_risk": cohort.risk},
        index=cohort.patients.index,
    )
    patients = patients.join(raw.patients).assign(**{f"in_{layer}": 1 for layer in layers})
    write_table(patients.reset_index(), paths["patients"])
    for layer, table in (("mrna", raw.fragments), ("small_rna", raw.molecules)):
        source = [raw.sampled(layer, patient) for patient in table.columns]
        names = tubes(cohort, layer)[table.columns].to_numpy()
        own = table[source].set_axis(names, axis=1)
        write_table(own.rename_axis("feature").reset_index(), paths[layer])
    female = (cohort.patients["sex"] == "female").to_numpy()
    copies = dosages(raw.carried, raw.sites, female)
    called = pd.DataFrame(copies, columns=cohort.patients.index, index=raw.sites.index)
    write_table(raw.sites.join(called), paths["genotypes"])
    truth = {
        "best_auc": cohort.best_auc,
        "cohort_seed": COHORT_SEED,
        "seed": seed,
        "n_patients": len(cohort.patients),
        "n_positive": int(cohort.positive.sum()),
        "swaps": {"layer": SWAPPED_LAYER, "pairs": raw.swaps},
        "wrong_sex": [cohort.wrong_sex],
        "contaminated": list(raw.patients.index[raw.patients["contaminated"] == 1]),
        "globins": sorted(gene.identifier for gene in raw.genome.genes if gene.symbol in GLOBINS),
        "label_factors": LABEL_FACTORS,
        "explained_by": EXPLANATIONS,
        "genome_bases": int(np.sum([len(s) for s in raw.genome.sequences.values()])),
    }
    write_json(truth, paths["truth"])
