"""Figures of subtypes and their associations."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from trdomics.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PALETTE,
    PURPLE,
    SEQUENTIAL,
    VERMILION,
    empty_figure,
    say,
)
from trdomics.subtypes.associations import SYMBOLS

KIND_COLOURS = {
    "label": VERMILION,
    "covariate": BLUE,
    "site": GREEN,
    "technical": ORANGE,
    "profiled": PURPLE,
}
SHOWN = 20


def association_figure(associations: pd.DataFrame, title: str) -> Figure:
    """Draw the effect of each variable; significant ones are filled."""
    tested = associations[associations["effect"].notna()].head(SHOWN).iloc[::-1]
    figure = Figure(figsize=(6.4, 1.3 + 0.26 * max(len(tested), 3)), layout="constrained")
    axes = figure.subplots()
    figure.suptitle(title, fontsize=10, wrap=True)
    if tested.empty:
        say(axes, "nothing to associate")
        return figure
    where = np.arange(len(tested))
    colours = [KIND_COLOURS.get(kind, GREY) for kind in tested["kind"]]
    filled = (tested["padj"] < 0.05).to_numpy()
    axes.hlines(where, 0, tested["effect"], color=colours, linewidth=2)
    axes.scatter(
        tested["effect"],
        where,
        facecolors=[c if f else "white" for c, f in zip(colours, filled, strict=True)],
        edgecolors=colours,
        linewidths=1.5,
        s=36,
        zorder=3,
        clip_on=False,
    )
    names = [
        f"{row['variable']} ({SYMBOLS[row['effect_name']]})" for row in tested.to_dict("records")
    ]
    axes.set_yticks(where, names)
    axes.set_xlim(0, 1)
    axes.set_ylim(-0.6, len(tested) - 0.4)
    axes.set_xlabel("strength of the association: Cramér's V or η²")
    kinds = [kind for kind in KIND_COLOURS if kind in set(tested["kind"])]
    handles = [axes.scatter([], [], color=KIND_COLOURS[kind], s=30, label=kind) for kind in kinds]
    handles.append(
        axes.scatter([], [], facecolors="white", edgecolors=GREY, s=30, label="adjusted p ≥ 0.05")
    )
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def criterion_figure(selection: pd.DataFrame) -> Figure:
    """Draw the criterion by number of clusters, with that of a single cluster of the same shape."""
    single = selection[selection["k"] == 1].iloc[0]
    tested = selection[selection["criterion"].notna()]
    if tested.empty:
        return empty_figure(f"not tested: {single['reason']}")
    figure = Figure(figsize=(5.6, 3.6), layout="constrained")
    axes = figure.subplots()
    numbers = tested["k"].to_numpy(int)
    middle = tested["null"]
    axes.fill_between(
        numbers,
        middle - tested["null_upper"],
        middle - tested["null_lower"],
        color=GREY,
        alpha=0.3,
        linewidth=0,
        label="single cluster: 5 to 95 % of draws",
    )
    axes.plot(numbers, middle - tested["criterion"], "o-", color=BLUE, label="patients")
    chosen = tested[tested["chosen"] == 1]
    axes.scatter(
        chosen["k"], chosen["null"] - chosen["criterion"], s=130, facecolors="none",
        edgecolors=VERMILION, linewidths=2, zorder=3, label="chosen" if len(chosen) else None,
    )  # fmt: skip
    axes.axhline(0, color="black", linewidth=0.6)
    axes.set_xticks(numbers)
    axes.set_xlabel("number of clusters")
    axes.set_ylabel("tighter than a single cluster\n(gap of log sums of squares)")
    axes.set_title(f"single cluster: p = {single['p']:.2g} over all numbers")
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def consensus_figure(matrix: NDArray[np.floating], labels: pd.Series, title: str) -> Figure:
    """Draw how often two patients share a cluster, with patients in the order of the clusters."""
    codes, names = pd.factorize(labels, sort=True)
    within = np.array([matrix[i, codes == codes[i]].mean() for i in range(len(codes))])
    order = np.lexsort((-within, codes))
    figure = Figure(figsize=(5.6, 5.0), layout="constrained")
    strip, axes = figure.subplots(2, 1, height_ratios=[1, 24], sharex=True)
    extent = (0.0, float(len(codes)), float(len(codes)), 0.0)
    image = axes.imshow(
        matrix[np.ix_(order, order)], vmin=0, vmax=1, cmap=SEQUENTIAL, extent=extent, aspect="auto"
    )
    start = 0
    for code, name in enumerate(names):
        size = int((codes == code).sum())
        strip.barh(0.5, size, left=start, color=PALETTE[code % len(PALETTE)], height=1)
        strip.text(start + size / 2, 1.15, f"{name} ({size})", ha="center", va="bottom", fontsize=9)
        start += size
    strip.set_ylim(0, 1)
    strip.axis("off")
    axes.set_xlabel("patients")
    axes.set_ylabel("patients")
    figure.colorbar(
        image, ax=[strip, axes], label="clustered together, share of resamples", shrink=0.8
    )
    figure.suptitle(title, fontsize=11)
    return figure
