"""Reading of pharmacogene sites from VCFs of both builds, split or joined by allele."""

from __future__ import annotations

import pandas as pd
import pytest

from trdomics.errors import InputError
from trdomics.pharmacogenes.calling import call_patients
from trdomics.pharmacogenes.definitions import read_genes, read_sites
from trdomics.pharmacogenes.settings import ABSENT, FAILED, FOUND
from trdomics.pharmacogenes.sites import read_site_genotypes

SETTINGS = {"pass_only": True, "min_quality": 30, "min_depth": 8, "min_genotype_quality": 20}
PATIENTS = pd.Series({"a": "S1", "b": "S2"})


def vcf(folder, *records):
    lines = [
        "##fileformat=VCFv4.2",
        *(f"##contig=<ID={c}>" for c in ("chr10", "chr22", "chr19", "10", "22", "19")),
        '##FILTER=<ID=bad,Description="bad">',
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
        '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">',
        "#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT S1 S2".replace(" ", "\t"),
        *("\t".join(record.split()) for record in records),
    ]
    path = folder / "calls.vcf"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def read(path):
    return read_site_genotypes(path, SETTINGS, PATIENTS, read_sites())


def record(place, alleles, *genotypes, quality=60, status="PASS"):
    chromosome, position = place.split(":")
    reference, alternative = alleles.split(">")
    return (
        f"{chromosome} {position} . {reference} {alternative} {quality} {status} . GT:DP "
        + " ".join(f"{genotype}:30" for genotype in genotypes)
    )


def test_sites_of_grch38_whose_chromosomes_have_a_prefix(tmp_path):
    found = read(vcf(tmp_path, record("chr10:94781859", "G>A", "0/1", "1|1")))
    assert found.build == "GRCh38"
    assert found.dosages["rs4244285"].tolist() == [1, 2]
    status = found.sites.set_index("variant")["status"]
    assert (status["rs4244285"], status["rs12248560"]) == (FOUND, ABSENT)
    assert found.dosages["rs12248560"].isna().all()


def test_on_grch37_the_reference_itself_may_be_the_named_allele(tmp_path):
    path = vcf(
        tmp_path,
        record("10:96541616", "G>A", "0/0", "0/1"),
        record("22:42523943", "A>G", "0/0", "1/1"),
        record("22:42522613", "G>C", "0/1", "1/1"),
    )
    found = read(path)
    assert found.build == "GRCh37"
    assert found.dosages["rs16947"].tolist() == [2, 0]
    assert found.dosages["rs1135840"].tolist() == [1, 0]


def test_both_builds_give_the_same_calls(tmp_path):
    sites = read_sites()
    calls = []
    for build in ("grch37", "grch38"):
        records = []
        for site in sites.itertuples():
            flipped = getattr(site, f"reference_{build}") != site.reference_grch38
            one = {"rs1065852", "rs3892097", "rs1135840", "rs12248560", "rs3758581"}
            copies = [int(site.variant in one), 0]
            shown = [2 - n if flipped else n for n in copies]
            other = site.reference_grch38 if flipped else site.alternative
            alleles = f"{getattr(site, f'reference_{build}')}>{other}"
            place = f"{site.chromosome}:{getattr(site, build)}"
            records.append(record(place, alleles, *(("0/0", "0/1", "1/1")[n] for n in shown)))
        folder = tmp_path / build
        folder.mkdir()
        found = read(vcf(folder, *records))
        assert found.build == {"grch37": "GRCh37", "grch38": "GRCh38"}[build]
        calls.append(call_patients(read_genes(), found.dosages))
    pd.testing.assert_frame_equal(*calls)
    first = calls[0].set_index(["patient_id", "gene"])["phenotype"]
    assert (first["a", "CYP2C19"], first["a", "CYP2D6"]) == ("RM", "IM")
    assert (first["b", "CYP2C19"], first["b", "CYP2D6"]) == ("NM", "NM")


@pytest.mark.parametrize(
    "records",
    [
        [record("chr22:42129033", "C>A,T", "1/2", "0/2")],
        [
            record("chr22:42129033", "C>A", "0/1", "0/0"),
            record("chr22:42129033", "C>T", "0/1", "0/1"),
        ],
    ],
)
def test_two_alleles_of_a_site_joined_or_split(tmp_path, records):
    found = read(vcf(tmp_path, *records))
    assert found.dosages["rs5030865:A"].tolist() == [1, 0]
    assert found.dosages["rs5030865:T"].tolist() == [1, 1]


def test_deletions_are_found_in_records_of_several_alleles(tmp_path):
    # CT>C beside CTT>C, written over one REF
    found = read(vcf(tmp_path, record("chr22:42128241", "CTT>CT,C", "0/1", "0/2")))
    assert found.dosages["rs35742686"].tolist() == [1, 0]


def test_no_call_and_filtered_sites_are_unknown_not_reference(tmp_path):
    path = vcf(
        tmp_path,
        record("chr10:94781859", "G>A", "0/1", "./."),
        record("chr10:94775367", "A>G", "0/1", "0/0", status="bad"),
        record("chr10:94780653", "G>A", "0/1", "0/0", quality=3),
    )
    found = read(path)
    assert found.dosages["rs4244285"].isna().tolist() == [False, True]
    status = found.sites.set_index("variant")["status"]
    assert (status["rs12769205"], status["rs4986893"]) == (FAILED, FAILED)
    assert found.dosages[["rs12769205", "rs4986893"]].isna().all(axis=None)


def test_a_file_without_the_sites_has_no_build(tmp_path):
    found = read(vcf(tmp_path, record("chr10:1000", "G>A", "0/1", "0/0")))
    assert found.build is None
    assert found.dosages.isna().all(axis=None)


def test_a_mixture_of_builds_is_refused(tmp_path):
    path = vcf(
        tmp_path,
        record("10:96541616", "G>A", "0/1", "0/0"),
        record("10:94781859", "G>A", "0/1", "0/0"),
    )
    with pytest.raises(InputError, match=r"1 pharmacogene sites have the alleles of GRCh37 and 1"):
        read(path)


def test_another_reference_than_that_of_the_build_is_refused_by_name(tmp_path):
    path = vcf(
        tmp_path,
        record("10:94781859", "G>A", "0/1", "0/0"),
        record("10:94775367", "A>G", "0/1", "0/0"),
        record("10:94761900", "T>C", "0/1", "0/0"),
    )
    with pytest.raises(InputError, match=r"fit GRCh38, but the REF of rs12248560 at 10:94761900"):
        read(path)
