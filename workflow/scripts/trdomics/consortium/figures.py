"""Figures of the meta-analysis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from trdomics import style
from trdomics.consortium.pooled_performance import COMBINED, LEFT_OUT_SITES
from trdomics.intervals import with_interval
from trdomics.style import empty_figure, shortened

SHOWN_SETS = ("selected", LEFT_OUT_SITES, "clinical", "confounders")
LABELLED = 8
SHOWN_NAME = 24


def forest_figure(table: pd.DataFrame) -> Figure:
    """Draw the AUROC of every cohort and the combined one, one panel per feature set.

    `table` is of :func:`trdomics.consortium.pooled_performance.auroc_table`.
    """
    shown = [name for name in SHOWN_SETS if name in set(table["feature_set"])]
    if not shown:
        return empty_figure("no cohort has a performance")
    height = 0.9 + 0.32 * len(table[table["feature_set"].isin(shown)])
    figure = Figure(figsize=(7.6, height), layout="constrained")
    heights = [int((table["feature_set"] == name).sum()) for name in shown]
    panels = figure.subplots(len(shown), 1, sharex=True, height_ratios=heights, squeeze=False)
    for axes, name in zip(panels[:, 0], shown, strict=True):
        rows = table[table["feature_set"] == name].reset_index(drop=True)
        for position, row in enumerate(rows.to_dict("records")):
            _forest_row(axes, position, row)
        axes.set_yticks(range(len(rows)), [shortened(c, SHOWN_NAME) for c in rows["cohort"]])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.axvline(0.5, color="black", linewidth=0.8, linestyle=":")
        axes.set_title(name.replace("_", " "), loc="left")
    panels[-1, 0].set_xlabel("AUROC")
    low = np.nanmin([0.45, table["lower"].min(), table["prediction_lower"].min()])
    panels[-1, 0].set_xlim(max(0, low - 0.02), 1.01)
    return figure


def _forest_row(axes: Axes, position: int, row: Mapping[Any, Any]) -> None:
    combined = row["cohort"] == COMBINED
    colour = style.VERMILION if combined else style.BLUE
    if np.isnan(row["value"]):
        axes.text(0.5, position, f" {row['reason']}", va="center", fontsize=8, color=style.GREY)
        return
    if combined and np.isfinite(row["prediction_lower"]):
        ends = row["prediction_lower"], row["prediction_upper"]
        axes.hlines(position, *ends, color=colour, linewidth=1, linestyle="--")
    axes.hlines(position, row["lower"], row["upper"], color=colour, linewidth=2.4)
    axes.plot(row["value"], position, marker="D" if combined else "s", color=colour, markersize=7)
    axes.annotate(
        with_interval(row["value"], row["lower"], row["upper"]),
        (1.01, position),
        xycoords=("axes fraction", "data"),
        va="center",
        fontsize=9,
        fontweight="bold" if combined else "normal",
    )


def volcano_figure(table: pd.DataFrame, fdr: float, effect_label: str) -> Figure:
    """Draw the combined effect of every feature of a layer against its evidence.

    Parameters
    ----------
    table : DataFrame
        Of one layer: ``feature``, ``symbol``, ``effect``, ``pvalue``, ``padj``, ``q_pvalue``.
    """
    rows = table[table["pvalue"].notna()]
    if rows.empty:
        return empty_figure("no feature was tested in two cohorts")
    figure = Figure(figsize=(6.4, 4.6), layout="constrained")
    axes = figure.subplots()
    evidence = -np.log10(rows["pvalue"].clip(lower=1e-300))
    called = rows["padj"] < fdr
    uneven = called & (rows["q_pvalue"] < 0.05)
    for mask, colour, label in (
        (~called, style.GREY, "not called"),
        (called & ~uneven, style.BLUE, f"called at {fdr:.0%}"),
        (uneven, style.ORANGE, "called, cohorts differ (Q test p < 0.05)"),
    ):
        if mask.any():
            text = f"{label} ({int(mask.sum())})"
            axes.scatter(
                rows["effect"][mask], evidence[mask], s=14, color=colour, alpha=0.6, label=text,
                rasterized=True, linewidths=0,
            )  # fmt: skip
    for position in evidence[called].nlargest(LABELLED).index:
        name = rows.loc[position, "symbol"] or rows.loc[position, "feature"]
        axes.annotate(
            shortened(str(name), SHOWN_NAME),
            (rows.loc[position, "effect"], evidence[position]),
            fontsize=7,
            xytext=(3, 2),
            textcoords="offset points",
        )
    axes.axvline(0, color="black", linewidth=0.6)
    axes.set(xlabel=effect_label, ylabel="−log10 p")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.14), ncols=3, fontsize=8, markerscale=2)
    return figure


def agreement_figure(table: pd.DataFrame) -> Figure:
    """Draw the correlation of every factor with its best match in every other cohort.

    `table` is of :func:`trdomics.consortium.agreement.factor_agreement`.
    """
    rows = table[table["r"].notna()].copy()
    if rows.empty:
        return empty_figure("no two cohorts share enough features")
    figure = Figure(layout="constrained")
    rows["name"] = rows["cohort"] + " " + rows["factor"]
    others = list(dict.fromkeys(rows["other_cohort"]))
    cohorts = list(dict.fromkeys(rows["cohort"]))
    longest = rows.groupby("cohort")["name"].nunique().max()
    figure.set_size_inches(2.6 * len(cohorts) + 1.2, 1.2 + 0.3 * longest)
    panels = figure.subplots(1, len(cohorts), sharex=True, squeeze=False)[0]
    colours = dict(zip(others, style.PALETTE * len(others), strict=False))
    for axes, cohort in zip(panels, cohorts, strict=True):
        here = rows[rows["cohort"] == cohort]
        names = list(dict.fromkeys(here["factor"]))
        for offset, other in enumerate(others):
            part = here[here["other_cohort"] == other]
            heights = [
                names.index(f) + 0.12 * (offset - (len(others) - 1) / 2) for f in part["factor"]
            ]
            axes.scatter(
                part["r"].abs(),
                heights,
                s=26,
                color=colours[other],
                label=shortened(other, SHOWN_NAME),
                facecolors=[colours[other] if m else "white" for m in part["mutual"]],
                edgecolors=colours[other],
            )
        axes.axvline(here["null_upper"].max(), color=style.GREY, linestyle=":", linewidth=1)
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set(title=shortened(cohort, SHOWN_NAME), xlabel="|r| of weights", xlim=(0, 1.02))
    handles = [
        Line2D(
            [],
            [],
            marker="o",
            linestyle="",
            color=colours[other],
            label=shortened(other, SHOWN_NAME),
        )
        for other in others
    ]
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=min(5, len(handles)),
        title="best match in",
    )
    return figure
