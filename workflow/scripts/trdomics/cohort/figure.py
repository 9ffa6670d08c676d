"""Figure of layers by patient and label."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from trdomics.config_types import LabelConfig
from trdomics.names import display_name
from trdomics.style import LABEL_COLOURS, UNLABELLED, layer_colours

MAX_PATTERNS = 14


def layer_patterns(patients: pd.DataFrame, layers: list[str]) -> pd.DataFrame:
    """Count patients per combination of layers.

    Returns
    -------
    DataFrame, one row per combination that occurs, the most frequent first
        A column of bool per layer, then `negative`, `positive`, `unlabelled`.
    """
    label = patients["label"].astype(float)  # an integer column with NA compares to NA
    keys = [patients[f"in_{name}"].astype(bool).rename(name) for name in layers]
    counts = (
        pd.DataFrame({"negative": label == 0, "positive": label == 1, "unlabelled": label.isna()})
        .groupby(keys)
        .sum()
    )
    order = np.argsort(-counts.sum(axis=1).to_numpy(), kind="stable")
    return counts.iloc[order].reset_index()


def draw_layers(patients: pd.DataFrame, layers: list[str], label: LabelConfig) -> Figure:
    """Draw the combinations of layers as bars over a grid of dots (an UpSet plot)."""
    patterns = layer_patterns(patients, layers)
    shown = patterns.head(MAX_PATTERNS)
    columns = np.arange(len(shown))
    # few combinations need little space
    tall, rows = min(1.2 + 0.12 * len(shown), 2.4), 0.3 * len(layers) + 0.1
    figure = Figure(figsize=(6.4, 0.8 + tall + rows), layout="constrained")
    bars, grid = figure.subplots(2, 1, sharex=True, height_ratios=[tall, rows])
    bottom = np.zeros(len(shown))
    for kind, colour, name in (
        ("negative", LABEL_COLOURS[0], label["negative"]),
        ("positive", LABEL_COLOURS[1], label["positive"]),
        ("unlabelled", UNLABELLED, "no label"),
    ):
        if patterns[kind].any():
            bars.bar(columns, shown[kind], bottom=bottom, color=colour, label=name, width=0.7)
            bottom += shown[kind].to_numpy()
    for column, total in zip(columns, bottom, strict=True):
        bars.text(column, total, f"{total:.0f}", ha="center", va="bottom", fontsize=9)
    bars.set_ylabel("patients")
    bars.margins(y=0.2 / tall)
    bars.tick_params(bottom=False, labelbottom=False)
    figure.legend(loc="outside lower center", ncols=3)
    hidden = patterns.iloc[MAX_PATTERNS:]
    title = f"{len(patients)} patients by the layers they have"
    if len(hidden):
        rest = int(hidden[["negative", "positive", "unlabelled"]].to_numpy().sum())
        title += f" ({rest} in {len(hidden)} rarer combinations not shown)"
    bars.set_title(title, loc="left")
    _draw_grid(grid, shown, layers, patients)
    for axes in (bars, grid):
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _draw_grid(grid: Axes, shown: pd.DataFrame, layers: list[str], patients: pd.DataFrame) -> None:
    colours = layer_colours(layers)
    for row, name in enumerate(layers):
        present = shown[name].to_numpy(dtype=bool)
        columns = np.arange(len(shown))
        grid.scatter(columns[~present], np.full((~present).sum(), row), s=60, color="#E4E4E4")
        grid.scatter(columns[present], np.full(present.sum(), row), s=60, color=colours[name])
    totals = [int(patients[f"in_{name}"].sum()) for name in layers]
    names = [f"{display_name(name)} ({total})" for name, total in zip(layers, totals, strict=True)]
    grid.set_yticks(range(len(layers)), labels=names)
    grid.set_ylim(len(layers) - 0.5, -0.5)
    grid.set_xlim(-0.6, max(len(shown), 6) - 0.4)
    grid.tick_params(left=False, bottom=False, labelbottom=False)
    grid.spines[["left", "bottom"]].set_visible(False)
