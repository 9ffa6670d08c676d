import gzip
import re

import pytest

from trdomics.errors import InputError
from trdomics.reads.fastq import check_unit


def fastq(path, names, length=20, mate=None):
    comment = f" {mate}:N:0:ACGT" if mate else ""
    text = "".join(f"@{n}{comment}\n{'A' * length}\n+\n{'I' * length}\n" for n in names)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return str(path)


def names(n):
    return [f"r{i}" for i in range(n)]


def test_reads_are_counted_beyond_those_that_are_looked_at(tmp_path):
    fq1 = fastq(tmp_path / "1.fq.gz", names(10_050), mate=1)
    fq2 = fastq(tmp_path / "2.fq", names(10_050), length=30, mate=2)
    first, second = check_unit(fq1, fq2, "here")
    assert (first.reads, second.reads) == (10_050, 10_050)
    assert (first.longest, second.longest) == (20, 30)


@pytest.mark.parametrize("n", [40, 12_000])
def test_a_truncated_gzip_file_is_named(tmp_path, n):
    path = tmp_path / "1.fq.gz"
    fastq(path, names(n))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=re.escape(f"here: {path}: ") + ".*(early|sound)"):
        check_unit(str(path), None, "here")


@pytest.mark.parametrize("n", [3, 12_000])
def test_a_file_that_ends_within_a_read_is_named(tmp_path, n):
    path = tmp_path / "1.fq"
    fastq(path, names(n))
    path.write_text(path.read_text().rsplit("\n", 3)[0])
    with pytest.raises(InputError, match="is truncated within a read"):
        check_unit(str(path), None, "here")


def test_mates_must_belong_together(tmp_path):
    fq1 = fastq(tmp_path / "1.fq", names(12_000), mate=1)
    short = fastq(tmp_path / "short.fq", names(11_999), mate=2)
    with pytest.raises(InputError, match=r"12,000 reads in .*11,999"):
        check_unit(fq1, short, "here")
    other = fastq(tmp_path / "other.fq", [f"x{n}" for n in names(12_000)], mate=2)
    with pytest.raises(InputError, match=r"pair 1 is `r0` in .* and `xr0`"):
        check_unit(fq1, other, "here")
    fq2 = fastq(tmp_path / "2.fq", names(12_000), length=21, mate=2)
    with pytest.raises(InputError, match="swap the two"):
        check_unit(fq2, fq1, "here")
    with pytest.raises(InputError, match="both hold the reads 1"):
        check_unit(fq1, fastq(tmp_path / "3.fq", names(12_000), mate=1), "here")
    with pytest.raises(InputError, match="hold the same reads; name the second reads"):
        check_unit(fastq(tmp_path / "4.fq", names(9)), fastq(tmp_path / "5.fq", names(9)), "here")


def test_old_names_of_mates_are_one_pair(tmp_path):
    fq1 = fastq(tmp_path / "1.fq", ["a/1", "b/1"])
    assert check_unit(fq1, fastq(tmp_path / "2.fq", ["a/2", "b/2"], 21), "here")[0].reads == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it has no reads"),
        ("sample\tgene\n1\t2\n3\t4\n5\t6\n", "line 1: not a FASTQ read"),
        ("@a\nACGT\n+\nIII\n", "line 1: 4 bases and 3 qualities"),
    ],
)
def test_what_is_no_fastq_is_named(tmp_path, text, message):
    path = tmp_path / "1.fq"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        check_unit(str(path), None, "here")
