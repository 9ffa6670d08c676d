"""The figure of a panel: the effect of every member that was tested."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from trdomics.names import display_name
from trdomics.panels.evidence import EXPRESSION, TESTED
from trdomics.panels.panel import DOWN, UP
from trdomics.style import GREY, LABEL_COLOURS, empty_figure, set_style, shortened

LONGEST_NAME = 44


def draw_members(rows: pd.DataFrame, fdr: float, groups: tuple[str, str]) -> Figure:
    """Draw effects with 95 % intervals; triangles show the expected direction.

    Parameters
    ----------
    rows : DataFrame
        ``members.tsv``.
    """
    tested = rows[rows["status"] == TESTED]
    kinds = [
        (name, part.reset_index(drop=True))
        for name, part in (
            ("log2 fold change", tested[tested["measure"] == EXPRESSION]),
            ("log odds ratio", tested[tested["measure"] != EXPRESSION]),
        )
        if len(part)
    ]
    if not kinds:
        return empty_figure("No member could be tested.")
    set_style()
    heights = [len(part) for _, part in kinds]
    figure = Figure(figsize=(7.2, 1.8 + 0.27 * sum(heights)), layout="constrained")
    panels = figure.subplots(len(kinds), 1, height_ratios=heights, squeeze=False)[:, 0]
    for axes, (name, part) in zip(panels, kinds, strict=True):
        axes.axvline(0, color="black", lw=0.8)
        for y, row in enumerate(part.to_dict("records")):
            side = LABEL_COLOURS[1] if row["effect"] > 0 else LABEL_COLOURS[0]
            colour = side if row["padj"] < fdr else GREY
            axes.plot([row["lower"], row["upper"]], [y, y], color=colour, lw=1.5)
            axes.plot(row["effect"], y, "o", color=colour, ms=5)
            mark = {UP: ">", DOWN: "<"}.get(str(row["expected"]))
            if mark:
                axes.plot(
                    1.03,
                    y,
                    mark,
                    color="black",
                    ms=5,
                    clip_on=False,
                    transform=axes.get_yaxis_transform(),
                )
        labels = [f"{row.member} ({display_name(str(row.layer))})" for row in part.itertuples()]
        axes.set_yticks(range(len(part)), [shortened(text, LONGEST_NAME) for text in labels])
        axes.set_ylim(len(part) - 0.4, -0.6)
        axes.set_xlabel(f"{name}, {groups[0]} against {groups[1]}")
    handles = [
        Line2D([], [], marker="o", ls="", color=LABEL_COLOURS[1], label=f"higher in {groups[0]}"),
        Line2D([], [], marker="o", ls="", color=LABEL_COLOURS[0], label=f"higher in {groups[1]}"),
        Line2D([], [], marker="o", ls="", color=GREY, label="not significant"),
        Line2D([], [], marker=">", ls="", color="black", label="expected direction"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, handletextpad=0.3)
    return figure
