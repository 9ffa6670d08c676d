"""The raw cohort: FASTQ files of three layers, drawn from one planted truth.

Counts, isoforms, genotypes, duplicates, contamination and laboratory errors are drawn first; reads
are then taken from the patients' own transcripts and chromosomes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pandas as pd

from trdomics.simulation import counts
from trdomics.simulation.cohort import Cohort
from trdomics.simulation.features import (
    MRNA,
    SMALL_RNA,
    covariate_values,
    draw_effects,
    name_features,
)
from trdomics.simulation.genome import (
    Genome,
    bases,
    draw_genome,
    draw_hairpins,
    random_bases,
    spliced,
)
from trdomics.simulation.haplotypes import Haplotype, draw_haplotypes, draw_sites, haplotype
from trdomics.simulation.sequencing import (
    Fragments,
    joined,
    read_ends,
    with_errors,
    write_fastq,
    write_pairs,
)

# Genes and small RNAs of each curated group; neutral genes make up the rest.
N_GENES = 170
GENES = {
    **{"sex_y": 5, "sex_x": 1, "immune": 22, "monocyte": 8, "neutrophil": 14, "lymphocyte": 12},
    **{"housekeeping": 12, "platelet": 6, "stress_axis": 4, "serotonin": 4, "pharmacogene": 4},
}
SMALL_RNAS = {"erythroid": 10, "platelet": 12, "myeloid": 12, "immune": 14, "other": 8}
# Share of each globin among all globin fragments (whole blood of adults).
GLOBINS = {"HBB": 0.42, "HBA2": 0.27, "HBA1": 0.22, "HBD": 0.04, "HBG2": 0.03, "HBM": 0.02}
# Mature miRNAs with the same sequence, which reads cannot distinguish.
SAME_MATURE = {"hsa-miR-199b-3p": "hsa-miR-199a-3p"}
SWAPPED_LAYER, N_CONTAMINATED = "mrna", 2

FRAGMENTS, FRAGMENT_LIMITS = 11_000, (7_000, 18_000)
MOLECULES, MOLECULE_LIMITS = 4_000, (2_500, 8_000)
FRAGMENT_LENGTH = {"mrna": (170, 35, 55), "mutations": (230, 40, 90)}  # mean, deviation, least
CYCLES = {"mrna": 75, "small_rna": 75, "mutations": 100}
GLOBIN_SHARE, DNA_SHARE, CONTAMINATED_SHARE = (0.08, 0.55), (0.002, 0.012), (0.15, 0.22)
DEPTH, DUPLICATES, FLANK, OFF_TARGET = (17.0, 26.0), 0.08, 30, 0.04
SMALL_ADAPTER, UMI_LENGTH = "AACTGTAGGCACCATCAAT", 12
SMALL_TAIL = "AGATCGGAAGAGCACACGTCTGAACTCCAGTCA"
# Reads per molecule are one and a Poisson number of this mean.
COPIES, ISOMIR_SHARE, SMALL_DEBRIS, DIMERS = 1.0, 0.2, 0.05, 0.02
# The second transcript's share of a gene's fragments: mean and deviation of its logit.
ISOFORM_LOGIT, ISOFORM_SPREAD = (-0.8, 0.8), 0.4


@dataclass(frozen=True)
class RawCohort:
    """The planted truth of a raw cohort.

    Attributes
    ----------
    hairpins, matures : dict of ndarray
        Sequences by name.
    mature_places : dict of (hairpin, start, end)
    features : DataFrame
        Planted effects of genes (by identifier) and small RNAs, with ``layer``.
    fragments : DataFrame of int, genes (identifier) × patients
        RNA fragments of each gene.
    second_share : DataFrame, genes with two transcripts × patients
        The share of the second one.
    molecules : DataFrame of int, mature miRNAs × patients
    sites : DataFrame
        From :func:`trdomics.simulation.haplotypes.draw_sites`.
    carried : ndarray of bool, shape (n_sites, n_patients, 2)
    patients : DataFrame
        Per patient: ``globin_share`` (of the RNA fragments), ``dna_share`` (of all fragments of the
        mRNA library), ``contaminated``, ``depth`` (of the DNA).
    swaps : list of [str, str]
        Patients whose mRNA samples were swapped.
    """

    genome: Genome
    hairpins: dict[str, np.ndarray]
    matures: dict[str, np.ndarray]
    mature_places: dict[str, tuple[str, int, int]]
    features: pd.DataFrame
    fragments: pd.DataFrame
    second_share: pd.DataFrame
    molecules: pd.DataFrame
    sites: pd.DataFrame
    carried: np.ndarray
    patients: pd.DataFrame
    swaps: list[list[str]]

    def sampled(self, layer: str, patient: str) -> str:
        """Return the patient whose blood is in a patient's sample of a layer."""
        other = {a: b for pair in self.swaps for a, b in (pair, reversed(pair))}
        return other.get(patient, patient) if layer == SWAPPED_LAYER else patient


def draw_raw_cohort(
    cohort: Cohort, genes: pd.DataFrame, small_rnas: pd.DataFrame, seed: int
) -> RawCohort:
    """Draw everything but the reads; genes and small RNAs are the curated names."""
    parts = ["genome", "mrna", "small_rna", "sites", "patients"]
    streams = np.random.SeedSequence([seed, 15]).spawn(len(parts))
    rng = {name: np.random.default_rng(stream) for name, stream in zip(parts, streams, strict=True)}
    values = covariate_values(cohort.patients, cohort.factors)
    patients, swaps = _draw_patients(cohort, rng["patients"])

    known = genes[~genes["feature"].isin(list(GLOBINS))]
    names = name_features(_of_groups(known, GENES), N_GENES - len(GLOBINS), "GENE", rng["mrna"])
    globins = pd.DataFrame({"feature": list(GLOBINS), "group": "globin"})
    globins["chromosome"] = np.where(globins["feature"].str.startswith("HBA"), "chr16", "chr11")
    genome = draw_genome(pd.concat([names, globins], ignore_index=True), rng["genome"])
    identifier = {gene.symbol: gene.identifier for gene in genome.genes}

    effects = draw_effects(names, MRNA, FRAGMENTS, rng["mrna"])
    libraries = counts.draw_libraries(len(values), FRAGMENTS, FRAGMENT_LIMITS, rng["mrna"])
    drawn = counts.draw_counts(effects, values, libraries, rng["mrna"])
    share = patients["globin_share"].to_numpy()
    n_globin = np.round(drawn.sum().to_numpy() * share / (1 - share)).astype(int)
    globin = rng["mrna"].multinomial(n_globin, list(GLOBINS.values())).T
    fragments = pd.concat([drawn, pd.DataFrame(globin, index=list(GLOBINS), columns=drawn.columns)])
    patients["globin_share"] = globin.sum(axis=0) / fragments.sum().to_numpy()

    small_names = _of_groups(small_rnas, SMALL_RNAS)
    small = draw_effects(small_names, SMALL_RNA, MOLECULES, rng["small_rna"])
    libraries = counts.draw_libraries(len(values), MOLECULES, MOLECULE_LIMITS, rng["small_rna"])
    molecules = counts.draw_counts(small, values, libraries, rng["small_rna"])
    hairpins, places = draw_hairpins(list(molecules.index), SAME_MATURE, rng["small_rna"])
    matures = {name: hairpins[h][start:end] for name, (h, start, end) in places.items()}

    female = (cohort.patients["sex"] == "female").to_numpy()
    sites = draw_sites(genome, len(female), rng["sites"])
    effects["feature"] = effects["feature"].map(identifier)
    features = pd.concat([effects.assign(layer="mrna"), small.assign(layer="small_rna")])
    return RawCohort(
        genome=genome,
        hairpins=hairpins,
        matures=matures,
        mature_places=places,
        features=features[["layer", *effects.columns]],
        fragments=fragments.rename(index=identifier).rename_axis("feature"),
        second_share=_draw_isoforms(genome, values.index, rng["mrna"]),
        molecules=molecules,
        sites=sites,
        carried=draw_haplotypes(sites, female, rng["sites"]),
        patients=patients,
        swaps=swaps,
    )


def _of_groups(known: pd.DataFrame, sizes: Mapping[str, int]) -> pd.DataFrame:
    kept = [known[known["group"] == group].head(size) for group, size in sizes.items()]
    columns = ["feature", "group", "chromosome"]
    return pd.concat(kept, ignore_index=True).reindex(columns=columns)


def _draw_patients(
    cohort: Cohort, rng: np.random.Generator
) -> tuple[pd.DataFrame, list[list[str]]]:
    """Draw the quality of each patient's samples, and the sample swaps."""
    n = len(cohort.patients)
    dna = rng.uniform(*DNA_SHARE, n)
    # two of the same sex, so that only genotypes show the swap
    women = cohort.patients.index[cohort.patients["sex"] == "female"]
    women = women[women != cohort.wrong_sex]
    swap = sorted(map(str, rng.choice(women, 2, replace=False)))
    others = [i for i, name in enumerate(cohort.patients.index) if name not in swap]
    contaminated = rng.choice(others, N_CONTAMINATED, replace=False)
    dna[contaminated] = rng.uniform(*CONTAMINATED_SHARE, N_CONTAMINATED)
    table = pd.DataFrame(
        {
            "globin_share": rng.uniform(*GLOBIN_SHARE, n),
            "dna_share": dna,
            "contaminated": np.isin(np.arange(n), contaminated).astype(int),
            "depth": rng.uniform(*DEPTH, n),
        },
        index=cohort.patients.index,
    )
    return table, [swap]


def _draw_isoforms(genome: Genome, patients: pd.Index, rng: np.random.Generator) -> pd.DataFrame:
    two = [gene.identifier for gene in genome.genes if gene.cassette is not None]
    logit = rng.normal(*ISOFORM_LOGIT, (len(two), 1))
    logit = logit + rng.normal(0, ISOFORM_SPREAD, (len(two), len(patients)))
    return pd.DataFrame(1 / (1 + np.exp(-logit)), index=two, columns=patients)


class Sequencer:
    """Draws the reads of one patient after another.

    Parameters
    ----------
    seed : int
        Each sample has its own random stream, independent of the other samples.
    """

    def __init__(self, raw: RawCohort, cohort: Cohort, seed: int) -> None:
        self.raw, self.seed = raw, seed
        self.patients = list(cohort.patients.index)
        self.female = (cohort.patients["sex"] == "female").to_numpy()
        self.targets = target_regions(raw.genome)

    def _rng(self, layer: str, patient: str) -> np.random.Generator:
        number = list(CYCLES).index(layer)
        return np.random.default_rng([self.seed, 16, number, self.patients.index(patient)])

    def haplotypes(self, patient: str) -> list[Haplotype]:
        """Return the two sets of chromosomes of a patient; a man's second has Y and no X."""
        i = self.patients.index(patient)
        found = []
        for number in (0, 1):
            left_out = "chrY" if number == 0 or self.female[i] else "chrX"
            names = [name for name in self.raw.genome.sequences if name != left_out]
            own = self.raw.sites[self.raw.carried[:, i, number]]
            found.append(haplotype(self.raw.genome, own, names))
        return found

    def mrna(self, patient: str, lanes: Sequence[tuple[str, str, str]]) -> None:
        """Write the FASTQ files of a patient's mRNA library, made of the other strand (dUTP)."""
        rng = self._rng("mrna", patient)
        both = self.haplotypes(patient)
        rna = self._rna(patient, both, rng)
        share = float(self.raw.patients["dna_share"].loc[patient])
        dna = _anywhere(both, round(len(rna) * share / (1 - share)), "mrna", rng)
        write_pairs(joined([rna, dna]), CYCLES["mrna"], lanes, rng)

    def _rna(self, patient: str, both: list[Haplotype], rng: np.random.Generator) -> Fragments:
        sequences, numbers = [], []
        for gene in self.raw.genome.genes:
            n = int(self.raw.fragments[patient].loc[gene.identifier])
            split = [n]
            if gene.cassette is not None:
                second = rng.binomial(n, self.raw.second_share[patient].loc[gene.identifier])
                split = [n - second, second]
            own = [h for h in both if gene.chromosome in h.sequences]
            for (_, exons), number in zip(gene.transcripts(), split, strict=True):
                # both alleles are equally expressed
                for hap, some in zip(own, _halves(number, len(own), rng), strict=False):
                    lifted = hap.lifted(gene.chromosome, exons)
                    chromosome = hap.sequences[gene.chromosome]
                    sequences.append(spliced(chromosome, lifted, gene.strand))
                    numbers.append(some)
        sizes = np.array(list(map(len, sequences)))
        which = np.repeat(np.arange(len(sequences)), numbers)
        length = np.minimum(_lengths("mrna", len(which), rng), sizes[which])
        start = np.concatenate([[0], np.cumsum(sizes)[:-1]])[which]
        start = start + (rng.random(len(which)) * (sizes[which] - length + 1)).astype(int)
        return Fragments(np.concatenate(sequences), start, length, np.ones(len(which), dtype=bool))

    def small_rna(self, patient: str, lanes: Sequence[tuple[str, str]]) -> None:
        """Write the FASTQ files of a patient's small-RNA library, with UMIs behind the adapter."""
        rng = self._rng("small_rna", patient)
        raw = self.raw
        ends = np.cumsum([0, *map(len, raw.hairpins.values())])
        offset = dict(zip(raw.hairpins, ends, strict=False))
        n = raw.molecules[patient].to_numpy()
        places = [raw.mature_places[name] for name in raw.molecules.index]
        start = np.repeat([offset[h] + a for h, a, _ in places], n)
        length = np.repeat([b - a for _, a, b in places], n)
        isomir = rng.random(len(length)) < ISOMIR_SHARE
        length = length + isomir * rng.choice([-1, 1], len(length))
        total = len(length)
        # debris of long RNA, and adapter dimers
        debris, dimers = round(total * SMALL_DEBRIS), round(total * DIMERS)
        pool = np.concatenate([*raw.hairpins.values(), random_bases(20_000, rng)])
        at = sum(map(len, raw.hairpins.values())) + rng.integers(0, 19_900, debris)
        start = np.concatenate([start, at, np.zeros(dimers, dtype=int)])
        length = np.concatenate([length, rng.integers(18, 31, debris), np.zeros(dimers, dtype=int)])
        n_umis = len(start)
        umi = random_bases(n_umis * UMI_LENGTH, rng).reshape(n_umis, UMI_LENGTH)
        fixed = [np.tile(bases(part), (n_umis, 1)) for part in (SMALL_ADAPTER, SMALL_TAIL)]
        tail = np.concatenate([fixed[0], umi, fixed[1]], axis=1)
        copy = rng.permutation(np.repeat(np.arange(n_umis), 1 + rng.poisson(COPIES, n_umis)))
        for (name, path), rows in zip(lanes, np.array_split(copy, len(lanes)), strict=True):
            some = Fragments(pool, start[rows], length[rows], np.zeros(len(rows), dtype=bool))
            reads = read_ends(some, CYCLES["small_rna"], False, tail[rows])
            write_fastq(*with_errors(reads, rng, 0.001), name, path)

    def mutations(self, patient: str, lanes: Sequence[tuple[str, str, str]]) -> None:
        """Write the FASTQ files of a patient's exome, with PCR duplicates."""
        rng = self._rng("mutations", patient)
        both = self.haplotypes(patient)
        depth = float(self.raw.patients["depth"].loc[patient])
        parts = [self._captured(hap, depth / 2, rng) for hap in both]
        n = sum(map(len, parts))
        parts.append(_anywhere(both, round(OFF_TARGET * n), "mutations", rng))
        fragments = joined(parts)
        again = rng.integers(0, len(fragments), round(DUPLICATES * len(fragments)))
        rows = np.concatenate([np.arange(len(fragments)), again])
        write_pairs(fragments.take(rows), CYCLES["mutations"], lanes, rng)

    def _captured(self, hap: Haplotype, depth: float, rng: np.random.Generator) -> Fragments:
        """Draw fragments that overlap a target, on average `depth` reads over a target's base."""
        offset, at = {}, 0
        for name, sequence in hap.sequences.items():
            offset[name], at = at, at + len(sequence)
        pool = np.concatenate(list(hap.sequences.values()))
        own = ((name, regions) for name, regions in self.targets.items() if name in offset)
        lifted = np.concatenate([hap.lifted(n, regions) + offset[n] for n, regions in own])
        sizes = lifted[:, 1] - lifted[:, 0]
        # about two thirds of the bases of both reads are on target
        n = int(depth * sizes.sum() / (2 * CYCLES["mutations"]) * 1.5)
        hit = rng.choice(len(sizes), n, p=sizes / sizes.sum())
        base = lifted[hit, 0] + (rng.random(n) * sizes[hit]).astype(int)
        length = _lengths("mutations", n, rng)
        start = np.clip(base - (rng.random(n) * length).astype(int), 0, len(pool) - length)
        return Fragments(pool, start, length, rng.random(n) < 0.5)


def target_regions(genome: Genome) -> dict[str, np.ndarray]:
    """Return the captured regions by chromosome: exons with a flank, joined where they overlap."""
    regions: dict[str, list[list[int]]] = {}
    for gene in genome.genes:
        for start, end in gene.exons:
            found = regions.setdefault(gene.chromosome, [])
            if found and start - FLANK <= found[-1][1]:
                found[-1][1] = int(end) + FLANK
            else:
                found.append([int(start) - FLANK, int(end) + FLANK])
    return {name: np.array(found) for name, found in regions.items()}


def _halves(number: int, n_parts: int, rng: np.random.Generator) -> list[int]:
    if n_parts == 0:
        return []
    return list(rng.multinomial(number, [1 / n_parts] * n_parts))


def _lengths(layer: str, n: int, rng: np.random.Generator) -> np.ndarray:
    mean, deviation, least = FRAGMENT_LENGTH[layer]
    return np.clip(rng.normal(mean, deviation, n), least, mean + 5 * deviation).astype(int)


def _anywhere(both: list[Haplotype], n: int, layer: str, rng: np.random.Generator) -> Fragments:
    """Draw fragments of DNA from all chromosomes, of either strand."""
    pool = np.concatenate(list(chain.from_iterable(hap.sequences.values() for hap in both)))
    length = _lengths(layer, n, rng)
    start = (rng.random(n) * (len(pool) - length)).astype(int)
    return Fragments(pool, start, length, rng.random(n) < 0.5)
