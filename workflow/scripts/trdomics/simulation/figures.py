"""Figure of the recovery of the simulated cohort's factors."""

from __future__ import annotations

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from trdomics.style import DIVERGING


def draw_recovery(correlations: pd.DataFrame) -> Figure:
    """Draw the correlations of planted (rows) and found factors (columns) as a heat map."""
    n_planted, n_found = correlations.shape
    figure = Figure(figsize=(1.6 + 0.42 * n_found, 1.1 + 0.4 * n_planted), layout="constrained")
    axes = figure.subplots()
    shown = correlations.rename(
        index=lambda name: str(name).replace("_", " "),
        columns=lambda name: str(name).removeprefix("Factor"),
    )
    sns.heatmap(
        shown,
        ax=axes,
        vmin=-1,
        vmax=1,
        cmap=DIVERGING,
        # small ones only clutter
        annot=shown.map(lambda r: f"{r:.2f}" if abs(r) >= 0.3 else ""),
        fmt="",
        annot_kws={"size": 8},
        linewidths=0.5,
        cbar_kws={"label": "correlation", "ticks": [-1, 0, 1]},
    )
    axes.set(xlabel="MOFA factor", ylabel="planted factor")
    axes.tick_params(length=0)
    axes.tick_params(axis="y", rotation=0)
    return figure
