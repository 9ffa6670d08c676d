"""Drugs beside genes: reading, phenoconversion, recommendations, pseudo-resistance."""

from __future__ import annotations

import pandas as pd
import pytest

from trdomics.errors import InputError
from trdomics.files import read_table
from trdomics.pharmacogenes.calling import CALLS
from trdomics.pharmacogenes.definitions import PHENOTYPES, read_genes
from trdomics.pharmacogenes.medication import drugs_of_sheet, read_medication
from trdomics.pharmacogenes.mismatch import (
    FAST,
    NO_CHANGE,
    NOT_CALLED,
    SLOW,
    UNCLEAR,
    USUAL,
    mismatches,
    read_inhibitors,
    read_recommendations,
    without_advice,
)
from trdomics.pharmacogenes.page import sensitivity_sentence
from trdomics.shipped import shipped

GENES = read_genes()


def taken(folder, *lines, header="patient,drug,start,stop,dose", patients=("a", "b")):
    path = folder / "drugs.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return read_medication(str(path), patients)


def called(**genes: tuple[str, str]) -> pd.DataFrame:
    """Return calls of patient a: phenotype and activity by gene."""
    rows = [
        {"patient_id": "a", "gene": gene, "status": "called", "phenotype": p, "activity": s}
        for gene, (p, s) in genes.items()
    ]
    return pd.DataFrame(rows).reindex(columns=CALLS)


def compared(folder, calls, *lines, resistant=True):
    drugs = taken(folder, *lines).drugs
    return mismatches(calls, drugs, GENES, pd.Series({"a": resistant}))


def test_every_row_of_the_curated_tables_has_a_known_gene_and_a_source():
    names = {gene.name for gene in GENES}
    for table in (read_recommendations(), read_inhibitors()):
        assert set(table["gene"]) <= names
        assert table[["source", "version"]].notna().all(axis=None)
    claims = read_table(shipped("resources/pharmacogenes/claims.tsv"))
    assert claims["source"].str.contains(r"doi 10\.\d{4,}/").all()
    advice = read_recommendations()
    assert set(advice["phenotype"]) <= set(PHENOTYPES)
    assert set(advice["strength"]) == {"strong", "moderate", "optional"}
    assert not advice.duplicated(["drug", "gene", "phenotype"]).any()


def test_a_resistant_patient_who_clears_the_drug_fast_is_flagged(tmp_path):
    calls = called(CYP2C19=("UM", ""))
    row = compared(tmp_path, calls, "a,Escitalopram,,,15").iloc[0]
    assert (row["clearance"], row["strength"], row["dose"]) == (FAST, "strong", "15")
    assert (row["mismatch"], row["pseudo_resistance"]) == (1, 1)
    responder = compared(tmp_path, calls, "a,escitalopram,,,", resistant=False).iloc[0]
    assert (responder["mismatch"], responder["pseudo_resistance"]) == (1, 0)


def test_slow_clearance_is_a_mismatch_and_no_pseudo_resistance(tmp_path):
    row = compared(tmp_path, called(CYP2C19=("likely PM", "")), "a,citalopram,,,40").iloc[0]
    assert (row["clearance"], row["mismatch"], row["pseudo_resistance"]) == (SLOW, 1, 0)
    assert "20 mg" in row["recommendation"]


def test_a_phenotype_without_a_recommendation_needs_no_change(tmp_path):
    row = compared(tmp_path, called(CYP2C19=("NM", "")), "a,sertraline,,,").iloc[0]
    assert (row["clearance"], row["recommendation"], row["mismatch"]) == (USUAL, NO_CHANGE, 0)


@pytest.mark.parametrize(
    ("inhibitor", "phenotype", "activity", "converted"),
    [
        ("fluoxetine", "NM", "2", "PM"),
        ("bupropion", "IM", "1", "PM"),
        ("duloxetine", "NM", "2", "IM"),
        ("duloxetine", "NM", "2.25", "IM"),
        ("mirtazapine", "NM", "2", "NM"),
    ],
)
def test_phenoconversion_by_a_drug_taken_at_the_same_time(
    tmp_path, inhibitor, phenotype, activity, converted
):
    calls = called(CYP2D6=(phenotype, activity))
    found = compared(tmp_path, calls, "a,venlafaxine,,,", f"a,{inhibitor},,,")
    row = found.set_index("drug").loc["venlafaxine"]
    assert (row["phenotype"], row["phenotype_with_drugs"]) == (phenotype, converted)


def test_a_drug_that_was_taken_before_converts_nothing(tmp_path):
    calls = called(CYP2D6=("NM", "2"))
    found = compared(
        tmp_path,
        calls,
        "a,venlafaxine,2024-03-01,2024-06-01,",
        "a,fluoxetine,2023-01-01,2023-06-01,",
    )
    assert found.set_index("drug").loc["venlafaxine", "phenotype_with_drugs"] == "NM"


def test_paroxetine_does_not_convert_itself(tmp_path):
    row = compared(tmp_path, called(CYP2D6=("NM", "2")), "a,paroxetine,,,").iloc[0]
    assert (row["inhibited_by"], row["phenotype_with_drugs"]) == ("", "NM")


def test_phenotypes_that_disagree_give_every_recommendation_and_no_flag(tmp_path):
    row = compared(tmp_path, called(CYP2C19=("NM; RM; UM", "")), "a,escitalopram,,,").iloc[0]
    assert (row["clearance"], row["mismatch"], row["pseudo_resistance"]) == (UNCLEAR, 0, 0)
    assert row["recommendation"].count(" | ") == 2
    rapid = compared(tmp_path, called(CYP2C19=("RM; UM", "")), "a,escitalopram,,,").iloc[0]
    assert (rapid["clearance"], rapid["pseudo_resistance"]) == (FAST, 1)
    nothing = compared(tmp_path, called(CYP2C19=("", "")), "a,escitalopram,,,").iloc[0]
    assert (nothing["clearance"], nothing["mismatch"]) == (NOT_CALLED, 0)


def test_patients_outside_the_cohort_and_drugs_without_advice_are_counted(tmp_path):
    found = taken(tmp_path, "a,mirtazapine,,,", "z,sertraline,,,", "b,Mirtazapine,,,")
    assert found.strangers == ["z"]
    assert without_advice(found.drugs) == {"mirtazapine": 2}


def test_drugs_from_columns_of_the_sheet():
    sheet = pd.DataFrame(
        {"first": ["Sertraline; bupropion", "none"], "second": [None, "citalopram"]},
        index=["a", "b"],
    )
    drugs = drugs_of_sheet(sheet, ["first", "second"]).drugs
    assert list(drugs[["patient_id", "drug"]].itertuples(index=False, name=None)) == [
        ("a", "sertraline"),
        ("a", "bupropion"),
        ("b", "citalopram"),
    ]


@pytest.mark.parametrize(
    ("lines", "header", "message"),
    [
        (["a,x"], "patient,medicine", r"has no column `drug`; give a row per patient and drug"),
        (["a,"], "patient,drug", r"line 2: `drug` is empty"),
        (["a,x,31.05.2024"], "patient,drug,start", r"line 2: `start` is '31.05.2024'; write"),
        (["a,x,2024-02-01,2024-01-01"], "patient,drug,start,stop", r"ends before it starts"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_in_one_line(tmp_path, lines, header, message):
    with pytest.raises(InputError, match=message):
        taken(tmp_path, *lines, header=header)


def test_one_sentence_says_what_patients_resistant_in_name_only_change():
    auroc = {"lower": 0.6, "upper": 0.8, "reason": None}
    features = {
        "set": "all",
        **{"n_all": 1512, "n_without": 1498, "patients_all": 148, "patients_without": 134},
    }
    without = {
        "n_left_out": 14,
        "all": {**auroc, "value": 0.7},
        "without": {**auroc, "value": 0.72},
        "features": {"mrna": features, "small_rna": {}},
    }
    drugs, label = {"sentence": ""}, {"positive": "TRD"}
    assert sensitivity_sentence(drugs, without, label).endswith(
        "Without them the AUROC of the model is 0.72 (0.60 to 0.80) instead of 0.70 (0.60 to "
        "0.80). With all adjustments, the groups then differ in 1,498 instead of 1,512 mRNA "
        "features (134 instead of 148 patients)."
    )
    bare = sensitivity_sentence(drugs, {**without, "features": {}}, label)
    assert bare.endswith("instead of 0.70 (0.60 to 0.80).")
