import numpy as np
import pandas as pd
import pytest

from trdomics.differential.design import build_design
from trdomics.enrichment.correlated import correlated_test, residuals, set_correlation
from trdomics.enrichment.figures import empty_figure, enrichment_figure, signature_figure
from trdomics.enrichment.ranked import (
    NO_SYMBOLS,
    SHRUNKEN,
    UNSHRUNKEN,
    enrichment,
    ranking,
)
from trdomics.enrichment.signatures import (
    ADAPTIVE,
    INNATE,
    OVERALL,
    immune_sentence,
    immune_sentences,
    signature_effects,
    signature_scores,
)
from trdomics.enrichment.summary import layer_summary
from trdomics.files import save_figure
from trdomics.inputs.gene_sets import COLUMNS as SET_COLUMNS
from trdomics.inputs.gene_sets import CURATED, IMMUNE

OPTIONS = {"permutations": 200, "min_size": 5, "max_size": 100, "seed": 3}
N_GENES = 600


def results_of(stat):
    return pd.DataFrame(
        {
            "feature": [f"ENSG{i}" for i in range(len(stat))],
            "symbol": [f"G{i}" for i in range(len(stat))],
            "base_mean": 100.0,
            "stat": stat,
        }
    )


def sets_of(genes, collection=CURATED, group=IMMUNE):
    rows = [
        (collection, name, group, "a source", gene) for name, part in genes.items() for gene in part
    ]
    return pd.DataFrame(rows, columns=SET_COLUMNS)


def random_sets(rng, n_sets, size=20):
    return {
        f"S{i}": [f"G{j}" for j in rng.choice(N_GENES, size, replace=False)] for i in range(n_sets)
    }


@pytest.fixture
def patients():
    rng = np.random.default_rng(4)
    return pd.DataFrame(
        {"response": ["bad", "good"] * 40, "age": rng.normal(50, 10, 80)},
        index=[f"P{i}" for i in range(80)],
    )


@pytest.fixture
def design(patients):
    return build_design(patients, "~ age + response", ("response", "bad", "good"))


def test_ranking_is_shrunken_where_that_is_known():
    results = results_of(np.array([3.0, np.nan, -1.0, 2.0]))
    ranks, name = ranking(results)
    assert name == UNSHRUNKEN
    assert list(ranks.index) == ["G0", "G3", "G2"]
    results["log2_fold_change_shrunken"] = [0.1, np.nan, -0.5, np.nan]
    results["lfc_se_shrunken"] = [0.1, np.nan, 0.1, np.nan]
    ranks, name = ranking(results)
    assert name == SHRUNKEN
    # the one that was not shrunken keeps its statistic
    assert ranks["rank"].to_dict() == pytest.approx({"G3": 2.0, "G0": 1.0, "G2": -5.0})


def test_of_several_features_the_most_expressed_stands_for_the_symbol():
    results = results_of(np.array([9.0, 1.0]))
    results["symbol"] = "SAME"
    results["base_mean"] = [1.0, 50.0]
    assert ranking(results)[0]["feature"].tolist() == ["ENSG1"]


def test_planted_sets_are_found_at_their_end():
    rng = np.random.default_rng(1)
    stat = rng.normal(size=N_GENES)
    stat[:20] += 1.5
    stat[20:40] -= 1.5
    planted = {"up": [f"G{i}" for i in range(20)], "down": [f"G{i}" for i in range(20, 40)]}
    sets = sets_of({**planted, **random_sets(rng, 8), "tiny": ["G1", "G2"], "none": ["X"]})
    ranks, _ = ranking(results_of(stat))
    table = enrichment(ranks, sets, **OPTIONS)
    again = enrichment(ranks, sets, **OPTIONS)
    pd.testing.assert_frame_equal(table, again)
    found = table.set_index("set")
    assert set(table.loc[table["fdr"] < 0.05, "set"]) == {"up", "down"}
    assert found.loc["up", "nes"] > 1.5 and found.loc["down", "nes"] < -1.5
    assert found.loc["up", "leading_edge"].count(",") >= 8
    assert found["pvalue"].min() >= 2 / 202
    assert found.loc["tiny", "reason"] == "fewer than 5 of its genes are measured"
    assert np.isnan(found.loc["none", "nes"])


def test_permuted_rankings_hold_the_error_rates():
    rng = np.random.default_rng(2)
    stat = rng.normal(size=N_GENES)
    stat[:60] += 3
    sets = sets_of({"planted": [f"G{i}" for i in range(20)], **random_sets(rng, 14)})
    runs, n_runs, hits = 0, 60, []
    for _ in range(n_runs):
        ranks, _name = ranking(results_of(rng.permutation(stat)))
        table = enrichment(ranks, sets, **OPTIONS)
        runs += (table["fdr"] < 0.05).any()
        hits.append((table["pvalue"] < 0.05).mean())
    # without any true set every finding is false: a run with one has a false discovery rate of 1
    assert runs / n_runs <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / n_runs)
    assert np.mean(hits) <= 0.08


def test_correlated_genes_make_independence_wrong_and_the_other_test_right(design):
    """Genes of a set that follow something unmeasured, and no difference between the groups."""
    rng = np.random.default_rng(5)
    sets = sets_of({"together": [f"G{i}" for i in range(40)]})
    x = design.matrix.to_numpy()
    at = list(design.matrix.columns).index(design.coefficient)
    inverse = np.linalg.inv(x.T @ x)
    naive, right = [], []
    for _ in range(60):
        values = rng.normal(size=(80, N_GENES))
        values[:, :40] += rng.normal(size=(80, 1)) * 0.8
        table = pd.DataFrame(values, index=design.matrix.index).rename(columns="ENSG{}".format)
        beta = inverse @ x.T @ values
        left = values - x @ beta
        error = np.sqrt((left**2).sum(axis=0) / (80 - x.shape[1]) * inverse[at, at])
        ranks, _name = ranking(results_of(beta[at] / error))
        options = {**OPTIONS, "permutations": 100}
        unit = residuals(table, design.matrix)
        row = enrichment(ranks, sets, **options, unit=unit, freedom=77).iloc[0]
        naive.append(row["pvalue"] < 0.05)
        right.append(row["pvalue_correlated"] < 0.05)
    assert np.mean(naive) > 0.3
    assert np.mean(right) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 60)


def test_residuals_are_partial_correlations(design):
    rng = np.random.default_rng(6)
    values = pd.DataFrame(rng.normal(size=(80, 3)), index=design.matrix.index)
    values[3] = design.matrix.to_numpy() @ [1.0, 2.0, 3.0]
    unit = residuals(values, design.matrix)
    x = design.matrix.to_numpy()
    left = values - x @ np.linalg.lstsq(x, values.to_numpy(), rcond=None)[0]
    assert unit[0] @ unit[1] == pytest.approx(np.corrcoef(left[0], left[1])[0, 1])
    assert (unit[3] == 0).all()
    expected = np.corrcoef(left[[0, 1, 2]].T)[np.triu_indices(3, 1)].mean()
    assert set_correlation(unit[[0, 1, 2]].to_numpy()) == pytest.approx(expected)
    assert set_correlation(unit[[0]].to_numpy()) == 0


def test_correlated_test_is_a_two_sample_test_without_correlation():
    from scipy.stats import ttest_ind

    rng = np.random.default_rng(7)
    stat = rng.normal(size=200)
    inside = np.arange(200) < 30
    expected = ttest_ind(stat[inside], stat[~inside]).pvalue
    assert correlated_test(stat, inside, 0.0, np.inf) == pytest.approx(expected)
    assert correlated_test(stat, inside, 0.2, np.inf) > expected
    assert np.isnan(correlated_test(stat, np.zeros(200, bool), 0.0, 10))


@pytest.fixture
def immune(design):
    rng = np.random.default_rng(8)
    values = rng.normal(size=(80, 60))
    values[:, :20] -= 0.8 * design.positive[:, None]
    normalised = pd.DataFrame(values, index=design.matrix.index).rename(columns="ENSG{}".format)
    symbols = {f"ENSG{i}": f"G{i}" for i in range(60)}
    lower = sets_of({"lower": [f"G{i}" for i in range(20)], "few": ["G1", "Q"]})
    other = sets_of({"other": [f"G{i}" for i in range(20, 40)]}, group="cells")
    return normalised, symbols, pd.concat([lower, other], ignore_index=True)


def test_the_direction_of_the_immune_response(immune, design, tmp_path):
    normalised, symbols, sets = immune
    scores, genes = signature_scores(normalised, symbols, sets, min_size=5)
    assert list(scores.columns) == [OVERALL, "lower", "other"]
    assert genes.to_dict() == {OVERALL: 20, "lower": 20, "few": 1, "other": 20}
    pd.testing.assert_series_equal(scores[OVERALL], scores["lower"], check_names=False)
    effects = signature_effects(scores, genes, sets, design, min_size=5)
    rows = effects.set_index("set")
    assert rows.loc[OVERALL, "upper"] < -1
    assert rows.loc[OVERALL, "n_patients"] == 80
    assert rows.loc["other", "lower"] < 0 < rows.loc["other", "upper"]
    assert np.isnan(rows.loc[OVERALL, "padj"])
    assert rows.loc["few", "reason"] == "fewer than 5 of its genes are measured"
    # by hand: least squares of the scaled score
    y = scores[OVERALL] / scores[OVERALL].std()
    beta = np.linalg.lstsq(design.matrix.to_numpy(), y.to_numpy(), rcond=None)[0]
    at = list(design.matrix.columns).index(design.coefficient)
    assert rows.loc[OVERALL, "difference"] == pytest.approx(beta[at])
    sentence = immune_sentences(effects, ("bad", "good"))
    assert sentence.startswith("The immune response is lower in bad than in good: −1.")
    save_figure(signature_figure(effects, 0.05, ("bad", "good")), tmp_path / "s.svg")
    assert (tmp_path / "s.svg").stat().st_size > 1000


def test_innate_up_and_adaptive_down_is_no_absent_difference(design):
    """The pattern of depression in Leday et al. 2018, which the mean of all immune sets hides."""
    rng = np.random.default_rng(9)
    values = rng.normal(size=(80, 60))
    values[:, :30] += 0.6 * design.positive[:, None]
    values[:, 30:] -= 0.6 * design.positive[:, None]
    normalised = pd.DataFrame(values, index=design.matrix.index).rename(columns="G{}".format)
    genes_of = {
        name: [f"G{i}" for i in range(start, start + 15)]
        for name, start in (("monocytes", 0), ("T cells", 30), ("B cells", 45))
    }
    neutrophils = sets_of({"neutrophils": [f"G{i}" for i in range(15, 30)]}, group="blood cells")
    sets = pd.concat([sets_of(genes_of), neutrophils], ignore_index=True)
    scores, genes = signature_scores(normalised, {}, sets, min_size=5)
    assert genes[[INNATE, ADAPTIVE]].to_dict() == {INNATE: 30, ADAPTIVE: 30}
    effects = signature_effects(scores, genes, sets, design, min_size=5)
    rows = effects.set_index("set")
    assert rows.loc[INNATE, "lower"] > 0.5
    assert rows.loc[ADAPTIVE, "upper"] < -0.5
    assert rows.loc[[OVERALL, INNATE, ADAPTIVE], "padj"].isna().all()
    sentence = immune_sentences(effects, ("bad", "good"))
    assert "innate immune response is higher in bad" in sentence
    assert "adaptive immune response is lower in bad" in sentence
    assert "opposite directions" in sentence


@pytest.mark.parametrize(
    ("lower", "upper", "words"),
    [(0.1, 0.5, "is higher in"), (-0.1, 0.5, "does not differ measurably"), (-1, -0.1, "is lower")],
)
def test_the_sentence_follows_the_interval(lower, upper, words):
    row = {
        "set": OVERALL,
        "difference": (lower + upper) / 2,
        "lower": lower,
        "upper": upper,
        "reason": None,
    }
    assert words in immune_sentence(row, ("bad", "good"))


def test_a_layer_with_other_names_says_what_to_do(immune):
    _, _, sets = immune
    results = results_of(np.arange(60.0)).assign(symbol=[f"ENSG{i:011d}" for i in range(60)])
    table = enrichment(ranking(results)[0], sets, **OPTIONS)
    assert table["reason"].str.contains("symbols").all()
    assert table["pvalue"].isna().all()


def test_a_layer_without_immune_genes_says_so(immune, design, tmp_path):
    normalised, _, sets = immune
    names = {name: f"hsa-miR-{i}" for i, name in enumerate(normalised.columns)}
    scores, genes = signature_scores(normalised, names, sets, min_size=5)
    effects = signature_effects(scores, genes, sets, design, min_size=5)
    results = results_of(np.arange(60.0)).assign(symbol=list(names.values()))
    table = enrichment(ranking(results)[0], sets, **OPTIONS)
    summary = layer_summary(
        table,
        effects,
        fdr=0.05,
        ranked_by=UNSHRUNKEN,
        groups=("bad", "good"),
        n_genes=60,
    )
    assert summary["immune"] is None
    assert summary["immune_reason"] == NO_SYMBOLS
    assert summary["n_sets_tested"] == 0
    assert summary["n_sets_tested_reason"] == NO_SYMBOLS
    assert "is not known: no gene of any set" in summary["immune_sentence"]
    for name, figure in {
        "a": enrichment_figure(table, 0.05, ("bad", "good")),
        "b": signature_figure(effects, 0.05, ("bad", "good")),
        "c": empty_figure("nothing"),
    }.items():
        save_figure(figure, tmp_path / f"{name}.svg")
        assert (tmp_path / f"{name}.svg").exists()


def test_figure_of_sets_shows_the_strongest(tmp_path):
    rng = np.random.default_rng(9)
    stat = rng.normal(size=N_GENES)
    ranks, _ = ranking(results_of(stat))
    table = enrichment(ranks, sets_of(random_sets(rng, 40)), **OPTIONS)
    figure = enrichment_figure(table, 0.05, ("bad", "good"))
    assert len(figure.axes[0].get_yticklabels()) == 24
    save_figure(figure, tmp_path / "sets.svg")
    assert (tmp_path / "sets.svg").stat().st_size > 1000
