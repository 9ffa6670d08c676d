"""Genotypes of RNA: what reads tell, where they are looked for, and whose they are."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trdomics.identity.genotype_matching import MIN_SHARED, concordance, match_genotypes
from trdomics.reads.rna_genotypes import (
    allele_counts,
    exonic_sites,
    genotypes,
    read_exons,
    read_rna_genotypes,
)

SITES = pd.MultiIndex.from_tuples(
    [("1", 15, "A", "G"), ("1", 40, "C", "T"), ("2", 8, "G", "C"), ("7", 3, "G", "C")],
    names=["chromosome", "position", "reference", "alternative"],
)


def test_reads_of_both_alleles_are_a_heterozygote_and_few_of_one_are_nothing():
    reference = np.array([60, 30, 22, 0, 12, 5, 0, 4])
    alternative = np.array([0, 25, 4, 60, 0, 4, 0, 2])
    found = genotypes(reference, alternative)
    assert found[:4].tolist() == [0, 1, 1, 2]
    # one allele may be silent, and fewer than ten reads tell nothing
    assert np.isnan(found[4:]).all()


def test_alleles_are_counted_by_their_letters(tmp_path):
    lines = "chr1\t15\tA\tT,G,<*>\t3,1,9,0\nchr1\t40\tN\tC,<*>\t0,7,0\nchr2\t8\tG\t<*>\t5,0\n"
    (tmp_path / "a.tsv").write_text(lines)
    reference, alternative = allele_counts(tmp_path / "a.tsv", SITES)
    assert reference.tolist() == [3, 7, 5, 0]
    assert alternative.tolist() == [9, 0, 0, 0]


def test_sites_outside_of_exons_are_left_out(tmp_path):
    gff = (
        "chr1\tx\texon\t10\t20\t.\t+\t.\tx\nchr1\tx\tgene\t1\t99\t.\t+\t.\tx\n"
        "chr1\tx\texon\t15\t30\t.\t+\t.\tx\nchr2\tx\texon\t8\t8\t.\t+\t.\tx\n"
    )
    (tmp_path / "a.gff3").write_text(gff)
    exons = read_exons(tmp_path / "a.gff3")
    assert exons["chr1"].tolist() == [[9, 30]]
    assert exonic_sites(SITES, exons, ["chr1", "chr2", "chr7"]) == [("chr1", 15), ("chr2", 8)]
    other = SITES.set_levels([16, 31, 9, 10], level=1)
    assert len(exonic_sites(other, exons, ["chr1", "chr2"])) <= 1


def test_a_swap_of_rna_tubes_is_found_and_nobody_else(tmp_path):
    rng = np.random.default_rng(0)
    n, n_sites = 12, 90
    sites = pd.MultiIndex.from_tuples([("1", i, "A", "G") for i in range(1, n_sites + 1)])
    truth = rng.integers(0, 3, (n, n_sites))
    names = [f"P{i}" for i in range(n)]
    dna = pd.DataFrame(truth.astype(np.float32), index=names, columns=sites)
    tubes = {name: f"T{i}" for i, name in enumerate(names)}
    blood = list(range(n))
    blood[2], blood[5] = 5, 2
    paths = {}
    for i, tube in enumerate(tubes.values()):
        depth = rng.poisson(35, n_sites)
        alternative = rng.binomial(depth, np.array([0.003, 0.5, 0.997])[truth[blood[i]]])
        rows = [
            f"chr1\t{s + 1}\tA\tG,<*>\t{d - a},{a},0"
            for s, (d, a) in enumerate(zip(depth, alternative, strict=True))
        ]
        paths[tube] = str(tmp_path / f"{tube}.tsv")
        (tmp_path / f"{tube}.tsv").write_text("\n".join(rows) + "\n")
    rna = read_rna_genotypes(paths, tubes, sites)
    match = match_genotypes(rna, dna)
    assert match.summary["flagged"] == ["P2", "P5"]
    assert match.summary["swaps"] == [["P2", "P5"]]
    # the two exchanged tubes fit each other's patients
    assert match.summary["power"] == 1 - 2 / (n * (n - 1))


def test_pairs_with_few_sites_in_common_are_not_compared():
    first = np.zeros((1, 60))
    first[0, MIN_SHARED - 1 :] = np.nan
    assert np.isnan(concordance(first, np.zeros((1, 60)), MIN_SHARED)[0, 0])
    first[0, MIN_SHARED - 1] = 0
    assert concordance(first, np.zeros((1, 60)), MIN_SHARED)[0, 0] == 1
