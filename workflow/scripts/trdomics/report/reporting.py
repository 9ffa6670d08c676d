"""Texts for a paper: a run's answers to TRIPOD+AI and PROBAST+AI, and the model card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from trdomics.config_types import ReportingConfig
from trdomics.files import read_table
from trdomics.intervals import with_interval
from trdomics.names import display_name
from trdomics.report.words import listed, number
from trdomics.shipped import shipped

FOR_AUTHORS = "for the authors"
ANSWERED, PARTLY, OPEN = "answered", "partly", "for the authors"


def facts(config: ReportingConfig, summary: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables of the texts, from a run's ``summary.json``."""
    cohort, found, sites = summary["cohort"], summary["classification"], summary["sites"]
    selected, baselines = found["selected"], found["baselines"]
    null, prevalence = found["null"], found["prevalence"]
    n_left_out = sites["n_left_out"]
    return {
        "n_patients": str(cohort["n_patients"]),
        "n_sites": str(cohort["n_sites"] or "unknown"),
        "n_positive": str(cohort["n_positive"]),
        "n_negative": str(cohort["n_negative"]),
        "n_labelled": str(cohort["n_positive"] + cohort["n_negative"]),
        "n_splits": str(found["n_splits"]),
        "positive": str(config["label"]["positive"]),
        "negative": str(config["label"]["negative"]),
        "predictors": _names(config["predictors"]),
        "circular": _names(config["circular"]),
        "layers": _names(list(summary["layers"])),
        "prevalence": f"{100 * prevalence['cohort']:.0f} %",
        "target": f"{100 * prevalence['target']:.0f} %",
        "left_out_sites": f" and with {n_left_out} sites left out" if n_left_out else "",
        "sites_auroc": _left_out(sites),
        "auroc": _interval(selected["auroc"]),
        "slope": _interval(selected["calibration_slope"]),
        "brier": _interval(selected["brier"]),
        "clinical": _interval(baselines.get("clinical", {}).get("auroc")),
        "confounders": _interval(baselines.get("confounders", {}).get("auroc")),
        "null": number(null["mean"]) if null["n_permutations"] else "not computed",
        "updating": "The model was not updated in this run.",
    }


def _names(names: list[str]) -> str:
    return listed([display_name(name) for name in names]) if names else "none"


def _interval(found: Mapping[str, Any] | None) -> str:
    if not found or found.get("value") is None:
        return "not available"
    return with_interval(found["value"], found.get("lower"), found.get("upper"))


def _left_out(sites: Mapping[str, Any]) -> str:
    if not sites["n_left_out"]:
        return f"not evaluated: {sites.get('reason') or 'no sites'}"
    return _interval(sites["together"]["selected"]["left_out"]["auroc"])


def tripod_table(known: Mapping[str, str]) -> pd.DataFrame:
    """Return the items of TRIPOD+AI with this run's answers.

    Items after Collins et al. 2024 (doi 10.1136/bmj-2023-078378), in our own words.

    Returns
    -------
    DataFrame
        item, section, topic, asks, status (``answered``, ``partly`` or ``for the authors``) and
        answer, with paths relative to ``results/<cohort>/``.
    """
    table = _answered(read_table(shipped("resources/tripod_ai.tsv"), dtype=str), known)
    return table[["item", "section", "topic", "asks", "status", "answer"]]


def probast_table(known: Mapping[str, str]) -> pd.DataFrame:
    """Return the signalling questions of PROBAST+AI with what this run answers of each.

    Questions after Moons et al. 2025 (doi 10.1136/bmj-2024-082505), in words of our own: 16 on
    development, 18 on evaluation. The judgement of each domain is the reader's.

    Returns
    -------
    DataFrame
        item, part, domain, asks, status and answer as in :func:`tripod_table`, and evidence:
        files relative to ``results/<cohort>/``, and keys of the config.
    """
    table = _answered(read_table(shipped("resources/probast_ai.tsv"), dtype=str), known)
    return table[["item", "part", "domain", "asks", "status", "answer", "evidence"]]


def _answered(table: pd.DataFrame, known: Mapping[str, str]) -> pd.DataFrame:
    """Fill the answers of a checklist from a run, and say how far each is answered."""
    answers = [
        FOR_AUTHORS if pd.isna(text) else str(text).format_map(known) for text in table["answer"]
    ]
    status = [
        OPEN if text == FOR_AUTHORS else PARTLY if FOR_AUTHORS in text else ANSWERED
        for text in answers
    ]
    return table.assign(answer=answers, status=status)
