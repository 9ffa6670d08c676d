"""The figures show the numbers of the tables, and say so where there is nothing to show."""

import numpy as np
import pandas as pd
import pytest

from trdomics.files import save_figure
from trdomics.integration import figures

FACTORS = ["Factor1", "Factor2", "Factor3"]


@pytest.fixture
def variance():
    rows = [
        (view, factor, r2)
        for view, values in {"a": [0.3, 0.1, -0.001, 0.4], "b": [0.0, 0.2, 0.05, 0.25]}.items()
        for factor, r2 in zip([*FACTORS, "total"], values, strict=True)
    ]
    return pd.DataFrame(rows, columns=["view", "factor", "r2"])


@pytest.fixture
def associations():
    rows = [
        ("Factor1", "label", "label", "auc", 0.55, 0.2, 0.4),
        ("Factor2", "label", "label", "auc", 0.30, 1e-6, 1e-5),
        ("Factor3", "label", "label", "auc", 0.70, 1e-4, 1e-3),
        ("Factor1", "site", "site", "eta2", 0.40, 1e-9, 1e-8),
        ("Factor2", "rin", "technical", "rho", 0.90, 1e-40, 1e-39),
        ("Factor3", "age", "covariate", np.nan, np.nan, np.nan, np.nan),
    ]
    columns = ["factor", "variable", "kind", "effect_name", "effect", "pvalue", "padj"]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture
def top():
    rows = [
        (factor, view, rank, f"{view}{rank}", f"symbol{rank}", 1 / rank, 1 / rank)
        for factor in FACTORS
        for view in "ab"
        for rank in range(1, 11)
    ]
    columns = ["factor", "view", "rank", "feature", "symbol", "weight", "scaled"]
    return pd.DataFrame(rows, columns=columns)


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_variance_by_view_and_factor(variance):
    figure = figures.variance_figure(variance)
    left, right = figure.axes
    assert texts(left) == ["30", "10", "0.0", "0.0", "20", "5.0"]
    assert [bar.get_width() for bar in right.patches] == [40, 25]
    assert texts(right) == [" 40 %", " 25 %"]


def test_stability_has_a_dot_per_factor_and_seed():
    table = pd.DataFrame(
        {
            "factor": FACTORS * 2,
            "seed": ["2"] * 3 + ["3"] * 3,
            "n_factors": [3] * 3 + [4] * 3,
            "elbo": [-1234.0] * 3 + [-1250.0] * 3,
            "matched": FACTORS * 2,
            "r": [1.0, 0.95, 0.4, 1.0, 0.9, 0.5],
        }
    )
    axes = figures.stability_figure(table).axes[0]
    dots = [c.get_offsets() for c in axes.collections if len(c.get_offsets()) == 3]
    np.testing.assert_allclose([d[:, 1] for d in dots], [[1, 0.95, 0.4], [1, 0.9, 0.5]])
    assert axes.get_ylim()[0] < 0.4
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend[1] == "seed 3: 4 factors,\nbound -1,250"


def test_associations_are_marked_where_significant(associations):
    axes = figures.association_figure(associations).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "label",
        "site",
        "RIN (technical)",
    ]
    assert [text for text in texts(axes) if text] == ["−", "+", "•", "+"]


@pytest.mark.parametrize(
    ("effect_name", "effect", "padj", "sign"),
    [
        ("auc", 0.6, 0.01, "+"),
        ("auc", 0.4, 0.01, "−"),
        ("rho", -0.2, 0.01, "−"),
        ("eta2", 0.2, 0.01, "•"),
        ("rho", 0.2, 0.2, ""),
        ("rho", np.nan, np.nan, ""),
    ],
)
def test_direction(effect_name, effect, padj, sign):
    row = pd.Series({"effect_name": effect_name, "effect": effect, "padj": padj})
    assert figures.direction(row) == sign


def test_factors_of_the_label_come_first(associations, variance):
    assert figures.interesting(associations, variance, 2) == ["Factor2", "Factor3"]
    assert figures.interesting(associations, variance, 9) == ["Factor2", "Factor3", "Factor1"]


def test_weights_have_a_panel_per_factor_and_view(top):
    figure = figures.weights_figure(top, ["Factor3", "Factor1"], n=4)
    assert [axes.get_title() for axes in figure.axes] == [
        "factor 3, a",
        "factor 3, b",
        "factor 1, a",
        "factor 1, b",
    ]
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == ["symbol4", "symbol3", "symbol2", "symbol1"]


def test_patients_are_coloured_by_label(associations, variance):
    rng = np.random.default_rng(0)
    factors = pd.DataFrame(rng.normal(size=(30, 3)), columns=FACTORS)
    label = pd.Series([1.0] * 12 + [0.0] * 10 + [np.nan] * 8)
    figure = figures.scatter_figure(factors, label, ("control", "case"), associations, variance)
    axes = figure.axes[0]
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["no label (n = 8)", "control (n = 10)", "case (n = 12)"]
    assert axes.get_xlabel() == "factor 2 (AUC of the label 0.70)"
    np.testing.assert_allclose(axes.collections[0].get_offsets()[:, 0], factors["Factor2"][22:])


def test_one_factor_is_enough_for_the_scatter(associations, variance):
    one = associations[associations["factor"] == "Factor1"]
    factors = pd.DataFrame({"Factor1": np.arange(12.0)})
    only = variance[variance["factor"].isin(["Factor1", "total"])]
    figure = figures.scatter_figure(
        factors, pd.Series([1.0, 0.0] * 6), ("control", "case"), one, only
    )
    assert figure.axes[0].get_ylabel() == ""


def test_nothing_to_show_is_said(associations, tmp_path):
    empty = pd.DataFrame(columns=["factor", "seed", "matched", "r"])
    assert "second seed" in figures.stability_figure(empty).axes[0].texts[0].get_text()
    untested = associations.assign(pvalue=np.nan, padj=np.nan)
    figure = figures.association_figure(untested)
    assert "No variable" in figure.axes[0].texts[0].get_text()
    save_figure(figure, tmp_path / "empty.svg")
    assert (tmp_path / "empty.svg").stat().st_size > 0
