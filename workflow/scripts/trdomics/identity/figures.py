"""Figures of the identity checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from trdomics.identity.profile_matching import Match
from trdomics.names import display_name
from trdomics.style import BLUE, GREY, ORANGE, VERMILION, empty_figure

# A figure with more labels is unreadable; the tables have all names.
_NAMES = 8
_PAIRS = 4
_SEX_COLOURS = {"female": ORANGE, "male": BLUE, "not known": GREY}
# Lower scores are drawn at the edge.
_LOWEST = -40.0


def sex_figure(table: pd.DataFrame, layers: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw each layer's score by the sheet's sex; contradictions are ringed and labelled.

    `table` is ``sex.tsv``; `layers` are summaries, of which those with a `reason` are left out.
    """
    shown = [layer for layer in layers if not layer["reason"]]
    if not shown:
        reasons = "\n".join(f"{layer['layer']}: {layer['reason']}" for layer in layers)
        return empty_figure(f"No layer shows the sex.\n{reasons}")
    figure, axes = plt.subplots(
        1, len(shown), figsize=(min(3.4 * len(shown), 10) + 0.6, 3.6), squeeze=False
    )
    for ax, layer in zip(axes[0], shown, strict=True):
        part = table[table["layer"] == layer["layer"]]
        _sex_panel(ax, part, layer)
    return figure


def _sex_panel(ax: Axes, part: pd.DataFrame, layer: Mapping[str, Any]) -> None:
    recorded = part["sheet_sex"].fillna("not known")
    groups = [name for name in _SEX_COLOURS if (recorded == name).any()]
    for i, group in enumerate(groups):
        members = part[recorded == group]
        x = i + _spread(len(members))
        ax.scatter(x, members["score"], s=12, color=_SEX_COLOURS[group], alpha=0.7, lw=0)
        odd = (members["discordant"] == 1).to_numpy()
        _name(ax, x[odd], members["score"].to_numpy()[odd], members["patient_id"].to_numpy()[odd])
    for cut in (layer["low"], layer["high"]):
        ax.axhline(cut, color=GREY, lw=0.8, ls="--")
    ax.set_xticks(range(len(groups)), groups)
    ax.set_xlim(-0.6, len(groups) - 0.2)
    ax.set_xlabel("Sex in the sheet")
    ax.set_ylabel("Score (women high, men low)")
    ax.set_title(display_name(layer["layer"]))


def match_figure(matches: Mapping[tuple[str, str], Match]) -> Figure:
    """Draw scores of own and wrong pairs, and the own partner's ranks, where power is highest."""
    shown = sorted(matches.items(), key=lambda item: -item[1].summary["power"])[:_PAIRS]
    if not shown:
        return empty_figure("No two layers share enough patients\nto see whether they match.")
    figure, axes = plt.subplots(
        len(shown), 2, figsize=(8.6, 3.1 * len(shown)), squeeze=False, layout="constrained"
    )
    for row, ((first, second), match) in zip(axes, shown, strict=True):
        _score_panel(row[0], match)
        _rank_panel(row[1], match, first, second)
        power = match.summary["power"]
        row[0].set_title(
            f"{display_name(first)} and {display_name(second)}: detects {power:.0%} of swaps"
        )
        row[1].set_title(
            f"{len(match.summary['flagged'])} of {match.summary['n_patients']} flagged"
            if match.summary["usable"]
            else "too weak to flag anyone"
        )
    return figure


def _score_panel(ax: Axes, match: Match) -> None:
    values = match.scores.to_numpy()
    own = np.maximum(np.diag(values), _LOWEST)
    wrong = np.maximum(values[~np.eye(len(values), dtype=bool)], _LOWEST)
    ends = min(own.min(), wrong.min()), max(own.max(), wrong.max()) + 1e-9
    bins = np.linspace(*ends, 45).tolist()
    for scores, colour, text in ((wrong, GREY, "different patients"), (own, BLUE, "same patient")):
        weights = np.full(len(scores), 1 / len(scores))
        ax.hist(scores, bins, weights=weights, color=colour, alpha=0.65, label=text)
    ax.axvline(match.summary["threshold"], color=VERMILION, lw=1, ls="--", label="threshold")
    ax.set_xlabel("Score of a pair of profiles")
    ax.set_ylabel("Share of pairs")
    ax.legend(loc="upper center")


def _rank_panel(ax: Axes, match: Match, first: str, second: str) -> None:
    table = match.patients
    flagged = table["flagged"].to_numpy() == 1
    x, y = table["rank_first"].to_numpy(), table["rank_second"].to_numpy()
    ax.scatter(x[~flagged], y[~flagged], s=12, color=BLUE, alpha=0.5, lw=0)
    ax.scatter(x[flagged], y[flagged], s=16, color=VERMILION, lw=0)
    position = {name: (x[i], y[i]) for i, name in enumerate(table["patient_id"])}
    for a, b in match.summary["swaps"]:
        ax.plot(*zip(position[a], position[b], strict=True), color=VERMILION, lw=0.8)
    # points may overlap, so labels are in the empty corner
    named = [" and ".join(swap) for swap in match.summary["swaps"]]
    paired = {name for swap in match.summary["swaps"] for name in swap}
    named += [name for name in match.summary["flagged"] if name not in paired]
    more = [f"and {len(named) - _NAMES} more"] if len(named) > _NAMES else []
    text = "\n".join([*named[:_NAMES], *more])
    ax.text(0.98, 0.03, text, transform=ax.transAxes, ha="right", fontsize=9, color=VERMILION)
    ax.set_xscale("log")
    ax.set_yscale("log")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter("{x:g}")
    limit = len(table) * 1.6
    ax.set_xlim(0.8, limit)
    ax.set_ylim(0.8, limit)
    ax.set_xlabel(f"Rank of own {second} sample")
    ax.set_ylabel(f"Rank of the own\n{display_name(first)} sample")


def haemolysis_figure(
    index: Mapping[str, pd.Series], limits: Mapping[str, tuple[float, str]]
) -> Figure:
    """Draw the haemolysis index of every sample with its limits."""
    if not index:
        return empty_figure("No layer of counts has both miR-451a and miR-23a.")
    figure, axes = plt.subplots(
        1, len(index), figsize=(min(5.2 * len(index), 10), 3.2), squeeze=False
    )
    for ax, (layer, values) in zip(axes[0], index.items(), strict=True):
        limit, source = limits[layer]
        ax.hist(values.dropna(), 40, color=BLUE, alpha=0.8)
        above = values[values > limit]
        ax.plot(above, np.zeros(len(above)), "|", color=VERMILION, ms=12, mew=1.5, clip_on=False)
        if np.isfinite(limit):
            ax.axvline(limit, color=VERMILION, lw=1, ls="--")
            where = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
            text = f"flagged above\n({source})"
            ax.annotate(text, (limit, 0.98), xytext=(4, 0), va="top", fontsize=9, **where)
        ax.set_xlabel("log2 miR-451a / miR-23a-3p")
        ax.set_ylabel("Samples")
        ax.set_title(f"{display_name(layer)}: {len(above)} of {values.notna().sum()} flagged")
    return figure


def _spread(n: int) -> np.ndarray:
    """Return reproducible horizontal offsets."""
    return (np.arange(n) * 0.618034 % 1 - 0.5) * 0.5


def _name(ax: Axes, x: np.ndarray, y: np.ndarray, names: np.ndarray) -> None:
    ax.scatter(x, y, s=60, facecolors="none", edgecolors=VERMILION, lw=1.2, zorder=3)
    for i in range(min(len(names), _NAMES)):
        text = ax.annotate(
            str(names[i]),
            (x[i], y[i]),
            textcoords="offset points",
            xytext=(5, 5 if i % 2 == 0 else -11),
            fontsize=8,
        )
        text.set_path_effects([withStroke(linewidth=2, foreground="white")])
