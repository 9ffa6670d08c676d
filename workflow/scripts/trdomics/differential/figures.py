"""Figures of a differential test."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from trdomics.differential.summary import NULL_ABOVE, share_null
from trdomics.style import GREY, LABEL_COLOURS, shortened

NOT_SIGNIFICANT = "#C4C4C4"
N_LABELS = 12
N_BEST = 5
LONGEST_NAME = 22
CHARACTER_WIDTH = 0.0145  # width of a letter, as a share of the volcano's width
HEIGHT_CAP = 300.0  # approximately −log10 of the smallest positive double


def colours(results: pd.DataFrame, effect: str, fdr: float) -> np.ndarray:
    """Return each feature's colour: higher in either group, or not significant."""
    significant = (results["padj"] < fdr).to_numpy()
    higher = (results[effect] > 0).to_numpy()
    return np.where(
        significant, np.where(higher, LABEL_COLOURS[1], LABEL_COLOURS[0]), NOT_SIGNIFICANT
    )


def ma_figure(
    results: pd.DataFrame, fdr: float, groups: Sequence[str], *, base_label: str, log_base: bool
) -> Figure:
    """Draw the difference against the mean, as estimated and, if available, shrunken.

    Parameters
    ----------
    results : DataFrame
        With ``base_mean``, ``log2_fold_change``, ``padj`` and optionally
        ``log2_fold_change_shrunken``.
    base_label : str
        Label of the mean.
    log_base : bool
        Whether the mean has a logarithmic axis.
    """
    panels = {"log2_fold_change": "as estimated"}
    if "log2_fold_change_shrunken" in results.columns:
        panels["log2_fold_change_shrunken"] = "shrunken"
    shown = results[results["log2_fold_change"].notna()]
    if log_base:
        shown = shown[shown["base_mean"] > 0]
    limit = _limit(shown["log2_fold_change"])
    figure = Figure(figsize=(3.3 * len(panels), 3.4), layout="constrained")
    for axes, (column, title) in zip(
        np.atleast_1d(figure.subplots(1, len(panels), sharex=True, sharey=True)),
        panels.items(),
        strict=True,
    ):
        _scatter_clipped(axes, shown, column, limit, colours(shown, "log2_fold_change", fdr))
        axes.axhline(0, color="black", linewidth=0.8)
        axes.set_title(title)
        axes.set_xlabel(base_label)
        axes.set_ylim(-1.05 * limit, 1.05 * limit)
        if log_base and len(shown):
            axes.set_xscale("log")
    figure.axes[0].set_ylabel(f"log2 fold change, {groups[0]} / {groups[1]}")
    _legend(figure, shown, "log2_fold_change", fdr, groups)
    return figure


def volcano_figure(
    results: pd.DataFrame,
    fdr: float,
    groups: Sequence[str],
    *,
    effect: str,
    label: str,
    effect_label: str,
    direction: str = "higher in",
) -> Figure:
    """Draw significance against effect; the features with the smallest p-values are labelled.

    At most twelve on each side if any passes `fdr`, otherwise five in total.

    Parameters
    ----------
    results : DataFrame
        With `effect`, ``pvalue``, ``padj`` and the names in `label`.
    effect : str
        The column of the horizontal axis. Infinite effects are at the edge.
    direction : str
        Text before a group's name in the legend.
    """
    shown = results[results[effect].notna() & results["pvalue"].notna()].copy()
    limit = _limit(shown[effect], wild=4)
    shown["height"] = np.minimum(-np.log10(shown["pvalue"].clip(lower=1e-300)), HEIGHT_CAP)
    figure = Figure(figsize=(6.4, 4.6), layout="constrained")
    axes = figure.subplots()
    shown["across"] = shown[effect].clip(-limit, limit)
    axes.scatter(
        shown["across"],
        shown["height"],
        c=colours(shown, effect, fdr),
        s=7 if len(shown) > 1000 else 16,
        linewidths=0,
        alpha=0.8,
        rasterized=True,
    )
    top = shown["height"].max() * 1.05 if len(shown) else 1.0
    axes.set_ylim(0, max(top, 1.0))
    significant = shown[shown["padj"] < fdr]
    if len(significant):
        axes.axhline(significant["height"].min(), color=GREY, linewidth=0.8, linestyle=":")
    # if nothing passes, the best few are labelled all the same
    best_few = significant if len(significant) else shown.nsmallest(N_BEST, "pvalue")
    # labels are in the margin, so that they cover neither points nor each other
    named = {}
    for side in (-1, 1):
        of_side = best_few[np.sign(best_few[effect]) == side].copy()
        of_side["outer"] = -of_side[effect].abs()
        best = of_side.sort_values(["pvalue", "outer", label], kind="stable").head(N_LABELS)
        named[side] = best.assign(
            name=best[label].astype(str).map(lambda name: shortened(name, LONGEST_NAME))
        )
    longest = max((len(name) for best in named.values() for name in best["name"]), default=0)
    width = 1.22 * limit / (1 - 2 * min(longest * CHARACTER_WIDTH, 0.32))
    axes.set_xlim(-width, width)
    for side, best in named.items():
        _names_in_margin(axes, best, side, 1.2 * limit)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_xlabel(effect_label)
    axes.set_ylabel("−log10 p-value")
    ticks = MaxNLocator(nbins=5, symmetric=True).tick_values(-limit, limit)
    axes.set_xticks([tick for tick in ticks if abs(tick) <= limit * 1.001])
    _legend(figure, shown, effect, fdr, groups, direction)
    return figure


def pvalue_figure(results: pd.DataFrame) -> Figure:
    """Draw the histogram of p-values, with the estimated level of null features."""
    pvalues = results["pvalue"].dropna().to_numpy(float)
    n_bins = int(np.clip(len(pvalues) // 25, 10, 40))
    figure = Figure(figsize=(4.8, 3.3), layout="constrained")
    axes = figure.subplots()
    axes.hist(pvalues, bins=n_bins, range=(0, 1), color=GREY, edgecolor="white", lw=0.4)
    null = share_null(pvalues)
    if null is not None:
        axes.axhline(null * len(pvalues) / n_bins, color=LABEL_COLOURS[1], linestyle="--")
        axes.set_title(f"{null:.0%} of {len(pvalues):,} without a difference (estimate)")
    axes.set_xlim(0, 1)
    axes.axvline(NULL_ABOVE, color="black", linewidth=0.6, linestyle=":")
    axes.set_xlabel("p-value")
    axes.set_ylabel("features")
    return figure


def forest_figure(results: pd.DataFrame, fdr: float, groups: Sequence[str]) -> Figure:
    """Draw the odds ratios, with 95 % intervals, of the features with the smallest p-values.

    An arrow at the edge is an interval beyond it, or without a point, an odds ratio beyond it.
    """
    best = results[results["pvalue"].notna()].sort_values(["pvalue", "feature"], kind="stable")
    best = best.head(20).iloc[::-1]
    finite = best[["log_odds_ratio", "lower", "upper"]].to_numpy(float)
    finite = finite[np.isfinite(finite)]
    edge = 1.1 * float(np.abs(finite).max()) if len(finite) else 1.0
    figure = Figure(figsize=(6.0, 1.4 + 0.24 * max(len(best), 4)), layout="constrained")
    axes = figure.subplots()
    where = np.arange(len(best))
    shade = colours(best, "log_odds_ratio", fdr)
    ratios = np.exp(best[["log_odds_ratio", "lower", "upper"]].clip(-edge, edge))
    axes.hlines(where, ratios["lower"], ratios["upper"], color=shade, linewidth=2)
    beyond = (best["log_odds_ratio"].abs() > edge).to_numpy()
    axes.scatter(ratios["log_odds_ratio"][~beyond], where[~beyond], color=shade[~beyond], s=26)
    # beyond the axis: an infinite odds ratio or the end of an interval
    for end, marker, sign in (("lower", "<", -1), ("upper", ">", 1)):
        past = (sign * best[end] > edge).to_numpy()
        axes.scatter(
            ratios[end][past], where[past], color=shade[past], marker=marker, s=40, clip_on=False
        )
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xlim(np.exp(-edge), np.exp(edge))
    axes.xaxis.set_major_locator(LogLocator(10, subs=(1, 2, 5) if edge < np.log(100) else (1,)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    shown = best[["feature", "carriers_positive", "carriers_negative"]]
    axes.set_yticks(where, [f"{name}  {p}/{n}" for name, p, n in shown.itertuples(index=False)])
    axes.set_ylim(-0.7, max(len(best), 4) - 0.3)
    axes.set_xlabel(f"odds ratio of {groups[0]} for carriers (95 % interval)")
    axes.set_title(f"carriers: {groups[0]}/{groups[1]}", loc="left", fontsize=9)
    if not len(best):
        axes.text(1, 1.5, "no feature was tested", ha="center")
    return figure


def _limit(effects: pd.Series, wild: float = 1.3) -> float:
    """Return a symmetric axis limit that excludes few estimates or none.

    Estimates beyond `wild` times the value exceeded by 0.25 % of them are excluded.
    """
    finite = np.abs(effects[np.isfinite(effects)])
    if finite.empty:
        return 1.0
    return float(max(min(np.quantile(finite, 0.9975) * wild, finite.max() * 1.05), 0.1))


def _scatter_clipped(
    axes: Axes, shown: pd.DataFrame, column: str, limit: float, shade: np.ndarray
) -> None:
    """Draw points, and triangles at the edge for those beyond it; significant ones on top."""
    clipped = shown[column].clip(-limit, limit).to_numpy()
    beyond = np.abs(shown[column].to_numpy()) > limit
    grey = shade == NOT_SIGNIFICANT
    for marker, chosen in (
        (".", ~beyond),
        ("^", beyond & (clipped > 0)),
        ("v", beyond & (clipped < 0)),
    ):
        for layer in (grey, ~grey):
            now = chosen & layer
            axes.scatter(
                shown["base_mean"].to_numpy()[now],
                clipped[now],
                c=shade[now],
                marker=marker,
                s=(9 if marker == "." else 14) * (1 if len(shown) > 1000 else 3),
                linewidths=0,
                alpha=0.8,
            )


def _names_in_margin(axes: Axes, best: pd.DataFrame, side: int, margin: float) -> None:
    """Write labels in a column beside the points, each connected to its point by a thin line."""
    if best.empty:
        return
    top = axes.get_ylim()[1]
    spacing = top / 17
    # among points at one height the outermost has the lowest label, so that no lines cross
    best = best.sort_values(["height", "outer"], kind="stable")
    heights = best["height"].to_numpy(float)
    spread = heights.copy()
    for i in range(1, len(spread)):
        spread[i] = max(spread[i], spread[i - 1] + spacing)
    # labels pushed over the top are moved down again, pushing those below
    spread[-1] = min(spread[-1], top - spacing / 2)
    for i in range(len(spread) - 2, -1, -1):
        spread[i] = min(spread[i], spread[i + 1] - spacing)
    for name, across, height, level in zip(
        best["name"], best["across"], heights, spread, strict=True
    ):
        places = [across, side * margin * 0.96, side * margin]
        axes.plot(places, [height, level, level], color=GREY, linewidth=0.5)
        aligned = "left" if side > 0 else "right"
        axes.text(side * margin * 1.02, level, name, ha=aligned, va="center", fontsize=8)


def _legend(
    figure: Figure,
    shown: pd.DataFrame,
    effect: str,
    fdr: float,
    groups: Sequence[str],
    direction: str = "higher in",
) -> None:
    significant = shown["padj"] < fdr
    counts = [
        (LABEL_COLOURS[0], f"{direction} {groups[1]}", significant & (shown[effect] < 0)),
        (LABEL_COLOURS[1], f"{direction} {groups[0]}", significant & (shown[effect] > 0)),
        (NOT_SIGNIFICANT, f"adjusted p ≥ {fdr:g} or none", ~significant),
    ]
    handles = [
        figure.axes[0].scatter([], [], c=colour, s=20, label=f"{text}: {int(chosen.sum()):,}")
        for colour, text, chosen in counts
    ]
    figure.legend(
        handles=handles, loc="outside lower center", ncols=3, handletextpad=0.2, columnspacing=1.2
    )
