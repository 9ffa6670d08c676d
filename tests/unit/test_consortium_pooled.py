"""Four sites of one truth: their meta-analysis against the analysis of all patients together."""

import pytest
from consortium_pooled import compare_with_pooled, draw_consortium

from trdomics.simulation.features import read_genes

# smaller than benchmarks/consortium.py, whose results docs/consortium.md shows
PATIENTS, GENES, SEED = 700, 1000, 2


@pytest.mark.slow
def test_the_meta_analysis_finds_what_the_pooled_analysis_finds():
    drawn = draw_consortium(PATIENTS, read_genes("resources/simulation_genes.tsv"), GENES, SEED)
    table = compare_with_pooled(drawn).set_index("method")
    pooled, meta = table.loc["pooled"], table.loc["random, moderated"]
    assert pooled["n_called"] > 100
    assert meta["recovered"] >= 0.9
    assert meta["fdp"] <= pooled["fdp"]
    # what a feature's own four estimates allow
    assert table.loc["random, single", "recovered"] < meta["recovered"]
    assert table.loc["random, HKSJ", "recovered"] < 0.1
    alone = table[table.index.str.endswith("alone")]
    assert (alone["recovered"] < 0.7).all()
