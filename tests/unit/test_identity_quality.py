from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from trdomics.files import read_table
from trdomics.identity.figures import haemolysis_figure, match_figure, sex_figure
from trdomics.identity.genotypes import read_genotypes
from trdomics.identity.headline import headline
from trdomics.identity.quality import (
    COLUMNS,
    far_limit,
    haemolysis_index,
    haemolysis_limit,
    sample_quality,
)

MARKERS = read_table(Path(__file__).parents[2] / "resources" / "haemolysis.tsv")
NAMES = [f"P{i}" for i in range(20)]
NO_SEX = pd.DataFrame(columns=["patient_id", "layer", "sex", "sheet_sex", "discordant"])
NO_MATCH = pd.DataFrame(columns=["first", "second", "patient_id", "flagged", "likely_partner"])


def small_rnas(first="hsa-miR-451a", second="hsa-miR-23a-3p"):
    table = pd.DataFrame({first: 800, second: 100, "hsa-miR-1": 5}, index=NAMES)
    table.loc["P3", first] = 50_000
    return table


def qc(reason=""):
    return pd.DataFrame(
        {
            "patient_id": NAMES,
            "library_size": 1e6,
            "detected_features": 500,
            "top_feature_share": 0.1,
            "isolation": 2.0,
            "outlier": 0,
            "outlier_reason": [reason] + [""] * 19,
        }
    )


def quality(**changes):
    given = {
        "qc": {"rna": qc(), "dna": qc()},
        "kinds": {"rna": "counts", "dna": "variants"},
        "sheet": pd.DataFrame({"rin": ["8"] * 19 + ["5.5"], "bias": ["1"] * 20}, index=NAMES),
        "samples": {"rna_quality": {"column": "rin", "lowest": 6}, "three_prime_bias": None},
        "haemolysis": {},
        "sex": NO_SEX,
        "matching": NO_MATCH,
    }
    return sample_quality(**{**given, **changes})


def reasons(table, layer="rna"):
    odd = table[(table["verdict"] == "check") & (table["layer"] == layer)]
    return dict(zip(odd["patient_id"], odd["reason"], strict=True))


def test_the_index_of_haemolysis_is_a_log_ratio():
    index = haemolysis_index(small_rnas(), MARKERS)
    assert index["P0"] == pytest.approx(np.log2(801 / 101))
    assert haemolysis_limit(index) == (7.0, "literature")
    assert index.idxmax() == "P3"


def test_hairpins_count_and_other_layers_have_no_index():
    assert haemolysis_index(small_rnas("hsa-mir-451", "hsa-mir-23a"), MARKERS) is not None
    assert haemolysis_index(small_rnas(second="hsa-miR-9"), MARKERS) is None


def test_in_whole_blood_the_cohort_is_the_measure():
    index = pd.Series(np.linspace(10, 11, 20), NAMES)
    limit, source = haemolysis_limit(index)
    assert source == "cohort"
    assert limit > 11


def test_equal_values_have_no_limit():
    assert far_limit(pd.Series([1.0] * 9 + [50.0]), "high") == np.inf


def test_rna_quality_concerns_rna_only():
    table = quality()
    assert list(table) == COLUMNS
    assert reasons(table) == {"P19": "rna_quality low"}
    assert reasons(table, "dna") == {}
    assert table.loc[table["layer"] == "dna", "rna_quality"].isna().all()


def test_without_a_lowest_value_the_cohort_is_the_measure():
    rin = [str(8 + 0.1 * (i % 3)) for i in range(19)] + ["4"]
    table = quality(
        sheet=pd.DataFrame({"rin": rin}, index=NAMES),
        samples={"rna_quality": {"column": "rin", "lowest": None}, "three_prime_bias": None},
    )
    assert reasons(table) == {"P19": "rna_quality low"}


def test_three_prime_bias_is_noted_where_it_is_high():
    bias = [str(1 + 0.1 * (i % 3)) for i in range(19)] + ["9"]
    table = quality(
        sheet=pd.DataFrame({"bias": bias}, index=NAMES),
        samples={"rna_quality": None, "three_prime_bias": "bias"},
    )
    assert reasons(table) == {"P19": "three_prime_bias high"}


def test_all_reasons_stand_together():
    sex = pd.DataFrame(
        [["P0", "rna", "female", "male", 1]],
        columns=["patient_id", "layer", "sex", "sheet_sex", "discordant"],
    )
    matching = pd.DataFrame(
        [["rna", "dna", "P0", 1, "P7"], ["rna", "dna", "P1", 1, np.nan]],
        columns=["first", "second", "patient_id", "flagged", "likely_partner"],
    )
    table = quality(
        qc={"rna": qc("library_size low"), "dna": qc()},
        samples={"rna_quality": None, "three_prime_bias": None},
        haemolysis={"rna": haemolysis_index(small_rnas(), MARKERS)},
        sex=sex,
        matching=matching,
    )
    assert reasons(table) == {
        "P0": "library_size low, sex differs from the sheet, does not match dna (swapped with P7?)",
        "P1": "does not match dna",
        "P3": "haemolysis_index high",
    }
    assert reasons(table, "dna") == {
        "P0": "does not match rna (swapped with P7?)",
        "P1": "does not match rna",
    }


def layer_sex(**changes):
    base = {"layer": "rna", "n_female": 1, "n_male": 1, "n_unclear": 0, "n_compared": 2}
    return {**base, "discordant": ["P1"], "low": -1.0, "high": 1.0, "groups": 2, **changes}


def test_headline_numbers():
    pair = {"first": "rna", "second": "dna", "method": "profiles", "reason": None, "usable": True}
    pair |= {"power": 0.9, "flagged": ["P1", "P2"], "swaps": [["P1", "P2"]], "n_patients": 20}
    found = headline([layer_sex(reason=None)], [pair], quality(), {})
    assert found["sex_discordant"] == ["P1"]
    assert found["share_mismatched"] == 0.1
    assert found["swaps"] == [{"patients": ["P1", "P2"], "layers": ["rna", "dna"]}]
    assert found["n_check"] == 1
    assert found["haemolysis_reason"]


def test_headline_says_why_where_nothing_could_be_done():
    sex = layer_sex(n_compared=0, discordant=[], reason="the layer does not have XIST")
    pair = {"first": "rna", "second": "dna", "method": "profiles", "reason": "5 patients"}
    found = headline([sex], [pair], quality(), {})
    assert found["n_sex_discordant"] is None
    assert found["n_sex_discordant_reason"] == "RNA: the layer does not have XIST"
    assert found["n_mismatched"] is None
    assert found["n_mismatched_reason"] == "RNA and DNA: 5 patients"
    assert headline([sex], [], quality(), {})["swaps_reason"] == "there is only one layer"


def test_figures_say_what_is_missing():
    reason = {"layer": "rna", "reason": "the layer does not have XIST"}
    for figure, text in (
        (sex_figure(NO_SEX, [reason]), "XIST"),
        (match_figure({}), "enough patients"),
        (haemolysis_figure({}, {}), "miR-451a"),
    ):
        assert text in figure.axes[0].texts[0].get_text()


VCF_TEXT = """##fileformat=VCFv4.2
##contig=<ID=chr1,length=1000000>
##contig=<ID=chrX,length=150000000>
##FILTER=<ID=Bad,Description="bad">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts1\ts2\ts3\ts4
chr1\t100\t.\tA\tG\t99\tPASS\t.\tGT:DP\t0/1:30\t0/0:30\t1/1:30\t0/1:30
chr1\t200\t.\tA\tG\t99\tBad\t.\tGT:DP\t0/1:30\t0/0:30\t1/1:30\t0/1:30
chr1\t300\t.\tA\tGT\t99\tPASS\t.\tGT:DP\t0/1:30\t0/0:30\t1/1:30\t0/1:30
chr1\t400\t.\tA\tG\t99\tPASS\t.\tGT:DP\t0/1:3\t0/0:30\t1/1:30\t0/1:30
chr1\t500\t.\tA\tG,T\t99\tPASS\t.\tGT:DP\t0/1:30\t0/2:30\t1/1:30\t0/1:30
chr1\t600\t.\tA\tG\t5\tPASS\t.\tGT:DP\t0/1:30\t0/0:30\t1/1:30\t0/1:30
chrX\t5000000\t.\tC\tT\t99\tPASS\t.\tGT:DP\t0/1:30\t1:30\t0:30\t0/0:30
"""
SETTINGS = {"pass_only": True, "min_depth": 8, "min_genotype_quality": 20, "min_quality": 30}


def test_common_variants_are_read_with_haploid_calls(tmp_path):
    path = tmp_path / "calls.vcf"
    path.write_text(VCF_TEXT, encoding="ascii")
    samples = pd.Series({"P1": "s1", "P3": "s3", "P2": "s2", "P9": "absent"})
    table = read_genotypes(path, SETTINGS, samples)
    assert list(table.index) == ["P1", "P3", "P2"]
    assert list(table.columns) == [("1", 100, "A", "G"), ("X", 5000000, "C", "T")]
    assert table["1"].to_numpy().ravel().tolist() == [1, 2, 0]
    # a man's single copy is homozygous
    assert table["X"].to_numpy().ravel().tolist() == [1, 0, 2]
