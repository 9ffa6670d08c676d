"""Regions, named sites, read groups, call sets, and the quality of DNA reads."""

from __future__ import annotations

import pandas as pd
import pytest

from trdomics.errors import InputError
from trdomics.identity.sex import call_sex, depth_score
from trdomics.reads.bam import check_sample
from trdomics.reads.callset import check_joint, is_bare_vcf
from trdomics.reads.contigs import check_shared, first_column
from trdomics.reads.dna_quality import dna_quality
from trdomics.reads.named_sites import named_records
from trdomics.reads.regions import Site, divided, read_regions, read_sites

GENOME = {"chr1": 1000, "chr2": 500, "chrX": 300}


def written(path, text):
    path.write_text(text)
    return str(path)


def test_regions_are_sorted_as_the_genome_and_joined_where_they_overlap(tmp_path):
    bed = "track x\nchr2\t5\t20\tgene\nchr1\t50\t90\nchr1\t10\t60\nchr1\t90\t95\n"
    path = written(tmp_path / "a.bed", bed)
    assert read_regions(path, GENOME) == [("chr1", 10, 95), ("chr2", 5, 20)]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("1\t5\t20", "the genome calls it chr1"),
        ("chr7\t5\t20", "chr7 is not in the genome"),
        ("chr2\t5\t900", "outside of chr2"),
        ("chr2 5 20", "line 2: is not a region"),
    ],
)
def test_regions_of_another_assembly_are_refused(tmp_path, line, problem):
    path = written(tmp_path / "a.bed", f"chr1\t1\t2\n{line}\n")
    with pytest.raises(InputError, match=problem):
        read_regions(path, GENOME)


def test_parts_hold_every_base_once_and_about_as_many_each():
    regions = [("chr1", i, i + 10) for i in range(0, 1000, 20)] + [("chr2", 0, 500)]
    parts = divided(regions, 4)
    assert [region for part in parts for region in part] == regions
    assert divided([("chr1", 0, 12_000_000)], 2) == [
        [("chr1", 0, 5_000_000)],
        [("chr1", 5_000_000, 10_000_000), ("chr1", 10_000_000, 12_000_000)],
    ]


def test_a_chr_prefix_is_named_as_the_difference(tmp_path):
    gff = written(tmp_path / "a.gff3", "##gff\n1\tx\tgene\t1\t9\n2\tx\tgene\t1\t9\n")
    with pytest.raises(InputError, match="calls it chr1: write the names alike"):
        check_shared(first_column(gff), GENOME, gff)
    # scaffolds that the genome leaves out are no fault
    check_shared(["chr1", "scaffold_7"], GENOME, gff)


def test_sites_are_those_of_a_vcf(tmp_path):
    vcf = "##x\n#CHROM\tPOS\tID\tREF\tALT\nchr2\t7\trs2\ta\tAT\t.\nchr1\t9\trs1\tC\tG\n"
    sites = read_sites(written(tmp_path / "a.vcf", vcf), GENOME)
    assert sites == [Site("chr1", 9, "rs1", "C", "G"), Site("chr2", 7, "rs2", "A", "AT")]
    with pytest.raises(InputError, match="line 1: is not a variant"):
        read_sites(written(tmp_path / "b.vcf", "chr1\t9\trs1\tC\tG,T\n"), GENOME)


def test_a_site_that_nobody_carries_is_reference_and_one_without_reads_is_not_called():
    lines = [
        "##x",
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\tS2",
        "chr1\t9\t.\tC\tG\t50\t.\t.\tGT:PL:DP\t0/1:1,0,1:20\t0/0:0,9,9:18",
        "chr1\t20\t.\tA\t.\t50\t.\t.\tGT:DP\t0/0:15\t./.:0",
        # someone carries another allele: of the one asked for there are no copies
        "chr1\t30\t.\tA\tT\t50\t.\t.\tGT:DP\t1/1:15\t0/0:12",
    ]
    alleles = [(9, "C", "G"), (20, "A", "T"), (20, "AC", "A"), (30, "A", "C"), (40, "G", "T")]
    sites = [Site("chr1", position, f"rs{position}", r, a) for position, r, a in alleles]
    records = [record.split("\t") for record in named_records(lines, sites)]
    assert [tuple(r[1:5]) for r in records] == [(str(p), f"rs{p}", r, a) for p, r, a in alleles]
    genotypes = [[call.split(":")[0] for call in record[9:]] for record in records]
    missing, reference = "./.", "0/0"
    assert genotypes == [
        ["0/1", reference],
        [reference, missing],
        [reference, missing],
        [reference, reference],
        [missing, missing],
    ]


def test_read_groups_have_to_name_the_sample():
    check_sample("a.bam", "P1", ["P1"])
    with pytest.raises(InputError, match=r"no read group.*-r SM:P1"):
        check_sample("a.bam", "P1", [])
    with pytest.raises(InputError, match="of sample P2, not P1"):
        check_sample("a.bam", "P1", ["P2"])


HEADER = (
    '##fileformat=VCFv4.2\n##contig=<ID=1>\n##FORMAT=<ID=GT,Number=1,Type=String,Description="x">\n'
    '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="x">\n'
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tA\tB\tC\n"
)


def call_set(path, rows):
    lines = [
        f"1\t{i}\t.\tA\tG\t50\t.\t.\tGT:DP\t" + "\t".join(row) for i, row in enumerate(rows, 1)
    ]
    return written(path, HEADER + "\n".join(lines) + "\n")


def test_calls_of_single_samples_that_were_merged_are_refused(tmp_path):
    joint = [["0/0:9", "0/1:9", "0/0:9"], ["0/0:9", "./.:0", "1/1:8"]] * 10
    assert check_joint(call_set(tmp_path / "a.vcf", joint)) == pytest.approx(1 / 6)
    merged = [["0/1:9", "./.:.", "./.:."], ["./.:.", "./.:.", "1/1:8"]] * 10
    with pytest.raises(InputError, match="67% of the genotypes are missing"):
        check_joint(call_set(tmp_path / "b.vcf", merged))
    filled = [["0/1:9", "0/0:0", "0/0:0"], ["0/0:0", "0/0:7", "1/1:8"]] * 10
    with pytest.raises(InputError, match="75% of the 0/0 genotypes have no reads"):
        check_joint(call_set(tmp_path / "c.vcf", filled))


def test_a_vcf_without_consequences_is_bare_where_genome_and_genes_are_known(tmp_path):
    vcf = call_set(tmp_path / "a.vcf", [["0/0:9", "0/1:9", "0/0:9"]])
    layer = {"format": "vcf", "file": vcf, "reads": None}
    known = {"references": {"genome": "g.fa", "annotation": "g.gff3"}}
    assert is_bare_vcf(known, layer)
    assert not is_bare_vcf({"references": {"genome": None, "annotation": None}}, layer)
    assert not is_bare_vcf(known, {**layer, "reads": {"units": "u.tsv"}})
    tag = (
        '##INFO=<ID=BCSQ,Number=.,Type=String,Description="Format: Consequence|gene|transcript">\n'
    )
    annotated = written(tmp_path / "b.vcf", HEADER.replace("##contig", f"{tag}##contig"))
    assert not is_bare_vcf(known, {**layer, "file": annotated})


def test_quality_of_dna_counts_reads_and_depth(tmp_path):
    counts = {"primary": 100, "primary mapped": 80, "primary duplicates": 8, "read1": 50}
    rows = "chr1\t0\t100\t2000\t90\nchrX\t0\t50\t500\t40\nchrY\t0\t50\t500\t40\n"
    found = dna_quality({"QC-passed reads": counts}, written(tmp_path / "a", rows))
    assert found == pytest.approx(
        {
            **{"fragments": 50, "mapped_share": 0.8, "duplicate_share": 0.1, "mean_depth": 15},
            **{"share_10x": 0.85, "x_depth_ratio": 0.5, "y_depth_ratio": 0.5},
        }
    )


def test_depth_of_x_and_y_tells_the_sexes_apart():
    women = [(f"W{i}", 1 + 0.01 * i, 0.002) for i in range(8)]
    men = [(f"M{i}", 0.5 + 0.01 * i, 0.5) for i in range(6)]
    quality = pd.DataFrame(women + men, columns=["sample", "x_depth_ratio", "y_depth_ratio"])
    names = pd.Series({f"P{name}": name for name in quality["sample"]})
    sex = call_sex(depth_score(quality, names)).sex
    assert (sex[[f"PW{i}" for i in range(8)]] == "female").all()
    assert (sex[[f"PM{i}" for i in range(6)]] == "male").all()
    lacking = quality.assign(y_depth_ratio=float("nan"))
    assert "lack X, Y" in depth_score(lacking, names).reason
