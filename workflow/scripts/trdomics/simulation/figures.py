"""Figures of the recovery of the simulated cohort's truth."""

from __future__ import annotations

import numpy as np
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
        # small values are not printed
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


def draw_stations(
    found: pd.DataFrame, planted: pd.DataFrame, globins: pd.Series, planted_globins: pd.Series
) -> Figure:
    """Draw counts and shares of globins of a raw cohort's reads against the planted ones."""
    figure = Figure(figsize=(7.2, 3.4), layout="constrained")
    genes, shares = figure.subplots(1, 2)
    found = found.reindex(index=planted.index, columns=planted.columns).fillna(0)
    logs = (np.log2(table.to_numpy().ravel() + 1) for table in (planted, found))
    genes.plot(*logs, ".", markersize=2, alpha=0.3, rasterized=True)
    genes.set(
        xlabel="planted fragments, log2(n + 1)",
        ylabel="counted, log2(n + 1)",
        title=f"{len(planted)} genes in {planted.shape[1]} samples",
    )
    shares.plot(planted_globins, globins.reindex(planted_globins.index), "o", markersize=4)
    shares.set(
        xlabel="planted share of globins",
        ylabel="measured",
        title=f"{len(planted_globins)} samples",
    )
    for axes in (genes, shares):
        axes.axline((0, 0), slope=1, color="0.6", linewidth=0.8, zorder=0)
    return figure
