"""From which layer pharmacogenes are called, and what is said where none can be."""

import pytest

from trdomics.pharmacogenes.settings import germline_layer
from trdomics.pharmacogenes.summary import REASONS


def variants(file_format, no_call="missing"):
    return {"type": "variants", "format": file_format, "no_call": no_call}


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        ({}, "the cohort has no layer of variants"),
        ({"rna": {"type": "counts"}}, "the cohort has no layer of variants"),
        ({"exome": variants("maf")}, "a MAF lists carriers only"),
        ({"tumour": variants("vcf", "reference")}, "a missing genotype is not a reference"),
    ],
)
def test_a_cohort_without_a_germline_vcf_is_told_in_one_line(layers, told):
    layer, reason = germline_layer({"layers": layers})
    assert layer is None
    assert told in REASONS[reason]
    assert "\n" not in REASONS[reason]


def test_the_first_germline_vcf_is_called():
    layers = {"tumour": variants("vcf", "reference"), "exome": variants("vcf")}
    assert germline_layer({"layers": layers}) == ("exome", "")
