"""Diplotypes and phenotypes: golden cases by hand, enumeration, and what is not known."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from trdomics.pharmacogenes.calling import (
    CALLED,
    NO_CALL,
    SEVERAL,
    UNKNOWN,
    call,
    call_patients,
    clearance,
)
from trdomics.pharmacogenes.definitions import Gene, read_genes, read_sites

GENES = {gene.name: gene for gene in read_genes()}
# Positions on GRCh38, as PharmCAT's definitions (CPIC v1.10, CYP2C19 and CYP2B6) and
# Pratt 2021 (PMC8579245, table 2, CYP2D6) give them.
PUBLISHED = """
rs12248560 94761900 C T
rs28399504 94762706 A G
rs12769205 94775367 A G
rs41291556 94775416 T C
rs72552267 94775453 G A
rs17884712 94775489 G A
rs4986893 94780653 G A
rs6413438 94781858 C T
rs4244285 94781859 G A
rs72558186 94781999 T A
rs3758581 94842866 A G
rs56337013 94852738 C T
rs34223104 40991224 T C
rs3745274 41006936 G T
rs2279343 41009358 A G
rs28399499 41012316 T C
rs3211371 41016810 C T
rs16947 42127941 G A
rs1135840 42126611 C G
rs3892097 42128945 C T
rs1065852 42130692 G A
rs28371706 42129770 G A
"""
# Variants (copies; the rest 0), phenotype and activity score: by hand, from CPIC's tables.
GOLDEN = [
    ("CYP2C19", {"rs3758581": 2}, "NM", ""),
    ("CYP2C19", {}, "NM", ""),
    ("CYP2C19", {"rs3758581": 2, "rs12248560": 1}, "RM", ""),
    ("CYP2C19", {"rs3758581": 2, "rs12248560": 2}, "UM", ""),
    ("CYP2C19", {"rs3758581": 2, "rs4244285": 1, "rs12769205": 1}, "IM", ""),
    ("CYP2C19", {"rs3758581": 2, "rs4244285": 2, "rs12769205": 2}, "PM", ""),
    ("CYP2C19", {"rs3758581": 2, "rs4244285": 1, "rs12769205": 1, "rs12248560": 1}, "IM", ""),
    ("CYP2C19", {"rs3758581": 2, "rs4244285": 1, "rs12769205": 1, "rs4986893": 1}, "PM", ""),
    ("CYP2C19", {"rs3758581": 2, "rs12769205": 1}, "IM", ""),
    ("CYP2C19", {"rs3758581": 2, "rs17884712": 1}, "likely IM", ""),
    ("CYP2C19", {"rs3758581": 2, "rs17884712": 1, "rs12248560": 1}, "likely IM", ""),
    ("CYP2C19", {"rs3758581": 2, "rs17884712": 1, "rs4986893": 1}, "likely PM", ""),
    ("CYP2D6", {}, "NM", "2"),
    ("CYP2D6", {"rs16947": 1, "rs1135840": 1}, "NM", "2"),
    ("CYP2D6", {"rs3892097": 2, "rs1065852": 2, "rs1135840": 2}, "PM", "0"),
    ("CYP2D6", {"rs35742686": 1, "rs3892097": 1, "rs1065852": 1, "rs1135840": 1}, "PM", "0"),
    ("CYP2D6", {"rs5030655": 1}, "IM", "1"),
    ("CYP2D6", {"rs5030656": 1}, "NM", "1.25"),
    ("CYP2D6", {"rs28371725": 1, "rs16947": 1, "rs1135840": 1}, "NM", "1.25"),
    ("CYP2D6", {"rs28371725": 2, "rs16947": 2, "rs1135840": 2}, "IM", "0.5"),
    ("CYP2D6", {"rs1065852": 2, "rs1135840": 2}, "IM", "0.5"),
    ("CYP2D6", {"rs28371706": 2, "rs16947": 2, "rs1135840": 2}, "IM", "1"),
    ("CYP2D6", {"rs5030865:T": 1, "rs16947": 1, "rs1135840": 1}, "NM", "1.5"),
    ("CYP2D6", {"rs5030865:A": 1, "rs16947": 1, "rs1135840": 1}, "IM", "1"),
    ("CYP2B6", {}, "NM", ""),
    ("CYP2B6", {"rs3745274": 1, "rs2279343": 1}, "IM", ""),
    ("CYP2B6", {"rs3745274": 2, "rs2279343": 2}, "PM", ""),
    ("CYP2B6", {"rs2279343": 1}, "RM", ""),
    ("CYP2B6", {"rs2279343": 2}, "UM", ""),
    ("CYP2B6", {"rs28399499": 1}, "IM", ""),
    ("CYP2B6", {"rs3211371": 1, "rs34223104": 1}, "RM", ""),
]


def genotypes(gene: Gene, copies: dict[str, float]) -> np.ndarray:
    assert set(copies) <= set(gene.variants)
    return np.array([copies.get(variant, 0.0) for variant in gene.variants])


def table(**rows: dict[str, float]) -> pd.DataFrame:
    """Return genotypes of patients, 0 where not given."""
    variants = [variant for gene in GENES.values() for variant in gene.variants]
    values = {name: [copies.get(v, 0.0) for v in variants] for name, copies in rows.items()}
    return pd.DataFrame.from_dict(values, orient="index", columns=variants, dtype=float)


def test_sites_are_where_published_definitions_have_them():
    sites = read_sites().drop_duplicates("rsid").set_index("rsid")
    rows = [line.split() for line in PUBLISHED.split("\n") if line]
    assert len(rows) == 22
    for rsid, position, reference, alternative in rows:
        site = sites.loc[rsid]
        assert (site["grch38"], site["reference_grch38"]) == (int(position), reference)
        assert site["alternative"] == alternative


@pytest.mark.parametrize(("name", "copies", "phenotype", "activity"), GOLDEN)
def test_golden_cases(name, copies, phenotype, activity):
    calls = call_patients(list(GENES.values()), table(a=copies)).set_index("gene")
    assert calls.loc[name, "status"] == CALLED
    assert calls.loc[name, "phenotype"] == phenotype
    assert activity in calls.loc[name, "activity"].split("; ")


@pytest.mark.parametrize("name", GENES)
def test_no_unphased_genotype_leaves_the_phenotype_open(name):
    gene = GENES[name]
    for pair in gene.diplotypes:
        extra = [sorted(allele.may_carry) for allele in pair]
        for choice in itertools.product(*(itertools.product((0, 1), repeat=len(e)) for e in extra)):
            carried = [
                allele.variants | {v for v, on in zip(e, c, strict=True) if on}
                for allele, e, c in zip(pair, extra, choice, strict=True)
            ]
            dosages = np.array([sum(v in has for has in carried) for v in gene.variants], float)
            found = call(gene, dosages)
            assert pair in found.diplotypes
            assert (found.status, found.phenotypes) == (CALLED, [gene.phenotype(pair)])


def test_an_exome_without_the_promoter_does_not_tell_normal_from_rapid():
    gene = GENES["CYP2C19"]
    seen = genotypes(gene, {"rs3758581": 2, "rs12248560": np.nan})
    assert call(gene, seen).phenotypes == ["NM", "RM", "UM"]
    assert call(gene, seen).status == SEVERAL
    poor = genotypes(gene, {"rs3758581": 2, "rs4244285": 2, "rs12769205": 2, "rs12248560": np.nan})
    assert call(gene, poor).phenotypes == ["PM"]


@pytest.mark.parametrize("name", GENES)
def test_without_any_site_nothing_is_called_and_least_of_all_the_reference(name):
    gene = GENES[name]
    found = call(gene, np.full(len(gene.variants), np.nan))
    assert found.status == NO_CALL
    assert len(found.diplotypes) == len(gene.diplotypes)


def test_alleles_that_no_pair_of_the_table_has_are_said_to_be_unknown():
    gene = GENES["CYP2D6"]
    found = call(gene, genotypes(gene, {"rs28371706": 1}))
    assert (found.status, found.phenotypes) == (UNKNOWN, [])


def test_what_a_deletion_or_duplication_would_change_is_said():
    calls = call_patients(
        [GENES["CYP2D6"]],
        table(
            homozygous={},
            heterozygous={"rs16947": 1, "rs1135840": 1},
            poor={"rs3892097": 2, "rs1065852": 2, "rs1135840": 2},
        ),
    ).set_index("patient_id")
    deleted, duplicated = "if_one_copy_is_deleted", "if_a_copy_is_duplicated"
    assert calls.loc["homozygous", [deleted, duplicated]].tolist() == ["IM", "UM"]
    assert calls.loc["heterozygous", [deleted, duplicated]].tolist() == ["excluded", "UM"]
    assert calls.loc["poor", [deleted, duplicated]].tolist() == ["PM", "PM"]


def test_models_get_a_number_per_gene_and_none_where_several_phenotypes_fit():
    genes = list(GENES.values())
    rows = {"slow": {"rs4244285": 2, "rs12769205": 2}, "open": {"rs12248560": np.nan}}
    numbers = clearance(call_patients(genes, table(**rows)), genes).set_index("patient_id")
    assert numbers.loc["slow", "CYP2C19_clearance"] == 0
    assert np.isnan(numbers.loc["open", "CYP2C19_clearance"])
    assert numbers["CYP2D6_clearance"].tolist() == [2, 2]
