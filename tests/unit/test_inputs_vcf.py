import gzip
import logging

import numpy as np
import pandas as pd
import pytest

from trdomics.errors import InputError
from trdomics.inputs.consequences import (
    AnnotationFormat,
    ConsequenceClasses,
    dosage_of,
    population_frequency,
    trimmed,
    vep_names,
)
from trdomics.inputs.vcf import read_vcf, vcf_header

CSQ = (
    "Consequence annotations from Ensembl VEP. "
    "Format: Allele|Consequence|IMPACT|SYMBOL|Gene|gnomAD_AF"
)
ANN = (
    "Functional annotations: 'Allele | Annotation | Annotation_Impact | Gene_Name | Gene_ID | "
    "Feature_Type | Feature_ID | ERRORS / WARNINGS / INFO' "
)
BCSQ = (
    "Haplotype-aware consequence annotation from BCFtools/csq, see http://x.y/z.html for details. "
    "Format: Consequence|gene|transcript|biotype|strand|amino_acid_change|dna_change"
)
COLUMNS = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT"]
SETTINGS = {
    "pass_only": True,
    "min_depth": 8,
    "min_genotype_quality": 20,
    "min_quality": 30,
    "max_allele_frequency": 0.01,
    "no_call": "missing",
    "snv_only": False,
    "dosages": [],
}
NAMES = pd.Series(["s2", "s1", "s3"], index=["p2", "p1", "p3"])


def write(path, records, tag="CSQ", description=CSQ, samples=("s1", "s2", "s3")):
    """Write a VCF; a record is (CHROM, POS, ID, REF, ALT, QUAL, FILTER, annotation, FORMAT, …)."""
    lines = [
        "##fileformat=VCFv4.2",
        "##contig=<ID=1>",
        "##contig=<ID=chr2>",
        '##FILTER=<ID=bad,Description="bad">',
        f'##INFO=<ID={tag},Number=.,Type=String,Description="{description}">',
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="g">',
        '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="d">',
        '##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="q">',
        '##FORMAT=<ID=AD,Number=R,Type=Integer,Description="a">',
        "\t".join([*COLUMNS, *samples]),
    ]
    for record in records:
        fields = list(record)
        fields[7] = f"{tag}={fields[7]}" if fields[7] else "."
        lines.append("\t".join(map(str, fields)))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def record(pos=10, annotation="T|missense_variant|MODERATE|G1|E1|", **other):
    values = {
        "chrom": "1", "pos": pos, "id": ".", "ref": "A", "alt": "T", "qual": 50, "filter": "PASS",
        "annotation": annotation, "format": "GT", "s1": "0/1", "s2": "0/0", "s3": "./.",
    }  # fmt: skip
    return tuple((values | other).values())


def read(tmp_path, *records, settings=None, **header):
    path = write(tmp_path / "calls.vcf", records, **header)
    return read_vcf(path, SETTINGS | (settings or {}), NAMES)


def reasons(calls):
    return calls.annotation["reason"].tolist()


def test_dosages_have_patients_in_the_order_of_the_sheet(tmp_path):
    calls = read(tmp_path, record(s3="1/1"))
    assert calls.dosages.columns.tolist() == [("1:10:A:T", "G1", "damaging")]
    assert list(calls.dosages.index) == ["p2", "p1", "p3"]
    assert calls.dosages.iloc[:, 0].tolist() == [0, 1, 2]
    assert calls.dosages.dtypes.eq(np.float32).all()


@pytest.mark.parametrize(("no_call", "expected"), [("missing", np.nan), ("reference", 0)])
def test_no_call_is_missing_or_reference(tmp_path, no_call, expected):
    calls = read(tmp_path, record(), settings={"no_call": no_call})
    np.testing.assert_equal(calls.dosages.loc["p3"].item(), expected)


def test_header_says_samples_and_tag(tmp_path):
    path = write(tmp_path / "a.vcf", [record()])
    assert vcf_header(path).samples == ["s1", "s2", "s3"]
    assert vcf_header(path).annotation == "CSQ"
    plain = write(tmp_path / "b.vcf", [record()], tag="XX", description="nothing")
    assert vcf_header(plain).annotation is None
    with pytest.raises(InputError, match="no consequence annotation"):
        read_vcf(plain, SETTINGS, NAMES)


@pytest.mark.parametrize(
    ("tag", "description", "first", "second"),
    [
        ("CSQ", CSQ, "consequence", "symbol"),
        ("ANN", ANN, "annotation", "gene_name"),
        ("BCSQ", BCSQ, "consequence", "gene"),
        (
            "BCSQ",
            "Local. Format: '[*]consequence|gene|transcript|dna_change'",
            "consequence",
            "gene",
        ),
        ("CSQ", "VEP. Format: SYMBOL|Feature|Consequence|Allele", "consequence", "symbol"),
    ],
)
def test_fields_are_located_by_the_header(tag, description, first, second):
    fields = AnnotationFormat.parse(tag, description).fields
    assert first in fields and second in fields
    assert not any(set(field) & set("'\"[]*:") for field in fields)


def test_order_of_fields_does_not_matter(tmp_path):
    calls = read(
        tmp_path,
        record(annotation="G7||stop_gained|T"),
        description="VEP. Format: SYMBOL|Feature|Consequence|Allele",
    )
    assert calls.dosages.columns.tolist() == [("1:10:A:T", "G7", "lof")]


def test_worst_transcript_per_gene(tmp_path):
    annotation = ",".join(
        [
            "T|synonymous_variant|LOW|G1|E1|",
            "T|missense_variant&splice_region_variant|MODERATE|G1|E1|",
            "T|stop_gained|HIGH|G2|E2|",
            "T|upstream_gene_variant|MODIFIER|G3|E3|",
        ]
    )
    calls = read(tmp_path, record(annotation=annotation))
    assert calls.dosages.columns.tolist() == [
        ("1:10:A:T", "G1", "damaging"),
        ("1:10:A:T", "G2", "lof"),
    ]
    terms = calls.annotation.set_index("gene")["consequence"].to_dict()
    assert terms == {
        "G1": "missense_variant", "G2": "stop_gained", "G3": "upstream_gene_variant",
    }  # fmt: skip
    assert reasons(calls)[2] == "consequence without effect on the protein"


def test_gene_id_where_there_is_no_symbol(tmp_path):
    calls = read(tmp_path, record(annotation="T|stop_gained|HIGH||ENSG1|"))
    assert calls.dosages.columns.get_level_values("gene").tolist() == ["ENSG1"]


def test_alternatives_of_one_record_are_taken_apart(tmp_path):
    annotation = "T|missense_variant|MODERATE|G1|E1|,C|stop_gained|HIGH|G1|E1|"
    calls = read(tmp_path, record(alt="T,C", annotation=annotation, s1="1/2", s2="2/2", s3="0/1"))
    assert calls.dosages.columns.tolist() == [
        ("1:10:A:T", "G1", "damaging"),
        ("1:10:A:C", "G1", "lof"),
    ]
    assert calls.dosages.loc["p1"].tolist() == [1, 1]
    assert calls.dosages.loc["p2"].tolist() == [0, 2]


def test_indel_alleles_as_vep_writes_them(tmp_path):
    annotation = "-|frameshift_variant|HIGH|G1|E1|,AG|inframe_insertion|MODERATE|G2|E1|"
    calls = read(tmp_path, record(ref="CA", alt="C,CAG", annotation=annotation, s2="2/2"))
    assert calls.dosages.columns.tolist() == [
        ("1:10:CA:C", "G1", "lof"),
        ("1:10:CA:CAG", "G2", "damaging"),
    ]


@pytest.mark.parametrize(
    ("ref", "alts", "names"),
    [
        ("A", ["T", "C"], ["T", "C"]),
        ("CA", ["C"], ["-"]),
        ("CA", ["TA"], ["TA"]),
        ("CA", ["CT"], ["CT"]),
        ("CA", ["C", "TA"], ["C", "TA"]),
        ("CA", ["C", "CT"], ["-", "T"]),
        ("AT", ["A", "*"], ["-", "*"]),
        ("ATG", ["ACG", "*"], ["CG", "*"]),
        ("A", ["AT", "<NON_REF>"], ["T", "<NON_REF>"]),
    ],
)
def test_names_of_vep(ref, alts, names):
    assert vep_names(ref, alts) == names


def test_trimmed_alleles():
    assert trimmed("CAAG", "CG") == (1, "AA", "")
    assert trimmed("A", "ATA") == (1, "", "TA")
    assert trimmed("GCA", "GTA") == (1, "C", "T")


def effects(calls):
    """Return term by (ALT, gene) of a call set."""
    rows = calls.annotation
    return dict(
        zip(zip(rows["alternative"], rows["gene"], strict=True), rows["consequence"], strict=True)
    )


def csq(**terms):
    """Return entries of gene G1 by allele; `deleted` stands for -."""
    return ",".join(
        f"{'-' if allele == 'deleted' else allele}|{term}||G1|E1|" for allele, term in terms.items()
    )


def test_a_star_beside_an_indel(tmp_path):
    calls = read(
        tmp_path,
        record(pos=1, ref="AT", alt="A,*", annotation=csq(deleted="frameshift_variant")),
        record(pos=9, ref="A", alt="*,AT", annotation=csq(T="frameshift_variant"), s1="0/2"),
    )
    assert calls.dosages.columns.tolist() == [("1:1:AT:A", "G1", "lof"), ("1:9:A:AT", "G1", "lof")]


def test_records_split_after_annotation(tmp_path):
    common = "T|missense_variant||G1|E1|0.00001,G|missense_variant||G1|E1|0.2"
    indels = csq(A="inframe_insertion", AA="frameshift_variant")
    # CA>CAA is called CAA, since CA>AA does not begin as the others do
    mixed = csq(CAA="frameshift_variant", AA="missense_variant")
    calls = read(
        tmp_path,
        record(pos=1, alt="T", annotation=common),
        record(pos=1, alt="G", annotation=common),
        record(pos=5, alt="AA", annotation=indels),
        record(pos=5, alt="AAA", annotation=indels),
        record(pos=9, ref="CA", alt="CAA", annotation=mixed),
        record(pos=9, ref="CA", alt="AA", annotation=mixed),
    )
    assert reasons(calls) == ["", "common in the population", "", "", "", ""]
    assert calls.annotation["consequence"].tolist()[2:] == [
        "inframe_insertion", "frameshift_variant", "frameshift_variant", "missense_variant",
    ]  # fmt: skip


def test_a_record_split_off_whose_sibling_is_gone(tmp_path):
    calls = read(tmp_path, record(alt="G", annotation=csq(G="synonymous_variant", T="stop_gained")))
    assert effects(calls) == {("G", "G1"): "synonymous_variant"}


def test_records_normalised_after_annotation(tmp_path):
    split = csq(deleted="frameshift_variant", AGAG="inframe_insertion")
    calls = read(
        tmp_path,
        record(pos=1, ref="CAG", alt="C", annotation=split),
        record(pos=1, ref="C", alt="CAG", annotation=split),
        record(pos=5, ref="C", alt="T", annotation=csq(GTA="missense_variant")),
        record(pos=7, ref="CAA", alt="C", annotation=csq(G="inframe_deletion")),
        record(pos=9, ref="G", alt="GAT", annotation=csq(TA="frameshift_variant")),
    )
    assert effects(calls) == {
        ("C", "G1"): "inframe_deletion", ("CAG", "G1"): "inframe_insertion",
        ("T", "G1"): "missense_variant", ("GAT", "G1"): "frameshift_variant",
    }  # fmt: skip
    assert calls.annotation["consequence"].iloc[0] == "frameshift_variant"


def test_minimal_alleles(tmp_path):
    calls = read(
        tmp_path,
        record(
            ref="CAT", alt="CGT,C", annotation=csq(G="synonymous_variant", deleted="stop_gained")
        ),
    )
    assert effects(calls) == {("CGT", "G1"): "synonymous_variant", ("C", "G1"): "stop_gained"}


def test_allele_numbers_are_those_of_the_record_that_was_annotated(tmp_path):
    # two deletions that --minimal both calls -
    annotation = "-|inframe_deletion|G1|1,-|frameshift_variant|G1|2"
    description = "VEP. Format: Allele|Consequence|SYMBOL|ALLELE_NUM"
    whole = record(pos=1, ref="CAA", alt="CA,C", annotation=annotation)
    parts = [record(pos=5, ref="CAA", alt=alt, annotation=annotation) for alt in ("CA", "C")]
    calls = read(tmp_path, whole, *parts, description=description)
    assert (
        calls.annotation["consequence"].tolist() == ["inframe_deletion", "frameshift_variant"] * 2
    )
    # a part whose sibling is gone: the numbers are not those of its ALTs
    alone = record(alt="G", annotation="T|stop_gained|G1|1,G|synonymous_variant|G1|2")
    calls = read(tmp_path, alone, description=description)
    assert calls.annotation["consequence"].tolist() == ["synonymous_variant"]


def test_alleles_without_an_entry_are_counted(tmp_path, caplog):
    calls = read(
        tmp_path,
        record(pos=1, annotation=csq(G="stop_gained")),
        record(pos=3, alt="T,C", annotation=csq(T="stop_gained"), s2="0/2"),
        record(pos=5, annotation=""),
    )
    nothing = "no annotation of this allele"
    assert reasons(calls) == [nothing, "", nothing, nothing]
    assert f"alleles left out: 3 {nothing}" in caplog.text


def test_a_variant_in_no_gene_has_its_reason(tmp_path):
    calls = read(tmp_path, record(annotation="T|stop_gained|HIGH|Unknown||"))
    assert reasons(calls) == ["in no gene"]
    assert calls.annotation["gene"].tolist() == [""]


def test_a_symbolic_allele_has_entries_by_its_kind(tmp_path):
    calls = read(
        tmp_path, record(ref="N", alt="<DEL>", annotation="deletion|transcript_ablation||G1|E1|")
    )
    assert effects(calls) == {("<DEL>", "G1"): "transcript_ablation"}


def test_snpeff_split_after_annotation(tmp_path):
    annotation = (
        "AA|stop_gained|HIGH|G1|ENSG1|transcript|T1|,AAA|missense_variant|MODERATE|G1|ENSG1|"
        "transcript|T1|"
    )
    calls = read(
        tmp_path,
        record(alt="AAA", annotation=annotation),
        record(alt="AA", annotation=annotation),
        tag="ANN",
        description=ANN,
    )
    assert effects(calls) == {("AAA", "G1"): "missense_variant", ("AA", "G1"): "stop_gained"}


def test_bcftools_csq_split_and_trimmed_after_annotation(tmp_path):
    annotation = (
        "missense|G1|T1|protein_coding|+|1A>1B|10CA>TA,frameshift|G1|T1|protein_coding|+|.|10CA>C"
    )
    calls = read(
        tmp_path,
        record(pos=10, ref="C", alt="T", annotation=annotation),
        record(pos=10, ref="CA", alt="C", annotation=annotation),
        record(pos=20, annotation=""),
        tag="BCSQ",
        description=BCSQ,
    )
    assert effects(calls) == {
        ("T", "G1"): "missense", ("C", "G1"): "frameshift", ("T", ""): "",
    }  # fmt: skip
    # bcftools csq has nothing to say of what lies between genes
    assert reasons(calls)[2] == "consequence without effect on the protein"


def test_terms_in_any_case_and_joined_otherwise(tmp_path, caplog):
    calls = read(
        tmp_path,
        record(pos=1, annotation="T|Missense_Variant&made_up||G1|E1|"),
        record(pos=3, annotation="T|never_heard&stop_gained||G2|E2|"),
        record(pos=5, annotation="T|never_heard||G3|E3|"),
    )
    assert calls.dosages.columns.get_level_values("gene").tolist() == ["G1", "G2"]
    assert "without effect on the protein: 2 never_heard, 1 made_up" in caplog.text


def test_snpeff(tmp_path):
    annotation = (
        "T|stop_gained|HIGH|G1|ENSG1|transcript|T1|,T|downstream_gene_variant|MODIFIER|G2|ENSG2|"
        "transcript|T2|,G|missense_variant|MODERATE|G1|ENSG1|transcript|T1|"
    )
    calls = read(
        tmp_path, record(alt="T,G", annotation=annotation, s2="2/2"), tag="ANN", description=ANN
    )
    assert calls.dosages.columns.tolist() == [
        ("1:10:A:T", "G1", "lof"),
        ("1:10:A:G", "G1", "damaging"),
    ]


def test_bcftools_csq_with_compound_and_pointer(tmp_path):
    compound = "stop_gained|G1|T1|protein_coding|+|49K>49*|10A>T+12G>A"
    own = "synonymous|G1|T1|protein_coding|+|9K|14A>T"
    calls = read(
        tmp_path,
        record(pos=10, annotation="@12"),
        record(pos=12, ref="G", alt="A", annotation=compound),
        record(pos=14, annotation=f"{own},@12,*missense|G2|T2|protein_coding|+|1A>1B|14A>T"),
        record(
            pos=16,
            alt="T,C",
            annotation="missense|G3|T3|protein_coding|+|1A>1B|16A>C,intron|G4|T4|protein_coding",
            s2="2/2",
        ),
        tag="BCSQ",
        description=BCSQ,
    )
    assert calls.dosages.columns.tolist() == [
        ("1:10:A:T", "G1", "lof"),
        ("1:12:G:A", "G1", "lof"),
        ("1:16:A:C", "G3", "damaging"),
    ]
    assert set(calls.annotation.query("position == 14")["consequence_class"]) == {"other"}


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


def test_filters_can_be_off(tmp_path):
    settings = {"pass_only": False, "min_quality": 0}
    calls = read(tmp_path, record(filter="bad", qual=1), settings=settings)
    assert reasons(calls) == [""]


def test_genotypes_need_depth_and_quality(tmp_path):
    calls = read(
        tmp_path,
        record(pos=1, format="GT:DP:GQ", s1="0/1:8:20", s2="0/1:7:99", s3="0/1:99:19"),
        record(pos=2, format="GT:AD", s1="0/1:4,4", s2="0/1:3,4", s3="0/1:.,."),
        record(pos=3, format="GT:DP", s1="0/1:.", s2="0/0:9", s3="0/0:2"),
    )
    expected = [[np.nan, np.nan, 0], [1, 1, 1], [np.nan, 1, np.nan]]
    np.testing.assert_equal(calls.dosages.to_numpy(), np.array(expected))


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


def test_named_variants_need_no_annotation(tmp_path):
    plain = {"tag": "XX", "description": "nothing"}
    calls = read(tmp_path, record(id="rs7"), record(pos=12), settings={"dosages": ["rs7"]}, **plain)
    assert calls.dosages.columns.tolist() == [("rs7", "", "other")]
    assert calls.dosages.loc["p1"].tolist() == [1]


def cohort(tmp_path, genotypes, settings=None, **header):
    """Read 60 patients; a row of genotypes per variant."""
    samples = [f"s{i}" for i in range(60)]
    rows = [(*record(pos=10 * i)[:9], *row) for i, row in enumerate(genotypes, start=1)]
    path = write(tmp_path / "calls.vcf", rows, samples=samples, **header)
    return read_vcf(path, SETTINGS | (settings or {}), pd.Series(samples, samples))


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


def test_chromosomes_are_named_without_chr(tmp_path):
    calls = read(tmp_path, record(chrom="chr2"))
    assert calls.annotation.loc[0, ["variant", "chromosome"]].tolist() == ["2:10:A:T", "2"]


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


def test_dosage_of_odd_genotypes():
    # 1/1, 0/1, ./., half calls with and without the ALT, a haploid call, another ALT
    genotypes = np.array([[1, 1], [0, 1], [-1, -1], [1, -1], [0, -1], [1, -2], [0, 2]])
    assert dosage_of(genotypes, 1).tolist() == [2, 1, -1, 1, -1, 1, 0]


def test_population_frequency_prefers_global_ones():
    assert population_frequency([{"max_af": "0.5", "gnomade_af": "0.01"}, {"af": "."}]) == 0.01
    assert population_frequency([{"max_af": "0.5"}]) == 0.5
    assert np.isnan(population_frequency([{"af": ""}, {}]))


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        (["missense_variant", "splice_region_variant"], "damaging"),
        (["stop_lost", "start_lost"], "lof"),
        (["splice_donor_variant", "intron_variant"], "lof"),
        (["inframe_deletion"], "damaging"),
        (["synonymous_variant"], "other"),
        (["never heard of"], "other"),
        (["Frame_Shift_Del"], "lof"),
    ],
)
def test_classes(terms, expected):
    assert ConsequenceClasses().effect(terms).consequence_class == expected


@pytest.mark.parametrize("dropped", ["GQ", "DP", "AD", "GT"])
def test_genotype_fields_that_the_header_lacks(tmp_path, dropped):
    rows = [
        record(pos=1, format="GT:DP:GQ", s1="0/1:8:20", s2="0/1:7:99", s3="0/1:99:19"),
        record(pos=2, format="GT:AD", s1="0/1:4,4", s2="0/1:3,4", s3="0/1:.,."),
        record(pos=3, format="GT:DP:GQ", s1="0/1:.:.", s2="0/0:9", s3="0/0:2:50"),
    ]
    path = write(tmp_path / "calls.vcf", rows)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if f"FORMAT=<ID={dropped}," not in line]
    path.write_text("".join(kept), encoding="utf-8")
    expected = [[np.nan, np.nan, 0], [1, 1, 1], [np.nan, 1, np.nan]]
    np.testing.assert_equal(read_vcf(path, SETTINGS, NAMES).dosages.to_numpy(), np.array(expected))


def test_a_header_without_records(tmp_path):
    path = write(tmp_path / "a.vcf", [])
    with pytest.raises(InputError, match=r"a\.vcf: it has no variants"):
        read_vcf(path, SETTINGS, NAMES)


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_cut_off_within_a_record(tmp_path, packed):
    path = write(tmp_path / "a.vcf", [record(), record(pos=77), record(pos=90)])
    text = path.read_bytes()[:-9]
    if packed:
        path = tmp_path / "a.vcf.gz"
        path.write_bytes(gzip.compress(text))
    else:
        path.write_bytes(text)
    with pytest.raises(InputError, match=r"the record after 1:77 cannot be read"):
        read_vcf(path, SETTINGS, NAMES)


def damages(line):
    """Damages of a record, each by what becomes of its fields."""
    fields = line.rstrip("\n").split("\t")

    def put(place, value):
        return "\t".join([*fields[:place], value, *fields[place + 1 :]]) + "\n"

    return {
        "empty line": "\n",
        "no tabs": "\x01\x02\xff\n",
        "no fields": fields[0] + "\t12\n",
        "no samples": "\t".join(fields[:11]) + "\n",
        "position": put(1, "abc"),
        "negative position": put(1, "-5"),
        "genotype": put(9, "x/y"),
        "empty genotype": put(9, ""),
        "gene": put(7, fields[7].replace("G1", "G\x1b1")),
    }


@pytest.mark.parametrize("damage", sorted(damages("\t" * 12)))
def test_a_damaged_record_is_one_line_with_its_place(tmp_path, damage):
    path = write(tmp_path / "a.vcf", [record(), record(pos=77), record(pos=90)])
    *head, damaged, last = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join([*head, damages(damaged)[damage], last]), encoding="utf-8")
    with pytest.raises(InputError, match=r"a\.vcf: (the record after 1:10 |gene 'G)"):
        read_vcf(path, SETTINGS, NAMES)


def test_no_sample_of_the_sheet(tmp_path):
    path = write(tmp_path / "a.vcf", [record()])
    with pytest.raises(InputError, match=r"none of the samples.*file: s1, s2, s3; sheet: x"):
        read_vcf(path, SETTINGS, pd.Series({"p": "x"}))


def test_a_record_without_genotypes_is_left_out(tmp_path, caplog):
    calls = read(
        tmp_path, record(), record(pos=12, format="DP", s1="9", s2="9", s3="9"), record(pos=14)
    )
    assert reasons(calls) == ["", "no genotypes", ""]
    assert "alleles left out: 1 no genotypes" in caplog.text


def test_not_a_vcf(tmp_path):
    path = tmp_path / "a.vcf"
    path.write_text("gene\tsample\n", encoding="utf-8")
    with pytest.raises(InputError, match="is not a readable VCF"):
        vcf_header(path)


def test_a_bgzipped_file_without_its_end(tmp_path):
    block = bytes.fromhex("1f8b08040000000000ff060042430200")
    path = tmp_path / "a.vcf.gz"
    path.write_bytes(block + b"\0" * 60)
    with pytest.raises(InputError, match="is cut off"):
        vcf_header(path)
    # a plain gzip file has no such end
    plain = write(tmp_path / "b.vcf", [record()])
    (tmp_path / "b.vcf.gz").write_bytes(gzip.compress(plain.read_bytes()))
    assert vcf_header(tmp_path / "b.vcf.gz").annotation == "CSQ"
