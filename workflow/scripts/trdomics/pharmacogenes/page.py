"""Content of the page of pharmacogenes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

import pandas as pd

from trdomics.config_types import LabelConfig
from trdomics.files import read_table
from trdomics.names import display_name
from trdomics.pharmacogenes.definitions import PHENOTYPES
from trdomics.pharmacogenes.mismatch import read_recommendations
from trdomics.shipped import shipped

# Maximum number of combinations of drug, gene and phenotype.
SHOWN = 20


class PageSettings(TypedDict):
    """What the page says of the cohort."""

    cohort: str
    label: LabelConfig


def page_context(
    called: Mapping[str, Any],
    drugs: Mapping[str, Any],
    without: Mapping[str, Any],
    mismatches: pd.DataFrame,
    settings: PageSettings,
) -> dict[str, Any]:
    """Return the variables of ``pharmacogenes.html.j2``, except the figure.

    Parameters
    ----------
    called, drugs : mapping
        Of :func:`trdomics.pharmacogenes.summary.calls_summary` and ``drugs_summary``.
    without : mapping
        Of :func:`trdomics.evaluation.restricted.auroc_without`, and ``features``: by layer, of
        :func:`trdomics.confounding.adjustment.found_without`.
    mismatches : DataFrame
        ``mismatches.tsv``.
    """
    sensitivity = sensitivity_sentence(drugs, without, settings["label"])
    summary = {"called": called, "drugs": drugs, "without_pseudo_resistant": without}
    return {
        "cohort": settings["cohort"],
        "reason": called["sentence"],
        "headline": headline(called),
        "sites": sites_sentence(called),
        "genes": [{"name": name, **_gene(row)} for name, row in called["genes"].items()],
        "drugs": drugs_sentences(drugs, called),
        "combinations": combinations(mismatches),
        "claims": read_table(shipped("resources/pharmacogenes/claims.tsv")).to_dict("records"),
        "sensitivity": sensitivity,
        "summary": {**summary, "sentences": [headline(called), sensitivity]},
        "sources": sorted(set(read_recommendations()["source"])),
    }


def headline(called: Mapping[str, Any]) -> str:
    """Return in one sentence what was called, or why nothing was."""
    if called["reason"]:
        return str(called["sentence"])
    parts = [f"{name} in {row['n_called']}" for name, row in called["genes"].items()]
    return (
        f"Of {called['n_patients']} patients with a VCF ({called['build']}) a single metaboliser "
        f"phenotype could be called for {', '.join(parts)}."
    )


def sites_sentence(called: Mapping[str, Any]) -> str:
    """Name the sites that the file lacks."""
    if called["reason"]:
        return ""
    missing = called["missing_sites"]
    if not missing:
        return f"All {called['n_sites']} sites are in the file."
    return (
        f"{called['n_sites_found']} of {called['n_sites']} sites are in the file; missing: "
        f"{', '.join(missing)}. A site that is not in the file is unknown, never the reference."
    )


def drugs_sentences(drugs: Mapping[str, Any], called: Mapping[str, Any]) -> list[str]:
    """Describe the match of drugs and genes, in numbers of patients."""
    if drugs["sentence"]:
        return [str(drugs["sentence"])]
    if called["reason"]:
        return []
    lines = [
        f"{drugs['n_with_drugs']} patients have a drug; {drugs['n_compared']} of them a drug with "
        "a recommendation and a VCF.",
        f"{drugs['n_fast']} clear a drug faster and {drugs['n_slow']} slower than usual, for "
        f"which a change is recommended; {drugs['n_unclear']} have too few genotypes to tell. In "
        f"{drugs['n_phenoconverted']} another drug changes the phenotype (phenoconversion).",
    ]
    if drugs["without_recommendation"]:
        listed = ", ".join(f"{name} ({n})" for name, n in drugs["without_recommendation"].items())
        lines.append(f"Drugs without a recommendation, with their patients: {listed}.")
    if drugs["n_strangers"]:
        lines.append(
            f"{drugs['n_strangers']} patients in the table of drugs are not in the cohort; their "
            "rows were left out."
        )
    return lines


def sensitivity_sentence(
    drugs: Mapping[str, Any], without: Mapping[str, Any], label: LabelConfig
) -> str:
    """Return the headline without patients with possible pseudo-resistance."""
    if drugs["sentence"]:
        return ""
    n = without["n_left_out"]
    if not n:
        return (
            f"No {label['positive']} patient clears a drug faster than usual, so none was left out."
        )
    whole, rest = without["all"], without["without"]
    if rest["reason"]:
        return f"{n} patients may be pseudo-resistant; without them: {rest['reason']}."
    return (
        f"{n} {label['positive']} patients clear one of their drugs faster than usual and may be "
        f"pseudo-resistant. Without them the AUROC of the model is {rest['value']:.2f} "
        f"({rest['lower']:.2f} to {rest['upper']:.2f}) instead of {whole['value']:.2f} "
        f"({whole['lower']:.2f} to {whole['upper']:.2f}){_features(without['features'])}."
    )


def _features(layers: Mapping[str, Mapping[str, Any]]) -> str:
    """Return how many features differ without these patients, to end a sentence."""
    parts = [
        f"{row['n_without']:,} instead of {row['n_all']:,} {display_name(layer)} features "
        f"({row['patients_without']} instead of {row['patients_all']} patients)"
        for layer, row in layers.items()
        if row
    ]
    return (
        f". With all adjustments, the groups then differ in {' and '.join(parts)}" if parts else ""
    )


def combinations(mismatches: pd.DataFrame) -> list[dict[str, Any]]:
    """Return each drug, gene and phenotype with a recommendation, most common first."""
    rows = mismatches[mismatches["mismatch"] == 1]
    keys = ["drug", "gene", "phenotype_with_drugs", "clearance", "recommendation", "strength"]
    counts = rows.groupby(keys).size().rename("n").reset_index()
    counts = counts.sort_values("n", ascending=False, kind="stable").head(SHOWN)
    return [{str(key): value for key, value in row.items()} for row in counts.to_dict("records")]


def _gene(row: Mapping[str, Any]) -> dict[str, Any]:
    counts = row["phenotypes"]
    listed = ", ".join(f"{name} {counts[name]}" for name in PHENOTYPES if name in counts)
    return {"phenotypes": listed or "none", **{key: row[key] for key in row if key != "phenotypes"}}
