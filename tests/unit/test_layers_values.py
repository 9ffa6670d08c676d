import numpy as np
import pandas as pd
import pytest

from trdomics.classification.representation import layer_parameters
from trdomics.differential.burden import carrier_table
from trdomics.errors import InputError
from trdomics.layers.burden import GeneBurden
from trdomics.layers.normalise import normaliser
from trdomics.layers.values import BinaryNormaliser, ContinuousNormaliser

LEVELS = ["variant", "gene", "consequence_class"]


def variants(columns, values):
    return pd.DataFrame(
        np.asarray(values, dtype=np.float32),
        [f"p{i}" for i in range(len(values))],
        pd.MultiIndex.from_tuples(columns, names=LEVELS),
    )


def test_continuous_filters_by_missing_and_imputes_the_mean():
    table = pd.DataFrame(
        {
            "full": [1.0, 2, 3, 4],
            "gap": [1.0, np.nan, 2, 3],
            "sparse": [np.nan, np.nan, np.nan, 1.0],
            "flat": [2.0, 2, 2, 2],
        }
    )
    fitted = ContinuousNormaliser(max_missing=0.25).fit(table)
    assert list(fitted.features_) == ["full", "gap"]
    assert fitted.transform(table).loc[1, "gap"] == 2.0
    new = pd.DataFrame({"gap": [7.0]})
    assert fitted.missing_features(new) == ["full"]
    assert fitted.transform(new).to_numpy().tolist() == [[2.5, 7.0]]


def test_continuous_log2():
    table = pd.DataFrame({"a": [0.0, 1, 3, 7]})
    fitted = ContinuousNormaliser(log2=True).fit(table)
    assert fitted.transform(table)["a"].tolist() == [0, 1, 2, 3]
    with pytest.raises(InputError, match="negative values"):
        fitted.transform(-table)


def test_binary_stays_binary():
    table = pd.DataFrame(
        {"half": [0, 1, 0, 1, np.nan], "common": [1, 1, 1, 0, np.nan], "never": [0.0] * 5}
    )
    fitted = BinaryNormaliser(min_prevalence=0.2).fit(table)
    assert list(fitted.features_) == ["half", "common"]
    result = fitted.transform(table)
    assert set(result.to_numpy().ravel()) == {0.0, 1.0}
    assert result.loc[4, "common"] == 1


def burden_table():
    columns = [
        ("1:1:A:C", "G1", "damaging"),
        ("1:2:A:C", "G1", "lof"),
        ("1:3:A:C", "G2", "other"),
        ("1:4:A:C", "G2", "damaging"),
        ("common", "G3", "lof"),
        ("poor", "G4", "lof"),
        ("rs1", "G5", "other"),
    ]
    values = np.zeros((20, 7))
    values[0, 0] = values[1, 1] = values[2, 3] = 1
    values[:, 2] = 1
    values[:10, 4] = 2
    values[0, 5], values[1:10, 5] = 1, np.nan
    values[:, 6] = [0, 1, 2, np.nan] * 5
    return variants(columns, values)


def test_burden_counts_rare_well_called_variants_of_the_class():
    settings = {"min_prevalence": 0.05, "max_allele_frequency": 0.05, "min_call_rate": 0.7}
    table = burden_table()
    damaging = GeneBurden(burden="damaging", **settings).fit(table)
    assert list(damaging.features_) == ["G1", "G2"]
    assert list(damaging.excluded_variants_) == ["1:3:A:C", "common", "poor", "rs1"]
    result = damaging.transform(table)
    assert list(result.index[result["G1"] == 1]) == ["p0", "p1"]
    assert list(result.index[result["G2"] == 1]) == ["p2"]
    lof = GeneBurden(burden="lof", **settings).fit(table)
    assert list(lof.features_) == ["G1"]
    assert list(lof.transform(table).query("G1 == 1").index) == ["p1"]
    assert list(GeneBurden(**settings | {"min_prevalence": 0.1}).fit(table).genes_) == ["G1"]


def test_dosage_is_imputed_with_the_training_mean():
    table = burden_table()
    fitted = GeneBurden(dosages=["rs1", "rs2"], min_call_rate=0.7, max_allele_frequency=0.05).fit(
        table
    )
    assert list(fitted.features_)[-1] == "dosage:rs1"
    result = fitted.transform(table)["dosage:rs1"]
    assert result.tolist() == [0, 1, 2, 1.0] * 5
    without = table.drop(columns="rs1", level="variant")
    assert fitted.missing_features(without) == ["dosage:rs1"]
    assert fitted.transform(without)["dosage:rs1"].eq(1.0).all()


def test_novel_variants_count_and_excluded_ones_do_not():
    fitted = GeneBurden(min_call_rate=0.7, max_allele_frequency=0.05).fit(burden_table())
    new = variants(
        [("7:1:A:C", "G1", "lof"), ("common", "G2", "lof"), ("8:1:A:C", "G9", "lof")], [[1, 2, 1]]
    )
    assert fitted.transform(new).to_numpy().tolist() == [[1, 0]]
    # G2 has no counted variant in this table: reference, not missing
    assert fitted.missing_features(new) == []


@pytest.mark.parametrize("n", [12, 30, 49])
def test_few_carriers_do_not_make_a_variant_common_in_a_small_cohort(n):
    """One carrier of 49 has a frequency above 0.01, and may be the only one in a thousand."""
    values = np.zeros((n, 6))
    for patient in range(4):
        values[patient, patient] = 1
    values[:4, 4] = 1
    values[:5, 5] = 1
    names = [*"abcd", "four", "five"]
    fitted = GeneBurden(min_prevalence=0.01).fit(
        variants([(name, f"G{name}", "lof") for name in names], values)
    )
    assert set(fitted.genes_) == {"Ga", "Gb", "Gc", "Gd", "Gfour"}
    assert fitted.excluded_variants_.tolist() == ["five"]


def test_other_gene_names_are_reported():
    fitted = GeneBurden(min_call_rate=0.7, max_allele_frequency=0.05).fit(burden_table())
    ensembl = variants([(f"1:{j}:A:C", f"ENSG{j}", "lof") for j in range(20)], [[0] * 20])
    assert fitted.missing_features(ensembl) == ["G1", "G2"]
    assert fitted.missing_features(ensembl.iloc[:, :19]) == []


def test_burden_of_a_patient_does_not_depend_on_the_others():
    table = burden_table()
    fitted = GeneBurden(dosages=["rs1"], min_call_rate=0.7).fit(table.iloc[:18])
    together = fitted.transform(table)
    for patient in table.index:
        pd.testing.assert_frame_equal(
            fitted.transform(table.loc[[patient]]), together.loc[[patient]]
        )


def test_burden_without_any_gene_says_so():
    with pytest.raises(InputError, match="no gene has carriers"):
        GeneBurden(min_prevalence=0.9).fit(burden_table())


def test_a_burden_that_is_passed_on_names_no_rare_variant():
    n = 60
    variants = {
        ("1:1:A:G", "RARE", "lof"): [np.nan] * 20 + [1] + [0] * (n - 21),
        ("1:2:A:G", "COMMON", "lof"): [1, 0] * (n // 2),
        ("1:3:A:G", "KEPT", "damaging"): [1] * 1 + [0] * (n - 1),
    }
    table = pd.DataFrame(variants, index=[f"p{i}" for i in range(n)], dtype=float)
    table.columns = table.columns.set_names(["variant", "gene", "consequence_class"])
    fitted = GeneBurden(min_prevalence=0.01).fit(table)
    assert fitted.excluded_variants_.tolist() == ["1:1:A:G", "1:2:A:G"]
    passed_on = fitted.without_rare(table, 5)
    assert passed_on.excluded_variants_ == ["1:2:A:G"]
    pd.testing.assert_frame_equal(passed_on.transform(table), fitted.transform(table))
    assert fitted.excluded_variants_.tolist() == ["1:1:A:G", "1:2:A:G"]


@pytest.mark.parametrize(
    ("carriers", "reason"),
    [(1, "fewer than 5 carriers"), (4, "fewer than 5 carriers"), (5, ""), (295, ""),
     (296, "fewer than 5 non-carriers"), (0, "fewer than 5 carriers")],
)  # fmt: skip
def test_a_named_variant_of_few_is_no_feature(carriers, reason):
    n = 300
    columns = [("1:1:A:C", "G1", "lof"), ("rs1", "G2", "other")]
    values = np.zeros((n, 2))
    values[:20, 0] = 1
    values[:carriers, 1] = 2
    table = variants(columns, values)
    fitted = GeneBurden(dosages=["rs1", "rs2"], max_allele_frequency=0.1).fit(table)
    told = {"rs1": reason, "rs2": "not in the file, or filtered"}
    assert fitted.dosage_reasons(table) == told
    assert list(fitted.features_) == ["G1"] + ["dosage:rs1"] * (not reason)
    passed_on = fitted.without_rare(table, 5)
    assert list(passed_on.features_) == list(fitted.features_)
    assert list(passed_on.dosages_) == ["rs1"] * (not reason)
    pd.testing.assert_frame_equal(passed_on.transform(table), fitted.transform(table))


def test_what_is_not_called_neither_carries_nor_not():
    values = np.zeros((40, 2))
    values[:20, 0] = 1
    values[:5, 1], values[9:, 1] = 1, np.nan
    table = variants([("1:1:A:C", "G1", "lof"), ("rs1", "G2", "other")], values)
    fitted = GeneBurden(dosages=["rs1"], max_allele_frequency=1, min_call_rate=0.2)
    assert fitted.dosage_reasons(table) == {"rs1": "fewer than 5 non-carriers"}
    fitted = GeneBurden(dosages=["rs1"], max_allele_frequency=1)
    assert fitted.dosage_reasons(table) == {"rs1": "called in fewer than 90% of the patients"}


def test_a_somatic_hotspot_is_kept_by_the_model_the_views_and_the_burden_test():
    values = np.zeros((60, 2))
    values[:18, 0] = values[18:21, 1] = 1
    table = variants([("17:1:C:T", "TP53", "damaging"), ("1:2:A:C", "G2", "damaging")], values)
    settings = {"type": "variants", "burden": "damaging", "min_call_rate": 0.9}
    settings |= {"max_allele_frequency": 0.01, "min_prevalence": 0.03, "no_call": "reference"}
    for kind, kept in (("maf", ["G2", "TP53"]), ("vcf", ["G2"])):
        layer = {**settings, "format": kind}
        keys = ("type", "format", "burden", "min_call_rate", "max_allele_frequency")
        assert [*normaliser(layer).fit(table).genes_] == kept
        assert [*normaliser(layer_parameters(layer)).fit(table).genes_] == kept
        assert [*carrier_table(table, {key: layer[key] for key in keys})] == kept
