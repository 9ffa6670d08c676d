import gzip

import numpy as np
import pandas as pd
import pytest

from trdomics.errors import InputError
from trdomics.inputs.maf import maf_samples, read_maf

SETTINGS = {
    "sample_column": "Tumor_Sample_Barcode",
    "pass_only": True,
    "min_depth": 8,
    "max_allele_frequency": 0.01,
    "no_call": "missing",
    "snv_only": False,
    "dosages": [],
}
ROWS = pd.DataFrame(
    {
        "Hugo_Symbol": ["TP53", "TP53", "TTN", "TTN", "KRAS"],
        "Chromosome": ["17", "17", "2", "chr2", "12"],
        "Start_Position": ["100.0", "100.0", "7", "9", "5"],
        "Variant_Classification": [
            "Missense_Mutation", "Missense_Mutation", "Silent", "Frame_Shift_Del", "Splice_Site",
        ],
        "Reference_Allele": ["C", "C", "A", "AT", "G"],
        "Tumor_Seq_Allele2": ["T", "T", "G", "-", "A"],
        "Tumor_Sample_Barcode": ["s1", "s2", "s1", "s1", "s9"],
        "t_ref_count": ["10", "3", "9", "9", "9"],
        "t_alt_count": ["9", "4", "9", "9", "9"],
        "FILTER": ["PASS", "PASS", "PASS", ".", "PASS"],
    }
)  # fmt: skip
NAMES = pd.Series({"p1": "s1", "p2": "s2", "p3": "s3"})


def write(tmp_path, rows=ROWS, comment=""):
    path = tmp_path / "calls.maf"
    path.write_text(comment + rows.to_csv(sep="\t", index=False), encoding="utf-8")
    return path


def test_a_profiled_patient_without_a_row_is_zero(tmp_path):
    calls = read_maf(write(tmp_path), SETTINGS | {"min_depth": 0}, NAMES, ["s1", "s2", "s3"])
    assert calls.dosages.columns.tolist() == [
        ("17:100:C:T", "TP53", "damaging"),
        ("2:9:AT:-", "TTN", "lof"),
    ]
    assert calls.dosages.to_numpy().tolist() == [[1, 1], [1, 0], [0, 0]]
    assert list(calls.dosages.index) == ["p1", "p2", "p3"]


def test_a_patient_who_is_not_listed_is_missing(tmp_path):
    calls = read_maf(write(tmp_path), SETTINGS, NAMES, ["s1", "s3"])
    assert list(calls.dosages.index) == ["p1", "p3"]


def test_without_a_list_those_with_rows_are_profiled(tmp_path):
    calls = read_maf(write(tmp_path), SETTINGS, NAMES, None)
    assert list(calls.dosages.index) == ["p1", "p2"]


def test_depth_and_filter_are_of_the_call(tmp_path):
    calls = read_maf(write(tmp_path), SETTINGS, NAMES, ["s1", "s2"])
    assert calls.dosages["17:100:C:T"].to_numpy().ravel().tolist() == [1, 0]
    rows = ROWS.assign(FILTER=["wga", "PASS", "PASS", "PASS", "PASS"])
    filtered = read_maf(write(tmp_path, rows), SETTINGS, NAMES, ["s1", "s2"])
    reasons = filtered.annotation.set_index("variant")["reason"]
    assert reasons["17:100:C:T"] == "filter wga"
    unfiltered = SETTINGS | {"pass_only": False}
    kept = read_maf(write(tmp_path, rows), unfiltered, NAMES, ["s1", "s2"]).dosages
    assert kept["17:100:C:T"].to_numpy().ravel().tolist() == [1, 0]


def test_optional_columns_may_be_absent(tmp_path):
    rows = ROWS.drop(columns=["t_ref_count", "t_alt_count", "FILTER"])
    calls = read_maf(write(tmp_path, rows), SETTINGS, NAMES, ["s1", "s2"])
    assert calls.dosages["17:100:C:T"].to_numpy().ravel().tolist() == [1, 1]


def test_population_frequency_and_rsid(tmp_path):
    rows = ROWS.assign(ExAC_AF=[".", ".", ".", "0.4", "."], dbSNP_RS="novel")
    rows.loc[3, "dbSNP_RS"] = "rs44"
    calls = read_maf(write(tmp_path, rows), SETTINGS, NAMES, ["s1", "s2"])
    assert list(calls.dosages.columns.get_level_values("gene")) == ["TP53"]
    settings = SETTINGS | {"dosages": ["rs44"]}
    named = read_maf(write(tmp_path, rows), settings, NAMES, ["s1", "s2"])
    assert ("rs44", "TTN", "other") in named.dosages.columns


def test_snv_only(tmp_path):
    calls = read_maf(write(tmp_path), SETTINGS | {"snv_only": True}, NAMES, ["s1"])
    assert calls.annotation.set_index("variant").loc["2:9:AT:-", "reason"] == "not an SNV"


def test_samples_behind_comments_and_gzip(tmp_path):
    path = write(tmp_path, comment="#version 2.4\n#more\n")
    assert maf_samples(path, "Tumor_Sample_Barcode") == ["s1", "s2", "s9"]
    packed = tmp_path / "calls.maf.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert maf_samples(packed, "Tumor_Sample_Barcode") == ["s1", "s2", "s9"]
    packed.write_bytes(gzip.compress(path.read_bytes() * 200)[:-40])
    with pytest.raises(InputError, match="cannot be read"):
        maf_samples(packed, "Tumor_Sample_Barcode")


def test_tallies_count_transitions(tmp_path):
    calls = read_maf(write(tmp_path), SETTINGS, NAMES, ["s1", "s3"])
    tallies = calls.patients.set_index("patient_id")
    assert tallies.loc["p1", ["variants", "transitions", "transversions"]].tolist() == [3, 2, 0]
    assert np.array_equal(tallies["called"], tallies["sites"])


@pytest.mark.parametrize(
    ("rows", "settings", "message"),
    [
        (ROWS.drop(columns="Hugo_Symbol"), {}, "lacks the MAF column Hugo_Symbol"),
        (ROWS.assign(Start_Position="x1"), {}, r"line 2: Start_Position 'x1' is no integer"),
        (ROWS, {"sample_column": "patient"}, "has no column patient"),
        (ROWS.assign(Tumor_Sample_Barcode="z"), {}, r"none of the samples of the sheet \(file: z"),
    ],
)
def test_bad_files_are_told_in_one_line(tmp_path, rows, settings, message):
    with pytest.raises(InputError, match=message):
        read_maf(write(tmp_path, rows), SETTINGS | settings, NAMES, None)
