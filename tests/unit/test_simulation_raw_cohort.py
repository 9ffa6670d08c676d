"""A made-up genome, its patients' chromosomes, and a sequencer: reads say what was planted."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

from trdomics.simulation.genome import (
    CODE,
    bases,
    draw_genome,
    draw_hairpins,
    reverse_complement,
    spliced,
    text,
    write_gff,
)
from trdomics.simulation.haplotypes import (
    consequence,
    dosages,
    draw_haplotypes,
    draw_sites,
    haplotype,
)
from trdomics.simulation.sequencing import ADAPTERS, Fragments, read_ends, write_pairs

NAMES = pd.DataFrame(
    {
        "feature": ["A1", "A2", "HBA1", "HBA2", "XIST", "X1", "Y1", *(f"B{i}" for i in range(12))],
        "chromosome": ["chr1"] * 2 + ["chr16"] * 2 + ["chrX"] * 2 + ["chrY"] + ["chr2"] * 12,
    }
)


@pytest.fixture(scope="module")
def genome():
    return draw_genome(NAMES, np.random.default_rng(1))


def protein(genome, gene):
    sequence = genome.sequences[gene.chromosome]
    coding = text(spliced(sequence, gene.coding_exons(gene.exons), gene.strand))
    return "".join(CODE[coding[i : i + 3]] for i in range(0, len(coding), 3))


def test_genes_of_both_strands_code_for_proteins_in_every_transcript(genome):
    coding = [gene for gene in genome.genes if gene.coding is not None]
    assert {gene.strand for gene in coding} == {1, -1}
    assert len(coding) == len(NAMES) - 1
    for gene in coding:
        product = protein(genome, gene)
        assert product[0] == "M"
        assert product.index("*") == len(product) - 1
        for _, exons in gene.transcripts():
            assert sum(b - a for a, b in gene.coding_exons(exons)) % 3 == 0


def test_alpha_globins_differ_outside_of_their_proteins_alone(genome):
    first, second = (next(g for g in genome.genes if g.symbol == name) for name in ("HBA1", "HBA2"))
    assert protein(genome, first) == protein(genome, second)
    whole = [spliced(genome.sequences["chr16"], g.exons, g.strand) for g in (first, second)]
    assert text(whole[0]) != text(whole[1])


def test_introns_begin_and_end_as_splice_sites_do(genome):
    for gene in genome.genes:
        sequence = genome.sequences[gene.chromosome]
        for (_, end), (start, _) in zip(gene.exons[:-1], gene.exons[1:], strict=True):
            intron = sequence[end:start]
            intron = intron if gene.strand > 0 else reverse_complement(intron)
            assert text(intron)[:2] + text(intron)[-2:] == "GTAG"


def test_a_consequence_is_read_off_the_codon(genome):
    gene = next(g for g in genome.genes if g.symbol == "A1")
    places = gene.coding_positions()
    sequence = genome.sequences["chr1"]
    codon = "".join(chr(sequence[p]) for p in places[3:6])
    codon = codon if gene.strand > 0 else codon.translate(str.maketrans("ACGT", "TGCA"))
    for other in "ACGT":
        changed = codon[:2] + other
        if changed == codon:
            continue
        on_forward = other if gene.strand > 0 else other.translate(str.maketrans("ACGT", "TGCA"))
        effect = consequence(gene, genome, int(places[5]), ord(on_forward))
        same, stop = CODE[changed] == CODE[codon], CODE[changed] == "*"
        assert effect == ("synonymous" if same else "stop_gained" if stop else "missense")
    outside = int(gene.exons[0, 0]) - 5
    assert consequence(gene, genome, outside, ord("A")) == "noncoding"
    assert consequence(gene, genome, int(places[0]), ord("A")) == "other"


def test_haplotypes_hold_their_variants_and_lifted_exons_the_rest(genome):
    rng = np.random.default_rng(2)
    sites = draw_sites(genome, 6, rng)
    assert {"missense", "frameshift"} <= set(sites["consequence"])
    assert "chrY" not in set(sites["chromosome"])
    female = np.array([True, False] * 3)
    carried = draw_haplotypes(sites, female, rng)
    on_x = (sites["chromosome"] == "chrX").to_numpy()
    assert on_x.any()
    assert not carried[on_x][:, ~female, 1].any()
    assert set(dosages(carried, sites, female)[on_x][:, ~female].ravel()) <= {0, 2}
    assert (dosages(carried, sites, female) > 0).any(axis=1).all()

    own = sites[sites["chromosome"] == "chr2"]
    hap = haplotype(genome, own, ["chr2"])
    gained = own["alternative"].str.len() - own["reference"].str.len()
    assert len(hap.sequences["chr2"]) == len(genome.sequences["chr2"]) + gained.sum()
    for site in own.itertuples():
        place = int(hap.lifted("chr2", np.array([site.position - 1]))[0])
        assert chr(hap.sequences["chr2"][place]) == site.alternative[0]
    untouched = [g for g in genome.genes if g.chromosome == "chr2"]
    for gene in untouched:
        ends = hap.lifted("chr2", gene.exons)
        for (start, end), (new_start, new_end) in zip(gene.exons, ends, strict=True):
            old, new = genome.sequences["chr2"], hap.sequences["chr2"]
            assert text(old[start : start + 10]) == text(new[new_start : new_start + 10])
            assert text(old[end - 10 : end]) == text(new[new_end - 10 : new_end])


def test_reads_are_the_ends_of_fragments_with_the_adapter_behind():
    pool = bases("ACGTTGCAAT")
    fragments = Fragments(pool, np.array([0, 2]), np.array([10, 3]), np.array([False, True]))
    first = read_ends(fragments, 6, False, bases(ADAPTERS[0])[None, :])
    second = read_ends(fragments, 6, True, bases(ADAPTERS[1])[None, :])
    assert [text(read) for read in first] == ["ACGTTG", "AAC" + ADAPTERS[0][:3]]
    assert [text(read) for read in second] == ["ATTGCA", "GTT" + ADAPTERS[1][:3]]


def test_fastq_files_are_the_same_bytes_and_lanes_divide_the_reads(tmp_path):
    pool = bases("ACGT" * 200)
    rng = np.random.default_rng(3)
    start = rng.integers(0, 500, 101)
    fragments = Fragments(pool, start, np.full(101, 150), np.zeros(101, dtype=bool))
    written = []
    for folder in ("one", "two"):
        lanes = [
            (lane, *(tmp_path / folder / f"{lane}_{end}.fastq.gz" for end in "12")) for lane in "ab"
        ]
        write_pairs(fragments, 50, lanes, np.random.default_rng(4))
        written.append([path.read_bytes() for lane in lanes for path in lane[1:]])
    assert written[0] == written[1]
    lines = [gzip.decompress(data).decode().splitlines() for data in written[0]]
    assert sum(map(len, lines)) == 2 * 4 * 101
    assert lines[0][::4] == lines[1][::4]
    assert {len(line) for line in lines[0][1::4]} == {50}
    assert max(ord(c) for line in lines[0][3::4] for c in line) - 33 == 38


def test_the_annotation_is_in_the_style_of_ensembl(genome, tmp_path):
    write_gff(genome, tmp_path / "genes.gff3")
    rows = [line.split("\t") for line in (tmp_path / "genes.gff3").read_text().splitlines()]
    rows = [row for row in rows if len(row) == 9]
    kinds = {row[2] for row in rows}
    assert {"gene", "mRNA", "exon", "CDS", "five_prime_UTR", "three_prime_UTR"} <= kinds
    for row in rows:
        length = len(genome.sequences[row[0]])
        assert 1 <= int(row[3]) <= int(row[4]) <= length


def test_miRNAs_of_one_sequence_are_in_hairpins_of_their_own():
    names = ["hsa-miR-1-5p", "hsa-miR-1-3p", "hsa-miR-199a-3p"]
    hairpins, places = draw_hairpins(
        names, {"hsa-miR-199b-3p": "hsa-miR-199a-3p"}, np.random.default_rng(5)
    )
    cut = {name: text(hairpins[h][start:end]) for name, (h, start, end) in places.items()}
    assert cut["hsa-miR-199a-3p"] == cut["hsa-miR-199b-3p"]
    assert set(hairpins) == {"hsa-mir-1", "hsa-mir-199a", "hsa-mir-199b"}
    assert len(set(cut.values())) == 3
