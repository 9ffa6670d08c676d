"""What the page of an audit says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from trdomics import __version__
from trdomics.audit.claim import CONFOUNDED, FAILS, FAIR, HOLDS, UNCHECKED, WORTH
from trdomics.config_types import AuditConfig
from trdomics.report.words import cell, listed, metric_row

QUESTIONS = {
    WORTH: "Does it predict?",
    CONFOUNDED: "Is it more than confounding?",
    FAIR: "Was the test fair?",
}
METRICS = {
    "auroc": "AUROC",
    "brier": "Brier score",
    "calibration_slope": "calibration slope",
    "calibration_intercept": "calibration intercept",
}
SETS = {
    "model": "the audited model",
    "confounders": "confounders alone",
    "site": "site alone",
}
WITHOUT_COMMAND = (
    "Features selected, models tuned or values scaled with the help of the labels of all patients "
    "before the patients were split. The predictions then look like honest ones; only a command "
    "that makes them again, with other labels, shows it (audit.refit)."
)
WITHOUT_FEATURES = (
    "Values normalised over training and test patients together without labels. It seldom changes "
    "much, and only a command that is given other features shows it ({features} in audit.refit)."
)
NEVER = (
    "A model that was chosen among several by these very predictions.",
    "Predictors that encode the label, such as the number of failed drugs.",
    "Whether the label means what it says, and whether the patients are like those of later use.",
)


def page_context(
    audit: AuditConfig,
    claims: pd.DataFrame,
    performance: pd.DataFrame,
    summary: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what the template of the page names, but for its figures.

    Parameters
    ----------
    claims, performance : DataFrame
        ``claims.tsv``, ``performance.tsv``.
    summary : mapping
        ``summary.json``.
    """
    by_status = {status: claims[claims["status"] == status] for status in (HOLDS, FAILS, UNCHECKED)}
    status = claims.set_index("key")["status"]
    # a command that does something else says nothing of the test
    unfair = by_status[FAILS].query("key != 'made_again'")
    unseen = [
        *([WITHOUT_COMMAND] if audit["refit"] is None else []),
        *([WITHOUT_FEATURES] if status["blind_to_features"] == UNCHECKED else []),
        *NEVER,
    ]
    rows = [
        {"name": text, "cells": [cell(metric_row(performance, name, key)) for key in METRICS]}
        for name, text in SETS.items()
        if name in set(performance["feature_set"])
    ]
    return {
        "name": audit["name"],
        "version": __version__,
        "summary": summary,
        "verdict": verdict({key: len(part) for key, part in by_status.items()}),
        "failed": by_status[FAILS]["claim"].tolist(),
        "unfair": bool((unfair["group"] == FAIR).any()),
        "codes": {HOLDS: "holds", FAILS: "fails", UNCHECKED: "unchecked"},
        "questions": [
            {"title": title, "claims": claims[claims["group"] == group].to_dict("records")}
            for group, title in QUESTIONS.items()
        ],
        "metrics": list(METRICS.values()),
        "rows": rows,
        "confounders": listed(audit["confounders"]) if audit["confounders"] else "",
        "site": audit["site"] or "",
        "has_null": audit["refit"] is not None,
        "unseen": unseen,
    }


def verdict(counts: Mapping[str, int]) -> str:
    """State how many claims hold, fail and were not checked."""
    total = sum(counts.values())
    return (
        f"{counts[HOLDS]} of {total} claims hold, {counts[FAILS]} fail, and "
        f"{counts[UNCHECKED]} could not be checked."
    )
