"""The methods of a run as a paragraph for a manuscript, and the references that it cites."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from trdomics.config_types import MethodsConfig
from trdomics.files import read_table
from trdomics.names import display_name
from trdomics.report import words
from trdomics.shipped import shipped

# As pandoc and R Markdown write a citation: [@Key1; @Key2].
CITATION = re.compile(r" \[@[^\]]+\]")
KEY = re.compile(r"@(\w+)")
FAMILIES = {
    "elastic_net": "Zou2005",
    "ridge": "Hoerl1970",
    "random_forest": "Breiman2001",
    "gradient_boosting": "Friedman2001",
}
FIELDS = ("author", "title", "journal", "year", "volume", "pages", "doi")


def methods(config: MethodsConfig, summary: Mapping[str, Any]) -> str:
    """Return a methods paragraph for a manuscript, with citations of what was run."""
    found, sites = summary["classification"], summary["sites"]
    null_models = words.listed([display_name(name) for name in config["null_models"]])
    families = words.listed(
        [f"{display_name(name)} [@{FAMILIES[name]}]" for name in config["models"]]
    )
    tested = [_tested(layer, summary["differential"][layer]) for layer in config["layers"]]
    prevalence = found["prevalence"]
    parts = [
        "The analysis was run with trd-multiomics, a Snakemake workflow [@Molder2021].",
        "Counts were normalised by median-of-ratios size factors and a variance-stabilising "
        "transformation [@Love2014]."
        if any(layer["type"] == "counts" for layer in summary["layers"].values())
        else "",
        f"Differences: {'; '.join(tested)}; false discovery rates by Benjamini and Hochberg "
        "[@Benjamini1995] within each layer.",
        "The layers were integrated with MOFA [@Argelaguet2018; @Argelaguet2020] (mofapy2, "
        f"{words.several(summary['integration']['n_seeds'], 'start')}; the model with the highest "
        "evidence lower bound was kept).",
        f"Prediction: nested cross-validation [@Varma2006], {found['n_splits']} outer splits in "
        f"{words.several(found['n_repeats'], 'repeat')}; normalisation, feature selection, MOFA, "
        "tuning, calibration and the stacking of the feature sets [@VanDerLaan2007] were all "
        f"fitted within the training patients. Models were {families}.",
        "Intervals are from a bootstrap over patients; gains are paired over folds with the "
        "correction of Nadeau and Bengio [@Nadeau2003] for overlapping training sets.",
        "Calibration was assessed by slope, intercept and a curve [@VanCalster2019], clinical "
        "utility by net benefit [@Vickers2006].",
        "Probabilities were moved to the target prevalence [@Saerens2002]."
        if prevalence["cohort"] != prevalence["target"]
        else "",
        f"The null repeats the procedure with permuted labels and {null_models} models only "
        "[@Phipson2010]."
        if found["null"]["n_permutations"]
        else "",
        f"Each of {sites['n_left_out']} sites was left out once; their AUROCs were combined on "
        "the logit scale [@Debray2017] with random effects: Paule and Mandel [@Paule1982]; "
        "Hartung, Knapp, Sidik and Jonkman [@IntHout2014]."
        if sites["n_left_out"]
        else "",
    ]
    return " ".join(part for part in parts if part)


def _tested(layer: str, summary: Mapping[str, Any]) -> str:
    """Name a layer's test, its design and its source."""
    text = words.tested(layer, summary)
    if "dispersion_trend" in summary:
        sources = ["@Muzellec2023", *(["@Yang2024"] if summary["winsorise"] else [])]
        sources += ["@Sun2013"] if summary["deges"] else []
        return f"{text} [{'; '.join(sources)}]"
    if "min_carriers" in summary:
        return f"{text} [@Firth1993]" if summary["method"] == "Firth" else text
    return f"{text} [@Smyth2004]"


def without_citations(text: str) -> str:
    """Return a text as a page shows it."""
    return CITATION.sub("", text)


def bibtex(text: str) -> str:
    """Return the BibTeX entries of what a text cites, in the order of their keys.

    Raises
    ------
    KeyError
        If ``resources/references.tsv`` lacks a key.
    """
    table = read_table(shipped("resources/references.tsv"), dtype=str).set_index("key")
    entries = []
    for key in sorted(set(KEY.findall(text))):
        row = table.loc[key]
        fields = ",\n".join(f"  {name} = {{{row[name]}}}" for name in FIELDS)
        entries.append(f"@article{{{key},\n{fields}\n}}\n")
    return "\n".join(entries)
