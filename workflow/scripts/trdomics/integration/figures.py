"""Figures of the chosen MOFA model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from trdomics.integration.characterise import FOUND_AGAIN, SIGNIFICANT, by_label
from trdomics.names import display_name
from trdomics.style import (
    NEGATIVE,
    POSITIVE,
    SEQUENTIAL,
    UNLABELLED,
    empty_figure,
    layer_colours,
    set_style,
    shortened,
)

PANELS = 4
# −log10 padj at which the colour scale saturates, so that one cell does not dominate it.
DARKEST = 20.0


def short(factors: list[str]) -> list[str]:
    """Return the factors' numbers, for axes that say "Factor"."""
    return [factor.removeprefix("Factor") for factor in factors]


def variance_figure(variance: pd.DataFrame) -> Figure:
    """Draw R² by view and factor, and each view's total."""
    set_style()
    views, factors = variance["view"].unique(), list(variance["factor"].unique())
    table = variance.pivot_table(index="view", columns="factor", values="r2").loc[views, factors]
    factors.remove("total")
    colours = layer_colours(list(table.index))
    height = 1.6 + 0.5 * len(table)
    figure = Figure(figsize=(6.5, height), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[3.2, 1], sharey=True)
    cells = 100 * table[factors].clip(lower=0)
    sns.heatmap(
        cells,
        ax=left,
        cmap=SEQUENTIAL,
        vmin=0,
        annot=cells.map(lambda value: f"{value:.1f}" if value < 9.95 else f"{value:.0f}"),
        fmt="",
        annot_kws={"size": 8},
        linewidths=0.5,
        xticklabels=short(factors),
        yticklabels=[display_name(view) for view in cells.index],
        cbar=False,
    )
    left.set(xlabel="factor", ylabel="", title="variance explained by factor (%)")
    left.tick_params(axis="y", rotation=0)
    positions = np.arange(len(table)) + 0.5
    right.barh(positions, 100 * table["total"], color=[colours[view] for view in table.index])
    for position, value in zip(positions, 100 * table["total"], strict=True):
        right.text(max(value, 0), position, f" {value:.0f} %", va="center", fontsize=9)
    right.set(xlabel="%", title="by all factors")
    right.set_xlim(0, max(1.0, 130 * float(table["total"].max())))
    return figure


def stability_figure(stability: pd.DataFrame) -> Figure:
    """Draw how well every factor of the chosen model is reproduced with other seeds."""
    set_style()
    if stability.empty:
        return empty_figure("Stability needs a second seed: one was fitted.")
    factors = list(stability["factor"].unique())
    positions = {factor: i for i, factor in enumerate(factors)}
    figure = Figure(figsize=(6.4, 3.0), layout="constrained")
    axes = figure.subplots()
    axes.axhline(FOUND_AGAIN, color=UNLABELLED, linestyle="--", linewidth=1)
    lowest = stability.groupby("factor", sort=False)["r"].min()
    axes.vlines(range(len(factors)), lowest, 1, color="#d0d0d0", linewidth=1.5, zorder=1)
    seeds = list(stability["seed"].unique())
    offsets = np.linspace(-0.18, 0.18, len(seeds)) if len(seeds) > 1 else [0.0]
    for offset, seed in zip(offsets, seeds, strict=True):
        rows = stability[stability["seed"] == seed]
        axes.scatter(
            [positions[factor] + offset for factor in rows["factor"]],
            rows["r"],
            s=28,
            zorder=2,
            label=f"seed {seed}: {rows['n_factors'].iloc[0]:d} factors,\n"
            f"bound {rows['elbo'].iloc[0]:,.0f}",
        )
    axes.set(
        xticks=range(len(factors)),
        xticklabels=short(factors),
        xlabel="factor of the chosen model",
        ylabel="best |correlation|\nin another seed",
        ylim=(min(0.8, float(lowest.min()) - 0.05), 1.02),
    )
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def association_figure(associations: pd.DataFrame) -> Figure:
    """Draw −log10 padj of factors × variables with the direction of significant effects."""
    set_style()
    tested = associations[associations["padj"].notna()]
    if tested.empty:
        return empty_figure("No variable could be tested against the factors.")
    factors = list(associations["factor"].unique())
    variables = list(tested["variable"].unique())
    strength = pd.DataFrame(np.nan, index=variables, columns=factors)
    text = pd.DataFrame("", index=variables, columns=factors)
    for _, row in tested.iterrows():
        strength.loc[row["variable"], row["factor"]] = -np.log10(max(row["padj"], 1e-300))
        text.loc[row["variable"], row["factor"]] = direction(row)
    kinds = tested.drop_duplicates("variable").set_index("variable")["kind"]
    labels = [
        display_name(v if kinds[v] in (v, "covariate") else f"{v} ({kinds[v]})") for v in variables
    ]

    width = min(6.5, 2.8 + 0.42 * len(factors))
    figure = Figure(figsize=(width, 1.4 + 0.27 * len(variables)), layout="constrained")
    axes = figure.subplots()
    sns.heatmap(
        strength,
        ax=axes,
        cmap=SEQUENTIAL,
        norm=Normalize(0, min(DARKEST, max(2.0, float(np.nanmax(strength.to_numpy()))))),
        annot=text,
        fmt="",
        annot_kws={"size": 10},
        linewidths=0.5,
        xticklabels=short(factors),
        yticklabels=labels,
        cbar_kws={"label": "−log10 adjusted p", "shrink": 0.6, "extend": "max"},
    )
    axes.set(xlabel="factor", ylabel="")
    axes.tick_params(axis="y", rotation=0)
    return figure


def direction(row: pd.Series) -> str:
    """Return +, − or • (an effect without direction), or nothing if padj is not significant."""
    if not row["padj"] < SIGNIFICANT:
        return ""
    if row["effect_name"] == "eta2":
        return "•"
    null = 0.5 if row["effect_name"] == "auc" else 0.0
    return "+" if row["effect"] > null else "−"


def interesting(associations: pd.DataFrame, variance: pd.DataFrame, n: int) -> list[str]:
    """Return n factors: significant ones for the label first, then the largest."""
    labelled = list(by_label(associations[associations["padj"] < SIGNIFICANT])["factor"])
    ordered = [factor for factor in variance["factor"].unique() if factor != "total"]
    return [*labelled, *(f for f in ordered if f not in labelled)][:n]


def weights_figure(top: pd.DataFrame, factors: list[str], n: int = 8) -> Figure:
    """Draw the largest weights of a few factors, one row per factor and one column per view."""
    set_style()
    views = list(dict.fromkeys(top["view"]))
    colours = layer_colours(views)
    figure = Figure(
        figsize=(min(6.5, 2.2 * len(views)), 0.5 + (0.45 + 0.19 * n) * len(factors)),
        layout="constrained",
    )
    panels = figure.subplots(len(factors), len(views), squeeze=False, sharex=True)
    for row, factor in zip(panels, factors, strict=True):
        for axes, view in zip(row, views, strict=True):
            part = top[(top["factor"] == factor) & (top["view"] == view)].head(n)[::-1]
            heights = range(len(part))
            axes.hlines(heights, 0, part["scaled"], color=colours[view], linewidth=1.5)
            axes.scatter(part["scaled"], heights, color=colours[view], s=14)
            axes.axvline(0, color="black", linewidth=0.8)
            axes.set_yticks(heights, [shortened(name, 18) for name in part["symbol"]], fontsize=8)
            axes.set_xlim(-1.1, 1.1)
            axes.tick_params(axis="y", length=0)
            axes.set_title(
                f"{factor.replace('Factor', 'factor ')}, {display_name(view)}", fontsize=9
            )
    for axes in panels[-1]:
        axes.set_xlabel("scaled weight", fontsize=9)
    return figure


def scatter_figure(
    factors: pd.DataFrame,
    label: pd.Series,
    label_names: tuple[str, str],
    associations: pd.DataFrame,
    variance: pd.DataFrame,
) -> Figure:
    """Draw patients on the two factors most associated with the label.

    `factors` (n_patients, K) and `label` are indexed by patient; `label_names` are of 0 and 1.
    """
    set_style()
    ranked = list(by_label(associations[associations["pvalue"].notna()])["factor"])
    ranked += [factor for factor in variance["factor"].unique() if factor not in [*ranked, "total"]]
    known = label.reindex(factors.index)
    figure = Figure(figsize=(5.6, 4.4), layout="constrained")
    axes = figure.subplots()
    groups = [
        (known.isna(), UNLABELLED, "no label"),
        (known == 0, NEGATIVE, label_names[0]),
        (known == 1, POSITIVE, label_names[1]),
    ]
    x = factors[ranked[0]]
    # with one factor, patients are jittered vertically
    y = (
        factors[ranked[1]]
        if len(ranked) > 1
        else pd.Series(np.random.default_rng(0).uniform(-1, 1, len(factors)), factors.index)
    )
    for mask, colour, name in groups:
        if mask.any():
            text = f"{name} (n = {int(mask.sum())})"
            axes.scatter(x[mask], y[mask], s=20, color=colour, alpha=0.75, lw=0, label=text)
            if name != "no label":
                centre = (x[mask].mean(), y[mask].mean())
                axes.scatter(*centre, s=150, marker="X", color=colour, edgecolor="black", zorder=3)
    effects = by_label(associations).set_index("factor")["effect"]
    axes.set_xlabel(axis_label(ranked[0], effects))
    axes.set_ylabel(axis_label(ranked[1], effects) if len(ranked) > 1 else "")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def axis_label(factor: str, effects: pd.Series) -> str:
    """Return a factor's name with its AUC for the label, if known."""
    name = factor.replace("Factor", "factor ")
    effect = effects.get(factor, np.nan)
    if not np.isfinite(effect):
        return name
    return f"{name} (AUC of the label {max(effect, 1 - effect):.2f})"
