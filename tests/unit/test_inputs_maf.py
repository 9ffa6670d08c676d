import csv
import gzip

import numpy as np
import pandas as pd
import pytest

from trdomics.errors import InputError, InputErrors
from trdomics.inputs.maf import (
    is_maf,
    maf_columns,
    maf_samples,
    matched_names,
    read_maf,
)

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


ALL = ["s1", "s2", "s3"]


def write(tmp_path, rows=ROWS, comment=""):
    return write_text(tmp_path, comment + text_of(rows))


def text_of(rows=ROWS):
    return rows.to_csv(sep="\t", index=False, quoting=csv.QUOTE_NONE, quotechar=None)


def write_text(tmp_path, text, name="calls.maf"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def reasons(calls):
    return calls.annotation.set_index("variant")["reason"].to_dict()


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
        (ROWS.assign(Start_Position="x1"), {}, r"line 2: Start_Position 'x1' is not an integer"),
        (ROWS, {"sample_column": "patient"}, "has no column patient"),
        (ROWS.iloc[:0], {}, "it has no mutations"),
        (ROWS.assign(Tumor_Sample_Barcode="z"), {}, r"none of the samples of the sheet \(file: z"),
    ],
)
def test_bad_files_are_told_in_one_line(tmp_path, rows, settings, message):
    with pytest.raises(InputError, match=message):
        read_maf(write(tmp_path, rows), SETTINGS | settings, NAMES, None)


def test_quotes_mean_nothing(tmp_path):
    rows = ROWS.assign(HGVSp=['"5 prime', "p.A1B", "p.A1B", 'exon"', '"'])
    calls = read_maf(write(tmp_path, rows), SETTINGS | {"min_depth": 0}, NAMES, ALL)
    assert calls.dosages.shape == (3, 2)
    assert len(calls.annotation) == 3


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff#version 2.4\n" + text_of(),
        "\ufeff" + text_of(),
        text_of().replace("\n", "\r\n"),
        # lines of tools below the header, and files put behind one another
        text_of().replace("\nTTN", "\n#more\nTTN", 1) + "\ufeff#version 2.4\n" + text_of(ROWS[:0]),
        text_of() + "\n\t\t\n",
        text_of().replace(text_of().splitlines()[0], text_of().splitlines()[0].lower()),
        text_of().replace("\n", "\t\t\n"),
        text_of().replace("\n", "\t,\n").replace("FILTER\t,", "FILTER"),
        ROWS.to_csv(sep="\t", index=False, quoting=csv.QUOTE_ALL),
        # R's write.table: row names, without a name of theirs
        ROWS.to_csv(sep="\t", quoting=csv.QUOTE_ALL).replace('""\t', "", 1),
        ROWS.to_csv(index=False),
    ],
)
def test_what_editors_and_tools_leave_in_the_text(tmp_path, text):
    calls = read_maf(write_text(tmp_path, text), SETTINGS | {"min_depth": 0}, NAMES, ALL)
    assert calls.dosages.to_numpy().tolist() == [[1, 1], [1, 0], [0, 0]]


def test_all_that_is_wrong_is_said_at_once(tmp_path):
    lines = text_of(ROWS.drop(columns="Hugo_Symbol")).splitlines()
    lines[2] = "\t".join(lines[2].split("\t")[:4])
    lines[4] += "\tx"
    with pytest.raises(InputErrors) as caught:
        read_maf(write_text(tmp_path, "\n".join(lines)), SETTINGS, NAMES, None)
    missing, fewer, more = map(str, caught.value.errors)
    assert "lacks the MAF column Hugo_Symbol" in missing
    assert "line 3: 1 of 5 rows have fewer fields than the header's 9" in fewer
    assert "line 5: 1 of 5 rows have more fields" in more


def test_a_file_cut_off_within_a_row(tmp_path):
    with pytest.raises(InputError, match="line 6: 1 of 5 rows have fewer fields"):
        maf_samples(write_text(tmp_path, text_of()[:-30]), "Tumor_Sample_Barcode")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty; give the file"),
        (text_of()[: text_of().index("\n") + 1], "it has no mutations"),
        (text_of().replace("TTN", "T\0N"), "line 4, 5: 2 rows hold a NUL character"),
        (text_of().replace("TTN", "T\x1bN"), r"Hugo_Symbol 'T\x1bN' holds a control character"),
        (text_of().replace("FILTER", "hugo_symbol"), "has the column hugo_symbol 2 times"),
        (text_of().replace("\t5\t", "\t1e300\t"), "Start_Position '1e300' is not an integer"),
        (text_of().replace("\t5\t", "\tinf\t"), "Start_Position 'inf' is not an integer"),
    ],
)
def test_damaged_files_are_one_line(tmp_path, text, said):
    with pytest.raises(InputError) as caught:
        read_maf(write_text(tmp_path, text), SETTINGS, NAMES, ALL)
    (error,) = caught.value.errors
    assert said in str(error)


def test_a_row_without_position_is_left_out(tmp_path, caplog):
    rows = ROWS.assign(Start_Position=["100", "100", "", "NA", "5"])
    calls = read_maf(write(tmp_path, rows), SETTINGS | {"min_depth": 0}, NAMES, ALL)
    assert reasons(calls) == {
        "17:100:C:T": "", "2:0:A:G": "no position", "2:0:AT:-": "no position",
    }  # fmt: skip
    assert "alleles left out: no position (2)" in caplog.text


def test_positions_that_a_spreadsheet_cut_to_three_digits(tmp_path):
    rows = ROWS.assign(Start_Position="1.15E+08")
    with pytest.raises(InputError, match=r"line 2: Start_Position '1\.15E\+08' has lost digits"):
        read_maf(write(tmp_path, rows), SETTINGS, NAMES, ALL)
    # R writes 100000 so
    many = pd.concat([ROWS] * 4).reset_index(drop=True)
    many.loc[7, "Start_Position"] = "1e+05"
    assert "2:100000:A:G" in set(
        read_maf(write(tmp_path, many), SETTINGS, NAMES, ALL).annotation["variant"]
    )


def test_samples_that_became_floats(tmp_path):
    rows = ROWS.assign(Tumor_Sample_Barcode=["1.0", "2.0", "1.0", "1.0", "9.0"])
    assert maf_samples(write(tmp_path, rows), "Tumor_Sample_Barcode") == ["1", "2", "9"]


def test_a_file_is_a_maf_by_its_header(tmp_path):
    assert is_maf(write_text(tmp_path, "#version 2.4\n" + text_of(), "data_mutations.txt"))
    assert is_maf(write_text(tmp_path, text_of().lower(), "data.tsv"))
    assert not is_maf(write_text(tmp_path, "gene\ts1\nG1\t3\n", "counts.tsv"))
    assert not is_maf(tmp_path / "absent")


def test_the_samples_column_is_looked_for(tmp_path):
    renamed = ROWS.rename(columns={"Tumor_Sample_Barcode": "Sample ID"})
    assert maf_samples(write(tmp_path, renamed), "Tumor_Sample_Barcode") == ["s1", "s2", "s9"]
    assert maf_samples(write(tmp_path), "tumor_sample_barcode") == ["s1", "s2", "s9"]
    # named by the user, nothing else will do
    with pytest.raises(InputError, match="has no column tube"):
        maf_samples(write(tmp_path, renamed), "tube")
    unusual = write(tmp_path, ROWS.rename(columns={"Tumor_Sample_Barcode": "tube"}))
    assert maf_columns(unusual)["tube"] == ["s1", "s2", "s9"]


def test_sequenced_samples_of_the_file(tmp_path):
    path = write(tmp_path, comment="#sequenced_samples: s1 s2\ts3\n")
    assert maf_samples(path, "Tumor_Sample_Barcode") == ["s1", "s2", "s9", "s3"]
    calls = read_maf(path, SETTINGS, NAMES, None)
    assert list(calls.dosages.index) == ["p1", "p2", "p3"]


@pytest.mark.parametrize(
    ("names", "wanted", "expected"),
    [
        (["s1", "S2"], ["s1", "s2"], {"s1": "s1", "S2": "s2"}),
        # two that differ in case alone
        (["s1", "S1"], ["s1", "S1"], {"s1": "s1", "S1": "S1"}),
        (["sA"], ["Sa", "SA"], {}),
        (["TCGA-OR-A5J1-01A-11D-A29I-10"], ["TCGA-OR-A5J1"], "TCGA-OR-A5J1"),
        (["TCGA-OR-A5J1-01A-11D-A29I-10"], ["TCGA-OR-A5J1-01"], "TCGA-OR-A5J1-01"),
        (["tcga-or-a5j1-01"], ["TCGA-OR-A5J1-01B-11R"], "TCGA-OR-A5J1-01B-11R"),
        (["TCGA-OR-A5J1"], ["TCGA-OR-A5J1-01A", "TCGA-OR-A5J2-01A"], "TCGA-OR-A5J1-01A"),
        (["TCGA-OR-A5J1-11A"], ["TCGA-OR-A5J1-01A"], {}),
        (["TCGA-OR-A5J1"], ["TCGA-OR-A5J1-01A", "TCGA-OR-A5J1-06A"], {}),
        # no barcodes: what they begin with means nothing
        (["s1-2"], ["s1"], {}),
    ],
)
def test_matched_names(names, wanted, expected):
    expected = {names[0]: expected} if isinstance(expected, str) else expected
    assert matched_names(names, wanted) == expected


def test_samples_in_other_case_are_those_of_the_list(tmp_path, caplog):
    rows = ROWS.assign(Tumor_Sample_Barcode=["S1", "s2", "S1", "S1", "s9"])
    calls = read_maf(write(tmp_path, rows), SETTINGS | {"min_depth": 0}, NAMES, ALL)
    assert calls.dosages.to_numpy().tolist() == [[1, 1], [1, 0], [0, 0]]
    assert "1 samples are matched by case or barcode (such as S1 with s1)" in caplog.text
    assert "1 of 3 samples of the file are not in the list of profiled ones" in caplog.text


def test_a_list_of_none_of_the_samples(tmp_path):
    expected = r"none of its samples is in the list.*file: s1, s2, s9; list: x1, x2, x3, …"
    with pytest.raises(InputError, match=expected):
        read_maf(write(tmp_path), SETTINGS, NAMES, ["x1", "x2", "x3", "x4"])


def test_terms_joined_in_other_case_and_unknown(tmp_path, caplog):
    terms = [
        "missense_mutation",
        "Missense",
        "SILENT;stop_gained",
        "frame_shift_del,x",
        "Start_Codon_SNP",
    ]
    rows = ROWS.assign(
        Hugo_Symbol=list("ABCDE"),
        Start_Position=list("12345"),
        Variant_Classification=terms,
        Tumor_Sample_Barcode="s1",
    )
    calls = read_maf(write(tmp_path, rows), SETTINGS | {"min_depth": 0}, NAMES, ["s1"])
    classes = dict(calls.annotation[["gene", "consequence_class"]].to_numpy())
    assert classes == {"A": "damaging", "B": "damaging", "C": "lof", "D": "lof", "E": "lof"}
    assert "treated as having no effect on the protein: x (1)" in caplog.text
    caplog.clear()
    read_maf(write(tmp_path, ROWS.assign(Variant_Classification="")), SETTINGS, NAMES, None)
    assert "(empty) (3)" in caplog.text


def test_rows_of_no_gene_and_of_dates(tmp_path, caplog):
    rows = ROWS.assign(Hugo_Symbol=["Unknown", "Unknown", "1-Mar", "1-Mar", "."])
    rows["Variant_Classification"] = "Missense_Mutation"
    calls = read_maf(write(tmp_path, rows), SETTINGS | {"min_depth": 0}, NAMES, ALL)
    assert reasons(calls)["17:100:C:T"] == "in no gene"
    assert set(calls.dosages.columns.get_level_values("gene")) == {"1-Mar"}
    assert "1 genes look like dates" in caplog.text


def test_an_empty_filter_is_none(tmp_path, caplog):
    rows = ROWS.assign(FILTER=["NA", "", "pass", "nan", "."])
    settings = SETTINGS | {"min_depth": 0}
    calls = read_maf(write(tmp_path, rows), settings, NAMES, ALL)
    assert calls.dosages.to_numpy().tolist() == [[1, 1], [1, 0], [0, 0]]
    assert "no calls" not in caplog.text
    read_maf(write(tmp_path, ROWS.assign(FILTER="wga")), settings, NAMES, ALL)
    assert "of 4 rows are not calls: filter wga (4)" in caplog.text


def test_without_a_list_names_are_taken_as_they_are(tmp_path):
    rows = ROWS.assign(Tumor_Sample_Barcode=["S1", "s2", "S1", "S1", "s2"])
    calls = read_maf(write(tmp_path, rows), SETTINGS | {"min_depth": 0}, NAMES, None)
    assert list(calls.dosages.index) == ["p2"]


def test_the_allele_that_differs_from_the_reference_is_the_mutation(tmp_path, caplog):
    first, second = ["T", "C", "A", "-", ""], ["C", "c", "G", "AT", "A"]
    rows = ROWS.assign(Tumor_Seq_Allele1=first, Tumor_Seq_Allele2=second)
    calls = read_maf(write(tmp_path, rows), SETTINGS | {"min_depth": 0}, NAMES, ALL)
    assert reasons(calls) == {
        "17:100:C:T": "",
        "17:100:C:C": "no allele but the reference",
        "2:7:A:G": "consequence without effect on the protein",
        "2:9:AT:-": "",
    }
    assert "2 rows have the reference as Tumor_Seq_Allele2" in caplog.text
    assert "no allele but the reference (1)" in caplog.text


@pytest.mark.parametrize("allele", ["", "NA", "-"])
def test_rows_without_alleles_are_no_reference(tmp_path, allele):
    rows = ROWS.assign(Reference_Allele=allele, Tumor_Seq_Allele2=allele)
    calls = read_maf(write(tmp_path, rows), SETTINGS | {"min_depth": 0}, NAMES, ALL)
    assert "no allele but the reference" not in reasons(calls).values()


def test_a_tumours_frequency_is_no_populations(tmp_path):
    rows = ROWS.assign(AF="0.4", t_AF="0.3")
    calls = read_maf(write(tmp_path, rows), SETTINGS | {"min_depth": 0}, NAMES, ALL)
    assert "common in the population" not in reasons(calls).values()


def test_bases_in_small_letters_are_the_same(tmp_path):
    rows = ROWS.assign(Reference_Allele=ROWS["Reference_Allele"].str.lower())
    whole, small = (
        read_maf(write(tmp_path, each), SETTINGS, NAMES, ALL).dosages for each in (ROWS, rows)
    )
    pd.testing.assert_frame_equal(whole, small)


def test_rows_that_are_no_mutation_by_their_status(tmp_path, caplog):
    rows = ROWS.assign(Mutation_Status=["Somatic", "UNCALLED", "", "Wildtype", "LOH"])
    calls = read_maf(write(tmp_path, rows), SETTINGS | {"min_depth": 0}, NAMES, ALL)
    assert calls.dosages["17:100:C:T"].to_numpy().ravel().tolist() == [1, 0, 0]
    assert "Mutation_Status uncalled (1), Mutation_Status wildtype (1)" in caplog.text


@pytest.mark.parametrize("beside", [[], ["EUR_AF"]])
def test_a_lone_AF_may_be_that_of_the_tumour(tmp_path, caplog, beside):
    rows = ROWS.assign(AF="0.4", **dict.fromkeys(beside, "0.3"))
    kept = read_maf(write(tmp_path, rows), SETTINGS, NAMES, ALL).dosages
    assert kept.empty == bool(beside)
    assert ("AF is not used" in caplog.text) != bool(beside)


def test_semicolons_and_other_encodings(tmp_path):
    text = ROWS.to_csv(sep=";", index=False)
    path = write_text(tmp_path, text, "calls.csv")
    assert is_maf(path)
    pd.testing.assert_frame_equal(
        read_maf(path, SETTINGS, NAMES, ALL).dosages,
        read_maf(write(tmp_path), SETTINGS, NAMES, ALL).dosages,
    )
    path.write_bytes(text.replace("KRAS", "K\u00e9").encode("latin-1"))
    with pytest.raises(InputError, match=r"not UTF-8 text; save it as text in UTF-8"):
        maf_samples(path, "Tumor_Sample_Barcode")
    path.write_bytes(b"PK\3\4")
    with pytest.raises(InputError, match="a workbook or a ZIP archive"):
        maf_samples(path, "Tumor_Sample_Barcode")
