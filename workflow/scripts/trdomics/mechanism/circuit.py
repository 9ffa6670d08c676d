"""The circuit of a model, drawn from its specification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from trdomics.style import BLUE, GREY, VERMILION, set_style

ARROWS = {
    "raises": {"color": BLUE, "arrowstyle": "-|>"},
    "lowers": {"color": VERMILION, "arrowstyle": "-["},
    "becomes": {"color": GREY, "arrowstyle": "-|>"},
}


def circuit_figure(circuit: Mapping[str, Any]) -> Figure:
    """Draw boxes and arrows.

    Parameters
    ----------
    circuit : mapping
        ``boxes``: name → {x, y, label}, both in 0 to 1; ``arrows``: list of {from, to, kind, bend,
        hypothesis}. A hypothesis is dashed.
    """
    set_style()
    figure, axis = plt.subplots(figsize=(8.6, 4.6))
    boxes = circuit["boxes"]
    drawn = {}
    for name, box in boxes.items():
        text = axis.text(
            box["x"],
            box["y"],
            box["label"],
            ha="center",
            va="center",
            fontsize=10,
            bbox={"boxstyle": "round,pad=0.45", "facecolor": "white", "edgecolor": GREY},
            zorder=3,
        )
        drawn[name] = text.get_bbox_patch()
    for arrow in circuit["arrows"]:
        start, end = boxes[arrow["from"]], boxes[arrow["to"]]
        look = ARROWS[arrow["kind"]]
        axis.annotate(
            "",
            (end["x"], end["y"]),
            (start["x"], start["y"]),
            arrowprops={
                **look,
                "linewidth": 1.8,
                "linestyle": "--" if arrow.get("hypothesis") else "-",
                # from edge to edge, with a little room
                "patchA": drawn[arrow["from"]],
                "patchB": drawn[arrow["to"]],
                "shrinkA": 4,
                "shrinkB": 6,
                "mutation_scale": 14 if look["arrowstyle"] == "-|>" else 5,
                "connectionstyle": f"arc3,rad={arrow.get('bend', 0)}",
            },
        )
    for kind, look in ARROWS.items():
        axis.plot([], [], color=look["color"], label=kind)
    axis.plot([], [], color=GREY, linestyle="--", label="hypothesis")
    axis.legend(loc="lower right", ncols=4, bbox_to_anchor=(1, -0.06))
    axis.set(xlim=(0, 1), ylim=(0, 1))
    axis.axis("off")
    figure.tight_layout()
    return figure
