import re

import pysam
import pytest

from trdomics.errors import InputError
from trdomics.reads.bam import check_bam


def written(folder, chromosome="1", length=1000, order="coordinate", reads=3, sample="a"):
    path = str(folder / "a.bam")
    header = {
        "HD": {"VN": "1.6", "SO": order},
        "SQ": [{"SN": chromosome, "LN": length}],
        "RG": [{"ID": "x", "SM": sample}],
    }
    with pysam.AlignmentFile(path, "wb", header=header) as bam:
        for number in range(reads):
            read = pysam.AlignedSegment(bam.header)
            read.query_name, read.query_sequence = f"r{number}", "ACGTACGT"
            read.flag, read.reference_id, read.reference_start = 99, 0, 10 * number
            read.cigarstring, read.mapping_quality = "8M", 60
            bam.write(read)
    if order == "coordinate":
        pysam.index(path)
    return path


def test_a_sound_file_says_what_it_holds(tmp_path):
    found = check_bam(written(tmp_path), "here", {"1": 1000, "2": 5}, ["1"])
    assert found == {"reads": 3, "longest": 8, "paired": True, "samples": ["a"]}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"order": "queryname"}, "not sorted by position"),
        ({"length": 999}, "aligned to another genome: 1 has 999 bases, in `references.genome` 1,0"),
        ({"chromosome": "chr1"}, "one has names with `chr`, the other without"),
        ({"chromosome": "X"}, "its sequences are `X`, the annotation's `1`"),
        ({"reads": 0}, "it has no aligned reads"),
    ],
)
def test_a_file_of_other_references_is_refused(tmp_path, options, message):
    with pytest.raises(InputError, match=re.escape(message)):
        check_bam(written(tmp_path, **options), "here", {"1": 1000}, ["1"])


def test_a_truncated_file_is_named(tmp_path):
    path = written(tmp_path)
    whole = (tmp_path / "a.bam").read_bytes()
    (tmp_path / "a.bam").write_bytes(whole[:-28])
    with pytest.raises(InputError, match=r"here: .*a.bam: not a valid BAM file .*; copy it again"):
        check_bam(path, "here", None, ["1"])
