import pysam
import pytest

from trdomics.errors import InputError
from trdomics.reads.annotation import read_annotation
from trdomics.reads.transcripts import write_gentrome

GTF = """\
1\tx\texon\t1\t4\t.\t+\t.\tgene_id "G1"; transcript_id "T1";
1\tx\texon\t9\t12\t.\t+\t.\tgene_id "G1"; transcript_id "T1";
1\tx\texon\t1\t4\t.\t-\t.\tgene_id "G2"; transcript_id "T2";
MT\tx\texon\t1\t4\t.\t-\t.\tgene_id "G3"; transcript_id "T3";
"""


@pytest.fixture
def references(tmp_path):
    genome = tmp_path / "genome.fa"
    genome.write_text(">1 first\nAACCGGTTACGT\n>2\nTTTT\n")
    pysam.faidx(str(genome))
    gtf = tmp_path / "genes.gtf"
    gtf.write_text(GTF)
    return str(genome), read_annotation(str(gtf)), tmp_path


def sequences(path):
    lines = path.read_text().split(">")[1:]
    return {name: "".join(rest) for name, *rest in (part.split() for part in lines)}


def test_transcripts_are_cut_out_of_the_genome_which_comes_behind_them(references):
    genome, annotation, folder = references
    files = (str(folder / "gentrome.fa"), str(folder / "decoys.txt"))
    table, dropped = write_gentrome(annotation, genome, None, files)
    assert sequences(folder / "gentrome.fa") == {
        "T1": "AACCACGT",
        "T2": "GGTT",
        "1": "AACCGGTTACGT",
        "2": "TTTT",
    }
    assert (folder / "decoys.txt").read_text().split() == ["1", "2"]
    assert table.to_dict("list") == {"transcript": ["T1", "T2"], "gene": ["G1", "G2"]}
    assert dropped == [
        "the genome lacks 1 of the annotation's sequences",
        "1 transcripts of the annotation have no sequence: not counted",
    ]


def test_given_transcripts_are_found_with_versions_and_gencodes_names(references):
    genome, annotation, folder = references
    given = folder / "transcripts.fa"
    given.write_text(">T1.3 cdna\nAAAA\n>T2|G2|x\nCC\nCC\n>T9\nGGGG\n")
    files = (str(folder / "gentrome.fa"), str(folder / "decoys.txt"))
    table, _ = write_gentrome(annotation, genome, str(given), files)
    assert list(table["transcript"]) == ["T1", "T2"]
    assert sequences(folder / "gentrome.fa")["T2"] == "CCCC"
    given.write_text(">T9\nGGGG\n")
    with pytest.raises(InputError, match=r"it has no transcript of `references.annotation`"):
        write_gentrome(annotation, genome, str(given), files)


def test_an_annotation_of_another_release_is_an_error(references):
    genome, annotation, folder = references
    annotation.transcripts[0].exons[-1] = (9, 13)
    files = (str(folder / "gentrome.fa"), str(folder / "decoys.txt"))
    with pytest.raises(InputError, match="1 has 12 bases, the annotation's transcript T1 ends at"):
        write_gentrome(annotation, genome, None, files)
