"""Figures of a layer's quality."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

from trdomics.layers.types import layer_type
from trdomics.style import NEGATIVE, PALETTE, POSITIVE, UNLABELLED

# More groups than these cannot be distinguished by colour
_GROUPS = 7
# with more labels a figure is unreadable; qc.tsv has all names
_NAMES = 8


def label_groups(labels: pd.Series, positive: str, negative: str) -> pd.Series:
    """Return names of the classes (1, 0 or missing) as an ordered categorical."""
    named = labels.map({1: positive, 0: negative})
    order = [negative, positive] + (["no label"] if named.isna().any() else [])
    return pd.Series(pd.Categorical(named.fillna("no label"), order), labels.index)


def site_groups(sites: pd.Series) -> pd.Series:
    """Return sites as a categorical by size; those beyond the seven largest are "other"."""
    text = sites.astype(object).where(sites.notna(), "unknown").astype(str)
    sizes = text.value_counts()
    # by size, then by name, so that the order does not depend on the order of patients
    order = sorted(sizes.index, key=lambda name: (-sizes[name], name))
    if len(order) > _GROUPS:
        text = text.where(text.isin(order[:_GROUPS]), "other")
        order = [*order[:_GROUPS], "other"]
    return pd.Series(pd.Categorical(text, order), sites.index)


def _colours(groups: pd.Series, by_label: bool) -> dict[str, str]:
    names = list(groups.cat.categories)
    palette = [NEGATIVE, POSITIVE, UNLABELLED] if by_label else PALETTE
    return dict(zip(names, palette, strict=False))


def _scatter(
    axes: Axes, patients: pd.DataFrame, x: str, y: str, groups: pd.Series, by_label: bool
) -> None:
    for name, colour in _colours(groups, by_label).items():
        points = patients[groups == name]
        if points.empty:
            continue
        text = f"{name} ({len(points)})"
        axes.scatter(points[x], points[y], s=22, color=colour, alpha=0.75, lw=0, label=text)


def _ring_outliers(axes: Axes, patients: pd.DataFrame, x: str, y: str) -> None:
    """Ring the outliers; label the most extreme ones whose labels do not collide.

    The axes must have their scales already, since collisions depend on them.
    """
    drawn = patients[[x, y]].notna().all(axis=1)
    if axes.get_xscale() == "log":
        drawn &= patients[x] > 0
    flagged = patients[drawn & (patients["outlier"] == 1)]
    axes.scatter(flagged[x], flagged[y], s=60, facecolors="none", edgecolors="black", lw=0.9)
    shares = axes.transScale + axes.transLimits
    places = shares.transform(flagged[[x, y]].to_numpy(dtype=float))
    middle = shares.transform(patients[[x, y]].median().to_numpy(dtype=float)[None, :])
    named: list[np.ndarray] = []  # places of the names, as shares of the axes
    for i in np.argsort(-((places - middle) ** 2).sum(axis=1), kind="stable"):
        room = all(
            abs(dx) > 0.45 or abs(dy) > 0.07 for dx, dy in (place - places[i] for place in named)
        )
        if not room or len(named) == _NAMES:
            continue
        named.append(places[i])
        right = places[i][0] < 0.6
        axes.annotate(
            str(flagged.index[i]),
            (flagged[x].iloc[i], flagged[y].iloc[i]),
            textcoords="offset points",
            xytext=(6 if right else -6, 4),
            ha="left" if right else "right",
            fontsize=8,
            path_effects=[withStroke(linewidth=2, foreground="white")],
            zorder=5,
        )


def quality_figure(
    patients: pd.DataFrame, kind: str, labels: pd.Series, sites: pd.Series | None
) -> Figure:
    """Draw the layer's two main measures, and the first of them by site."""
    (x, x_label, x_log), (y, y_label) = layer_type(kind).axes
    figure, (left, right) = plt.subplots(1, 2, figsize=(6.4, 3.2), layout="constrained")
    left.set(xlabel=x_label, ylabel=y_label)
    left.margins(0.1)
    if x_log:
        left.set_xscale("log")
    _scatter(left, patients, x, y, labels, by_label=True)
    _ring_outliers(left, patients, x, y)
    if x_log:
        _plain_ticks(left.xaxis)
    groups = labels if sites is None else sites
    colours = _colours(groups, by_label=sites is None)
    names = [name for name in groups.cat.categories if (groups == name).any()]
    values = [patients.loc[groups == name, x].dropna().to_numpy() for name in names]
    boxes = right.boxplot(values, widths=0.55, showfliers=False, patch_artist=True)
    for box, name in zip(boxes["boxes"], names, strict=True):
        box.set(facecolor=colours[name], alpha=0.35, edgecolor="#444444")
    for line in [*boxes["medians"], *boxes["whiskers"], *boxes["caps"]]:
        line.set_color("#444444")
    for place, (points, name) in enumerate(zip(values, names, strict=True), start=1):
        across = place + _spread(len(points))
        right.scatter(across, points, s=8, color=colours[name], alpha=0.7, lw=0, zorder=3)
    right.set_xticks(range(1, len(names) + 1), names, rotation=40, ha="right")
    right.set(ylabel=x_label, xlabel="" if sites is None else "Site")
    if x_log:
        right.set_yscale("log")
        _plain_ticks(right.yaxis)
    _legend(figure, left)
    return figure


def _plain_ticks(axis: Axis) -> None:
    """Label 1 (over few decades also 2 and 5) of each decade, as 500 k or 2 M."""
    low, high = axis.get_view_interval()
    subs = (1, 2, 5) if high / low < 50 else (1,)
    axis.set_major_locator(LogLocator(subs=subs, numticks=8))
    axis.set_major_formatter(EngFormatter(sep="\N{THIN SPACE}"))
    axis.set_minor_formatter(NullFormatter())


def _spread(n_points: int) -> np.ndarray:
    """Return reproducible offsets that separate points of one group."""
    return 0.18 * np.sin(np.arange(n_points) * 2.399963)


def pca_figure(
    patients: pd.DataFrame,
    variance_explained: Sequence[float],
    labels: pd.Series,
    sites: pd.Series | None,
) -> Figure:
    """Draw PC1 and PC2 coloured by class and, if there are sites, by site."""
    panels = [("Class", labels, True)] + ([("Site", sites, False)] if sites is not None else [])
    figure, all_axes = plt.subplots(
        1, len(panels), figsize=(3.2 * len(panels), 3.9), layout="constrained", squeeze=False
    )
    for axes, (title, groups, by_label) in zip(all_axes[0], panels, strict=True):
        axes.margins(0.1)
        _scatter(axes, patients, "pc1", "pc2", groups, by_label)
        _ring_outliers(axes, patients, "pc1", "pc2")
        shares = [*variance_explained, np.nan, np.nan]
        first, second = f"PC1 ({shares[0]:.0%} of variance)", f"PC2 ({shares[1]:.0%})"
        axes.set(xlabel=first, ylabel=second, title=title)
        spacing = {"handletextpad": 0.2, "columnspacing": 0.9}
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=2, **spacing)
    return figure


def _legend(figure: Figure, axes: Axes) -> None:
    handles, texts = axes.get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=len(texts), handletextpad=0.2)
