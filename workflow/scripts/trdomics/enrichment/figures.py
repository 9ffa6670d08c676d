"""Figures of enriched sets, signatures and targets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from trdomics.enrichment.signatures import COMPOSITES
from trdomics.style import BLUE, LABEL_COLOURS, empty_figure, set_style, shortened

NOT_SIGNIFICANT = "#B4B4B4"
MAX_ROWS = 24
LONGEST_NAME = 44


def _rows(n: int) -> tuple[Figure, Axes]:
    set_style()
    figure = Figure(figsize=(6.6, 1.4 + 0.25 * max(n, 3)), layout="constrained")
    axes = figure.subplots()
    axes.set_ylim(n - 0.4, -0.6)
    axes.axvline(0, color="black", linewidth=0.8)
    return figure, axes


def _colours(effect: pd.Series, adjusted: pd.Series, fdr: float) -> np.ndarray:
    return np.where(
        adjusted < fdr, np.where(effect > 0, LABEL_COLOURS[1], LABEL_COLOURS[0]), NOT_SIGNIFICANT
    )


def _right(axes: Axes, texts: Sequence[str], heading: str) -> None:
    """Write a column of text to the right of the rows."""
    transform = axes.get_yaxis_transform()
    for y, text in enumerate(texts):
        axes.text(1.03, y, text, transform=transform, va="center", fontsize=8)
    axes.text(1.03, -1.0, heading, transform=transform, va="center", fontsize=8, weight="bold")


def _legend(
    figure: Figure, entries: Sequence[tuple[str, str]], extra: Sequence[Any] = (), ncols: int = 3
) -> None:
    handles = [
        Line2D([], [], color=colour, marker="o", linestyle="", label=text)
        for colour, text in entries
    ]
    figure.legend(
        handles=[*handles, *extra], loc="outside lower center", ncols=ncols, handletextpad=0.3
    )


def _p(value: float) -> str:
    if not np.isfinite(value):
        return "  –  "
    return f"{value:.3f}" if value >= 0.001 else f"{value:.0e}"


def _points(
    axes: Axes, across: np.ndarray, where: np.ndarray, shade: np.ndarray, filled: np.ndarray
) -> None:
    """Draw points; hollow if significant only for independent genes, or not at all."""
    for chosen, face in ((filled, shade), (~filled, np.full(len(where), "white"))):
        axes.scatter(
            across[chosen],
            where[chosen],
            facecolor=face[chosen],
            edgecolor=shade[chosen],
            s=42,
            zorder=3,
            linewidth=1.6,
        )


def _hollow() -> Line2D:
    text = "hollow: not significant if genes are correlated"
    return Line2D([], [], color="black", marker="o", linestyle="", mfc="white", label=text)


def enrichment_figure(table: pd.DataFrame, fdr: float, groups: Sequence[str]) -> Figure:
    """Draw the sets with the strongest normalised enrichment scores.

    `table` is of :func:`trdomics.enrichment.ranked.enrichment`.
    """
    tested = table[table["nes"].notna()]
    if tested.empty:
        reasons = table["reason"].dropna()
        return empty_figure(
            "No gene set was tested: " + (reasons.mode()[0] if len(reasons) else "there is none")
        )
    order = tested.assign(size_of=tested["nes"].abs())
    best = order.sort_values(
        ["fdr_correlated", "fdr", "size_of"], ascending=[True, True, False], kind="stable"
    )
    best = best.head(MAX_ROWS).sort_values("nes", ascending=False, kind="stable")
    figure, axes = _rows(len(best))
    where = np.arange(len(best))
    robust = (best["fdr_correlated"] < fdr).to_numpy()
    either = best["fdr"].where(~robust, 0.0)
    shade = _colours(best["nes"], either, fdr)
    axes.hlines(where, 0, best["nes"], color=shade, linewidth=2)
    _points(axes, best["nes"].to_numpy(), where, shade, robust)
    axes.set_yticks(
        where, [shortened(name, LONGEST_NAME) for name in best["set"].str.replace("_", " ")]
    )
    axes.set_xlabel(f"normalised enrichment score ({groups[1]} ← → {groups[0]})")
    shown = best["fdr_correlated"].map(_p)
    texts = [f"{q}  {n:>3}" for q, n in zip(shown, best["size"], strict=True)]
    _right(axes, texts, "FDR  genes")
    _legend(
        figure,
        [
            (LABEL_COLOURS[0], f"higher in {groups[1]}"),
            (LABEL_COLOURS[1], f"higher in {groups[0]}"),
            (NOT_SIGNIFICANT, f"FDR ≥ {fdr:g}"),
        ],
        [_hollow()],
        ncols=2,
    )
    return figure


def signature_figure(effects: pd.DataFrame, fdr: float, groups: Sequence[str]) -> Figure:
    """Draw every signature's adjusted difference with its 95 % interval.

    `effects` is of :func:`trdomics.enrichment.signatures.signature_effects`.
    """
    shown = effects[effects["difference"].notna()]
    if shown.empty:
        reasons = effects["reason"].dropna()
        why = reasons.mode()[0] if len(reasons) else "there are no curated sets"
        return empty_figure(f"No signature was compared: {why}")
    first = shown["set"].isin(COMPOSITES)
    rest = shown[~first].sort_values("difference", ascending=False, kind="stable")
    shown = pd.concat([shown[first], rest])
    figure, axes = _rows(len(shown))
    where = np.arange(len(shown))
    # the overall score is a separate test
    adjusted = shown["padj"].where(~shown["set"].isin(COMPOSITES), shown["pvalue"])
    shade = _colours(shown["difference"], adjusted, fdr)
    axes.hlines(where, shown["lower"], shown["upper"], color=shade, linewidth=2)
    axes.scatter(shown["difference"], where, color=shade, s=36, zorder=3)
    axes.set_yticks(where, shown["set"])
    if first.any():
        axes.axhline(0.5, color="black", linewidth=0.5, linestyle=":")
        axes.get_yticklabels()[0].set_fontweight("bold")
    axes.set_xlabel(f"difference {groups[0]} − {groups[1]}, in SD of the score (95 % interval)")
    _right(axes, [f"{n}" for n in shown["genes"]], "genes")
    _legend(
        figure,
        [
            (LABEL_COLOURS[0], f"lower in {groups[0]}"),
            (LABEL_COLOURS[1], f"higher in {groups[0]}"),
            (NOT_SIGNIFICANT, f"adjusted p ≥ {fdr:g}"),
        ],
    )
    return figure


def target_figure(table: pd.DataFrame, fdr: float, reason: str | None) -> Figure:
    """Draw the targets' mean correlation with each miRNA beside that of random sets.

    `table` is of :func:`trdomics.enrichment.anticorrelation.anticorrelation`.
    """
    tested = table[table["pvalue"].notna()]
    if tested.empty:
        return empty_figure(f"No miRNA was tested: {reason or table['reason'].mode()[0]}")
    best = tested.sort_values(["pvalue", "mean_r"], kind="stable").head(MAX_ROWS)
    figure, axes = _rows(len(best))
    where = np.arange(len(best))
    shade = np.where(best["padj"] < fdr, BLUE, NOT_SIGNIFICANT)
    robust = ((best["padj"] < fdr) & (best["padj_correlated"] < fdr)).to_numpy()
    axes.hlines(where, best["expected_r"], best["mean_r"], color=shade, linewidth=2)
    _points(axes, best["mean_r"].to_numpy(), where, shade, robust)
    axes.scatter(best["expected_r"], where, color="black", marker="|", s=60, zorder=3)
    axes.set_yticks(where, best["mirna"])
    axes.set_xlabel("mean partial correlation of a miRNA's targets with it")
    texts = [f"{q}  {n:>3}" for q, n in zip(best["padj"].map(_p), best["targets"], strict=True)]
    _right(axes, texts, "adj. p  targets")
    bar = Line2D([], [], color="black", marker="|", linestyle="", label="random sets")
    _legend(
        figure,
        [(BLUE, f"anti-correlated, adjusted p < {fdr:g}"), (NOT_SIGNIFICANT, "not")],
        [bar, _hollow()],
        ncols=2,
    )
    return figure
