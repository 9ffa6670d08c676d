"""A cohort begun from its matrices: types, ids, and nothing overwritten."""

import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from trdomics.check.precheck import problems
from trdomics.cohort.config import resolve_config
from trdomics.cohort.template import begin_cohort, guess_layer, join_ids, read_clinical
from trdomics.errors import InputError
from trdomics.files import read_table

SCRIPT = Path(__file__).parents[2] / "workflow" / "scripts" / "cohort_init.py"
N = 12
IDS = [f"p{i}" for i in range(N)]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def matrix(path, values, names=IDS):
    table = pd.DataFrame(values, index=[f"f{i}" for i in range(len(values))], columns=names)
    table.to_csv(path, sep="\t", index_label="feature")
    return path


def numbers():
    return np.random.default_rng(1)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (numbers().poisson(30, (6, N)), {"type": "counts"}),
        (numbers().integers(0, 2, (6, N)), {"type": "binary"}),
        (numbers().normal(0, 2, (6, N)), {"type": "continuous"}),
        (numbers().lognormal(5, 2, (6, N)), {"type": "continuous", "log2": True}),
        (np.where(np.eye(6, N) == 1, np.nan, 7), {"type": "continuous"}),
        (numbers().poisson(300, (6, N)) + np.linspace(0, 0.9, N).round(2), {"type": "counts"}),
    ],
    ids=[
        *("counts", "binary", "continuous", "not logged", "whole numbers with gaps"),
        "estimated counts",
    ],
)
def test_the_type_is_read_off_the_values(values, expected):
    settings, samples, _ = guess_layer("layer", matrix("m.tsv", values))
    assert settings == {**expected, "file": "m.tsv"}
    assert samples == IDS


@pytest.mark.parametrize("value", [-5, np.nan])
def test_whole_numbers_that_a_wrong_value_keeps_from_being_counts_are_said(value):
    values = numbers().poisson(300, (6, N)).astype(float)
    values[2, 3] = value
    settings, _, message = guess_layer("layer", matrix("m.tsv", values))
    assert settings["type"] == "continuous"
    assert "if they are counts, correct those" in message


def test_decimal_commas_of_a_table_with_semicolons_become_points():
    Path("c.csv").write_text("id;bmi;place\np1;24,1;a,b\np2;30,5;c\n")
    table = read_clinical("c.csv")
    assert table["bmi"].tolist() == ["24.1", "30.5"]
    assert table["place"].tolist() == ["a,b", "c"]


def test_rows_that_count_reads_of_no_feature_do_not_hide_the_type():
    path = matrix("m.tsv", numbers().poisson(300, (6, N)))
    with open(path, "a") as handle:
        handle.write("\t".join(["__no_feature", *["1000000.5"] * N]) + "\n")
    settings, _, said = guess_layer("layer", path)
    assert settings["type"] == "counts"
    assert "left out 1 row that is not a feature (`__no_feature`)" in said


def test_two_equal_rows_beside_zeros_are_features():
    values = np.zeros((10, N), int)
    values[:2] = numbers().poisson(30, N)
    settings, _, said = guess_layer("layer", matrix("m.tsv", values))
    assert settings["type"] == "counts"
    assert said == f"10 features, 0 to {values.max()}"


def test_other_columns_than_the_patients_may_hold_anything():
    table = pd.DataFrame(numbers().poisson(300, (6, N)), columns=IDS)
    table.insert(0, "name", [f"f{i}" for i in range(6)])
    table.insert(1, "COMP ID", np.arange(6) + 0.5)
    table.insert(2, "PLATFORM", "LC/MS")
    table.to_csv("m.tsv", sep="\t", index=False)
    settings, samples, said = guess_layer("layer", "m.tsv", IDS)
    assert settings["type"] == "counts"
    assert samples == ["COMP ID", "PLATFORM", *IDS]
    assert "estimated" not in said


def test_a_field_of_several_lines_becomes_one_and_rows_below_the_patients_are_named():
    matrix("a.tsv", numbers().poisson(30, (6, N)))
    clinical = pd.DataFrame({"id": IDS, "response": ["no", "yes"] * (N // 2), "note": "a\n b\tc"})
    clinical.loc[N] = ["Exported on 1 May", "", ""]
    clinical.to_csv("c.csv", index=False)
    said = begin_cohort("mine", {"rna": "a.tsv"}, ".", "c.csv", "response")
    assert set(read_table("mine.tsv")["note"][:N]) == {"a b c"}
    assert any("1 patients are in no layer" in n and n.endswith("Exported on 1 May") for n in said)


@pytest.mark.parametrize("composed", [True, False])
def test_letters_with_separate_accents_are_the_same(composed):
    ids = [f"\u00c4-{i}" for i in range(N)]
    apart = [unicodedata.normalize("NFD", name) for name in ids]
    matrix("a.tsv", numbers().poisson(30, (6, N)), apart if composed else ids)
    table = pd.DataFrame({"id": ids if composed else apart, "response": ["no", "yes"] * (N // 2)})
    table.to_csv("c.csv", index=False)
    begin_cohort("mine", {"rna": "a.tsv"}, ".", "c.csv", "response")
    sheet = read_table("mine.tsv")
    assert list(sheet["patient_id"]) == (ids if composed else apart)
    assert list(sheet["rna_id"]) == (apart if composed else ids)


@pytest.mark.parametrize("spelt", ["P.{:03d}", "p{}", "P_0{}"])
def test_ids_that_differ_in_spelling_alone_are_matched_and_shown(spelt):
    names = [spelt.format(i) for i in range(1, 9)]
    clinical = pd.DataFrame({"patient_id": [f"P-{i:03d}" for i in range(1, 9)], "age": names[0]})
    sheet, columns, notes = join_ids({"rna": names}, clinical)
    assert columns == {"rna": "rna_id"}
    assert sheet["rna_id"].tolist() == names
    assert notes == [
        "rna: 8 samples are matched to `patient_id` by letters and numbers alone "
        f"(`{names[0]}` is `P-001`); check the column rna_id"
    ]


def test_ids_of_which_some_are_spelt_otherwise_are_all_matched():
    ids = [f"P{i:02d}" for i in range(1, 9)]
    names = [name.lower() if i % 3 else name for i, name in enumerate(ids)]
    sheet, _, notes = join_ids({"rna": names}, pd.DataFrame({"patient_id": ids}))
    assert sheet["rna_id"].tolist() == names
    assert "(`p02` is `P02`)" in notes[0]


def test_parts_of_names_may_be_spelt_otherwise():
    ids = [f"MUC-{i:03d}" for i in range(1, 9)]
    names = [f"muc_{i}_R1" for i in range(1, 9)]
    sheet, _, notes = join_ids({"rna": names}, pd.DataFrame({"patient_id": ids}))
    assert sheet["rna_id"].tolist() == names
    assert "by a part of their names (`muc_1_R1` is `MUC-001`)" in notes[0]


@pytest.mark.parametrize(
    "longer", ["{}_S4", "bams/{}.sorted.bam", "{}-01A-11D-A1-08", "20240101_{}.raw"]
)
def test_ids_that_are_part_of_the_samples_names_are_matched(longer):
    ids = [f"TCGA-AA-{1000 + i}" for i in range(8)]
    names = [longer.format(name) for name in ids]
    sheet, columns, notes = join_ids({"rna": names[::-1]}, pd.DataFrame({"patient_id": ids}))
    assert columns == {"rna": "rna_id"}
    assert sheet["rna_id"].tolist() == names
    assert f"by a part of their names (`{names[-1]}` is `{ids[-1]}`)" in notes[0]


def test_several_samples_of_a_patient_are_named_and_not_matched():
    ids = [f"P{i}" for i in range(8)]
    names = [f"{name}_L00{lane}" for name in ids for lane in (1, 2)]
    sheet, _, notes = join_ids({"rna": names}, pd.DataFrame({"patient_id": ids}))
    assert (sheet["rna_id"] == "").all()
    assert "rna: patient P0 has several samples (P0_L001, P0_L002)" in notes[1]


def test_numbers_that_are_no_ids_do_not_join_a_layer():
    ages = ["31", "44", "31", "58", "60", "61", "62", "63"]
    clinical = pd.DataFrame({"patient_id": [f"{i:04d}" for i in range(31, 39)], "age": ages})
    sheet, _, notes = join_ids({"rna": [str(i) for i in range(31, 39)]}, clinical)
    assert sheet["rna_id"].tolist() == [str(i) for i in range(31, 39)]
    sheet, _, notes = join_ids({"rna": ["44", "x", "y", "z"]}, clinical)
    assert (sheet["rna_id"] == "").all()
    assert "write them into the column rna_id" in notes[0]


def test_layers_of_the_same_ids_are_joined_and_the_config_resolves():
    matrix("a.tsv", numbers().poisson(30, (6, 8)), IDS[:8])
    matrix("b.tsv", numbers().normal(size=(6, 8)), IDS[4:])
    told = begin_cohort("mine", {"rna": "a.tsv", "protein": "b.tsv"}, "config")
    sheet = read_table("config/mine.tsv")
    assert sorted(sheet["patient_id"]) == sorted(IDS)
    assert sheet["response"].isna().all()
    config = resolve_config(yaml.safe_load(Path("config/mine.yaml").read_text()), "mine.yaml")
    assert {n: s["type"] for n, s in config["layers"].items()} == {
        "rna": "counts",
        "protein": "continuous",
    }
    assert {layer["id_column"] for layer in config["layers"].values()} == {"patient_id"}
    assert any("fill in the column `response`" in line for line in told)


def test_other_names_get_a_column_and_a_note():
    matrix("a.tsv", numbers().poisson(30, (6, N)))
    tubes = [f"T{i}" for i in range(N)]
    matrix("b.tsv", numbers().poisson(30, (6, N)), tubes)
    told = begin_cohort("mine", {"rna": "a.tsv", "small": "b.tsv"}, "config")
    sheet = read_table("config/mine.tsv").set_index("patient_id")
    assert list(sheet["small_id"].dropna()) == tubes
    assert sheet.loc[IDS, "small_id"].isna().all()
    assert any("small_id" in line and line.startswith("to do") for line in told)


def test_a_clinical_table_joins_the_layers_and_gives_the_label():
    matrix("a.tsv", numbers().poisson(30, (6, N)))
    matrix("b.tsv", numbers().poisson(30, (6, N)), [f"T{i}" for i in range(N)])
    clinical = pd.DataFrame({"id": IDS, "tube": [f"T{i}" for i in range(N)]})
    clinical["outcome"], clinical["age #1: yes"] = ["no", "yes"] * (N // 2), range(N)
    clinical.to_csv("c.csv", index=False)
    begin_cohort("mine", {"rna": "a.tsv", "small": "b.tsv"}, "config", "c.csv", "outcome")
    config = resolve_config(yaml.safe_load(Path("config/mine.yaml").read_text()), "mine.yaml")
    assert config["layers"]["small"]["id_column"] == "tube"
    assert config["layers"]["rna"]["id_column"] == "patient_id"
    assert config["label"] == {"column": "outcome", "positive": "yes", "negative": "no"}
    sheet = read_table("config/mine.tsv")
    assert list(sheet["outcome"]) == list(clinical["outcome"])


def uncommented(text):
    """Return the blocks at the end of a config with their marks of comments taken away."""
    head, mark, tail = text.partition("# differential:")
    lines = (mark + tail).splitlines()
    kept = [line[2:] for line in lines if re.match(r"#( {2,}\w+:| \w+:$)", line)]
    return head + "\n".join(kept)


def test_what_is_offered_in_comments_is_accepted_as_it_stands():
    matrix("a.tsv", numbers().poisson(30, (6, N)))
    clinical = pd.DataFrame({"id": IDS, "C1A.C1B": ["C1A", "C1B"] * (N // 2)})
    clinical["Age"], clinical["sex"], clinical["SCNA.cluster"] = numbers().random(N), "f", "Q"
    clinical.to_csv("c.csv", index=False)
    begin_cohort("mine", {"rna": "a.tsv"}, "config", "c.csv", "C1A.C1B")
    text = uncommented(Path("config/mine.yaml").read_text())
    # which class is to be predicted is a question
    assert "# its values: C1A (6), C1B (6)" in text
    text = text.replace("positive:\n", "positive: C1A\n").replace("negative:\n", "negative: C1B\n")
    config = resolve_config(yaml.safe_load(text), "mine.yaml")
    # a column without any difference is not offered
    assert config["differential"]["design"] == "~ Age + `C1A.C1B`"
    assert (config["classification"]["folds"], config["classification"]["repeats"]) == (3, 1)
    assert config["classification"]["permutations"] == 2
    assert list(problems(config)) == []


MAF = {
    "case": [*IDS[:6], *IDS[:3]],
    "Hugo_Symbol": ["G1"] * 5 + ["G2"] * 4,
    "Chromosome": [str(i) for i in range(9)],
    "Tumor_Sample_Barcode": [f"{i}-01A-11D" for i in [*IDS[:6], *IDS[:3]]],
}


@pytest.mark.parametrize("with_table", [True, False], ids=["by the sheet", "by another layer"])
def test_the_column_of_a_maf_that_holds_the_patients_is_found(with_table):
    pd.DataFrame(MAF).to_csv("m.maf.gz", sep="\t", index=False)
    matrix("a.tsv", numbers().poisson(30, (6, N)))
    # numbers that could be chromosomes are no ids where they stand twice
    table = pd.DataFrame({"id": IDS, "response": ["yes", "no"] * 6, "cluster": [1, 2, 3] * 4})
    table.to_csv("c.csv", index=False)
    layers = {"rna": "a.tsv", "mutations": "m.maf.gz"}
    told = begin_cohort("mine", layers, "config", "c.csv" if with_table else None)
    assert not any("mutations_id" in line for line in told)
    text = Path("config/mine.yaml").read_text()
    layer = resolve_config(yaml.safe_load(text), "mine.yaml")["layers"]["mutations"]
    assert (layer["sample_column"], layer["id_column"]) == ("case", "patient_id")
    assert "# profiled: sequenced.txt" in map(str.strip, text.split("\n"))


def test_a_maf_of_barcodes_that_the_sheet_has_is_left_as_it_is():
    pd.DataFrame(MAF).to_csv("m.maf", sep="\t", index=False)
    table = pd.DataFrame({"id": IDS, "tumour": [f"{name}-01A-11D" for name in IDS]})
    table.to_csv("c.csv", index=False)
    begin_cohort("mine", {"mutations": "m.maf"}, "config", "c.csv")
    text = Path("config/mine.yaml").read_text()
    layer = yaml.safe_load(text)["layers"]["mutations"]
    assert (layer.get("sample_column"), layer["id_column"]) == (None, "tumour")
    assert "# sample_column: Tumor_Sample_Barcode" in text


def test_a_maf_of_strangers_gets_a_column_to_fill():
    pd.DataFrame(MAF).to_csv("m.maf", sep="\t", index=False)
    pd.DataFrame({"id": [str(i) for i in range(4)]}).to_csv("c.csv", index=False)
    told = begin_cohort("mine", {"mutations": "m.maf"}, "config", "c.csv")
    assert any("mutations_id" in line for line in told)


def test_a_maf_is_known_by_its_header_whatever_its_name():
    maf = pd.DataFrame(MAF).assign(Variant_Classification="Missense_Mutation")
    maf.to_csv("data_mutations.txt", sep="\t", index=False)
    pd.DataFrame({"id": IDS}).to_csv("c.csv", index=False)
    begin_cohort("mine", {"mutations": "data_mutations.txt"}, "config", "c.csv")
    text = Path("config/mine.yaml").read_text()
    assert yaml.safe_load(text)["layers"]["mutations"]["sample_column"] == "case"
    assert "A MAF does not list those without a mutation" in text


def test_a_vcf_of_another_name_is_refused_as_such():
    Path("calls.txt").write_text("##fileformat=VCFv4.2\n")
    with pytest.raises(InputError, match=r"by its first line it is a VCF; name it .vcf"):
        guess_layer("x", "calls.txt")


def test_the_positive_class_is_a_question_gender_is_sex_and_the_command_is_quoted():
    matrix("a.tsv", numbers().poisson(30, (6, N)))
    table = pd.DataFrame({"id": IDS, "state": ["alive", "dead"] * (N // 2)})
    table.assign(gender=["F", "M"] * (N // 2)).to_csv("c.csv", index=False)
    told = begin_cohort("mine", {"rna": "a.tsv"}, "my configs", "c.csv", "state")
    config = yaml.safe_load(Path("my configs/mine.yaml").read_text())
    assert config["label"]["positive"] is None
    assert any("which value of `state` is to be predicted" in line for line in told)
    assert config["samples"]["sex"] == {"column": "gender"}
    assert told[-1].endswith("--configfile 'my configs/mine.yaml'")
    assert "to which its paths are relative" in told[-2]


def test_nothing_is_overwritten_and_bad_names_are_told():
    matrix("a.tsv", numbers().poisson(30, (6, N)))
    begin_cohort("mine", {"rna": "a.tsv"}, "config")
    before = Path("config/mine.yaml").read_text()
    with pytest.raises(InputError, match="is there already"):
        begin_cohort("mine", {"rna": "a.tsv"}, "config")
    assert Path("config/mine.yaml").read_text() == before
    with pytest.raises(InputError, match=r"layers\.a: b"):
        begin_cohort("other", {"a: b": "a.tsv"}, "config")
    with pytest.raises(InputError, match="no such file"):
        begin_cohort("other", {"rna": "nowhere.tsv"}, "config")
    with pytest.raises(InputError, match="no column `none`"):
        begin_cohort("other", {"rna": "a.tsv"}, "config", label="none")
    assert sorted(p.name for p in Path("config").iterdir()) == [
        "mine.tsv",
        "mine.yaml",
    ]


def test_a_label_without_a_table_and_a_layer_that_stands_twice_are_told():
    file = str(matrix(Path("a.tsv"), numbers().poisson(30, (4, N))))
    with pytest.raises(InputError, match=r"--label.*--clinical"):
        begin_cohort("mine", {"a": file}, ".", label="outcome")
    command = [sys.executable, str(SCRIPT), "mine", f"a={file}", f"a={file}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: a: is duplicated")
    assert not Path("config").exists()
