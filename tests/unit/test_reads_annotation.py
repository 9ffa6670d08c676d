import re

import pytest

from trdomics.errors import InputError
from trdomics.reads.annotation import (
    check_chromosomes,
    ends,
    gtf_lines,
    read_annotation,
    splice_sites,
    spliced,
)

GTF = """\
#!genome-build made-up
1\tx\tgene\t11\t2000\t.\t+\t.\tgene_id "G1"; gene_name "HBB"; gene_biotype "protein_coding";
1\tx\texon\t11\t20\t.\t+\t.\tgene_id "G1"; transcript_id "T1"; gene_name "HBB";
1\tx\texon\t31\t2000\t.\t+\t.\tgene_id "G1"; transcript_id "T1"; gene_name "HBB";
2\tx\texon\t5\t8\t.\t-\t.\tgene_id "G2"; transcript_id "T2"; gene_biotype "rRNA";
"""
GFF = """\
##gff-version 3
1\tx\tgene\t11\t2000\t.\t+\t.\tID=gene:G1;Name=HBB;biotype=protein_coding
1\tx\tmRNA\t11\t2000\t.\t+\t.\tID=transcript:T1;Parent=gene:G1;Name=HBB-201;biotype=retained
1\tx\texon\t11\t20\t.\t+\t.\tParent=transcript:T1
1\tx\texon\t31\t2000\t.\t+\t.\tParent=transcript:T1
2\tx\trRNA_gene\t5\t8\t.\t-\t.\tID=gene:G2;biotype=rRNA
2\tx\trRNA\t5\t8\t.\t-\t.\tID=transcript:T2;Parent=gene:G2;biotype=rRNA
2\tx\texon\t5\t8\t.\t-\t.\tParent=transcript:T2
"""


@pytest.mark.parametrize("text", [GTF, GFF], ids=["gtf", "gff3"])
def test_both_formats_say_the_same(tmp_path, text):
    path = tmp_path / "genes"
    path.write_text(text)
    found = read_annotation(str(path))
    genes = found.genes.fillna("")
    assert genes.to_dict("list") == {
        "feature": ["G1", "G2"],
        "symbol": ["HBB", ""],
        "chromosome": ["1", "2"],
        "biotype": ["protein_coding", "rRNA"],
    }
    assert [(t.name, t.gene, t.strand, t.exons) for t in found.transcripts] == [
        ("T1", "G1", "+", [(11, 20), (31, 2000)]),
        ("T2", "G2", "-", [(5, 8)]),
    ]
    assert splice_sites(found) == ["1\t19\t30\t+\n"]
    assert [line.split()[1] for line in ends(found)[1:]] == ["1", "1", "1"]
    assert [line.split("\t")[:4] for line in ends(found)[1:]] == [
        ["five", "1", "11", "20"],
        ["five", "1", "31", "520"],
        ["three", "1", "1501", "2000"],
    ]
    again = tmp_path / "again.gtf"
    again.write_text("".join(gtf_lines(found)))
    assert read_annotation(str(again)).transcripts == found.transcripts


def test_a_transcript_of_the_other_strand_is_the_reverse_complement(tmp_path):
    path = tmp_path / "genes.gtf"
    path.write_text(GTF)
    assert spliced(read_annotation(str(path)).transcripts[1], "AAAACCGTAAAA") == "ACGG"


def test_names_with_and_without_chr_are_an_error_that_says_so():
    assert check_chromosomes(["1", "2"], ["1"], "x.bam", "y") == ["2"]
    with pytest.raises(InputError, match="one has names with `chr`, the other without"):
        check_chromosomes(["1", "2"], ["chr1", "chrM"], "x.bam", "the genome")


@pytest.mark.parametrize(
    ("text", "message"),
    [("1 2 3\n", "line 1: not 9 columns"), (GTF.replace("exon", "CDS"), "it has no exons")],
)
def test_another_file_is_refused(tmp_path, text, message):
    path = tmp_path / "genes.gtf"
    path.write_text(text)
    with pytest.raises(InputError, match=re.escape(message)):
        read_annotation(str(path))
