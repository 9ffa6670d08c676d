"""What config, sheet and headers show to be wrong before any job starts."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from model_files import write_manifest

from trdomics.check import precheck
from trdomics.cohort.config import resolve_config
from trdomics.cohort.membership import check_gzip, read_profiled
from trdomics.errors import InputError, InputErrors

N = 24


@pytest.fixture
def cohort(tmp_path, monkeypatch):
    """Return a sound cohort: sheet, raw config, and a function that checks them."""
    monkeypatch.chdir(tmp_path)
    return Cohort()


class Cohort:
    def __init__(self):
        rng = np.random.default_rng(7)
        ids = [f"p{i}" for i in range(N)]
        self.sheet = pd.DataFrame(
            {
                "patient_id": ids,
                "response": ["yes", "no"] * (N // 2),
                "age": rng.normal(45, 9, N).round(1),
                "drug": rng.choice(["A", "B"], N),
                "tube": [f"T{i}" for i in range(N)],
            }
        )
        self.counts = pd.DataFrame(
            rng.poisson(20, (30, N)), index=[f"g{i}" for i in range(30)], columns=self.sheet["tube"]
        )
        self.raw = {
            "cohort": "mine",
            "samples": {"file": "sheet.tsv"},
            "label": {"column": "response", "positive": "yes", "negative": "no"},
            "clinical": {"predictors": ["age"], "confounders": ["drug"]},
            "layers": {"rna": {"type": "counts", "file": "rna.tsv", "id_column": "tube"}},
            "differential": {"design": "~ age + response"},
        }

    def check(self):
        self.sheet.to_csv("sheet.tsv", sep="\t", index=False, na_rep="NA")
        if not Path("rna.tsv").exists():
            self.counts.to_csv("rna.tsv", sep="\t", index_label="gene")
        for problem in precheck.problems(resolve_config(self.raw, "mine.yaml")):
            raise problem

    def failure(self):
        with pytest.raises(InputError) as caught:
            self.check()
        assert "\n" not in str(caught.value)
        return str(caught.value)


def test_a_sound_cohort_passes(cohort):
    cohort.check()
    assert not Path("results").exists()


def test_a_patient_in_no_layer(cohort):
    cohort.counts = cohort.counts.drop(columns=["T5", "T9"])
    assert cohort.failure() == (
        "sheet.tsv: patient `p5` is in no layer (as are 1 more); correct `tube`, set "
        "`exclude` to 1 there, or set `samples.without_layers: exclude`"
    )
    cohort.raw["samples"]["without_layers"] = "exclude"
    cohort.check()


def test_the_name_that_was_meant_is_told_with_the_other_problems(cohort):
    tubes = [f"TCGA-OR-A5J{i:02}" for i in range(N)]
    cohort.counts.columns = [*tubes[:-1], "tcga-or-a5j99"]
    cohort.sheet["tube"] = ["TCGA-OR-A5Q00", *tubes[1:-1], "TCGA-OR-A5J98"]
    # as like, but of another patient who takes no part
    cohort.sheet.loc[1, "tube"], cohort.sheet["exclude"] = "TCGA-OR-A5J01", 0
    cohort.sheet.loc[1, "exclude"] = 1
    cohort.sheet["twice"] = cohort.sheet["age"] * 2
    cohort.raw["differential"]["design"] = "~ age + twice + response"
    cohort.sheet.to_csv("sheet.tsv", sep="\t", index=False)
    cohort.counts.to_csv("rna.tsv", sep="\t", index_label="gene")
    told = list(map(str, precheck.problems(resolve_config(cohort.raw, "mine.yaml"))))
    assert len(told) == 2
    assert told[0].startswith(
        "sheet.tsv: patient `p0` is in no layer (as are 1 more); did you mean `TCGA-OR-A5J00` "
        "for `TCGA-OR-A5Q00`, `tcga-or-a5j99` for `TCGA-OR-A5J98`? Else correct `tube`"
    )
    assert "rank deficient" in told[1]


def test_a_layer_of_other_patients(cohort):
    cohort.counts.columns = [f"S{i}" for i in range(N)]
    assert cohort.failure() == (
        "rna.tsv (layer rna): it shares no patient with the sheet: its samples are S0, S1, S2, …, "
        "`tube` of sheet.tsv has T0, T1, T2, …; set `layers.rna.id_column` to the sheet's column "
        "with the layer's names"
    )


def test_missing_files_name_their_key(cohort):
    cohort.raw["layers"]["rna"]["features"] = "genes.tsv"
    text = cohort.failure()
    start = f"; paths are relative to {Path.cwd()}, where snakemake runs (`--directory`)"
    assert text == f"genes.tsv (layer rna): no such file; correct `layers.rna.features`{start}"
    cohort.raw["layers"]["rna"] |= {"features": None, "file": "rno.tsv"}
    assert "rno.tsv (layer rna): no such file; correct `layers.rna.file`;" in cohort.failure()


@pytest.mark.parametrize(
    ("block", "value", "key"),
    [
        ("cells", {"signature": "no.tsv"}, "cells.signature"),
        ("cells", {"signature": "n" * 5000}, "cells.signature"),
        ("differential", {"burden_gene_sets": "no.gmt"}, "differential.burden_gene_sets"),
        ("enrichment", {"gene_sets": ["no.gmt"]}, "enrichment.gene_sets"),
        ("enrichment", {"mirna": {"targets": "no.tsv"}}, "enrichment.mirna.targets"),
    ],
)
def test_other_missing_files_name_their_key(cohort, block, value, key):
    cohort.raw[block] = {**cohort.raw.get(block, {}), **value}
    assert f"({key}): no such file; correct `{key}`; paths are relative to" in cohort.failure()


def test_the_sheet_is_no_layer(cohort):
    cohort.raw["layers"]["rna"]["file"] = f"./{cohort.raw['samples']['file']}"
    assert "(layer rna): it is the sample sheet; correct `layers.rna.file`" in cohort.failure()


@pytest.mark.parametrize("text", ["a\tWES\nb\tWES\n", "a,b,c\n"])
def test_a_list_of_samples_has_one_per_line(tmp_path, text):
    (tmp_path / "profiled.txt").write_text(text)
    with pytest.raises(InputError, match=r"several names in a row; write the .* one per line"):
        read_profiled(str(tmp_path / "profiled.txt"), "dna")


def test_a_brace_in_a_file_name_is_refused(cohort):
    cohort.raw["layers"]["rna"]["file"] = "data/{x}.tsv"
    assert "its name has a brace; rename the file" in cohort.failure()


def test_content_is_left_to_the_jobs_that_read_it(cohort):
    cohort.counts = cohort.counts.astype(float)
    cohort.counts.loc["g4", "T3"] = -1
    cohort.check()


def test_one_class_only(cohort):
    cohort.sheet["response"] = "yes"
    assert cohort.failure() == (
        "sheet.tsv column `response`: no patient is `no`, so there is only one class; "
        "correct `label.negative` (upper and lower case differ) or the sheet"
    )


def test_fewer_patients_of_a_class_than_folds(cohort):
    cohort.sheet["response"] = ["yes"] * 4 + ["no"] * (N - 4)
    assert (
        "4 patients are `yes`, fewer than the 5 of `classification.folds`; set it to at most 4"
        in (cohort.failure())
    )
    cohort.raw["classification"] = {"folds": 4, "inner_folds": 4}
    assert "an outer training set keeps 3, fewer than the 4 of `classification.inner_folds`" in (
        cohort.failure()
    )
    cohort.raw["classification"] = {"folds": 4, "inner_folds": 3}
    cohort.check()


def test_classes_are_counted_among_those_who_have_a_layer(cohort):
    cohort.raw["samples"]["without_layers"] = "exclude"
    cohort.counts = cohort.counts.drop(columns=[f"T{i}" for i in range(1, 18, 2)])
    assert "3 patients are `no`, fewer than the 5" in cohort.failure()


@pytest.mark.parametrize("key", ["predictors", "confounders", "circular"])
def test_covariates_that_do_not_vary(cohort, key):
    cohort.raw["clinical"] = {key: ["dose"]}
    cohort.sheet["dose"] = 2.5
    mend = f"remove it from `clinical.{key}`"
    assert cohort.failure() == f"sheet.tsv column `dose`: constant: `2.5`; {mend}"
    cohort.sheet["dose"] = np.nan
    assert cohort.failure() == f"sheet.tsv column `dose`: no labelled patient has a value; {mend}"


def test_covariates_are_looked_at_among_the_labelled(cohort):
    cohort.sheet["dose"] = np.r_[np.full(N - 2, 1.0), 2, 3]
    cohort.sheet.loc[N - 2 :, "response"] = "unclear"
    cohort.raw["clinical"]["predictors"] = ["dose"]
    assert "column `dose`: constant: `1`" in cohort.failure()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["x", "y"] * (N // 2), "collinear with the label: each of its values is found in one"),
        ([1, 0] * (N // 2), "collinear with the label (r = 1.0000)"),
        ([2, 0, 3, 1] * (N // 4), "determines the label: at most 1 in one class, at least 2 in"),
        ([3, np.nan] * (N // 2), "constant: `3`"),
        (list(np.where(np.arange(N) % 2, np.nan, np.arange(N))), "known for one class only"),
        ([f"n{i}" for i in range(N)], "a separate category for each patient"),
    ],
)
def test_covariates_that_tell_the_label(cohort, values, expected):
    cohort.sheet["scale"] = values
    cohort.raw["clinical"]["confounders"] = ["scale"]
    text = cohort.failure()
    assert text.startswith(f"sheet.tsv column `scale`: {expected}")
    assert "remove it from `clinical.confounders`" in text


def test_all_covariates_that_cannot_be_used_are_named(cohort):
    cohort.sheet["dose"], cohort.sheet["scale"] = 2.5, ["x", "y"] * (N // 2)
    cohort.raw["clinical"]["predictors"] = ["dose", "scale"]
    with pytest.raises(InputErrors) as caught:
        cohort.check()
    assert [str(e).split(":")[0] for e in caught.value.errors] == [
        "sheet.tsv column `dose`",
        "sheet.tsv column `scale`",
    ]


def test_circular_predictors_may_tell_the_label(cohort):
    cohort.sheet["scale"] = ["x", "y"] * (N // 2)
    cohort.raw["clinical"]["circular"] = ["scale"]
    cohort.check()


def test_a_design_that_says_the_same_twice(cohort):
    cohort.sheet["years"] = cohort.sheet["age"] * 2
    cohort.raw["differential"]["design"] = "~ age + years + response"
    text = cohort.failure()
    assert "`differential.design`" in text
    assert "rank deficient" in text
    assert "years" in text


def test_a_design_that_fails_in_the_patients_of_one_layer_only(cohort):
    cohort.sheet["drug"] = ["A"] * 18 + ["B"] * 6
    cohort.raw["differential"]["design"] = "~ drug + response"
    mirna = cohort.counts.iloc[:, :18]
    mirna.to_csv("mirna.tsv", sep="\t", index_label="gene")
    cohort.raw["layers"]["mirna"] = {"type": "counts", "file": "mirna.tsv", "id_column": "tube"}
    text = cohort.failure()
    assert text.startswith("`differential.design` (layer mirna): 'drug' has the same value")


VCF = (
    "##fileformat=VCFv4.2\n##contig=<ID=1>\n{info}"
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{samples}\n"
)
CSQ = (
    '##INFO=<ID=CSQ,Number=.,Type=String,Description="Consequence annotations from Ensembl VEP. '
    'Format: Allele|Consequence|IMPACT|SYMBOL|Gene">\n'
)


def test_a_vcf_without_annotation(cohort):
    names = "\t".join(cohort.sheet["tube"])
    cohort.raw["layers"]["dna"] = {"type": "variants", "file": "dna.vcf", "id_column": "tube"}
    Path("dna.vcf").write_text(VCF.format(info="", samples=names))
    assert cohort.failure() == (
        "dna.vcf (layer dna): its header declares no consequence annotation (CSQ, ANN or BCSQ) "
        "with genes; annotate it with VEP (--symbol), SnpEff or bcftools csq, give "
        "`references.genome` and `references.annotation`, or name variants in `dosages`"
    )
    Path("dna.vcf").write_text(VCF.format(info=CSQ, samples=names))
    cohort.check()


def test_a_truncated_vcf(cohort):
    """Found by the job that reads it."""
    text = VCF.format(info=CSQ, samples="\t".join(cohort.sheet["tube"]))
    text += "".join(f"1\t{i}\tx{i * 7919}\tA\tC\t50\t.\t.\tGT\n" for i in range(1, 5000))
    whole = gzip.compress(text.encode())
    Path("dna.vcf.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError) as caught:
        check_gzip("dna.vcf.gz", "dna")
    assert str(caught.value) == (
        "dna.vcf.gz (layer dna): the gzip file ends too early; copy it again"
    )
    Path("dna.vcf.gz").write_bytes(whole)
    check_gzip("dna.vcf.gz", "dna")


def test_a_maf_counts_those_who_were_sequenced(cohort):
    maf = pd.DataFrame(
        {
            "Hugo_Symbol": ["TP53"],
            "Tumor_Sample_Barcode": ["T0"],
            "Variant_Classification": ["Missense_Mutation"],
        }
    )
    maf.to_csv("dna.maf", sep="\t", index=False)
    cohort.counts = cohort.counts.drop(columns=["T1"])
    layer = {"type": "variants", "file": "dna.maf", "id_column": "tube"}
    # who is in it is known only when it is read
    cohort.raw["layers"]["dna"] = layer
    cohort.check()
    cohort.raw["layers"]["dna"] = layer | {"profiled": "profiled.txt"}
    Path("profiled.txt").write_text("T0\n")
    assert "patient `p1` is in no layer" in cohort.failure()
    Path("profiled.txt").write_text("T0\nT1\n")
    cohort.check()


def test_simulated_layers_are_left_to_the_job(cohort):
    file = "results/mine/simulation/rna.tsv"
    cohort.raw |= {"simulation": {}, "layers": {"rna": {"type": "counts", "file": file}}}
    cohort.check()
    assert not Path("results/mine/cohort").exists()
    cohort.raw["cohort"] = "copied"
    simulated = "correct `layers.rna.file`; simulated files are in results/copied/simulation/"
    assert f"no such file; {simulated}" in cohort.failure()


def test_a_cohort_that_is_only_scored_needs_no_classes(cohort):
    write_manifest(Path("model"), {"positive": "ill", "negative": "well"})
    cohort.raw |= {"scoring": {"model": "model"}, "clinical": {"predictors": ["age"]}}
    cohort.raw["label"]["column"] = None
    cohort.raw["differential"] = {}
    cohort.sheet = cohort.sheet.drop(columns="response").assign(age=40)
    cohort.check()
    cohort.raw["scoring"]["model"] = "modle"
    assert "modle: no such model; correct `scoring.model`" in cohort.failure()
    Path("modle").mkdir()
    assert "modle: has no model.json; correct `scoring.model`" in cohort.failure()


def test_a_model_of_exchanged_classes_is_found_before_any_job(cohort):
    exchanged = {"positive": cohort.raw["label"]["negative"], "negative": "other"}
    write_manifest(Path("model"), exchanged)
    cohort.raw |= {"scoring": {"model": "model"}}
    assert "exchange `label.positive` and `label.negative`" in cohort.failure()
    write_manifest(Path("model"), {"positive": "ill", "negative": "well"})
    cohort.check()


def test_everybody_excluded(cohort):
    cohort.sheet["exclude"] = 1
    assert cohort.failure().startswith("sheet.tsv: all patients are excluded")


def test_panels_are_looked_for_before_any_job(cohort):
    cohort.raw["panels"] = ["serotonine", "nowhere.tsv"]
    found = list(map(str, precheck.problems(resolve_config(cohort.raw, "mine.yaml"))))
    told = [text for text in found if text.startswith(("`panels`", "nowhere.tsv"))]
    assert "there is no panel serotonine; did you mean `serotonin`" in told[0]
    assert "nowhere.tsv" in told[1]
    assert "no such file" in told[1]
