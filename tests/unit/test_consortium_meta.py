"""Agreement of factors, combined performance, and the page made of foreign bundles."""

import numpy as np
import pandas as pd
import pytest
from consortium_data import layer_table, members, weights
from scipy.special import expit
from scipy.stats import norm, t

from trdomics.archive import write_archive
from trdomics.consortium.agreement import best_matches, factor_agreement, shared_weights
from trdomics.consortium.bundle import SITE_VALUES, read_bundle
from trdomics.consortium.figures import agreement_figure, forest_figure, volcano_figure
from trdomics.consortium.gather import cohort_table, layers_of, side_by_side
from trdomics.consortium.meta_analysis import combine_features
from trdomics.consortium.page import meta_summary, page_context
from trdomics.consortium.pooled_performance import (
    COMBINED,
    LEFT_OUT_SITES,
    auroc_table,
    combine_aurocs,
)
from trdomics.files import save_figure
from trdomics.report.render import render
from trdomics.style import set_style

EVIL = '<script>alert("x")</script> $(touch x) {{ 7 * 7 }}'


def read(tmp_path, *contents):
    bundles = []
    for number, content in enumerate(contents):
        path = tmp_path / f"{number}.zip"
        write_archive(content, path)
        bundles.append(read_bundle(path))
    return bundles


@pytest.fixture
def three(tmp_path):
    return read(tmp_path, *(members(name, i) for i, name in enumerate(("one", "two", "three"))))


def test_shared_factors_are_matched_whatever_their_order_and_sign(three):
    found = factor_agreement(three, permutations=200, seed=0)
    assert len(found) == 18
    assert (found["r"].abs() > 0.85).all()
    assert (found["mutual"] == 1).all()
    assert (found["padj"] < 0.01).all()
    assert (found["null_upper"] < 0.25).all()


def test_factors_that_are_not_shared_are_not_matched(tmp_path):
    rng = np.random.default_rng(4)
    other = weights(300, 1)
    other[["Factor1", "Factor2", "Factor3"]] = rng.normal(size=(300, 3))
    found = factor_agreement(
        read(tmp_path, members("one", 1), members("two", 2, changed={"factors/mrna.tsv": other})),
        permutations=200,
        seed=0,
    )
    assert (found["r"].abs() < 0.3).all()
    assert (found["padj"] > 0.01).all()


def test_the_null_of_best_matches_is_uniform():
    rng = np.random.default_rng(0)
    layer = np.repeat([0, 1], [60, 40])
    values = [
        best_matches(rng.normal(size=(100, 4)), rng.normal(size=(100, 3)), layer, 99, seed)
        for seed in range(60)
    ]
    pvalues = pd.concat(values)["pvalue"]
    assert 0.02 < (pvalues <= 0.05).mean() < 0.1
    assert 0.4 < pvalues.mean() < 0.6


def test_permutations_stay_within_layers():
    # all agreement comes from the layers' different sizes, which a shuffle across would undo
    layer = np.repeat([0, 1], 50)
    rng = np.random.default_rng(0)
    first, second = (10.0 * layer[:, None] + rng.normal(size=(100, 1)) for _ in range(2))
    found = best_matches(first, second, layer, 200, 0)
    assert found["r"][0] > 0.9
    assert found["pvalue"][0] > 0.05


def test_layers_weigh_alike_and_features_are_those_of_both():
    first = {"a": weights(50, 1), "b": weights(30, 2).assign(Factor1=1e6)}
    second = {"a": weights(40, 3), "b": weights(30, 4), "c": weights(9, 5)}
    one, other, layer = shared_weights(first, second)
    assert len(one) == len(other) == len(layer) == 70
    assert (one.index == other.index).all()
    assert [(one[layer == n].to_numpy() ** 2).mean() for n in (0, 1)] == pytest.approx([1, 1])


def test_cohorts_that_share_no_features_say_so(tmp_path):
    strangers = weights(300, 1, prefix="X")
    bundles = read(
        tmp_path, members("one", 1), members("two", 2, changed={"factors/mrna.tsv": strangers})
    )
    found = factor_agreement(bundles, 100, 0)
    assert found["r"].isna().all()
    assert found["reason"].str.contains("fewer than").all()


def test_aurocs_are_combined_on_the_log_odds_scale(three):
    table = auroc_table(three)
    combined = table[table["cohort"] == COMBINED].set_index("feature_set")
    selected = combined.loc["selected"]
    single = table[(table["feature_set"] == "selected") & (table["cohort"] != COMBINED)]
    assert single["value"].min() < selected["value"] < single["value"].max()
    assert selected["prediction_lower"] < selected["lower"] < selected["upper"]
    assert selected["upper"] < selected["prediction_upper"] <= 1
    assert selected["k"] == 3


def test_left_out_sites_of_cohorts_that_have_some_stand_below(tmp_path):
    row = {"feature_set": "selected", "role": "selected", "validation": "left_out"}
    row |= dict.fromkeys(SITE_VALUES, np.nan)
    row |= {"auroc": 0.7, "lower": 0.6, "upper": 0.8, "n_sites": 3}
    table = pd.DataFrame([row, {**row, "validation": "mixed"}])
    changed = {"sites.tsv": table}
    bundles = read(
        tmp_path,
        members("one", 1, changed=changed),
        members("two", 2),
        members("three", 3, changed=changed),
    )
    table = auroc_table(bundles).set_index("cohort")
    found = table[table["feature_set"] == LEFT_OUT_SITES]
    assert list(found.index) == ["one", "three", COMBINED]
    assert found.loc[COMBINED, "value"] == pytest.approx(0.7)


def test_intervals_of_few_sites_are_taken_by_the_error_behind_them():
    values, error = np.array([0.5, 0.9, 1.3, 1.0]), 0.2
    wide = t.isf(0.025, 2)
    normal, student = (
        pd.DataFrame(
            {
                "value": expit(values),
                "lower": expit(values - quantile * error),
                "upper": expit(values + quantile * error),
                "quantile": told,
            }
        )
        for quantile, told in ((norm.isf(0.025), np.nan), (wide, wide))
    )
    found = combine_aurocs(student)
    assert found == pytest.approx(combine_aurocs(normal))
    assert found["i2"] > 0
    # taken for normal ones they would hide that the cohorts differ
    assert combine_aurocs(student.assign(quantile=np.nan))["i2"] == 0


def test_an_auroc_of_one_is_not_combined():
    table = pd.DataFrame({"value": [1.0, 0.7], "lower": [1.0, 0.6], "upper": [1.0, 0.8]})
    assert "fewer than two" in combine_aurocs(table)["reason"]


def made_page(bundles):
    parts = []
    for layer in layers_of(bundles):
        side = side_by_side(bundles, layer)
        combined = combine_features(side["effect"], side["se"])
        named = pd.concat([side["symbol"], combined], axis=1).rename_axis("feature").reset_index()
        parts.append(named.assign(layer=layer))
    effects = pd.concat(parts, ignore_index=True)
    factors, performance = factor_agreement(bundles, 100, 0), auroc_table(bundles)
    summary = meta_summary(bundles, effects, factors, performance, 0.05)
    context = page_context("all", summary, cohort_table(bundles), effects, factors)
    figures = {"forest": "data:,", "agreement": "data:,", "volcanos": {"mrna": "data:,"}}
    page = render("workflow/report/meta.html.j2", {**context, "figures": figures})
    return page, summary, effects, factors, performance


def test_the_page_says_what_was_found(three):
    page, summary, effects, _, _ = made_page(three)
    assert cohort_table(three)["designs"].str.startswith("mrna: ~ age + response; ").all()
    mrna = summary["layers"]["mrna"]
    assert 27 <= mrna["n_called"] <= 36
    assert f"{mrna['n_called']} of {mrna['n_tested']} features" in page
    value = summary["performance"]["selected"]["value"]
    assert f"<b>{value:.2f}</b>" in page
    assert "nan" not in page
    assert set(effects.loc[effects["padj"] < 0.05, "feature"]) >= {"G1", "G2"} or mrna["n_called"]


def test_names_of_foreign_bundles_do_nothing_on_the_page(tmp_path):
    def spoiled(seed):
        table = layer_table("mrna", 300, seed, share_absent=0)
        table.loc[table.index[:30], "symbol"] = EVIL
        groups = {"positive": EVIL, "negative": "<b>x</b>"}
        return members(
            f"c{seed}",
            seed,
            changed={"effects/mrna.tsv": table, "factors/mrna.tsv": weights(300, seed)},
            left_out=[EVIL],
            label=groups,
            contrast=groups,
        )

    bundles = read(tmp_path, spoiled(1), spoiled(2))
    page, _, effects, factors, performance = made_page(bundles)
    assert page.count("<script") == 2  # of the base
    assert "<b>x</b>" not in page
    assert "&lt;script&gt;" in page
    assert "{{ 7 * 7 }}" in page
    assert "49" not in page.split("<header>")[1].split("</header>")[0]
    set_style()
    save_figure(forest_figure(performance), tmp_path / "forest.svg")
    save_figure(agreement_figure(factors), tmp_path / "agreement.svg")
    rows = effects[effects["layer"] == "mrna"]
    save_figure(volcano_figure(rows, 0.05, EVIL), tmp_path / "volcano.svg")
    for name in ("forest", "agreement", "volcano"):
        assert "<script" not in (tmp_path / f"{name}.svg").read_text("utf-8")
    assert not (tmp_path / "x").exists()


def test_figures_without_anything_to_draw_say_why(tmp_path, three):
    set_style()
    nothing = auroc_table(three).iloc[:0]
    save_figure(forest_figure(nothing), tmp_path / "a.svg")
    factors = factor_agreement(three, 100, 0)
    save_figure(agreement_figure(factors.assign(r=np.nan)), tmp_path / "b.svg")
    _, _, effects, _, _ = made_page(three)
    save_figure(volcano_figure(effects.assign(pvalue=np.nan), 0.05, "x"), tmp_path / "c.svg")


@pytest.mark.parametrize("text", ["$HOME and $PATH", "a_{ $x $^", "costs 5$ or 6$"])
def test_dollars_in_labels_are_no_formulas(tmp_path, text):
    import matplotlib.pyplot as plt

    set_style()
    figure, axes = plt.subplots()
    axes.set(title=text, yscale="log", ylim=(1, 1000))
    axes.set_xticks([0], [text])
    save_figure(figure, tmp_path / "figure.svg")
    drawn = (tmp_path / "figure.svg").read_text("utf-8")
    # powers of ten on a logarithmic axis still are
    assert "mathdefault{10^{2}}" in drawn
    assert drawn.count("<!-- $\\mathdefault") >= 3
