"""Headers, genotypes and damaged records of a VCF."""

import gzip

import numpy as np
import pandas as pd
import pytest
from vcf_data import (
    NAMES,
    SETTINGS,
    read,
    reasons,
    record,
    write,
)

from trdomics.errors import InputError
from trdomics.inputs.vcf import read_vcf, vcf_header


def test_dosages_have_patients_in_the_order_of_the_sheet(tmp_path):
    calls = read(tmp_path, record(s3="1/1"))
    assert calls.dosages.columns.tolist() == [("1:10:A:T", "G1", "damaging")]
    assert list(calls.dosages.index) == ["p2", "p1", "p3"]
    assert calls.dosages.iloc[:, 0].tolist() == [0, 1, 2]
    assert calls.dosages.dtypes.eq(np.float32).all()


@pytest.mark.parametrize(("no_call", "expected"), [("missing", np.nan), ("reference", 0)])
def test_no_call_is_missing_or_reference(tmp_path, no_call, expected):
    calls = read(tmp_path, record(), settings={"no_call": no_call})
    np.testing.assert_equal(calls.dosages.loc["p3"].item(), expected)


def test_header_says_samples_and_tag(tmp_path):
    path = write(tmp_path / "a.vcf", [record()])
    assert vcf_header(path).samples == ["s1", "s2", "s3"]
    assert vcf_header(path).annotation == "CSQ"
    plain = write(tmp_path / "b.vcf", [record()], tag="XX", description="nothing")
    assert vcf_header(plain).annotation is None
    with pytest.raises(InputError, match="no consequence annotation"):
        read_vcf(plain, SETTINGS, NAMES)


def test_genotypes_need_depth_and_quality(tmp_path):
    calls = read(
        tmp_path,
        record(pos=1, format="GT:DP:GQ", s1="0/1:8:20", s2="0/1:7:99", s3="0/1:99:19"),
        record(pos=2, format="GT:AD", s1="0/1:4,4", s2="0/1:3,4", s3="0/1:.,."),
        record(pos=3, format="GT:DP", s1="0/1:.", s2="0/0:9", s3="0/0:2"),
    )
    expected = [[np.nan, np.nan, 0], [1, 1, 1], [np.nan, 1, np.nan]]
    np.testing.assert_equal(calls.dosages.to_numpy(), np.array(expected))


def test_named_variants_need_no_annotation(tmp_path):
    plain = {"tag": "XX", "description": "nothing"}
    calls = read(tmp_path, record(id="rs7"), record(pos=12), settings={"dosages": ["rs7"]}, **plain)
    assert calls.dosages.columns.tolist() == [("rs7", "", "other")]
    assert calls.dosages.loc["p1"].tolist() == [1]


def test_chromosomes_are_named_without_chr(tmp_path):
    calls = read(tmp_path, record(chrom="chr2"))
    assert calls.annotation.loc[0, ["variant", "chromosome"]].tolist() == ["2:10:A:T", "2"]


@pytest.mark.parametrize("declared", ["", "##FORMAT=<ID={},Number=1,Description=x>\n"])
@pytest.mark.parametrize("dropped", ["GQ", "DP", "AD", "GT"])
def test_genotype_fields_that_the_header_lacks(tmp_path, dropped, declared):
    rows = [
        record(pos=1, format="GT:DP:GQ", s1="0/1:8:20", s2="0/1:7:99", s3="0/1:99:19"),
        record(pos=2, format="GT:AD", s1="0/1:4,4", s2="0/1:3,4", s3="0/1:.,."),
        record(pos=3, format="GT:DP:GQ", s1="0/1:.:.", s2="0/0:9", s3="0/0:2:50"),
    ]
    path = write(tmp_path / "calls.vcf", rows)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    wrong = declared.format(dropped)
    kept = [wrong if f"FORMAT=<ID={dropped}," in line else line for line in lines]
    path.write_text("".join(kept), encoding="utf-8")
    expected = [[np.nan, np.nan, 0], [1, 1, 1], [np.nan, 1, np.nan]]
    np.testing.assert_equal(read_vcf(path, SETTINGS, NAMES).dosages.to_numpy(), np.array(expected))


def test_a_header_without_records(tmp_path):
    path = write(tmp_path / "a.vcf", [])
    with pytest.raises(InputError, match=r"a\.vcf: it has no variants"):
        read_vcf(path, SETTINGS, NAMES)


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_cut_off_within_a_record(tmp_path, packed):
    path = write(tmp_path / "a.vcf", [record(), record(pos=77), record(pos=90)])
    text = path.read_bytes()[:-9]
    if packed:
        path = tmp_path / "a.vcf.gz"
        path.write_bytes(gzip.compress(text))
    else:
        path.write_bytes(text)
    with pytest.raises(InputError, match=r"the record after 1:77 cannot be read"):
        read_vcf(path, SETTINGS, NAMES)


def damages(line):
    """Damages of a record, each by what becomes of its fields."""
    fields = line.rstrip("\n").split("\t")

    def put(place, value):
        return "\t".join([*fields[:place], value, *fields[place + 1 :]]) + "\n"

    return {
        "empty line": "\n",
        "no tabs": "\x01\x02\xff\n",
        "no fields": fields[0] + "\t12\n",
        "no samples": "\t".join(fields[:11]) + "\n",
        "position": put(1, "abc"),
        "negative position": put(1, "-5"),
        "genotype": put(9, "x/y"),
        "empty genotype": put(9, ""),
        "gene": put(7, fields[7].replace("G1", "G\x1b1")),
    }


@pytest.mark.parametrize("damage", sorted(damages("\t" * 12)))
def test_a_damaged_record_is_one_line_with_its_place(tmp_path, damage):
    path = write(tmp_path / "a.vcf", [record(), record(pos=77), record(pos=90)])
    *head, damaged, last = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join([*head, damages(damaged)[damage], last]), encoding="utf-8")
    with pytest.raises(InputError, match=r"a\.vcf: (the record after 1:10 |gene 'G)"):
        read_vcf(path, SETTINGS, NAMES)


def test_no_sample_of_the_sheet(tmp_path):
    path = write(tmp_path / "a.vcf", [record()])
    with pytest.raises(InputError, match=r"none of the samples.*file: s1, s2, s3; sheet: x"):
        read_vcf(path, SETTINGS, pd.Series({"p": "x"}))


def test_a_record_without_genotypes_is_left_out(tmp_path, caplog):
    calls = read(
        tmp_path, record(), record(pos=12, format="DP", s1="9", s2="9", s3="9"), record(pos=14)
    )
    assert reasons(calls) == ["", "no genotypes", ""]
    assert "alleles left out: no genotypes (1)" in caplog.text


def test_a_file_of_which_no_variant_is_left_is_refused(tmp_path):
    calls = read(tmp_path, record(format="DP", s1="9", s2="9", s3="9"))
    with pytest.raises(InputError, match=r"v\.vcf: no variant is left: no genotypes \(1\)"):
        calls.check_any("v.vcf")
    read(tmp_path, record()).check_any("v.vcf")


def test_not_a_vcf(tmp_path):
    path = tmp_path / "a.vcf"
    path.write_text("gene\tsample\n", encoding="utf-8")
    with pytest.raises(InputError, match="is not a readable VCF"):
        vcf_header(path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("s3", "s1", "sample column `s1` is duplicated; keep or rename one"),
        ("\t", " ", "its fields are separated by blanks; separate them by tabs"),
        ("##fileformat=VCFv4.2\n", "", "its first line is not ##fileformat=VCFv4.2"),
    ],
)
def test_what_is_wrong_with_a_header_is_said(tmp_path, old, new, said):
    path = write(tmp_path / "a.vcf", [record()])
    text = path.read_text("utf-8").replace(old, new)
    if not new:
        text = "".join(line for line in text.splitlines(True) if line[:2] != "##")
    path.write_text(text, "utf-8")
    with pytest.raises(InputError, match=said):
        vcf_header(path)


def test_a_genotype_that_fails_its_own_filter_is_missing(tmp_path):
    row = record(format="GT:FT", s1="0/1:PASS", s2="0/1:LowGQ;LowDP", s3="0/1:.")
    path = write(tmp_path / "calls.vcf", [row])
    text = path.read_text("utf-8")
    declared = '##FORMAT=<ID=FT,Number=1,Type=String,Description="f">\n#CHROM'
    path.write_text(text.replace("#CHROM", declared), "utf-8")
    for pass_only, expected in ((True, [np.nan, 1, 1]), (False, [1, 1, 1])):
        dosages = read_vcf(path, SETTINGS | {"pass_only": pass_only}, NAMES).dosages
        np.testing.assert_equal(dosages.to_numpy()[:, 0], np.array(expected))


@pytest.mark.parametrize("annotated", ["T", "t"])
def test_bases_in_small_letters_are_the_same(tmp_path, annotated):
    small = record(ref="a", alt="t", annotation=f"{annotated}|missense_variant|MODERATE|G1|E1|")
    pd.testing.assert_frame_equal(read(tmp_path, small).dosages, read(tmp_path, record()).dosages)


def test_a_bgzipped_file_without_its_end(tmp_path):
    block = bytes.fromhex("1f8b08040000000000ff060042430200")
    path = tmp_path / "a.vcf.gz"
    path.write_bytes(block + b"\0" * 60)
    with pytest.raises(InputError, match="is truncated"):
        vcf_header(path)
    # a plain gzip file has no such end
    plain = write(tmp_path / "b.vcf", [record()])
    (tmp_path / "b.vcf.gz").write_bytes(gzip.compress(plain.read_bytes()))
    assert vcf_header(tmp_path / "b.vcf.gz").annotation == "CSQ"
