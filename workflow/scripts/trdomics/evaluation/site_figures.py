"""Figures of generalisation: left-out sites, missing layers, training size."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from trdomics import style
from trdomics.classification.feature_sets import SELECTED
from trdomics.evaluation.figures import WIDTH
from trdomics.evaluation.learning_curve import EXTRAPOLATED, FITTED, MEASURED
from trdomics.evaluation.left_out_sites import ALL, LEFT_OUT, MIXED
from trdomics.intervals import with_interval
from trdomics.layers.subsets import NOTHING, named
from trdomics.names import display_name

MARKERS = {LEFT_OUT: ("D", style.VERMILION), MIXED: ("o", style.GREY)}
MEANINGS = {LEFT_OUT: "site left out of training", MIXED: "same patients, sites mixed"}


def _numbers(axes: Axes, position: float, row: pd.Series, value: str = "value") -> None:
    """Print an estimate beside its row."""
    text = with_interval(row[value], row["lower"], row["upper"])
    where = ("axes fraction", "data")
    axes.annotate(text, (1.02, position), xycoords=where, va="center", fontsize=8.5)


def sites_figure(performance: pd.DataFrame, pooled: pd.DataFrame) -> Figure:
    """Draw a forest plot of the selected procedure's AUROC at left-out sites.

    Parameters
    ----------
    performance : DataFrame
        Of :func:`trdomics.evaluation.left_out_sites.site_performance`.
    pooled : DataFrame
        Of :func:`trdomics.evaluation.left_out_sites.pooled_performance`.
    """
    aurocs = performance[
        (performance["feature_set"] == SELECTED) & (performance["metric"] == "auroc")
    ]
    sites = aurocs[aurocs["split"].notna() & (aurocs["split"] != ALL) & aurocs["value"].notna()]
    if sites.empty:
        return style.empty_figure("No site was left out; the reasons are in sites.tsv.")
    names = list(dict.fromkeys(sites["split"]))
    left_out = sites[sites["validation"] == LEFT_OUT].set_index("split")
    size = left_out["n_patients"] / left_out["n_patients"].max()
    figure = Figure(figsize=(WIDTH, 1.9 + 0.42 * (len(names) + 2)), layout="constrained")
    axes = figure.subplots()
    labels = []
    for position, split in enumerate(names):
        for validation, offset in ((LEFT_OUT, -0.13), (MIXED, 0.17)):
            part = sites[(sites["split"] == split) & (sites["validation"] == validation)]
            for _, row in part.iterrows():
                marker, colour = MARKERS[validation]
                area = 4 + 5 * size[split] if validation == LEFT_OUT else 5
                axes.hlines(position + offset, row["lower"], row["upper"], color=colour)
                axes.plot(row["value"], position + offset, marker, color=colour, markersize=area)
                if validation == LEFT_OUT:
                    _numbers(axes, position, row)
        row = left_out.loc[split]
        labels.append(f"{style.shortened(str(row['site']), 28)} (n = {row['n_patients']:.0f})")
    bottom = _summary(axes, aurocs, pooled, len(names))
    axes.axvline(0.5, color="black", linewidth=0.8, linestyle=":")
    axes.set_yticks([*range(len(names)), *bottom], [*labels, *bottom.values()])
    axes.set_ylim(max([len(names) - 1, *bottom]) + 0.7, -0.7)
    # slightly beyond 1, or the marker of a perfect AUROC is cut off
    axes.set_xlim(min(0.45, axes.get_xlim()[0]), 1.015)
    axes.set_xlabel("AUROC (95 % interval)")
    handles = [
        Line2D([], [], color=colour, marker=marker, label=MEANINGS[validation])
        for validation, (marker, colour) in MARKERS.items()
    ]
    if not pooled.empty:
        handles.append(
            Line2D([], [], color="black", linewidth=0.9, label="95 % prediction interval")
        )
    figure.legend(handles=handles, loc="outside upper center", ncols=2, fontsize=8.5)
    return figure


def _summary(
    axes: Axes, aurocs: pd.DataFrame, pooled: pd.DataFrame, n_sites: int
) -> dict[float, str]:
    """Draw the combined rows below the sites'; return their positions and names."""
    rows: dict[float, str] = {}
    ours = pooled[(pooled["feature_set"] == SELECTED) & pooled["auroc"].notna()]
    for _, row in ours[ours["validation"] == LEFT_OUT].iterrows():
        position = n_sites + 0.4
        axes.hlines(
            position, row["prediction_lower"], row["prediction_upper"], color="black", linewidth=0.9
        )
        axes.fill(
            [row["lower"], row["auroc"], row["upper"], row["auroc"]],
            [position, position - 0.2, position, position + 0.2],
            color=style.VERMILION,
            zorder=3,
        )
        _numbers(axes, position, row, "auroc")
        rows[position] = f"mean site (I² = {row['i2']:.0%})"
    for step, validation in enumerate((LEFT_OUT, MIXED)):
        part = aurocs[(aurocs["split"] == ALL) & (aurocs["validation"] == validation)]
        for _, row in part.iterrows():
            position = n_sites + 1.4 + step
            marker, colour = MARKERS[validation]
            axes.hlines(position, row["lower"], row["upper"], color=colour)
            axes.plot(row["value"], position, marker, color=colour, markersize=7)
            _numbers(axes, position, row)
            rows[position] = f"all patients, {'left out' if validation == LEFT_OUT else 'mixed'}"
    return rows


def missing_layer_cost_figure(table: pd.DataFrame) -> Figure:
    """Draw the AUROC with all layers and without some of them.

    `table` is of :func:`trdomics.evaluation.missing_layer_cost.missing_layer_cost_table`.
    """
    if len(table) < 2:
        return style.empty_figure("No cost of a missing layer: no patient has several layers.")
    figure = Figure(figsize=(WIDTH, 1.3 + 0.36 * len(table)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    position = np.arange(len(table))
    whole = (table["n_missing"] == 0).to_numpy()
    colours = np.where(whole, style.VERMILION, style.BLUE)
    left.hlines(position, table["auroc_low"], table["auroc_high"], colors=colours)
    left.scatter(table["auroc"], position, c=colours, zorder=3)
    left.axvline(table["auroc"][whole].iloc[0], color=style.VERMILION, linewidth=0.8, linestyle=":")
    for axes in (left, right):
        axes.margins(x=0.08)
    left.set_xlabel("AUROC (95 % interval)")
    fewer = table[~whole]
    right.hlines(position[~whole], fewer["loss_low"], fewer["loss_high"], color=style.BLUE)
    right.plot(fewer["loss"], position[~whole], "o", color=style.BLUE)
    right.axvline(0, color="black", linewidth=0.8, linestyle=":")
    known = fewer["loss_low"].notna().any()
    right.set_xlabel("AUROC lost (95 % interval)" if known else "AUROC lost (no intervals)")
    names = [
        "all layers" if row == NOTHING else "without " + ", ".join(map(display_name, named(row)))
        for row in table["layers_missing"]
    ]
    left.set_yticks(position, names)
    left.invert_yaxis()
    right.tick_params(axis="y", left=False)
    return figure


def learning_curve_figure(table: pd.DataFrame, n_patients: int) -> Figure:
    """Draw the AUROC by number of training patients, and its extrapolation.

    Parameters
    ----------
    table : DataFrame
        Of :func:`trdomics.evaluation.learning_curve.curve_table`.
    """
    measured = table[table["kind"] == MEASURED]
    law = table[table["kind"] != MEASURED]
    if law.empty:
        reasons = measured["reason"].dropna()
        return style.empty_figure(
            f"No learning curve: {reasons.iloc[0] if len(reasons) else 'no fits'}."
        )
    figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.fill_between(law["n_train"], law["lower"], law["upper"], color=style.BLUE, alpha=0.15)
    for kind, line in ((FITTED, "-"), (EXTRAPOLATED, "--")):
        part = law[law["kind"] == kind]
        axes.plot(part["n_train"], part["auroc"], line, color=style.BLUE)
    reach = measured[["lower", "upper"]].sub(measured["auroc"], axis=0).abs().to_numpy().T
    axes.errorbar(measured["n_train"], measured["auroc"], reach, fmt="o", color=style.VERMILION)
    for n, name in ((n_patients, "this cohort"), (2 * n_patients, "twice as many")):
        axes.axvline(n, color=style.GREY, linewidth=0.8, linestyle=":")
        where = ("data", "axes fraction")
        axes.annotate(f" {name}", (n, 0.03), xycoords=where, color=style.GREY, fontsize=9)
    axes.set(xlabel="training patients", ylabel="AUROC (95 % interval)", xlim=(0, None))
    return figure
