import numpy as np
import pandas as pd
import pytest

from trdomics.enrichment.factors import COLUMNS, FactorModel, factor_enrichment
from trdomics.enrichment.summary import headline
from trdomics.enrichment.words import factor_words
from trdomics.inputs.gene_sets import COLUMNS as SET_COLUMNS

OPTIONS = {"max_size": 100, "permutations": 100, "seed": 1}
N = 200


def weights_of(values):
    table = pd.DataFrame(values).rename(columns=lambda k: f"Factor{k + 1}")
    table.insert(0, "symbol", [f"G{i}" for i in range(len(table))])
    table.insert(0, "feature", [f"E{i}" for i in range(len(table))])
    return table


def model_of(weights, n_patients=60, seed=5):
    """Return the model of genes that share nothing but factors of these weights."""
    rng = np.random.default_rng(seed)
    n_genes, k = weights.shape
    factors = pd.DataFrame(rng.normal(size=(n_patients, k))).rename(
        columns=lambda i: f"Factor{i + 1}"
    )
    values = factors.to_numpy() @ weights.T + rng.normal(size=(n_patients, n_genes))
    names = [f"E{i}" for i in range(n_genes)]
    return {"genes": FactorModel.of(pd.DataFrame(values, columns=names), factors)}


def sets_of(genes):
    rows = [("curated", name, "g", "a source", gene) for name in genes for gene in genes[name]]
    return pd.DataFrame(rows, columns=SET_COLUMNS)


def test_planted_sets_are_found_in_their_factor():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(N, 3))
    values[:12, 1] -= 2
    sets = sets_of({"planted": [f"G{i}" for i in range(12)], "few": ["G1", "G2"]})
    table = factor_enrichment({"genes": weights_of(values)}, sets, model_of(values), **OPTIONS)
    assert list(table.columns) == COLUMNS
    rows = table.set_index(["set", "factor"])
    assert rows.loc[("planted", "Factor2"), "padj"] < 0.01
    assert rows.loc[("planted", "Factor2"), "score"] < -1
    assert rows.loc[("planted", "Factor2"), "padj_correlated"] < 0.01
    assert rows.loc[("planted", "Factor1"), "padj"] > 0.05
    few = table[table["set"] == "few"]
    assert few["reason"].tolist() == ["fewer than 5 of its genes are in the model"]
    leading = table.dropna(subset="leading")["leading"].str.split(",").explode()
    assert set(leading) <= {f"G{i}" for i in range(12)}


def test_null_weights_hold_the_error_rate():
    rng = np.random.default_rng(2)
    genes = {
        f"S{i}": [f"G{j}" for j in rng.choice(N, 10 + i % 3, replace=False)] for i in range(15)
    }
    # heavy tails, as sparse weights have them
    values = rng.standard_t(2, size=(N, 20))
    table = factor_enrichment(
        {"genes": weights_of(values)}, sets_of(genes), model_of(values), **OPTIONS
    )
    assert (table["pvalue_correlated"] < 0.05).mean() <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 300)
    assert (table["pvalue"] < 0.05).mean() <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 300)
    assert not (table["padj"] < 0.05).any()


def test_correlated_genes_hold_the_error_rate_of_the_test_that_allows_for_them():
    """Weights of genes on factors that have nothing to do with any of them."""
    rng = np.random.default_rng(4)
    n, inside = 60, np.arange(15)
    pvalues = []
    for _ in range(40):
        values = rng.normal(size=(n, N))
        values[:, inside] += rng.normal(size=(n, 1))
        factors = pd.DataFrame(rng.normal(size=(n, 3)), columns=["Factor1", "Factor2", "Factor3"])
        weights = weights_of(np.linalg.lstsq(factors, values, rcond=None)[0].T)
        named = pd.DataFrame(values, columns=weights["feature"])
        model = {"genes": FactorModel.of(named, factors)}
        sets = sets_of({"coregulated": [f"G{i}" for i in inside]})
        few = OPTIONS | {"permutations": 20}
        table = factor_enrichment({"genes": weights}, sets, model, **few)
        pvalues.append(table[["pvalue", "pvalue_correlated"]])
    false = (pd.concat(pvalues) < 0.05).mean()
    assert false["pvalue"] > 0.3
    assert false["pvalue_correlated"] <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 120)


def test_small_coherent_weights_beside_large_ones_are_no_enrichment():
    rng = np.random.default_rng(3)
    values = rng.normal(scale=0.01, size=(N, 1))
    values[:10] += 0.02
    values[100:108] = 3.0
    sets = sets_of({"coherent": [f"G{i}" for i in range(10)]})
    table = factor_enrichment({"genes": weights_of(values)}, sets, model_of(values), **OPTIONS)
    assert table["pvalue"].iloc[0] > 0.05


def test_a_factor_without_weights_says_so():
    values = np.zeros((N, 1))
    table = factor_enrichment(
        {"genes": weights_of(values)},
        sets_of({"a": [f"G{i}" for i in range(9)]}),
        model_of(values),
        **OPTIONS,
    )
    assert table["reason"].tolist() == ["the factor has no weights in the layer"]


def association(factor, variable, name, effect, padj, contrast=None):
    return {
        "factor": factor,
        "variable": variable,
        "effect_name": name,
        "effect": effect,
        "lower": np.nan if name == "eta2" else effect - 0.06,
        "upper": np.nan if name == "eta2" else effect + 0.06,
        "contrast": contrast,
        "pvalue": padj / 10,
        "padj": padj,
        "auc_adjusted": 0.55 if variable == "label" and padj < 0.05 else np.nan,
        "auc_adjusted_lower": 0.49,
        "auc_adjusted_upper": 0.61,
    }


@pytest.fixture
def tables():
    associations = pd.DataFrame(
        [
            association("Factor1", "neutrophils", "rho", 0.93, 1e-9),
            association("Factor1", "sex", "auc", 0.29, 1e-4, "1.0 vs 0.0"),
            association("Factor1", "site", "eta2", 0.3, 1e-3),
            association("Factor1", "rin", "rho", -0.2, 0.04),
            association("Factor1", "label", "auc", 0.61, 0.01, "TRD vs responder"),
            association("Factor2", "neutrophils", "rho", 0.1, 0.6),
            association("Factor2", "label", "auc", 0.55, 0.3, "TRD vs responder"),
            association("Factor3", "neutrophils", "rho", np.nan, np.nan),
        ]
    )
    variance = pd.DataFrame(
        {
            "view": ["mrna", "mirna"] * 3,
            "factor": np.repeat(["Factor1", "Factor2", "Factor3"], 2),
            "r2": [0.2, 0.01, 0.001, 0.002, 0.02, 0.03],
        }
    )
    top = pd.DataFrame(
        {
            "factor": ["Factor1"] * 2 + ["Factor3"],
            "view": ["mrna"] * 2 + ["mirna"],
            "rank": [1, 2, 1],
            "symbol": ["S100A8", "CD3E", "hsa-miR-1-3p"],
            "weight": [2.0, -1.0, 0.5],
        }
    )
    stability = pd.DataFrame({"factor": ["Factor1", "Factor3"], "r": [0.99, 0.4]})
    found = pd.DataFrame(
        {
            "factor": ["Factor1", "Factor2"],
            "set": ["neutrophils", "neutrophils"],
            "score": [1.0, 0.1],
            "pvalue": [1e-4, 0.6],
            "padj": [1e-3, 0.7],
            "padj_correlated": [1e-2, 0.9],
        }
    )
    return associations, variance, top, stability, found


def test_sentences_are_true(tables):
    words = factor_words(["Factor1", "Factor2", "Factor3"], *tables, "TRD")
    first, second, third = words["sentence"]
    assert first == (
        "Factor 1 follows neutrophils (ρ = 0.93, higher with more), sex (AUC 0.29, lower in 1 than "
        "in 0), site (η² = 0.30) and 1 more and is carried by mRNA (20 % of its variance: "
        "S100A8 ↑, CD3E ↓); enriched for neutrophils (higher with the factor); is associated "
        "with TRD: higher there (AUC 0.61, 0.55 to 0.67; 0.55 adjusted for the confounders, 0.49 "
        "to 0.61)."
    )
    assert second == (
        "Factor 2 is associated with no column of the sheet and explains less than 1 % of every "
        "layer; enriched for no gene set; no significant association with TRD (AUC 0.55, 0.49 "
        "to 0.61; adjusted p = 0.30)."
    )
    assert third == (
        "Factor 3 could not be compared with the sheet and is carried by miRNA (3 % of its "
        "variance: hsa-miR-1-3p ↑); mRNA (2 % of its variance); no gene set has enough genes in "
        "the model to be tested; could not be compared with the label; not found with every seed "
        "(lowest |r| 0.40)."
    )


def test_a_set_that_only_independent_genes_would_support_is_not_named(tables):
    *others, found = tables
    words = factor_words(["Factor1"], *others, found.assign(padj_correlated=0.2), "TRD")
    assert "enriched for no gene set" in words["sentence"][0]


def test_headline_takes_the_layer_with_most_immune_genes():
    words = pd.DataFrame({"factor": ["Factor1"], "sentence": ["Factor 1 follows nothing."]})
    collections = pd.DataFrame(
        {"collection": ["curated"], "file": ["f"], "sha256": ["0"], "n_sets": [16]}
    )
    none = {"immune": None, "immune_reason": "too few genes", "immune_sentence": "?"}
    some = {"immune": {"genes": 90, "difference": -0.4}, "immune_sentence": "lower"}
    result = headline({"small": none, "mrna": some}, {"n_tested": 3}, words, collections)
    assert (result["immune_layer"], result["immune_sentence"]) == ("mrna", "lower")
    assert result["factor_words"] == {"Factor1": "Factor 1 follows nothing."}
    result = headline({"small": none}, {}, words, collections)
    assert result["immune"] is None
    assert result["immune_reason"] == "too few genes"
    assert "is not known: too few genes" in result["immune_sentence"]
    assert headline({}, {}, words, collections)["immune_reason"] == "there is no expression layer"
