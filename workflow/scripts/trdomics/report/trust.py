"""Sentences on sample identity, confounding and adjustment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trdomics.names import display_name
from trdomics.report.words import listed, number, p_value

# Counts of the identity checks may be shared; ids may not.
IDENTITY_KEYS = (
    "n_sex_discordant",
    "n_sex_discordant_reason",
    "n_sex_compared",
    "n_mismatched",
    "n_mismatched_reason",
    "n_match_tested",
    "best_power",
    "untested",
    "n_samples",
    "n_check",
)
ENRICHMENT_KEYS = ("immune", "immune_layer", "immune_reason", "immune_sentence")


def anonymous(identity: Mapping[str, Any]) -> dict[str, Any]:
    """Return the counts of ``identity.json`` without any patient's id."""
    return {key: identity[key] for key in IDENTITY_KEYS if key in identity}


def samples(identity: Mapping[str, Any]) -> list[str]:
    """State whether samples seem to belong to their patients."""
    if identity["n_sex_discordant"] is None:
        sex = f"Sex could not be checked: {identity['n_sex_discordant_reason']}."
    else:
        sex = (
            f"Molecular sex disagrees with the sheet in {identity['n_sex_discordant']} of "
            f"{identity['n_sex_compared']} patients (cohort/sex.tsv)."
        )
    if identity["n_mismatched"] is None:
        match = (
            "It was not tested whether the layers of a patient come from one person: "
            f"{identity['n_mismatched_reason']}."
        )
    else:
        match = (
            f"{identity['n_mismatched']} of {identity['n_match_tested']} patients have layers that "
            "seem to come from different people (cohort/matching.tsv). The power to detect a "
            f"sample swap is {number(identity['best_power'])} in the best pair of layers."
        )
        left = [
            f"{display_name(pair['first'])} with {display_name(pair['second'])}"
            for pair in identity["untested"]
        ]
        if left:
            match += f" Not evaluated (too little in common, or too few patients): {listed(left)}."
    quality = (
        f"{identity['n_check']} of {identity['n_samples']} samples should be checked "
        "(cohort/quality.tsv)."
    )
    return [sex, match, quality]


def confounding(summary: Mapping[str, Any]) -> list[str]:
    """State how the groups differ, and how well technical columns alone discriminate."""
    differing = [display_name(name) for name in summary["differing"]]
    text = [
        f"The groups differ in {listed(differing)} (false discovery rate "
        f"{100 * summary['fdr']:g} %)."
        if differing
        else "No covariate differs significantly between the groups."
    ]
    if summary["layers_differ"]:
        names = listed([display_name(name) for name in summary["layers_differ"]])
        text.append(f"One group was measured more often than the other in {names}.")
    technical = summary["technical"]
    if technical["auc"] is None:
        text.append(f"Prediction from technical columns alone: {technical['auc_reason']}.")
    else:
        columns = listed([display_name(name) for name in technical["columns"]])
        auc = (
            f"Technical columns alone ({columns}) reach an AUROC of "
            f"{number(technical['auc'])} ({technical['lower']:.2f} to {technical['upper']:.2f}"
        )
        if technical["warning"]:
            auc += (
                f"; {p_value(technical['pvalue'])}): differences between the groups may reflect "
                "where and how samples were taken."
            )
        else:
            auc += ")."
        text.append(auc)
    return text


def trust_sentences(trust: Mapping[str, Any]) -> dict[str, Any]:
    """Return the page's sentences by question; those on adjustment also by layer.

    Parameters
    ----------
    trust : mapping
        The part ``trust`` of ``summary.json``: ``identity``, ``confounding``, ``adjustment`` (by
        layer), ``enrichment``, ``subtypes``.
    """
    disease = confounding(trust["confounding"])
    adjusted = {
        layer: f"{display_name(layer)}: {part['finding']}"
        for layer, part in trust["adjustment"].items()
    }
    disease += adjusted.values()
    disease += dict.fromkeys(f"{part['test']}." for part in trust["adjustment"].values())
    return {
        "samples": samples(trust["identity"]),
        "disease": disease,
        "adjusted": adjusted,
        "meaning": [trust["enrichment"]["immune_sentence"], trust["subtypes"]["sentence"]],
    }
