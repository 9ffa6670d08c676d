"""Model card, checklists, methods and references, filled from a run."""

import re

import pytest

from trdomics.cohort.config import config_schema
from trdomics.files import read_table
from trdomics.report.methods import FAMILIES, bibtex, methods, without_citations
from trdomics.report.render import render
from trdomics.report.reporting import (
    ANSWERED,
    OPEN,
    PARTLY,
    facts,
    probast_table,
    tripod_table,
)
from trdomics.shipped import shipped

CONFIG = {
    "label": {"positive": "TRD", "negative": "responder"},
    "predictors": ["age", "severity"],
    "circular": [],
}


def summary(**changes):
    value = {"value": 0.771, "lower": 0.718, "upper": 0.817}
    metrics = {"auroc": value, "calibration_slope": value, "brier": {"value": 0.19}}
    found = {
        "selected": metrics,
        "baselines": {"clinical": {"auroc": {"value": 0.66, "lower": 0.6, "upper": 0.72}}},
        "null": {"n_permutations": 30, "mean": 0.502},
        "prevalence": {"cohort": 0.51, "target": 0.3},
        "n_splits": 25,
    }
    return {
        "cohort": {"n_patients": 300, "n_sites": 5, "n_positive": 153, "n_negative": 147},
        "classification": {**found, **changes},
        "layers": {"mrna": {}, "small_rna": {}},
        "sites": {"n_left_out": 0, "reason": "one site only"},
    }


def test_the_table_has_all_items_once_with_what_the_run_knows():
    table = tripod_table(facts(CONFIG, summary()))
    assert table["item"].astype(int).tolist() == list(range(1, 28))
    assert set(table["status"]) == {ANSWERED, PARTLY, OPEN}
    answers = table.set_index("item")["answer"]
    assert "AUROC 0.77 (0.72 to 0.82)" in answers["23"]
    assert "Clinical baseline AUROC 0.66 (0.60 to 0.72); confounders not available" in answers["23"]
    assert answers["9"].startswith("Predictors: age and severity.") and "none" in answers["9"]
    assert answers["17"] == OPEN
    assert not table["answer"].str.contains("[{}]").any()


@pytest.mark.parametrize(
    ("null", "said"),
    [({"n_permutations": 30, "mean": 0.502}, "0.50"), ({"n_permutations": 0}, "not computed")],
)
def test_the_card_says_what_was_found_and_what_was_not(null, said):
    known = facts(CONFIG, summary(null=null))
    card = render(shipped("workflow/report/model_card.md.j2"), {**known, "version": "1"})
    assert f"| AUROC with permuted labels, mean | {said} |" in card
    assert "not evaluated: one site only" in card
    assert "Not for clinical use" in card


def test_each_question_of_probast_has_its_evidence_or_is_for_the_authors():
    table = probast_table(facts(CONFIG, summary()))
    counts = table["part"].value_counts()
    assert (counts["Development"], counts["Evaluation"]) == (16, 18)
    assert table["item"].is_unique
    assert set(table["status"]) == {ANSWERED, PARTLY, OPEN}
    is_open = table["status"] == OPEN
    assert table.loc[is_open, "evidence"].isna().all()
    assert not table["answer"].str.contains("[{}]").any()
    rules = "".join(
        path.read_text("utf-8") for path in shipped("workflow/rules").glob("*.smk")
    ).replace("{layer}", "<layer>")
    schema = config_schema()["properties"]
    for evidence in table.loc[~is_open, "evidence"].str.split("; ").explode():
        if evidence.startswith("config: "):
            first, *rest = evidence.removeprefix("config: ").split(".")
            assert first in schema
            assert all(key in schema[first]["properties"] for key in rest)
        elif evidence != "provenance.json":
            assert f"results/{{cohort}}/{evidence}" in rules, evidence


def run_with(**changes):
    """Return what a summary needs for the methods."""
    run = summary()
    run["layers"] = {"mrna": {"type": "counts"}, "genes": {"type": "variants"}}
    run["differential"] = {
        "mrna": {
            **{"dispersion_trend": "parametric", "design": "~ age + response", "winsorise": 0.95},
            **{"deges": True, "n_size_factor_features": 950},
        },
        "genes": {"min_carriers": 5, "method": "Fisher", "design": "~ response"},
    }
    run["integration"] = {"n_seeds": 3}
    run["classification"] |= {"n_splits": 25, "n_repeats": 5}
    return run | changes


def test_the_methods_cite_what_was_run_and_nothing_else():
    config = {"layers": ["mrna", "genes"], "models": ["elastic_net"], "null_models": ["ridge"]}
    text = methods(config, run_with())
    entries = bibtex(text)
    for key in ("Muzellec2023", "Yang2024", "Sun2013", "Zou2005", "Phipson2010", "Saerens2002"):
        assert f"@article{{{key}," in entries
    # no ridge, no Firth's regression, no sites left out
    for key in ("Hoerl1970", "Firth1993", "Paule1982"):
        assert key not in entries
    assert entries.count("@article{") == len(set(re.findall(r"@(\w+)", text)))
    assert "doi = {10.1093/bioinformatics/btad547}" in entries
    assert "@" not in without_citations(text)
    firth = run_with()
    firth["differential"]["genes"]["method"] = "Firth"
    firth["sites"] = {"n_left_out": 5}
    assert "Firth1993" in bibtex(methods(config, firth))
    assert "Paule1982" in bibtex(methods(config, firth))


def test_every_reference_has_a_doi_and_every_model_a_reference():
    table = read_table(shipped("resources/references.tsv"), dtype=str)
    assert table["key"].is_unique
    assert table["doi"].str.match(r"10\.\d{4,}/\S+$").all()
    assert table.notna().all(axis=None)
    assert set(config_schema()["$defs"]["models"]["items"]["enum"]) <= set(FAMILIES)
