"""Which alleles are kept, why the others are not, and what is said of the call set."""

import logging

import pytest
from vcf_data import cohort, read, reasons, record


def test_site_filters_have_reasons(tmp_path):
    calls = read(
        tmp_path,
        record(pos=1),
        record(pos=2, filter="bad"),
        record(pos=3, qual=10),
        record(pos=4, qual=0),
        record(pos=5, qual="."),
        record(pos=6, filter="."),
        record(pos=6),
        record(pos=7, s1="0/0"),
        record(pos=8, alt="TT"),
        settings={"snv_only": True},
    )
    assert reasons(calls) == [
        "", "filter bad", "quality too low", "quality too low", "", "", "listed twice",
        "no carrier", "not an SNV",
    ]  # fmt: skip
    assert calls.annotation["kept"].tolist() == [1, 0, 0, 0, 1, 1, 0, 0, 0]
    assert calls.dosages.shape == (3, 3)


@pytest.mark.parametrize(("flagged", "said"), [(3, True), (1, False)])
def test_a_filter_that_takes_most_alleles_comes_with_its_key(tmp_path, caplog, flagged, said):
    read(tmp_path, *(record(pos=i, filter="bad" if i <= flagged else "PASS") for i in range(1, 6)))
    assert f"alleles left out: filter bad ({flagged})" in caplog.text
    assert ("to keep those that FILTER flags, set `pass_only: false`" in caplog.text) == said


def test_filters_can_be_off(tmp_path):
    settings = {"pass_only": False, "min_quality": 0}
    calls = read(tmp_path, record(filter="bad", qual=1), settings=settings)
    assert reasons(calls) == [""]


def test_common_variants_make_no_burden_unless_named(tmp_path):
    common = record(pos=1, id="rs5", annotation="T|missense_variant|MODERATE|G1|E1|0.2&0.3")
    rare = record(pos=2, annotation="T|missense_variant|MODERATE|G1|E1|0.0001")
    assert reasons(read(tmp_path, common, rare)) == ["common in the population", ""]
    named = read(tmp_path, common, rare, settings={"dosages": ["rs5"]})
    assert named.dosages.columns.tolist() == [
        ("rs5", "G1", "other"),
        ("1:2:A:T", "G1", "damaging"),
    ]


def test_named_variants_stay_whatever_they_do(tmp_path):
    intron = "T|intron_variant|MODIFIER|G1|E1|"
    records = [record(pos=1, id="rs7", annotation=intron), record(pos=2, annotation=intron)]
    calls = read(tmp_path, *records, settings={"dosages": ["rs7", "1:2:A:T"]})
    assert calls.dosages.columns.get_level_values("variant").tolist() == ["rs7", "1:2:A:T"]


def test_an_rsid_of_two_alleles_names_neither(tmp_path, caplog):
    settings = {"dosages": ["rs7", "rs8"]}
    with caplog.at_level(logging.WARNING):
        calls = read(
            tmp_path, record(id="rs7"), record(id="rs7", alt="C", s2="1/1"), settings=settings
        )
    assert calls.dosages.columns.get_level_values("variant").tolist() == ["1:10:A:T", "1:10:A:C"]
    assert calls.annotation["variant"].tolist() == ["1:10:A:T", "1:10:A:C"]
    assert "rs7 has several alleles" in caplog.text
    assert "rs8, named in dosages, is not in the file" in caplog.text


@pytest.mark.parametrize(
    "name", ["chr2:10:A:T", "2:10:A:T", "chr2:10", "2:10", "chr2-10-A-T", "2:10_A/T", "chr2:10A>T"]
)
def test_a_position_is_named_as_the_file_writes_it_or_not(tmp_path, name):
    intron = "T|intron_variant||G1|E1|"
    for chromosome in ("chr2", "2"):
        calls = read(
            tmp_path,
            record(chrom=chromosome, annotation=intron),
            settings={"dosages": [name]},
        )
        assert calls.dosages.columns.tolist() == [(name, "G1", "other")]


def test_a_position_of_two_alleles_names_neither(tmp_path, caplog):
    calls = read(tmp_path, record(), record(alt="C"), settings={"dosages": ["1:10"]})
    assert calls.annotation["variant"].tolist() == ["1:10:A:T", "1:10:A:C"]
    assert "1:10 has several alleles" in caplog.text


def test_merged_files_of_single_samples_are_warned_of(tmp_path, caplog):
    rows = [["0/1"] * 5 + ["./."] * 55] * 3
    cohort(tmp_path, rows)
    assert (
        "3 of 3 alleles are called in fewer than 90% of the patients (call rate 8%)" in caplog.text
    )
    assert "set no_call: reference" in caplog.text
    caplog.clear()
    cohort(tmp_path, rows, {"no_call": "reference"})
    assert not caplog.text
    # badly covered, but called together
    cohort(tmp_path, [["0/1"] * 5 + ["0/0"] * 30 + ["./."] * 25] * 3)
    assert "call rate 58%" in caplog.text
    assert "no_call" not in caplog.text


def test_a_call_set_without_common_variants_is_warned_of(tmp_path, caplog):
    rare = [["0/1"] + ["0/0"] * 59] * 10
    cohort(tmp_path, rare)
    assert "none of 10 alleles has a frequency above 0.01 in the patients" in caplog.text
    assert "--filter_common" in caplog.text
    caplog.clear()
    cohort(tmp_path, [*rare, ["0/1"] * 6 + ["0/0"] * 54])
    assert not caplog.text
    # named variants that are not there say so even of a small file
    cohort(tmp_path, rare[:2], {"dosages": ["rs1"]})
    assert "--filter_common" in caplog.text


def test_genes_that_a_spreadsheet_made_dates_of(tmp_path, caplog):
    names = ["1-Mar", "Sep-02", "MARCHF1", "DEC1"]
    read(
        tmp_path,
        *(record(pos=i, annotation=f"T|stop_gained||{n}|E1|") for i, n in enumerate(names, 1)),
    )
    assert "2 genes look like dates" in caplog.text
    assert "1-Mar, Sep-02;" in caplog.text


def test_tallies_per_patient(tmp_path):
    calls = read(
        tmp_path,
        record(pos=1, ref="A", alt="G", annotation="G|intron_variant||G1||", s1="1/1"),
        record(pos=2, ref="A", alt="C", annotation="C|intron_variant||G1||", s2="0/1"),
        record(pos=3, ref="A", alt="CC", annotation="CC|intron_variant||G1||"),
        record(pos=4, filter="bad"),
    )
    tallies = calls.patients.set_index("patient_id")
    assert tallies.loc["p1"].tolist() == [3, 3, 3, 1, 1]
    assert tallies.loc["p2"].tolist() == [3, 3, 1, 0, 1]
    assert tallies.loc["p3"].tolist() == [3, 0, 0, 0, 0]
