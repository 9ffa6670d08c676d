"""The sites to leave out once, determined from the sample sheet before any job starts."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from trdomics.cohort.samples import EXCLUDE
from trdomics.cohort.samples import labels as sheet_labels
from trdomics.config_types import CohortConfig

COLUMNS = ["split", "site", "n_patients", "n_positive", "reason"]


def site_plan(
    labels: pd.Series,
    sites: pd.Series,
    *,
    minimum: int,
    inner_folds: int,
    left_out: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Count the labelled patients of every site, and determine which sites can be left out.

    Parameters
    ----------
    sites : Series
        Site of the same patients, as text; missing where it is not known.
    minimum : int
        Patients of each class that a site needs. With fewer, an AUROC is uninformative.
    inner_folds : int
        Patients of each class that the other sites need for tuning.
    left_out : mapping of str to str, optional
        Split → site of the splits already run; no other site has a split.

    Returns
    -------
    DataFrame
        ``split`` (``s01`` …, in the order of the sites' names; a name itself may hold any
        character and is no part of a path), ``site``, ``n_patients``, ``n_positive``, ``reason``
        (why the site cannot be left out; else empty). Patients without a site are always trained
        on; a last row without ``split`` and ``site`` counts them.
    """
    known = labels.dropna()
    site = sites.reindex(known.index)
    counts = pd.crosstab(site.dropna(), known).reindex(columns=[0, 1], fill_value=0)
    total = known.value_counts().reindex([0, 1], fill_value=0)
    run = None if left_out is None else {site: split for split, site in left_out.items()}
    rows: list[tuple[str | None, str | None, int, int, str]] = []
    for position, (name, row) in enumerate(counts.sort_index().iterrows(), start=1):
        negative, positive = int(row[0]), int(row[1])
        reason = ""
        if min(negative, positive) < minimum:
            reason = f"{positive} positive and {negative} negative patients, {minimum} each needed"
        elif (total - [negative, positive]).min() < inner_folds:
            reason = "the other sites have too few patients of a class to tune a model"
        split = f"s{position:02d}" if run is None else run.get(str(name))
        if split is None and not reason:
            reason = "leaving sites out is switched off in the config"
        rows.append((split, str(name), negative + positive, positive, reason))
    unknown = known[site.isna()]
    if len(unknown):
        message = "their site is unknown: always used for training"
        rows.append((None, None, len(unknown), int(unknown.sum()), message))
    return pd.DataFrame(rows, columns=COLUMNS)


def left_out_sites(config: CohortConfig, sheet: pd.DataFrame) -> dict[str, str]:
    """Return the split and the name of every site that can be left out.

    Without sites, without training (`scoring.model`) or where the config does not want it none is.
    """
    settings, column = config["classification"], config["samples"]["site"]
    if column is None or not settings["leave_one_site_out"] or config["label"]["column"] is None:
        return {}
    if config["scoring"]["model"] is not None:
        return {}
    sheet = sheet[~sheet[EXCLUDE]]
    plan = site_plan(
        sheet_labels(sheet, config["label"]),
        sheet[column],
        minimum=settings["min_site_class"],
        inner_folds=settings["inner_folds"],
    )
    able = plan[plan["reason"] == ""]
    return dict(zip(able["split"], able["site"], strict=True))
