"""Figures of the classification, drawn from its tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from trdomics import style
from trdomics.classification.feature_sets import SELECTED
from trdomics.evaluation.contributions import group_means
from trdomics.evaluation.decision_curve import TREAT_ALL, TREAT_NONE
from trdomics.evaluation.importance import TOP, model_name
from trdomics.evaluation.permutation_null import OBSERVED, null_test
from trdomics.intervals import with_interval
from trdomics.names import display_name

ROLE_COLOURS = {
    SELECTED: style.VERMILION,
    "candidate": style.BLUE,
    "baseline": style.GREY,
    "circular": style.PURPLE,
}
ROLE_NAMES = {
    SELECTED: "all sets, weighted (headline)",
    "candidate": "candidate",
    "baseline": "baseline",
    "circular": "with circular predictors (not a prediction)",
}
WIDTH = 6.4


def _axes(height: float) -> tuple[Figure, Axes]:
    """Return a figure that is not in pyplot's registry, with one axes."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.subplots()


def performance_figure(performance: pd.DataFrame) -> Figure:
    """Draw the AUROC of every feature set with its interval, the headline first.

    `performance` is of :func:`trdomics.evaluation.bootstrap.performance_table`.
    """
    rows = performance[performance["metric"] == "auroc"].copy()
    # by role, not by value: if sorted by value, the best of many would look like the result
    order = {role: position for position, role in enumerate(ROLE_COLOURS)}
    rows["order"] = rows["role"].map(order)
    rows = rows.sort_values("order", kind="stable", ignore_index=True)
    figure, axes = _axes(1.4 + 0.32 * len(rows))
    # a gap between roles
    ticks = np.arange(len(rows)) + 0.6 * (rows["order"].diff().fillna(0) > 0).cumsum()
    for position, (_, row) in zip(ticks, rows.iterrows(), strict=True):
        colour = ROLE_COLOURS[row["role"]]
        if np.isnan(row["value"]):
            axes.text(0.5, position, f" {row['reason']}", va="center", fontsize=8, color=colour)
        else:
            axes.hlines(position, row["lower"], row["upper"], color=colour, linewidth=2)
            axes.plot(
                row["value"],
                position,
                marker="D" if row["role"] == SELECTED else "o",
                markersize=8 if row["role"] == SELECTED else 6.5,
                markeredgecolor=colour,
                markerfacecolor="white" if row["role"] == "circular" else colour,
                markeredgewidth=1.5,
            )
            axes.annotate(
                with_interval(row["value"], row["lower"], row["upper"]),
                (1.01, position),
                xycoords=("axes fraction", "data"),
                va="center",
                fontsize=9,
                fontweight="bold" if row["role"] == SELECTED else "normal",
            )
    axes.axvline(0.5, color="black", linewidth=0.8, linestyle=":")
    axes.set_yticks(ticks, [display_name(name) for name in rows["feature_set"]])
    axes.set_ylim(ticks.max() + 0.6, -0.6)
    low = np.nanmin([0.45, *rows["lower"], *rows["value"]])
    # slightly beyond 1, or the marker of a perfect AUROC is cut off
    axes.set_xlim(max(0.0, low - 0.02), 1.015)
    axes.set_xlabel("AUROC in patients not seen in training (95 % interval)")
    handles = [
        Line2D(
            *([], []),
            color=colour,
            marker="D" if role == SELECTED else "o",
            markerfacecolor="white" if role == "circular" else colour,
            label=ROLE_NAMES[role],
        )
        for role, colour in ROLE_COLOURS.items()
        if role in set(rows["role"])
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=2, fontsize=8.5)
    return figure


def null_figure(null: pd.DataFrame) -> Figure:
    """Draw the AUROC under permuted labels, and with the true labels under the same models.

    `null` is of :func:`trdomics.evaluation.permutation_null.null_distribution`.
    """
    test = null_test(null)
    values = null.loc[null["permutation"] != OBSERVED, "auroc"].dropna()
    if values.empty:
        return style.empty_figure(f"No null distribution: {test['reason']}.")
    figure, axes = _axes(3.4)
    # as many bins as the number of values allows
    bins = int(np.clip(len(values) // 3, 5, 30))
    axes.hist(values, bins=bins, color=style.GREY, edgecolor="white", label="labels permuted")
    axes.axvline(0.5, color="black", linewidth=0.8, linestyle=":", label="no discrimination")
    observed = float(test["observed"])
    if not np.isnan(observed):
        text = f"true labels, same models: {observed:.2f} (p = {float(test['pvalue']):.2g})"
        axes.axvline(observed, color=style.VERMILION, linewidth=2.2, label=text)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("AUROC of one whole repeat of the nested cross-validation")
    axes.set_ylabel(f"permutations (of {len(values)})")
    figure.legend(loc="outside upper center", ncols=1)
    return figure


def calibration_figure(
    calibration: pd.DataFrame, performance: pd.DataFrame, feature_set: str = SELECTED
) -> Figure:
    """Draw observed against predicted shares, above the distribution of the predictions.

    `calibration` is of :func:`trdomics.evaluation.calibration_curve.calibration_table`; slope,
    intercept and Brier score in the corner are from `performance`.
    """
    rows = calibration[calibration["feature_set"] == feature_set]
    curve = rows[rows["part"] == "curve"]
    histogram = rows[rows["part"] == "histogram"]
    figure = Figure(figsize=(5.2, 5.8), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    top.plot([0, 1], [0, 1], color="black", linewidth=0.8, linestyle=":", label="ideal")
    top.errorbar(
        curve["predicted"],
        curve["observed"],
        yerr=[curve["observed"] - curve["lower"], curve["upper"] - curve["observed"]],
        color=style.VERMILION,
        marker="D",
        markersize=6,
        linewidth=1.5,
        elinewidth=1,
        label="eighths of the predictions, 95 % interval",
    )
    values = performance[performance["feature_set"] == feature_set].set_index("metric")
    lines = []
    for metric, name in (
        ("calibration_slope", "slope"),
        ("calibration_intercept", "intercept"),
        ("brier", "Brier score"),
    ):
        value, lower, upper = map(float, values.loc[metric, ["value", "lower", "upper"]])
        shown = ": not computable" if np.isnan(value) else " " + with_interval(value, lower, upper)
        lines.append(name + shown)
    top.text(
        0.98, 0.03, "\n".join(lines), transform=top.transAxes, ha="right", va="bottom", fontsize=9
    )
    top.set_ylim(-0.02, 1.02)
    # slightly beyond 0 and 1, or the markers there are cut off
    top.set_xlim(-0.02, 1.02)
    top.set_ylabel("observed share of positive patients")
    top.legend(loc="upper left")
    width = 1 / len(histogram) * 0.9
    for side, name, colour in ((1, "positive", style.POSITIVE), (-1, "negative", style.NEGATIVE)):
        bottom.bar(histogram["predicted"], side * histogram[name], width, color=colour, label=name)
    bottom.axhline(0, color="black", linewidth=0.6)
    bottom.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    bottom.yaxis.set_major_formatter(lambda value, _: f"{abs(value):.0f}")
    bottom.set_ylabel("patients")
    bottom.set_xlabel("predicted probability, at the cohort's prevalence")
    # room for the legend above the tallest bar
    bottom.set_ylim(top=1.0 + 1.7 * histogram["positive"].max())
    bottom.legend(loc="upper right", ncols=2, fontsize=8, borderaxespad=0)
    return figure


def decision_figure(decision: pd.DataFrame) -> Figure:
    """Draw net benefit against the threshold, in the cohort and at the target prevalence.

    There is one panel if both prevalences agree in per cent.

    `decision` is of :func:`trdomics.evaluation.decision_curve.decision_table`.
    """
    if decision.empty:
        return style.empty_figure("No decision curve: all patients are of one class.")
    shares = decision.groupby("population")["prevalence"].first()
    titles = {"cohort": "the cohort", "target": "the target population"}
    if f"{shares['cohort']:.0%}" == f"{shares['target']:.0%}":
        titles = {"cohort": "the cohort and the target population"}
    figure = Figure(figsize=(WIDTH, 3.9), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, len(titles), sharey=True))
    colours = {SELECTED: style.VERMILION, TREAT_ALL: "black", TREAT_NONE: "black"}
    dashes = {TREAT_ALL: "--", TREAT_NONE: ":"}
    others = [style.GREY, style.SKY, style.GREEN, style.ORANGE]
    for axes, (population, title) in zip(panels, titles.items(), strict=True):
        rows = decision[decision["population"] == population]
        spare = iter(others)
        for strategy, line in rows.groupby("strategy", sort=False):
            axes.plot(
                line["threshold"],
                line["net_benefit"],
                color=colours.get(str(strategy)) or next(spare),
                linestyle=dashes.get(str(strategy), "-"),
                linewidth=2.2 if strategy == SELECTED else 1.3,
                zorder=3 if strategy == SELECTED else 2,
                label=display_name(str(strategy)),
            )
        axes.set_title(f"{title}: {rows['prevalence'].iloc[0]:.0%} positive")
        axes.set_xlabel("threshold probability")
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.set_xlim(rows["threshold"].min(), rows["threshold"].max())
    panels[0].set_ylabel("net benefit")
    panels[0].set_ylim(-0.05, decision["net_benefit"].max() * 1.05)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3)
    return figure


def _feature_name(block: str, feature: str, blocks: Sequence[str]) -> str:
    """Name a feature; those of panels are named layer:feature."""
    if block == "clinical":
        return display_name(feature)
    layer, _, own = feature.partition(":")
    return f"{own} ({display_name(layer)})" if own and layer in blocks else feature


def importance_figure(importance: pd.DataFrame) -> Figure:
    """Draw the most important features and in how many splits they were among the top.

    `importance` is of :func:`trdomics.evaluation.importance.importance_table`.
    """
    rows = importance[importance["feature_set"] == SELECTED].head(TOP)
    if rows.empty:
        return style.empty_figure("No importances: the models used no feature.")
    figure = Figure(figsize=(WIDTH, 1.5 + 0.24 * max(len(rows), 4)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[2, 1])
    blocks = sorted(importance["block"].unique())
    colours = style.layer_colours(blocks)
    position = np.arange(len(rows))
    left.barh(position, rows["share"], color=[colours[block] for block in rows["block"]])
    signs = rows["direction"].map({1: "+", -1: "−", 0: ""})
    for y, share, sign in zip(position, rows["share"], signs, strict=True):
        left.annotate(sign, (share, y), (3, 0), textcoords="offset points", va="center")
    named = zip(rows["block"], rows["feature"], strict=True)
    left.set_yticks(position, [_feature_name(block, name, blocks) for block, name in named])
    left.invert_yaxis()
    left.margins(x=0.08)
    left.xaxis.set_major_locator(MaxNLocator(4))
    left.xaxis.set_major_formatter(PercentFormatter(1))
    left.set_xlabel("mean share of the importance")
    right.plot(rows["top20"], position, "o", color="black", markersize=5)
    right.hlines(position, 0, rows["top20"], color="black", linewidth=0.8)
    right.set_xlim(0, 1.04)
    right.xaxis.set_major_formatter(PercentFormatter(1))
    right.set_xlabel("splits with it\nin the top 20")
    right.tick_params(axis="y", left=False)
    handles = [
        Line2D([], [], marker="s", linestyle="", color=colours[block], label=display_name(block))
        for block in blocks
        if block in set(rows["block"])
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=4)
    return figure


def contributions_figure(table: pd.DataFrame) -> Figure:
    """Draw how far each kind of data moves the log odds, and towards which class.

    `table` is of :func:`trdomics.evaluation.contributions.contributions_table`; the 15 that move
    most are shown.
    """
    rows = group_means(table).head(15)
    if rows.empty:
        return style.empty_figure("No contributions: the models used no feature.")
    figure = Figure(figsize=(WIDTH, 1.5 + 0.26 * max(len(rows), 4)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    position = np.arange(len(rows))
    left.barh(position, rows["size"], color=style.GREY)
    left.set_yticks(position, [style.shortened(display_name(name), 32) for name in rows["group"]])
    left.invert_yaxis()
    left.set_xlabel("mean absolute contribution\n(log odds)")
    right.axvline(0, color="black", linewidth=0.8, linestyle=":")
    right.hlines(position, rows["negative"], rows["positive"], color=style.GREY, linewidth=1.2)
    for name, colour, marker in (
        ("negative", style.NEGATIVE, "o"),
        ("positive", style.POSITIVE, "D"),
    ):
        label = f"{name} patients"
        right.plot(rows[name], position, marker, color=colour, markersize=6, label=label)
    right.margins(x=0.08)
    right.set_xlabel("mean contribution\n(log odds)")
    right.tick_params(axis="y", left=False)
    for axes in (left, right):
        axes.xaxis.set_major_locator(MaxNLocator(4))
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def chosen_figure(chosen: pd.DataFrame) -> Figure:
    """Draw how often the inner loop chose which model for each feature set, and the set's weight.

    `chosen` is of :func:`trdomics.evaluation.importance.chosen_table`.
    """
    rows = chosen[chosen["n_features"].notna()]
    names = [model_name(*pair) for pair in zip(rows["model"], rows["n_features"], strict=True)]
    wide = rows.assign(name=names).pivot_table(
        index="feature_set", columns="name", values="share", aggfunc="sum", fill_value=0
    )
    figure, axes = _axes(1.5 + 0.28 * len(wide))
    left = np.zeros(len(wide))
    position = np.arange(len(wide))
    for name, colour in style.layer_colours(list(wide.columns)).items():
        axes.barh(position, wide[name], left=left, color=colour, label=display_name(name))
        left += wide[name].to_numpy()
    weights = rows.groupby("feature_set")["weight"].sum()
    axes.set_yticks(
        position, [f"{display_name(name)} ({weights[name]:.0%})" for name in wide.index]
    )
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("splits in which it was chosen (mean weight of the set)")
    figure.legend(loc="outside upper center", ncols=3)
    return figure
