import numpy as np
import pandas as pd
import pytest
from scipy.stats import fisher_exact

from trdomics.differential.ancestry import (
    ancestry_components,
    no_ancestry,
    thinned,
    unsuited,
    with_ancestry,
)
from trdomics.differential.burden import burden_design
from trdomics.differential.gene_sets import (
    CARRIERS,
    GENES_HIT,
    read_burden_sets,
    set_burden,
    set_summary,
)
from trdomics.errors import InputError
from trdomics.identity.genotypes import read_genotypes

CONTRAST = ("group", "case", "control")
SETTINGS = {
    "type": "variants",
    "format": "vcf",
    "no_call": "missing",
    "pass_only": True,
    "min_quality": 30,
    "min_depth": 8,
    "min_genotype_quality": 20,
}


def cohort(rng, n=200, n_genes=60, share=0.03):
    """Return (patients, carriers without any effect)."""
    names = [f"P{i}" for i in range(n)]
    patients = pd.DataFrame({"group": rng.permutation(["case", "control"] * (n // 2))}, index=names)
    genes = [f"G{i}" for i in range(n_genes)]
    carriers = pd.DataFrame(rng.random((n, n_genes)) < share, index=names, columns=genes)
    return patients, carriers.astype(float)


def members(**sets):
    rows = [(name, gene, "a source") for name, genes in sets.items() for gene in genes]
    return pd.DataFrame(rows, columns=["set", "gene", "source"])


def run(patients, carriers, sets, covariates=()):
    design = burden_design(patients, CONTRAST, list(covariates))
    return set_burden(carriers, design, sets, min_carriers=5).set_index("set")


def test_a_planted_set_is_found_and_its_genes_are_named():
    rng = np.random.default_rng(1)
    patients, carriers = cohort(rng)
    case = (patients["group"] == "case").to_numpy()
    for gene in ("G0", "G1", "G2", "G3"):
        carriers[gene] = (rng.random(200) < np.where(case, 0.1, 0.01)).astype(float)
    sets = members(planted=["G0", "G1", "G2", "G3", "ABSENT"], free=[f"G{i}" for i in range(9, 20)])
    results = run(patients, carriers.assign(**{"dosage:rs1": 1.0}), sets)
    row = results.loc["planted"]
    hit = carriers[["G0", "G1", "G2", "G3"]].any(axis=1).to_numpy()
    assert results.index[0] == "planted"
    assert (row["n_genes"], row["n_genes_hit"], row["predictor"]) == (5, 4, CARRIERS)
    assert (row["carriers_positive"], row["carriers_negative"]) == (
        (hit & case).sum(),
        (hit & ~case).sum(),
    )
    exact = fisher_exact(pd.crosstab(hit, case)).pvalue
    assert np.log10(row["pvalue"]) / np.log10(exact) == pytest.approx(1, abs=0.3)
    assert row["padj"] < 0.01 < 0.05 < results.loc["free", "padj"]
    assert row["most_hit"].startswith("G")
    assert row["lower"] < row["log_odds_ratio"] < row["upper"]


def test_a_set_is_tested_beyond_the_overall_load():
    """Cases carry more of everything: no set is special."""
    rng = np.random.default_rng(2)
    patients, carriers = cohort(rng, n=400, n_genes=80)
    case = (patients["group"] == "case").to_numpy()
    load = np.where(case, 0.09, 0.03)[:, None]
    carriers[:] = (rng.random(carriers.shape) < load).astype(float)
    sets = members(**{f"S{i}": [f"G{j}" for j in range(5 * i, 5 * i + 5)] for i in range(16)})
    carrying = {name: carriers[of["gene"]].any(axis=1) for name, of in sets.groupby("set")}
    naive = [fisher_exact(pd.crosstab(hit, case)).pvalue for hit in carrying.values()]
    assert np.mean(np.array(naive) < 0.05) == 1
    assert (run(patients, carriers, sets)["pvalue"] < 0.05).sum() <= 3


def test_permuted_labels_reach_five_percent_five_times_in_a_hundred():
    rng = np.random.default_rng(3)
    patients, carriers = cohort(rng, n=160, n_genes=200)
    # load varies between patients as it does in life
    heavy = rng.gamma(2, 0.02, 160)[:, None]
    carriers[:] = (rng.random(carriers.shape) < heavy).astype(float)
    sets = members(**{f"S{i}": [f"G{j}" for j in range(8 * i, 8 * i + 8)] for i in range(20)})
    pvalues = []
    for _ in range(12):
        patients["group"] = rng.permutation(patients["group"])
        pvalues += run(patients, carriers, sets)["pvalue"].tolist()
    assert np.isfinite(pvalues).all()
    below = np.mean(np.array(pvalues) < 0.05)
    # 240 tests: three standard errors are 4.2 %
    assert below < 0.05 + 0.042


def test_a_large_set_is_tested_by_the_number_of_genes_hit():
    rng = np.random.default_rng(4)
    patients, carriers = cohort(rng)
    case = (patients["group"] == "case").to_numpy()
    large = [f"G{i}" for i in range(40)]
    share = np.where(case, 0.08, 0.03)[:, None]
    carriers[large] = (rng.random((200, 40)) < share).astype(float)
    row = run(patients, carriers, members(large=large)).loc["large"]
    assert row["predictor"] == GENES_HIT
    assert row["log_odds_ratio"] > 0 and row["pvalue"] < 1e-3


def test_what_cannot_be_tested_says_why_and_is_counted():
    patients, carriers = cohort(np.random.default_rng(5))
    carriers["G0"] = 0.0
    carriers["G1"] = (patients["group"] == "case").astype(float)
    patients["known"] = np.where(carriers["G2"] == 1, "yes", "no")
    sets = members(none=["G0"], absent=["X1", "X2"], tested=["G3", "G4"], covariate=["G2"])
    design = burden_design(patients, CONTRAST, ["known"])
    results = set_burden(carriers, design, sets, min_carriers=5)
    reasons = results.set_index("set")["reason"]
    assert reasons["none"] == reasons["absent"] == "fewer than 5 carriers"
    assert reasons["covariate"] in (
        "collinear with the overall load or the covariates",
        "fewer than 5 carriers",
    )
    assert reasons["tested"] is None
    summary = set_summary(results, design, 0.05, 2)
    assert (summary["n_sets"], summary["n_tested"], summary["best_set"]) == (4, 1, "tested")
    assert summary["n_ancestry_components"] == 2
    empty = results[results["set"] == "none"].reset_index(drop=True)
    assert set_summary(empty, design, 0.05, 0)["best_set_reason"] == "no set has enough carriers"


def test_sets_are_read_from_a_table_and_from_gmt(tmp_path):
    built_in = read_burden_sets("resources/burden_gene_sets.tsv")
    assert built_in["set"].nunique() >= 6
    assert (built_in["source"] != "").all() and not built_in.duplicated(["set", "gene"]).any()
    assert "HTR2B" in set(built_in.loc[built_in["set"] == "serotonin transmission", "gene"])
    (tmp_path / "mine.gmt").write_text("one\tfrom me\tA\tB\ntwo\t\tC\n", encoding="utf-8")
    gmt = read_burden_sets(tmp_path / "mine.gmt")
    assert gmt.groupby("set")["gene"].agg(list).to_dict() == {"one": ["A", "B"], "two": ["C"]}
    (tmp_path / "bad.tsv").write_text("name\tgene\nx\tA\n", encoding="utf-8")
    with pytest.raises(InputError, match="no column `set`"):
        read_burden_sets(tmp_path / "bad.tsv")


def genotypes(rng, n=120, n_variants=900, difference=0.15):
    """Draw two populations, half of the patients each."""
    second = np.arange(n) >= n // 2
    base = rng.uniform(0.25, 0.75, n_variants)
    shift = rng.choice([-difference, difference], n_variants) / 2
    frequency = base[None, :] + np.where(second, 1, -1)[:, None] * shift[None, :]
    columns = pd.MultiIndex.from_arrays(
        [
            [str(1 + i % 22) for i in range(n_variants)],
            [1_000_000 + 100_000 * i for i in range(n_variants)],
            ["A"] * n_variants,
            ["C"] * n_variants,
        ],
        names=["chromosome", "position", "reference", "alternative"],
    )
    values = rng.binomial(2, frequency).astype(np.float32)
    values[rng.random(values.shape) < 0.01] = np.nan
    names = pd.Index([f"P{i}" for i in range(n)], name="patient_id")
    return pd.DataFrame(values, index=names, columns=columns), second


def test_the_first_component_tells_two_populations_apart():
    table, second = genotypes(np.random.default_rng(6))
    found = ancestry_components(table)
    assert found.reason == ""
    assert found.components.columns.tolist() == ["PC1", "PC2", "PC3", "PC4", "PC5"]
    np.testing.assert_allclose(found.components.std(ddof=0), 1, rtol=0.01)
    assert abs(np.corrcoef(found.components["PC1"], second)[0, 1]) > 0.95
    assert abs(np.corrcoef(found.components["PC2"], second)[0, 1]) < 0.3
    pd.testing.assert_frame_equal(found.components, ancestry_components(table).components)
    assert found.summary()["n_components"] == 5


def test_too_few_variants_or_patients_say_so():
    table, _ = genotypes(np.random.default_rng(7), n_variants=600)
    few = ancestry_components(table.iloc[:, :300])
    assert few.components.shape == (120, 0)
    assert "fewer than 500" in few.reason
    assert few.summary()["explained_reason"] == few.reason
    assert ancestry_components(table.iloc[:20]).reason == "fewer than 30 patients have genotypes"
    broken = table.copy()
    broken.iloc[:, 400:] = 1.0  # everybody heterozygous: a mapping artefact
    assert "fewer than 500" in ancestry_components(broken).reason


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, ""),
        ({"type": "binary"}, "binary"),
        ({"format": "maf"}, "MAF"),
        ({"no_call": "reference"}, "somatic"),
    ],
)
def test_layers_without_inherited_genotypes_say_so(changed, said):
    reason = unsuited({**SETTINGS, **changed})
    assert said in reason and bool(reason) == bool(said)


def test_neighbours_are_thinned_within_a_chromosome():
    chromosomes = pd.Index(["2", "1", "1", "1", "2"])
    positions = np.array([10, 60_000, 5, 49_000, 40_000])
    assert thinned(chromosomes, positions).tolist() == [2, 1, 0]


def test_ancestry_that_goes_with_group_and_gene_is_adjusted_for():
    rng = np.random.default_rng(8)
    table, second = genotypes(rng, n=300)
    patients, carriers = cohort(rng, n=300)
    case = rng.random(300) < np.where(second, 0.75, 0.25)
    patients["group"] = np.where(case, "case", "control")
    carriers[["G0", "G1"]] = (rng.random((300, 2)) < np.where(second, 0.3, 0.03)[:, None]) * 1.0
    joined, names = with_ancestry(patients, ancestry_components(table).components)
    sets = members(stratified=["G0", "G1"])
    assert run(patients, carriers, sets).loc["stratified", "pvalue"] < 0.01
    assert run(joined, carriers, sets, names).loc["stratified", "pvalue"] > 0.05
    plain, none = with_ancestry(patients, no_ancestry(patients.index, "why").components)
    assert none == [] and plain.equals(patients)


def test_common_variants_are_read_from_a_vcf(tmp_path):
    rng = np.random.default_rng(9)
    calls = np.array(["0/0", "0/1", "1/1", "./."])
    dosage = rng.binomial(2, 0.4, (700, 40))
    lines = [
        "##fileformat=VCFv4.2",
        "##contig=<ID=chr1,length=248000000>",
        '##FILTER=<ID=Bad,Description="bad">',
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
        "\t".join(
            ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT"]
            + [f"s{i}" for i in range(40)]
        ),
    ]
    for i, row in enumerate(dosage):
        state = "Bad" if i < 50 else "PASS"
        fields = ["chr1", str(1000 + 100_000 * i), ".", "A", "G", "99", state, ".", "GT"]
        lines.append("\t".join([*fields, *calls[row]]))
    (tmp_path / "common.vcf").write_text("\n".join(lines) + "\n", encoding="ascii")
    names = pd.Series([f"s{i}" for i in range(39, -1, -1)], index=[f"P{i}" for i in range(40)])
    table = read_genotypes(tmp_path / "common.vcf", SETTINGS, names)
    assert table.shape == (40, 650)
    np.testing.assert_array_equal(table.loc["P0"], dosage[50:, 39])
    found = ancestry_components(table)
    assert (found.n_common, found.n_variants, found.components.shape) == (650, 650, (40, 5))
