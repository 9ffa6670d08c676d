import gzip

import numpy as np
import pandas as pd
import pytest

from trdomics.enrichment.anticorrelation import anticorrelation, expression_bins, random_means
from trdomics.enrichment.figures import target_figure
from trdomics.enrichment.mirna import ExpressionLayer, cross_layers
from trdomics.enrichment.summary import target_summary
from trdomics.enrichment.targets import (
    looks_like_mirnas,
    mirna_key,
    read_targets,
    targets_of,
)
from trdomics.errors import InputError
from trdomics.files import save_figure

CONTRAST = ("response", "bad", "good")
N, GENES = 120, 300
OPTIONS = {"design": "~ age + response", "contrast": CONTRAST, "fdr": 0.05}
OPTIONS |= {"chosen": {"layer": None, "target_layer": None}, "permutations": 400, "seed": 1}


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("hsa-miR-16-5p", ("mir-16", "5p")),
        ("hsa-mir-16-1", ("mir-16", "")),
        ("hsa-let-7a-3p", ("let-7a", "3p")),
        ("hsa-let-7a-2", ("let-7a", "")),
        ("mmu-miR-124*", ("mir-124", "*")),
        ("miR-21", ("mir-21", "")),
        ("hsa-miR-1185-1-3p", ("mir-1185", "3p")),
        ("MIR21", ("mir-21", "")),
        ("TP53", None),
        ("hsa-mirage-5", None),
    ],
)
def test_names_of_mirnas(name, key):
    assert mirna_key(name) == key


def test_what_looks_like_mirnas():
    assert looks_like_mirnas(["hsa-miR-1-3p", "hsa-let-7a-5p", "tRNA-1"])
    assert not looks_like_mirnas(["TP53", "MYC", "hsa-miR-1-3p"])
    assert not looks_like_mirnas([])


def test_arms_and_precursors():
    targets = pd.DataFrame(
        {"mirna": ["hsa-miR-21-5p", "hsa-miR-21-3p", "miR-21"], "gene": ["A", "B", "C"]}
    )
    found = targets_of(["hsa-miR-21-5p", "hsa-mir-21", "hsa-miR-22-3p", "TP53"], targets)
    assert found == {"hsa-miR-21-5p": ["A", "C"], "hsa-mir-21": ["A", "B", "C"]}


def test_a_table_of_targets_is_read(tmp_path):
    path = tmp_path / "targets.tsv.gz"
    rows = b"ensembl_gene_id\tmirna\nE1\thsa-miR-1-3p\nE1\thsa-miR-1-3p\nE2\tnone\n"
    path.write_bytes(gzip.compress(rows))
    table = read_targets(path)
    assert table.to_dict("records") == [
        {"mirna": "hsa-miR-1-3p", "gene": "E1", "source": "targets.tsv.gz"}
    ]
    for content, words in (
        ("gene\nA\n", "no column `mirna`"),
        ("mirna\tx\nhsa-miR-1\ty\n", "no column `gene`"),
        ("mirna\tgene\nTP53\tMYC\n", "no row holds a miRNA"),
        ("", "has no rows"),
    ):
        bad = tmp_path / "bad.tsv"
        bad.write_text(content)
        with pytest.raises(InputError, match=words):
            read_targets(bad)


def test_random_sets_match_size_and_expression():
    rng = np.random.default_rng(1)
    mean = rng.normal(size=200)
    bins = expression_bins(mean)
    assert np.bincount(bins).tolist() == [20] * 10
    assert mean[bins == 0].max() < mean[bins == 9].min()
    inside = np.zeros(200, bool)
    inside[np.flatnonzero(bins == 9)[:5]] = True
    # a correlation that is the bin: random sets of the same bin have the same mean
    assert random_means(bins.astype(float), bins, inside, 50, rng) == pytest.approx(9.0)
    inside[bins == 0] = True
    assert random_means(bins.astype(float), bins, inside, 50, rng) == pytest.approx(45 / 25)


def unit(values):
    centred = values - values.mean(axis=0)
    return centred / np.linalg.norm(centred, axis=0)


def test_null_targets_hold_the_error_rate():
    rng = np.random.default_rng(2)
    small = pd.DataFrame(unit(rng.normal(size=(N, 60)))).rename(columns="m{}".format)
    genes = pd.DataFrame(unit(rng.normal(size=(N, GENES)))).rename(columns="G{}".format)
    names = pd.Series(genes.columns, index=genes.columns)
    mean = pd.Series(rng.normal(size=GENES), index=genes.columns)
    targets = {m: list(rng.choice(genes.columns, 12, replace=False)) for m in small.columns}
    table, _ = anticorrelation(
        small, genes, names, mean, targets, freedom=N - 1, permutations=200, seed=1
    )
    bound = 0.05 + 2 * np.sqrt(0.05 * 0.95 / 60)
    assert (table["pvalue"] < 0.05).mean() <= bound
    assert (table["pvalue_correlated"] < 0.05).mean() <= bound
    assert not (table["padj"] < 0.05).any()


def test_targets_that_are_regulated_together_are_found_by_random_sets_but_not_by_both_tests():
    """Why a finding must pass both: random sets take the targets for independent."""
    rng = np.random.default_rng(6)
    n_mirnas, size = 60, 15
    small = pd.DataFrame(unit(rng.normal(size=(N, n_mirnas)))).rename(columns="m{}".format)
    blocks = np.repeat(rng.normal(size=(N, GENES // size)), size, axis=1)
    genes = pd.DataFrame(unit(rng.normal(size=(N, GENES)) + blocks)).rename(columns="G{}".format)
    names = pd.Series(genes.columns, index=genes.columns)
    mean = pd.Series(rng.normal(size=GENES), index=genes.columns)
    starts = rng.integers(0, GENES // size, n_mirnas) * size
    targets = {
        m: list(genes.columns[at : at + size]) for m, at in zip(small.columns, starts, strict=True)
    }
    table, _ = anticorrelation(
        small, genes, names, mean, targets, freedom=N - 1, permutations=200, seed=1
    )
    assert (table["pvalue"] < 0.05).mean() > 0.2
    assert (table["pvalue_correlated"] < 0.05).mean() <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 60)


@pytest.fixture
def cohort():
    """A miRNA that lowers its targets, one that does not, and both layers following the label."""
    rng = np.random.default_rng(3)
    patients = pd.DataFrame(
        {"response": rng.permutation(["bad", "good"] * (N // 2)), "age": rng.normal(size=N)},
        index=[f"P{i}" for i in range(N)],
    )
    bad = (patients["response"] == "bad").to_numpy()[:, None]
    small = rng.normal(size=(N, 4)) + bad
    genes = rng.normal(size=(N, GENES)) + bad
    genes[:, :10] -= 0.6 * small[:, [0]]
    small = pd.DataFrame(small, index=patients.index)
    small.columns = ["hsa-miR-21-5p", "hsa-miR-155-5p", "hsa-miR-9-5p", "hsa-miR-1-3p"]
    genes = pd.DataFrame(genes, index=patients.index).rename(columns="E{}".format)
    layers = {
        "genes": ExpressionLayer(results(genes, "G"), genes.iloc[5:], True),
        "small": ExpressionLayer(results(small, None), small.iloc[:-5], True),
    }
    layers["small"].results.loc[3, "padj"] = 0.5
    rows = [("hsa-miR-21-5p", f"G{i}", "planted") for i in range(10)]
    rows += [("hsa-miR-155-5p", f"G{i}", "none") for i in range(100, 115)]
    rows += [("hsa-miR-9-5p", "G1", "one"), ("hsa-miR-1-3p", "G2", "not asked")]
    return layers, patients, pd.DataFrame(rows, columns=["mirna", "gene", "source"])


def results(table, prefix):
    symbols = [f"{prefix}{i}" if prefix else name for i, name in enumerate(table.columns)]
    return pd.DataFrame(
        {
            "feature": table.columns,
            "symbol": symbols,
            "base_mean": np.arange(1.0, table.shape[1] + 1),
            "log2_fold_change": 1.0,
            "padj": 0.001,
        }
    )


def test_planted_anticorrelation_is_found(cohort, tmp_path):
    layers, patients, targets = cohort
    table, pairs, about = cross_layers(layers, patients, targets, **OPTIONS)
    assert (about["layer"], about["target_layer"]) == ("small", "genes")
    # only who has both layers
    assert about["n_patients"] == N - 10
    assert about["n_differing"] == 3
    rows = table.set_index("mirna")
    assert table["mirna"].iloc[0] == "hsa-miR-21-5p"
    assert rows.loc["hsa-miR-21-5p", "padj"] < 0.01
    assert rows.loc["hsa-miR-21-5p", "padj_correlated"] < 0.05
    assert rows.loc["hsa-miR-21-5p", "mean_r"] < -0.3
    # all genes and miRNAs are higher together: not so once the design is taken out
    assert rows.loc["hsa-miR-155-5p", "pvalue"] > 0.05
    assert abs(rows.loc["hsa-miR-155-5p", "mean_r"]) < 0.1
    assert rows.loc["hsa-miR-9-5p", "reason"] == "fewer than 3 of its targets are measured"
    assert len(pairs) == 26
    assert pairs.set_index(["mirna", "gene"]).loc[("hsa-miR-21-5p", "G3"), "source"] == "planted"
    summary = target_summary(table, about, 0.05)
    assert summary["anticorrelated"] == ["hsa-miR-21-5p"]
    assert (summary["n_tested"], summary["n_anticorrelated"]) == (2, 1)
    save_figure(target_figure(table, 0.05, None), tmp_path / "t.svg")
    assert (tmp_path / "t.svg").stat().st_size > 1000


def test_a_mirnas_pvalue_does_not_depend_on_the_others(cohort):
    layers, patients, targets = cohort
    table, _, _ = cross_layers(layers, patients, targets, **OPTIONS)
    layers["small"].results.loc[1, "padj"] = 0.5
    alone, _, _ = cross_layers(layers, patients, targets, **OPTIONS)
    first = [t.set_index("mirna").loc["hsa-miR-21-5p", "pvalue"] for t in (table, alone)]
    assert first[0] == first[1]


def test_what_cannot_be_tested_says_why(cohort, tmp_path):
    layers, patients, targets = cohort
    only = {"genes": layers["genes"]}
    other = targets.assign(gene="NOWHERE")
    few = patients.iloc[:8]
    silent = {
        **layers,
        "small": ExpressionLayer(
            layers["small"].results.assign(padj=np.nan), layers["small"].normalised, True
        ),
    }
    for given, sheet, listed, words in (
        (only, patients, targets, "no layer of counts has features named like miRNAs"),
        (layers, patients, other, "no other expression layer has genes"),
        (silent, patients, targets, "no miRNA differs"),
        (layers, few, targets, "do not allow the design"),
    ):
        table, pairs, about = cross_layers(given, sheet, listed, **OPTIONS)
        assert table.empty and pairs.empty
        assert words in about["reason"]
        summary = target_summary(table, about, 0.05)
        assert summary["n_tested"] is None and words in summary["n_tested_reason"]
        save_figure(target_figure(table, 0.05, about["reason"]), tmp_path / "t.svg")
        assert (tmp_path / "t.svg").exists()


def test_layers_may_be_chosen(cohort):
    layers, patients, targets = cohort
    chosen = {"layer": "small", "target_layer": "nothing"}
    with pytest.raises(InputError, match="'nothing' is not a layer of counts"):
        cross_layers(layers, patients, targets, **{**OPTIONS, "chosen": chosen})
