"""Which entry of an annotation is that of an allele, and what it says of the gene."""

import numpy as np
import pytest
from vcf_data import ANN, BCSQ, CSQ, csq, effects, read, reasons, record

from trdomics.inputs.consequences import ConsequenceClasses
from trdomics.inputs.variant_annotation import (
    AnnotationFormat,
    population_frequency,
    trimmed,
    vep_names,
)
from trdomics.inputs.vcf import dosage_of


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
    assert f"alleles left out: {nothing} (3)" in caplog.text


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
    assert "no effect on the protein: never_heard (2), made_up (1)" in caplog.text


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
