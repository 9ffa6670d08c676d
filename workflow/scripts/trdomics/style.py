"""One look for every figure: colours that colour-blind readers tell apart, readable text."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import seaborn as sns

# Okabe & Ito's palette (jfly.uni-koeln.de/color), the usual choice for colour-blind readers.
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#E69F00", "#009E73", "#CC79A7"
SKY, VERMILION, YELLOW, GREY = "#56B4E9", "#D55E00", "#F0E442", "#7F7F7F"
PALETTE = [BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, YELLOW, GREY]

NEGATIVE, POSITIVE, UNLABELLED = BLUE, VERMILION, GREY
LABEL_COLOURS = (NEGATIVE, POSITIVE)
DIVERGING = "vlag"
SEQUENTIAL = "mako_r"


def set_style() -> None:
    """Set the look of all figures drawn from here on."""
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
            # labels come from users' sheets: "$HOME or $PATH" is no formula
            "text.parse_math": False,
        },
    )


def layer_colours(layers: Sequence[str]) -> dict[str, str]:
    """Give every layer its colour, in the order of the config."""
    return {layer: PALETTE[i % len(PALETTE)] for i, layer in enumerate(layers)}
