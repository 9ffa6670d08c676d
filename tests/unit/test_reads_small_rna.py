import gzip
import itertools

import numpy as np
import pytest

from trdomics.errors import InputError
from trdomics.reads.small_rna import PROTOCOLS, assign, collapse, count, locate, read_fasta

LET7A, LET7B = "TGAGGTAGTAGGTTGTATAGTT", "TGAGGTAGTAGGTTGTGTGGTT"
HAIRPINS = {
    "x-let-7a-1": "GGG" + LET7A + "CCCCC",
    "x-let-7a-2": "AA" + LET7A + "TTTTT",
    "x-let-7b": "CC" + LET7B + "AAAAA",
    "x-mir-9": "TT" + LET7A[:18] + "GGGGGG",
}
MATURES = {"x-let-7a-5p": LET7A, "x-let-7f": LET7A, "x-let-7b-5p": LET7B, "x-lost": "A" * 22}
MATURES["x-miR-9"] = LET7A[:18]


def test_identical_matures_are_one_feature_and_those_on_no_hairpin_are_listed():
    found = locate(MATURES, HAIRPINS)
    assert found.features == ["x-let-7a-5p/x-let-7f", "x-let-7b-5p", "x-miR-9"]
    assert found.lost == ["x-lost"]
    assert found.places["x-let-7a-2"] == [(2, 24, 0), (2, 20, 2)]


def test_a_sequence_belongs_to_the_nearest_mature_and_ties_are_ambiguous():
    matures = locate(MATURES, HAIRPINS)
    sequences = [LET7A, LET7A[:18], LET7A[:20], LET7A + "CCCC"]
    hits = [
        (0, "x-let-7a-1", 3),
        (1, "x-let-7a-1", 3),
        (1, "x-mir-9", 2),
        (2, "x-let-7a-1", 3),
        (3, "x-let-7a-1", 3),
    ]
    assigned, aligned = assign(hits, sequences, matures)
    # the third is 2 bases from either, the fourth ends 4 bases behind the mature
    assert assigned == {0: [0], 1: [2], 2: [0, 2]}
    assert aligned == {0, 1, 2, 3}


def written(path, reads):
    text = "".join(f"@{name}\n{seq}\n+\n{'I' * len(seq)}\n" for name, seq in reads)
    path.write_bytes(gzip.compress(text.encode()))
    return str(path)


def test_lanes_are_summed_and_lengths_are_kept(tmp_path):
    paths = [
        written(tmp_path / "1.fq.gz", [("a", LET7A), ("b", LET7A), ("c", "A" * 15)]),
        written(tmp_path / "2.fq.gz", [("d", LET7A), ("e", LET7B), ("f", "A" * 31)]),
    ]
    found = collapse(paths, umi=0)
    assert found.sequences == [LET7A, LET7B]
    assert found.reads.tolist() == [3, 1]
    assert found.lengths == {15: 1, 22: 4, 31: 1}
    assert count(found, {0: [0], 1: [0, 1]}, 2, umi=0).tolist() == [3.5, 0.5]


def test_reads_of_one_molecule_count_once_whatever_errors_they_have(tmp_path):
    one, other, near = "ACGTACGTACGT", "TTTTTTTTTTTT", "ACGTACGTACGA"
    wrong = LET7A[:-1] + "A"
    reads = [(f"r{i}_AAA{one}", LET7A) for i in range(4)]
    # an error in the sequence, an error in the UMI, an N in it, and another molecule
    reads += [(f"s_{one}", wrong), (f"t_{near}", LET7A), (f"u_{one[:-1]}N", LET7A)]
    # of two reads of which either may be wrong, one is
    reads += [(f"v_{other}", LET7A), (f"w_{other[:-1]}A", LET7A)]
    found = collapse([written(tmp_path / "1.fq.gz", reads)], umi=12)
    assert found.unreadable == 1
    place = {sequence: number for number, sequence in enumerate(found.sequences)}
    assigned = {place[LET7A]: [0], place[wrong]: [0]}
    assert count(found, assigned, 1, umi=12).tolist() == [2]


def test_umis_next_to_each_other_are_kept_apart_where_chance_makes_them(tmp_path):
    umis = ["".join(umi) for umi in itertools.product("ACGT", repeat=3)]
    reads = [(f"r_{umi}", LET7A) for umi in umis] + [(f"s_{umi}", LET7A) for umi in umis[:20]] * 3
    found = collapse([written(tmp_path / "1.fq.gz", reads)], umi=3)
    assert count(found, {0: [0]}, 1, umi=3).tolist() == [64]


def test_umis_behind_the_adapter_are_part_of_what_is_matched():
    arguments = PROTOCOLS["qiaseq_mirna"].cutadapt()
    adapter = arguments[arguments.index("--adapter") + 1]
    assert adapter == "AACTGTAGGCACCATCAAT" + "N" * 12 + ";min_overlap=31;max_errors=2;noindels"
    assert "{id}_{match_sequence}" in arguments
    assert "NNNNTGGAATTC" in " ".join(PROTOCOLS["nextflex"].cutadapt())
    assert "--adapter" not in PROTOCOLS["trimmed"].cutadapt()


def test_sequences_are_those_of_the_species_in_letters_of_dna(tmp_path):
    path = tmp_path / "mature.fa"
    path.write_text(">hsa-miR-1 MIMAT1 Homo\nUGGAAU\nGU\n>mmu-miR-1\nAAAA\n")
    assert read_fasta(str(path), "hsa", "mature") == {"hsa-miR-1": "TGGAATGT"}
    with pytest.raises(InputError, match="no sequence of the species `dre`; names start with hsa"):
        read_fasta(str(path), "dre", "mature")


def test_counts_of_nothing_are_zero(tmp_path):
    found = collapse([written(tmp_path / "1.fq.gz", [])], umi=12)
    np.testing.assert_array_equal(count(found, {}, 2, umi=12), [0, 0])
