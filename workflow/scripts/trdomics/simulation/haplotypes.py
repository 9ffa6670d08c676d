"""Variants of an artificial genome, the two haplotypes of each patient, and what a variant does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from trdomics.simulation.genome import BASES, CODE, Gene, Genome, complement, text

# Sites per gene (Poisson mean) and the frequency range of the common ones.
_COMMON_SITES, _COMMON_FREQUENCY = 2.2, (0.12, 0.5)
_RARE_SITES, _RARE_COPIES = 1.3, (1, 4)
# Consequences of rare sites, with their frequencies.
_RARE_KINDS = {"missense": 0.5, "stop_gained": 0.15, "synonymous": 0.15, "frameshift": 0.2}
# Minimum distance in bases between sites and from the ends of exons: at most one variant per codon,
# and no indel affects another one or a splice site.
_APART = 14
_TRIALS = 400
CLASSES = {"stop_gained": "lof", "frameshift": "lof", "missense": "damaging"}


def consequence(gene: Gene, genome: Genome, position: int, alternative: int) -> str:
    """Return the consequence of a substitution for the gene's first transcript.

    Parameters
    ----------
    position : int
        From 0.
    alternative : int
        ASCII code of the base, as on the chromosome's forward strand.

    Returns
    -------
    str
        ``missense``, ``synonymous``, ``stop_gained``, ``other`` (start and stop codons) or
        ``noncoding``.
    """
    places = gene.coding_positions()
    found = np.flatnonzero(places == position)
    if not len(found):
        return "noncoding"
    first = int(found[0]) // 3 * 3
    if first == 0 or first + 3 >= len(places):
        return "other"
    codon = genome.sequences[gene.chromosome][places[first : first + 3]]
    changed = np.where(places[first : first + 3] == position, np.uint8(alternative), codon)
    if gene.strand < 0:
        codon, changed = complement(codon), complement(changed)
    before, after = CODE[text(codon)], CODE[text(changed)]
    if before == after:
        return "synonymous"
    return "stop_gained" if after == "*" else "missense"


def draw_sites(genome: Genome, n_patients: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw common variants in exons and rare ones in coding sequence, sorted by position.

    Returns
    -------
    DataFrame
        ``chromosome``, ``position`` (from 1), ``reference``, ``alternative``, ``gene`` (symbol),
        ``consequence`` as :func:`consequence` has it or ``frameshift``, ``consequence_class`` and
        ``frequency``.
    """
    rows: list[dict[str, object]] = []
    for gene in genome.genes:
        if gene.chromosome == "chrY":
            continue
        taken: list[int] = []
        for _ in range(rng.poisson(_COMMON_SITES)):
            _add_site(rows, taken, gene, genome, "", rng.uniform(*_COMMON_FREQUENCY), rng)
        for _ in range(rng.poisson(_RARE_SITES) if gene.coding else 0):
            kind = str(rng.choice(list(_RARE_KINDS), p=list(_RARE_KINDS.values())))
            copies = int(rng.integers(*_RARE_COPIES))
            _add_site(rows, taken, gene, genome, kind, copies / (2 * n_patients), rng)
    table = pd.DataFrame(rows)
    table["consequence_class"] = table["consequence"].map(CLASSES).fillna("other")
    rank = table["chromosome"].map({name: i for i, name in enumerate(genome.sequences)})
    table = table.assign(rank=rank).sort_values(["rank", "position"], ignore_index=True)
    return table.drop(columns="rank")


def _add_site(
    rows: list[dict[str, object]],
    taken: list[int],
    gene: Gene,
    genome: Genome,
    kind: str,
    frequency: float,
    rng: np.random.Generator,
) -> None:
    """Add one site of a kind ("" for any substitution in an exon), if there is room."""
    sequence = genome.sequences[gene.chromosome]
    exons = gene.coding_exons(gene.exons) if kind else gene.exons
    inner = [np.arange(start + _APART, end - _APART) for start, end in exons]
    room = np.concatenate(inner)
    room = room[(np.abs(room[:, None] - np.array([-100, *taken])) > _APART).all(axis=1)]
    if not len(room):
        return
    for _ in range(_TRIALS):
        position = int(rng.choice(room))
        reference = sequence[position]
        if kind == "frameshift":
            # one base is deleted after the record's first base, which differs, so that the indel is
            # left-aligned
            if reference == sequence[position + 1]:
                continue
            letters = text(sequence[position : position + 2]), chr(reference)
            effect = kind
        else:
            other = BASES[reference != BASES][rng.integers(0, 3)]
            letters = chr(reference), chr(other)
            effect = consequence(gene, genome, position, int(other))
        if not kind or effect == kind:
            break
    else:
        return
    taken.append(position)
    rows.append(
        {
            "chromosome": gene.chromosome,
            "position": position + 1,
            "reference": letters[0],
            "alternative": letters[1],
            "gene": gene.symbol,
            "consequence": effect,
            "frequency": frequency,
        }
    )


def draw_haplotypes(
    sites: pd.DataFrame, is_female: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Draw the alleles of both haplotypes of each patient; every site has a carrier.

    Returns
    -------
    ndarray of bool, shape (n_sites, n_patients, 2)
        The second haplotype of a man has no X, and False there.
    """
    shape = (len(sites), len(is_female), 2)
    carried = rng.random(shape) < sites["frequency"].to_numpy()[:, None, None]
    on_x = (sites["chromosome"] == "chrX").to_numpy()
    carried[:, :, 1] &= ~(on_x[:, None] & ~is_female[None, :])
    for row in np.flatnonzero(~carried.any(axis=(1, 2))):
        carried[row, rng.integers(0, len(is_female)), 0] = True
    return carried


def dosages(carried: np.ndarray, sites: pd.DataFrame, is_female: np.ndarray) -> np.ndarray:
    """Return copies of the alternative allele, shape (n_sites, n_patients).

    A man's single X counts twice, as reported by diploid callers.
    """
    copies = carried.sum(axis=2)
    single = (sites["chromosome"] == "chrX").to_numpy()[:, None] & ~is_female[None, :]
    return np.where(single, 2 * carried[:, :, 0], copies)


@dataclass(frozen=True)
class Haplotype:
    """One set of chromosomes with its variants.

    Attributes
    ----------
    sequences : dict of ndarray
    edits : dict of (positions, shifts)
        Positions of the reference, and total number of bases gained after each.
    """

    sequences: dict[str, np.ndarray]
    edits: dict[str, tuple[np.ndarray, np.ndarray]]

    def lifted(self, chromosome: str, positions: np.ndarray) -> np.ndarray:
        """Return the positions on this haplotype of positions of the reference."""
        places, shifts = self.edits[chromosome]
        return positions + shifts[np.searchsorted(places, positions, side="left")]


def haplotype(genome: Genome, sites: pd.DataFrame, chromosomes: list[str]) -> Haplotype:
    """Insert variants, sorted by position, into some chromosomes of the genome."""
    sequences, edits = {}, {}
    by_chromosome = dict(tuple(sites.groupby("chromosome", sort=False)))
    for name in chromosomes:
        own = by_chromosome.get(name, sites.iloc[:0])
        pieces, done, places, gained = [], 0, [], [0]
        for position, reference, alternative in own[
            ["position", "reference", "alternative"]
        ].itertuples(index=False):
            start = position - 1
            pieces += [
                genome.sequences[name][done:start],
                np.frombuffer(alternative.encode(), dtype=np.uint8),
            ]
            done = start + len(reference)
            places.append(start)
            gained.append(gained[-1] + len(alternative) - len(reference))
        pieces.append(genome.sequences[name][done:])
        sequences[name] = np.concatenate(pieces)
        edits[name] = np.array(places, dtype=int), np.array(gained, dtype=int)
    return Haplotype(sequences, edits)
