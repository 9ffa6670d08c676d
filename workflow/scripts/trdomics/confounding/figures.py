"""Figures of confounding: associations of the label, adjustment, variance partition and cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from trdomics.confounding.plan import LAYER
from trdomics.confounding.table import UNBALANCED
from trdomics.confounding.variance import LABEL
from trdomics.names import display_name
from trdomics.style import (
    BLUE,
    GREEN,
    GREY,
    LABEL_COLOURS,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    empty_figure,
    shortened,
)

LIGHT = "#A6A6A6"
ROLE_COLOURS = {
    "site": ORANGE,
    "technical": ORANGE,
    "cells": GREEN,
    "confounder": VERMILION,
    "covariate": GREY,
    "predictor": BLUE,
    "circular": PURPLE,
    LAYER: SKY,
}
FAR = 1.25
LONGEST = 36
TICKS = [0, 1, 2, 5, 10, 20, 30, 50, 75, 100]


def love_figure(table: pd.DataFrame, fdr: float, auc: Mapping[str, Any]) -> Figure:
    """Draw the absolute standardised difference of every column, with its 95 % interval.

    Parameters
    ----------
    table : DataFrame
        From :func:`trdomics.confounding.table.confounding_table`.
    fdr : float
        Filled points have an adjusted p-value below it.
    auc : mapping
        From :func:`trdomics.confounding.predictability.predictability`.
    """
    shown = table[table["standardised_difference"].notna()].iloc[::-1]
    figure = Figure(figsize=(6.4, 1.6 + 0.25 * max(len(shown), 4)), layout="constrained")
    axes = figure.subplots()
    size = shown["standardised_difference"].abs().to_numpy(float)
    lower, upper = (shown[f"standardised_{end}"].to_numpy(float) for end in ("lower", "upper"))
    crosses = (lower <= 0) & (upper >= 0)
    nearest = np.where(crosses, 0, np.minimum(np.abs(lower), np.abs(upper)))
    farthest = np.maximum(np.abs(lower), np.abs(upper))
    roles = shown["roles"].str.split(", ").str[0]
    for at, (d, low, high, role, padj) in enumerate(
        zip(size, nearest, farthest, roles, shown["padj"], strict=True)
    ):
        colour = ROLE_COLOURS[role]
        axes.hlines(at, min(low, FAR), min(high, FAR), color=colour, linewidth=2)
        marker, where = (">", FAR) if d > FAR else ("o", d)
        fill = colour if padj < fdr else "white"
        axes.plot(where, at, marker, color=colour, mfc=fill, ms=6, clip_on=False)
        if d <= FAR < high:
            # the interval extends beyond the axis
            axes.plot(FAR, at, ">", color=colour, ms=5.5, clip_on=False)
        if d > FAR:
            axes.text(FAR * 1.03, at, f"{d:.1f}", va="center", fontsize=8)
    axes.axvline(UNBALANCED, color=GREY, linestyle=":", linewidth=1)
    axes.set_yticks(np.arange(len(shown)), [display_name(str(name)) for name in shown["column"]])
    axes.set_ylim(-0.7, max(len(shown), 4) - 0.3)
    axes.set_xlim(0, FAR)
    axes.set_xlabel("difference between the groups, in standard deviations (95 % interval)")
    if auc["auc"] is not None:
        text = f"site and technical columns alone: AUC {auc['auc']:.2f}"
        text += f" ({auc['lower']:.2f} to {auc['upper']:.2f}, p = {auc['pvalue']:.2g})"
        axes.set_title(
            text, loc="left", fontsize=10, color=VERMILION if auc["warning"] else "black"
        )
    names = {
        "site, technical": ORANGE,
        "cells": GREEN,
        "other confounder": VERMILION,
        "covariate": GREY,
        "predictor": BLUE,
        "circular": PURPLE,
        "layer measured": SKY,
    }
    there = {ROLE_COLOURS[role] for role in roles}
    handles = [
        Line2D([], [], color=colour, marker="o", label=name)
        for name, colour in names.items()
        if colour in there
    ]
    handles.append(
        Line2D([], [], color="black", marker="o", linestyle="", label=f"adjusted p < {fdr:g}")
    )
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    return figure


def attrition_figure(summary: pd.DataFrame, fdr: float, layer: str) -> Figure:
    """Draw how many features differ with each set, and how much of their effect remains.

    `summary` is of :func:`trdomics.confounding.adjustment.adjustment`.
    """
    n = len(summary)
    rows: list[Any] = summary.to_dict("records")
    figure = Figure(figsize=(6.7, 1.6 + 0.55 * max(n, 3)), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1.7, 1], sharey=True)
    most = summary["n_significant"].astype(float).max()
    top = max(most, 1.0) if np.isfinite(most) else 1.0
    before = summary["n_significant"].iloc[0]
    for at, row in enumerate(rows):
        if isinstance(row["reason"], str):
            left.text(top * 0.01, at, f"not tested: {row['reason']}", va="center", fontsize=8)
            continue
        left.barh(at, row["n_kept"], color=BLUE, height=0.62)
        left.barh(at, row["n_gained"], left=row["n_kept"], color=SKY, height=0.62)
        if before > row["n_significant"]:
            left.barh(
                at,
                before - row["n_significant"],
                left=row["n_significant"],
                height=0.62,
                facecolor="none",
                edgecolor=LIGHT,
                linestyle="--",
            )
        text = f"{int(row['n_significant']):,}"
        if pd.notna(row["share_tested"]):
            text += f" ({row['share_tested']:.1%})"
        left.text(max(row["n_significant"], before) + top * 0.02, at, text, va="center", fontsize=9)
        if pd.notna(row["median_retained"]):
            ends = np.clip([row["retained_lower"], row["retained_upper"]], -0.5, 1.6)
            right.hlines(at, *ends, color=BLUE, linewidth=3)
            right.plot(np.clip(row["median_retained"], -0.5, 1.6), at, "o", color=BLUE)
            if row["n_sign_flips"]:
                flips = f"{int(row['n_sign_flips'])} turned"
                right.text(ends[1] + 0.04, at, flips, va="center", fontsize=8, color=VERMILION)
    left.set_yticks(np.arange(n), [_set_name(row) for row in rows])
    left.set_ylim(max(n, 3) - 0.4, -0.6)
    left.set_xlim(0, top * 1.55)
    left.set_xlabel(
        f"features of {display_name(layer)} that differ\n(of those tested), FDR {fdr:.0%}"
    )
    left.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    if not before > 0:
        right.text(
            0.7,
            (n - 1) / 2,
            "nothing differs without adjustment",
            ha="center",
            backgroundcolor="white",
        )
    right.axvline(1, color="black", linewidth=0.8, zorder=0)
    right.axvline(0, color=GREY, linewidth=0.8, linestyle=":")
    right.set_xlim(-0.5, 1.9)
    right.tick_params(left=False)
    right.set_xlabel("effect over that without\nadjustment (quartiles)")
    handles = [
        Line2D([], [], color=BLUE, linewidth=7, label="also differ without adjustment"),
        Line2D([], [], color=SKY, linewidth=7, label="differ only with adjustment"),
        Line2D([], [], color=LIGHT, linestyle="--", label="taken away"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def _set_name(row: Mapping[str, Any]) -> str:
    if not isinstance(row["adds"], str) or not row["adds"]:
        return f"{row['set']}\n(label only)"
    adds = row["adds"].split(", ")
    text = ", ".join(map(display_name, adds[:2])) + (
        f" and {len(adds) - 2} more" if len(adds) > 2 else ""
    )
    text = shortened(text, LONGEST)
    return f"+ {row['set']}\n({text})" if row["set"] != text else f"+ {text}"


def variance_figure(table: pd.DataFrame, summary: Mapping[str, Any]) -> Figure:
    """Draw the shares of variance of all features, by group; whiskers from 1 to 99 %.

    `table` and `summary` are of :func:`trdomics.confounding.variance.variance_partition`.
    """
    groups = summary.get("groups", {})
    names = sorted(groups, key=lambda name: groups[name]["mean"])
    if not names:
        return empty_figure(str(summary.get("reason")))
    figure = Figure(figsize=(6.4, 1.3 + 0.36 * max(len(names), 3)), layout="constrained")
    axes = figure.subplots()
    boxes = axes.boxplot(
        [table[name].to_numpy(float) * 100 for name in names],
        orientation="horizontal",
        whis=(1, 99),
        showfliers=False,
        widths=0.6,
        patch_artist=True,
        medianprops={"color": "black"},
    )
    for name, box in zip(names, boxes["boxes"], strict=True):
        box.set_facecolor(LABEL_COLOURS[1] if name == LABEL else SKY)
    where = np.arange(1, len(names) + 1)
    chance = [groups[name]["expected_by_chance"] * 100 for name in names]
    axes.plot(chance, where, "D", color="black", ms=4, label="mean expected for noise")
    mean = [groups[name]["mean"] * 100 for name in names]
    axes.plot(mean, where, "o", color="white", mec="black", ms=6, label="mean")
    axes.set_yticks(where, names)
    # most shares are small and a few large: a square-root axis shows both
    axes.set_xscale("function", functions=(lambda x: np.sqrt(np.maximum(x, 0)), np.square))
    most = float(table[names].quantile(0.99).max() * 100)
    axes.set_xticks(TICKS)
    axes.set_xlim(0, most * 1.05)
    axes.set_xlabel("share of a feature's variance, % (square-root scale)")
    n_features = summary["n_features"]
    axes.set_title(
        f"{n_features:,} features; residual {summary['residual_median']:.0%} (median)",
        loc="left",
        fontsize=10,
    )
    axes.legend(loc="lower right")
    return figure


def cells_figure(
    fractions: pd.DataFrame | None,
    comparison: pd.DataFrame,
    patients: pd.DataFrame,
    groups: Sequence[str],
    reason: str | None,
) -> Figure:
    """Draw estimated against measured fractions; without measured ones, estimates by group.

    Parameters
    ----------
    fractions : DataFrame or None
        Patients × types.
    comparison : DataFrame
        From :func:`trdomics.confounding.cells.compare_measured`.
    patients : DataFrame
        With ``label`` and the measured columns.
    groups : (positive, negative)
    reason : str or None
        Why there are no fractions.
    """
    both = comparison[comparison["pearson_r"].notna()]
    if fractions is None or reason is not None:
        return empty_figure(f"no cell fractions: {reason}")
    label = patients["label"].reindex(fractions.index)
    sides = [("black", "no label", label.isna())] if label.isna().any() else []
    sides += [(LABEL_COLOURS[0], groups[1], label == 0), (LABEL_COLOURS[1], groups[0], label == 1)]
    n = len(both) or fractions.shape[1]
    width = min(3.1, 6.6 / max(n, 2)) if not len(both) else min(3.1, 6.7 / n)
    figure = Figure(figsize=(max(width * n, 4), 3.4), layout="constrained")
    for axes, at in zip(np.atleast_1d(figure.subplots(1, n)), range(n), strict=True):
        if len(both):
            row = both.iloc[at]
            estimated = fractions[row["estimated"].split(" + ")].sum(axis=1)
            measured = patients[row["column"]].reindex(fractions.index).astype(float)
            for colour, name, chosen in sides:
                axes.scatter(
                    measured[chosen], estimated[chosen], s=9, color=colour, lw=0, label=name
                )
            interval = f"{row['lower']:.2f} to {row['upper']:.2f}"
            axes.set_title(f"{row['cell_type']}\nr = {row['pearson_r']:.2f} ({interval})")
            axes.set_xlabel("measured")
        else:
            name = fractions.columns[at]
            known = [(c, fractions.loc[k.to_numpy(), name].dropna()) for c, _, k in sides[-2:]]
            boxes = axes.boxplot([values for _, values in known], widths=0.6, patch_artist=True)
            for (colour, _), box in zip(known, boxes["boxes"], strict=True):
                box.set_facecolor(colour)
            axes.set_xticks([1, 2], [groups[1], groups[0]], rotation=30)
            axes.set_title(str(name), fontsize=9)
    figure.axes[0].set_ylabel("estimated")
    if len(both):
        handles, names = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=3)
    return figure
