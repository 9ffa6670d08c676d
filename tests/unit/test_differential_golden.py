"""PyDESeq2 as this workflow calls it, against R's DESeq2 (tests/golden/make_deseq2_golden.R)."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from golden.deseq2_fixture import CONTRAST, DESIGN, checksum, golden_cohort

from trdomics.differential.counts import differential_counts
from trdomics.differential.design import build_design

GOLDEN = Path(__file__).parents[1] / "golden" / "deseq2.tsv.gz"


@pytest.fixture(scope="module")
def compared():
    with gzip.open(GOLDEN, "rt") as file:
        header = file.readline()
        reference = pd.read_csv(file, sep="\t", index_col="feature")
    counts, patients = golden_cohort()
    assert checksum(counts, patients) in header, (
        "numpy draws other numbers than when the golden file was made: "
        "make it again with tests/golden/make_deseq2_golden.R"
    )
    design = build_design(patients, DESIGN, CONTRAST)
    results, _ = differential_counts(counts, design, min_count=0, min_share=0, fdr=0.05)
    return results.set_index("feature").join(reference, rsuffix="_r")


def test_estimates_are_those_of_r(compared):
    assert np.corrcoef(compared["log2_fold_change"], compared["log2FoldChange"])[0, 1] >= 0.999
    np.testing.assert_allclose(compared["base_mean"], compared["baseMean"], rtol=1e-5)
    for ours, theirs in [("log2_fold_change", "log2FoldChange"), ("lfc_se", "lfcSE")]:
        relative = (compared[ours] / compared[theirs] - 1).abs()
        assert relative.median() < 1e-4
        assert relative.quantile(0.99) < 1e-2


def test_the_top_genes_are_those_of_r(compared):
    ours = compared["pvalue"].nsmallest(500).index
    theirs = compared["pvalue_r"].nsmallest(500).index
    assert len(ours.intersection(theirs)) >= 0.97 * 500


def test_adjusted_pvalues_are_those_of_r(compared):
    assert (compared["padj"].isna() != compared["padj_r"].isna()).mean() < 0.01
    both = compared.dropna(subset=["padj", "padj_r"])
    np.testing.assert_allclose(both["padj"], both["padj_r"], atol=0.005)
    significant = pd.DataFrame({"ours": both["padj"] < 0.05, "theirs": both["padj_r"] < 0.05})
    assert significant["theirs"].sum() > 300
    assert significant.all(axis=1).sum() >= 0.99 * significant.any(axis=1).sum()
