"""The two mutation inputs of tcga_ov are one truth: MAF and VCF must give the same burden."""

import os
from pathlib import Path

import pandas as pd
import pytest

from trdomics.inputs.maf import read_maf
from trdomics.inputs.vcf import read_vcf
from trdomics.layers.normalise import normaliser

DATA = Path(os.environ.get("TRDOMICS_REAL_DATA", Path(__file__).parents[2] / "../shared/data"))
OVARIAN = DATA / "tcga_ov"

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not OVARIAN.is_dir(), reason=f"no real cohorts in {DATA}"),
]

SETTINGS = {
    "type": "variants",
    "sample_column": "patient",
    "no_call": "reference",
    # FILTER holds flags such as wga (amplified DNA), not failures
    "pass_only": False,
    "min_depth": 8,
    "min_genotype_quality": 20,
    "min_quality": 30,
    # somatic hotspots recur: how frequent a mutation is says nothing against it
    "max_allele_frequency": 1.0,
    "snv_only": True,
    "dosages": [],
    "min_prevalence": 0.0,
}


@pytest.fixture(scope="module")
def inputs():
    profiled = (OVARIAN / "mutation_profiled_patients.txt").read_text().split()
    names = pd.Series(profiled, index=profiled)
    vcf = read_vcf(OVARIAN / "mutations_snv.vcf.gz", SETTINGS, names)
    maf = read_maf(OVARIAN / "mutations_mc3.maf.tsv.gz", SETTINGS, names, profiled)
    return vcf, maf


def test_the_same_variants_of_the_same_patients(inputs):
    vcf, maf = (calls.dosages.sort_index(axis=1) for calls in inputs)
    assert len(vcf) == 339
    pd.testing.assert_frame_equal(vcf, maf)


@pytest.mark.parametrize("burden", ["damaging", "lof"])
def test_the_same_burden(inputs, burden):
    vcf, maf = (
        normaliser(SETTINGS | {"burden": burden}).fit(calls.dosages).transform(calls.dosages)
        for calls in inputs
    )
    pd.testing.assert_frame_equal(vcf, maf)


def test_burden_equals_a_count_by_hand(inputs):
    rows = pd.read_csv(OVARIAN / "mutations_mc3.maf.tsv.gz", sep="\t")
    classes = ["Missense_Mutation", "Nonsense_Mutation", "Splice_Site", "Nonstop_Mutation",
               "Translation_Start_Site"]  # fmt: skip
    rows = rows[(rows["Variant_Type"] == "SNP") & rows["Variant_Classification"].isin(classes)]
    rows = rows[rows["t_ref_count"] + rows["t_alt_count"] >= SETTINGS["min_depth"]]
    carriers = rows.groupby("Hugo_Symbol")["patient"].nunique()
    dosages = inputs[0].dosages
    burden = normaliser(SETTINGS).fit(dosages).transform(dosages).sum()
    pd.testing.assert_series_equal(
        burden.astype(int).sort_index(), carriers.sort_index(), check_names=False
    )
    assert burden["TP53"] == 245


def test_tallies_agree(inputs):
    vcf, maf = (calls.patients.set_index("patient_id") for calls in inputs)
    columns = ["variants", "transitions", "transversions"]
    pd.testing.assert_frame_equal(vcf[columns], maf[columns])
