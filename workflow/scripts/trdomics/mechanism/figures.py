"""Figures of a mechanistic model: time courses, map, statements, sensitivity, virtual trial."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from trdomics.mechanism.simulation import Simulator
from trdomics.mechanism.specification import Specification
from trdomics.style import BLUE, GREY, PALETTE, SEQUENTIAL, VERMILION, set_style

DAY = 24.0


def courses_figure(simulator: Simulator) -> Figure:
    """Draw every readout over the days of treatment, in the conditions with the drug.

    Conditions that hold a readout at a value taken from another one are left out: they are there
    for the statements.
    """
    set_style()
    specification = simulator.specification
    shown = {n: c for n, c in specification.conditions.items() if c.drug and not c.take}
    readouts = [r for r in specification.readouts if r != "occupancy"]
    figure, axes = plt.subplots(1, len(readouts), figsize=(5.2 * len(readouts), 3.6), squeeze=False)
    for colour, condition in zip(PALETTE, shown.values(), strict=False):
        base, course = simulator.course(condition, simulator.defaults(), points=400)
        for axis, name in zip(axes[0], readouts, strict=True):
            days = [-2.0, 0.0, *(course.index[1:] / DAY)]
            values = [base[name], base[name], *course[name].iloc[1:]]
            axis.plot(days, values, color=colour, label=condition.label)
    for axis, name in zip(axes[0], readouts, strict=True):
        readout = specification.readouts[name]
        axis.axvline(0, color=GREY, linewidth=0.8, linestyle=":")
        axis.set(xlabel="day of treatment", ylabel=f"{readout.name} ({readout.unit})")
        axis.set_ylim(bottom=0)
    axes[0][0].legend()
    figure.tight_layout()
    return figure


def effect_map(specification: Specification, simulator: Simulator, steps: int = 7) -> pd.DataFrame:
    """Return the drug's effect over two parameters.

    Returns
    -------
    DataFrame, shape (steps, steps)
        Rows: the map's y parameter, columns: its x parameter, at equal steps.
    """
    x, y = specification.map["x"], specification.map["y"]
    of = (specification.map["readout"], specification.map["measure"])
    columns = np.linspace(x["low"], x["high"], steps)
    rows = np.linspace(y["low"], y["high"], steps)
    name = next(iter(specification.conditions))
    values = [
        [
            simulator.measure(
                {**simulator.defaults(), x["parameter"]: float(a), y["parameter"]: float(b)}, [name]
            )[name][of]
            for a in columns
        ]
        for b in rows
    ]
    return pd.DataFrame(values, rows.round(2), columns.round(2))


def map_figure(specification: Specification, effects: pd.DataFrame) -> Figure:
    """Draw :func:`effect_map` in per cent."""
    set_style()
    figure, axis = plt.subplots(figsize=(5.2, 4))
    readout = specification.readouts[specification.map["readout"]].name
    when = "at once" if specification.map["measure"].startswith("acute") else "at the end"
    shown = 100 * effects.iloc[::-1]
    sns.heatmap(
        shown,
        annot=True,
        fmt=".0f",
        cmap=SEQUENTIAL,
        ax=axis,
        annot_kws={"size": 8},
        cbar_kws={"label": f"rise of {readout}, {when} (%)"},
    )
    axis.set(xlabel=specification.map["x"]["label"], ylabel=specification.map["y"]["label"])
    axis.tick_params(axis="both", labelsize=8, rotation=0)
    figure.tight_layout()
    return figure


def statements_figure(statements: pd.DataFrame) -> Figure:
    """Draw the share of draws in which each statement holds."""
    set_style()
    figure, axis = plt.subplots(figsize=(7.6, 0.36 * len(statements) + 0.9))
    rows = statements.iloc[::-1]
    axis.barh(rows["statement"], 100 * rows["share"], color=BLUE, height=0.6)
    for place, share in enumerate(rows["share"]):
        axis.text(100 * share + 1, place, f"{100 * share:.0f} %", va="center", fontsize=9)
    axis.set(xlim=(0, 112), xlabel="draws in which it holds (%)")
    axis.set_xticks(range(0, 101, 25))
    figure.tight_layout()
    return figure


def sensitivity_figure(effects: pd.DataFrame, specification: Specification) -> Figure:
    """Draw Morris' mean absolute effects with their 95 % intervals."""
    set_style()
    rows = effects.iloc[::-1]
    figure, axis = plt.subplots(figsize=(5.6, 0.3 * len(rows) + 0.9))
    axis.barh(
        [specification.parameters[name].label for name in rows["parameter"]],
        100 * rows["mu_star"],
        xerr=100 * rows["mu_star_conf"],
        color=BLUE,
        ecolor=GREY,
        height=0.6,
    )
    axis.set_xlim(left=0)
    axis.set_xlabel("change of the response over the parameter's range\n(percentage points)")
    figure.tight_layout()
    return figure


def trial_figure(responses: pd.DataFrame, links: pd.DataFrame) -> Figure:
    """Draw the distribution of predicted responses and what each link contributes."""
    set_style()
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.4, 3.4), width_ratios=[1, 1.2])
    sns.histplot(x=100 * responses["predicted_response"], color=BLUE, ax=left, bins=20)
    left.set(xlabel="predicted rise of the readout (%)", ylabel="patients")
    rows = links.iloc[::-1]
    places = np.arange(len(rows))
    known = rows["contribution"].notna().to_numpy()
    right.axvline(0, color=GREY, linewidth=0.8)
    right.hlines(places[known], 100 * rows["lower"][known], 100 * rows["upper"][known], color=GREY)
    right.scatter(100 * rows["contribution"][known], places[known], color=VERMILION, zorder=3)
    labels = [
        f"{row['label']}\n{row['n_concerned']} of {row['n_measured']} patients"
        if row["n_measured"]
        else f"{row['label']}\nnot measurable here"
        for row in rows.to_dict("records")
    ]
    right.set_yticks(places, labels)
    right.set_ylim(-0.6, len(rows) - 0.4)
    right.set_xlabel("difference for the patients concerned (percentage points)")
    figure.tight_layout()
    return figure
