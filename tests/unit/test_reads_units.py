import re

import pytest

from trdomics.errors import InputError
from trdomics.reads.units import missing_files, read_units


def written(folder, text):
    path = folder / "units.tsv"
    path.write_text(text)
    return str(path)


def test_lanes_of_a_sample_are_its_units(tmp_path):
    table = "sample\tlane\tfq1\tfq2\nb\tL1\t1.fq\t2.fq\na\tL1\t3.fq\t4.fq\nb\tL2\t5.fq\t6.fq\n"
    units = read_units(written(tmp_path, table), "mrna")
    assert units.samples == ("b", "a")
    assert [unit.fq1 for unit in units.of("b")] == ["1.fq", "5.fq"]
    assert units.paired("a")
    assert not units.aligned
    assert units.unit("b", "L2").files == ("5.fq", "6.fq")


def test_lane_and_mates_may_be_left_out(tmp_path):
    units = read_units(written(tmp_path, "sample\tfq1\na\t1.fq\n"), "mrna")
    assert units.of("a")[0].lane == "1"
    assert not units.paired("a")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("sample\tfq1\tfastq\na\t1\t2\n", "unknown column `fastq`"),
        ("sample\tfq2\na\t1\n", "it lacks a column"),
        ("sample\tfq1\n", "it has no units"),
        ("sample\tfq1\n../a\t1.fq\n", "line 2: `sample` is '../a'"),
        ("sample\tlane\tfq1\na\tL.1\t1.fq\n", "line 2: `lane` is 'L.1'"),
        ("sample\tfq1\tbam\na\t1.fq\t1.bam\n", "names both `fq1` and `bam`"),
        ("sample\tfq1\tfq2\tbam\na\t\t2.fq\t1.bam\n", "`fq2` and no `fq1`"),
        ("sample\tfq1\na\tx{y}.fq\n", "brace"),
        ("sample\tfq1\na\t1.fq\na\t2.fq\n", "lines 2 and 3: sample `a` has the lane `1` twice"),
        ("sample\tfq1\na\t1.fq\nb\t1.fq\n", "1.fq is named twice"),
        ("sample\tfq1\tfq2\na\t1.fq\t1.fq\n", "1.fq is named twice"),
        ("sample\tfq1\tbam\na\t1.fq\t\nb\t\t1.bam\n", "some units are FASTQ and some are BAM"),
        ("sample\tlane\tfq1\tfq2\na\t1\t1\t2\na\t2\t3\t\n", "paired and single reads"),
        ("sample\tlane\tbam\na\t1\t1.bam\na\t2\t2.bam\n", "has 2 BAM files"),
    ],
)
def test_a_table_that_cannot_be_used_names_its_line(tmp_path, table, message):
    with pytest.raises(InputError, match=re.escape(message)):
        read_units(written(tmp_path, table), "mrna")


def test_files_that_are_not_there_and_bam_files_without_an_index_are_found(tmp_path):
    bam = tmp_path / "a.bam"
    bam.touch()
    path = written(tmp_path, f"sample\tbam\na\t{bam}\nb\t{tmp_path}/b.bam\nc\tmade/c.bam\n")
    found = [str(e) for e in missing_files(read_units(path, "m"), "m", lambda f: "made/" in f)]
    assert [
        re.search(r"b.bam: no such file;|without an index: `\S+a.bam`", e)[0] for e in found
    ] == [
        "b.bam: no such file;",
        f"without an index: `{bam}`",
    ]
    (tmp_path / "a.bai").touch()
    assert len(list(missing_files(read_units(path, "m"), "m", lambda f: "made/" in f))) == 1
