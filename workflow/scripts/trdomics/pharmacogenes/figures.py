"""The figure of pharmacogenes: phenotypes by class."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from trdomics.pharmacogenes.calling import CALLED
from trdomics.pharmacogenes.definitions import PHENOTYPES
from trdomics.style import LABEL_COLOURS, empty_figure

SEVERAL = "several or none"


def draw_phenotypes(calls: pd.DataFrame, labels: pd.Series, label: Mapping[str, str]) -> Figure:
    """Draw the share of each phenotype among the patients of both classes.

    Parameters
    ----------
    calls : DataFrame
        ``calls.tsv``.
    """
    genes = list(dict.fromkeys(calls["gene"]))
    if not genes:
        return empty_figure("nothing was called")
    figure, axes = plt.subplots(1, len(genes), figsize=(3.4 * len(genes), 3.2), squeeze=False)
    for ax, gene in zip(axes[0], genes, strict=True):
        part = calls[calls["gene"] == gene]
        shown = part["phenotype"].where(part["status"] == CALLED, SEVERAL)
        truth = part["patient_id"].map(labels)
        order = [name for name in (*PHENOTYPES, SEVERAL) if (shown == name).any()]
        for value, name, colour, shift in (
            (0.0, label["negative"], LABEL_COLOURS[0], -0.2),
            (1.0, label["positive"], LABEL_COLOURS[1], 0.2),
        ):
            own = shown[truth == value]
            share = [100 * (own == phenotype).sum() / max(len(own), 1) for phenotype in order]
            places = [position + shift for position in range(len(order))]
            ax.bar(places, share, 0.38, color=colour, label=f"{name} ({len(own)})")
        ax.set_xticks(range(len(order)), [name.replace(" ", "\n") for name in order])
        ax.set_title(gene)
    axes[0][0].set_ylabel("patients (%)")
    handles, names = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, names, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    figure.tight_layout()
    return figure
