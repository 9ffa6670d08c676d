"""Common style of all figures: colours for colour-blind readers, readable text."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe & Ito's palette (jfly.uni-koeln.de/color), the usual choice for colour-blind readers.
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#E69F00", "#009E73", "#CC79A7"
SKY, VERMILION, GREY = "#56B4E9", "#D55E00", "#7F7F7F"
# Tol's wine in place of their yellow, which has a contrast of 1.3 with white
WINE = "#882255"
PALETTE = [BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, WINE, GREY]

NEGATIVE, POSITIVE, UNLABELLED = BLUE, VERMILION, GREY
LABEL_COLOURS = (NEGATIVE, POSITIVE)
DIVERGING = "vlag"
SEQUENTIAL = "mako_r"


def set_style() -> None:
    """Set the style of all subsequent figures."""
    mpl.use("Agg")
    sns.set_theme(
        context="notebook",
        style="ticks",
        palette=PALETTE,
        rc={
            "font.family": "DejaVu Sans",
            "font.size": 10,
            "axes.labelsize": 10,
            "axes.titlesize": 11,
            "xtick.labelsize": 9,
            "ytick.labelsize": 9,
            "legend.fontsize": 9,
            "legend.frameon": False,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "figure.dpi": 100,
            "svg.fonttype": "path",
            # labels come from users' sheets: "$HOME or $PATH" is not a formula
            "text.parse_math": False,
        },
    )


def layer_colours(layers: Sequence[str]) -> dict[str, str]:
    """Return the colour of every layer, in the order of the config."""
    return {layer: PALETTE[i % len(PALETTE)] for i, layer in enumerate(layers)}


def say(axes: Axes, text: str) -> None:
    """Print in place of a plot why there is none."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, text, ha="center", va="center", wrap=True, transform=axes.transAxes)


def empty_figure(text: str) -> Figure:
    """Return a figure that says why there is nothing to draw."""
    set_style()
    figure = Figure(figsize=(6.4, 1.6), layout="constrained")
    say(figure.subplots(), text)
    return figure


def shortened(name: str, length: int) -> str:
    """Shorten a name to fit beside an axis."""
    return name if len(name) <= length else name[: length - 1] + "…"
