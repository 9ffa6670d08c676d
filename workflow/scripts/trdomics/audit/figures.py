"""The AUROC of an audited model beside its baselines, and within sites."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from trdomics import style
from trdomics.audit.claim import MODEL

NAMES = {"model": "the audited model", "confounders": "confounders alone", "site": "site alone"}
SHOWN_NAME = 28


def forest_figure(
    performance: pd.DataFrame, sites: pd.DataFrame, within: Mapping[str, Any]
) -> Figure:
    """Draw the AUROC of model and baselines, of the model at each site, and of the sites' mean.

    Parameters
    ----------
    performance : DataFrame
        Of :func:`trdomics.evaluation.bootstrap.performance_table`.
    sites : DataFrame
        Of :func:`trdomics.audit.baselines.within_sites`.
    within : mapping
        The AUROC over all sites, of the same function.
    """
    whole = performance[performance["metric"] == "auroc"]
    rows: list[tuple[str, Mapping[Any, Any], str]] = [
        (
            NAMES[row["feature_set"]],
            row,
            style.VERMILION if row["feature_set"] == MODEL else style.GREY,
        )
        for row in whole.to_dict("records")
    ]
    known = sites[(sites["metric"] == "auroc") & sites["value"].notna()]
    rows += [
        (
            f"at {style.shortened(str(row['site']), SHOWN_NAME)} (n = {row['n_patients']})",
            row,
            style.BLUE,
        )
        for row in known.to_dict("records")
    ]
    if pd.notna(within["value"]):
        rows.append(("within sites, together", within, style.VERMILION))
    figure = Figure(figsize=(6.4, 1.0 + 0.36 * len(rows)), layout="constrained")
    axes = figure.subplots()
    for position, (_, row, colour) in enumerate(rows):
        axes.hlines(position, row["lower"], row["upper"], color=colour, linewidth=2)
        axes.plot(row["value"], position, "D", color=colour, markersize=7)
        axes.annotate(
            f"{row['value']:.2f} ({row['lower']:.2f}–{row['upper']:.2f})",
            (1.02, position),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=9,
        )
    axes.axvline(0.5, color="black", linewidth=0.8, linestyle=":")
    axes.set_yticks(range(len(rows)), [name for name, _, _ in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    low = np.nanmin([0.45, *(row["lower"] for _, row, _ in rows)])
    # a little past 1, or the marker of a perfect AUROC is cut
    axes.set_xlim(max(0.0, low - 0.02), 1.015)
    axes.set_xlabel("AUROC (95 % interval)")
    return figure
