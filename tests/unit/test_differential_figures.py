import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from trdomics.differential.figures import (
    colours,
    forest_figure,
    ma_figure,
    pvalue_figure,
    volcano_figure,
)
from trdomics.files import save_figure
from trdomics.style import LABEL_COLOURS, set_style

GROUPS = ("case", "control")
VOLCANO = {"effect": "log2_fold_change", "label": "symbol", "effect_label": "log2 fold change"}


@pytest.fixture
def results():
    rng = np.random.default_rng(1)
    effect = rng.normal(0, 1, 600)
    table = pd.DataFrame(
        {
            "feature": [f"g{i}" for i in range(600)],
            "symbol": [f"hsa-miR-{i}-5p" if i % 2 else f"GENE{i}" for i in range(600)],
            "base_mean": np.exp(rng.normal(4, 1, 600)),
            "log2_fold_change": effect,
            "log2_fold_change_shrunken": effect * 0.9,
            "pvalue": np.minimum(1, np.exp(-60 * np.maximum(np.abs(effect) - 0.5, 0))),
        }
    )
    table["padj"] = table["pvalue"]
    table.loc[:4, ["pvalue", "padj", "log2_fold_change"]] = np.nan
    table.loc[5:20, ["pvalue", "padj"]] = 0.0  # as small as a double can be
    return table


@pytest.fixture
def carriers():
    return pd.DataFrame(
        {
            "feature": ["A", "B", "C"],
            "carriers_positive": [9, 0, 2],
            "carriers_negative": [1, 5, 0],
            "log_odds_ratio": [2.0, -np.inf, np.nan],
            "lower": [0.5, -np.inf, np.nan],
            "upper": [4.0, -0.2, np.nan],
            "pvalue": [0.001, 0.04, np.nan],
            "padj": [0.002, 0.04, np.nan],
        }
    )


def boxes(figure):
    """Return the extents of the names beside a volcano, after drawing it."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    axes = figure.axes[0]
    return axes.get_window_extent(), [text.get_window_extent() for text in axes.texts]


def test_the_names_of_a_volcano_do_not_overlap_and_stay_inside(results):
    set_style()
    frame, names = boxes(volcano_figure(results, 0.05, GROUPS, **VOLCANO))
    assert len(names) == 24
    for i, name in enumerate(names):
        assert frame.x0 <= name.x0
        assert name.x1 <= frame.x1
        assert name.y1 <= frame.y1
        assert not any(name.overlaps(other) for other in names[i + 1 :])


def test_the_named_features_are_those_with_the_smallest_pvalues(results):
    figure = volcano_figure(results, 0.05, GROUPS, **VOLCANO)
    named = {text.get_text() for text in figure.axes[0].texts}
    for higher in (True, False):
        side = results[(results["log2_fold_change"] > 0) == higher].dropna(subset=["pvalue"])
        assert len(named & set(side["symbol"])) == 12
        assert set(side[side["pvalue"] == 0]["symbol"]) <= named


def test_colours_follow_the_group_in_which_a_feature_is_higher(results):
    shade = colours(results, "log2_fold_change", 0.05)
    significant = (results["padj"] < 0.05).to_numpy()
    higher = (results["log2_fold_change"] > 0).to_numpy()
    assert (shade[significant & higher] == LABEL_COLOURS[1]).all()
    assert (shade[significant & ~higher] == LABEL_COLOURS[0]).all()
    assert not np.isin(shade[~significant], LABEL_COLOURS).any()


def test_a_figure_of_counts_has_a_panel_of_shrunken_changes_too(results):
    options = {"base_label": "mean", "log_base": True}
    assert len(ma_figure(results, 0.05, GROUPS, **options).axes) == 2
    plain = results.drop(columns="log2_fold_change_shrunken")
    assert len(ma_figure(plain, 0.05, GROUPS, **options).axes) == 1


def test_the_histogram_counts_every_pvalue(results):
    figure = pvalue_figure(results)
    assert (
        sum(bar.get_height() for bar in figure.axes[0].patches) == results["pvalue"].notna().sum()
    )


def test_a_forest_shows_what_was_tested_with_its_carriers(carriers):
    figure = forest_figure(carriers, 0.05, GROUPS)
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == ["B  0/5", "A  9/1"]
    low, high = figure.axes[0].get_xlim()
    assert low < np.exp(-4)
    assert high > np.exp(4)


def test_a_forest_marks_with_arrows_what_goes_on_beyond_the_axis(carriers):
    figure = forest_figure(carriers, 0.05, GROUPS)
    low = figure.axes[0].get_xlim()[0]
    points, left, right = figure.axes[0].collections[1:4]
    # B has an infinite odds ratio: no point, and an arrow where its interval leaves the axis
    assert points.get_offsets()[:, 1].tolist() == [1]
    assert left.get_offsets()[:, 1].tolist() == [0]
    assert left.get_offsets()[0, 0] == pytest.approx(low)
    assert len(right.get_offsets()) == 0


def test_where_nothing_passes_the_smallest_pvalues_are_named_all_the_same(results):
    nothing = results.assign(padj=0.9)
    figure = volcano_figure(nothing, 0.05, GROUPS, **VOLCANO)
    named = {text.get_text() for text in figure.axes[0].texts}
    expected = nothing.dropna(subset=["pvalue"]).nsmallest(5, "pvalue")
    assert named == set(expected["symbol"])


def test_figures_are_drawn_without_any_test_and_the_same_twice(results, carriers, tmp_path):
    set_style()
    empty = results.assign(pvalue=np.nan, padj=np.nan, log2_fold_change=np.nan)
    drawn = {
        "ma.png": lambda table: ma_figure(table, 0.05, GROUPS, base_label="mean", log_base=True),
        "volcano.png": lambda table: volcano_figure(table, 0.05, GROUPS, **VOLCANO),
        "pvalues.svg": pvalue_figure,
    }
    for name, draw in drawn.items():
        save_figure(draw(empty), tmp_path / f"empty_{name}")
        for copy in ("a", "b"):
            save_figure(draw(results), tmp_path / f"{copy}_{name}")
        assert (tmp_path / f"a_{name}").read_bytes() == (tmp_path / f"b_{name}").read_bytes()
    save_figure(forest_figure(carriers.assign(pvalue=np.nan), 0.05, GROUPS), tmp_path / "f.svg")
    assert (tmp_path / "f.svg").stat().st_size > 1000
