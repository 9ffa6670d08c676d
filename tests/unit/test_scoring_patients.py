"""The page on which each scored patient is explained."""

import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from trdomics.report.render import render
from trdomics.scoring.page import histogram
from trdomics.scoring.patients import GROUPS, patients_context, terms
from trdomics.scoring.terms import BASELINE, CONTRIBUTIONS, NOT_MEASURED, OTHERS
from trdomics.shipped import shipped

HOSTILE = '"><script>alert(1)</script>'
SUMMARY = {
    "positive": "resistant",
    "negative": "responder",
    "interval": "95 %",
    "training_prevalence": 0.5,
    "target_prevalence": 0.3,
    "threshold": 0.3,
}
TERMS = {
    "P1": [
        (BASELINE, BASELINE, np.nan, -0.4),
        ("mrna", "ENSG1", 2.1, 0.9),
        ("mrna", OTHERS, np.nan, -0.2),
        ("immune", "mrna:ENSG1", 2.1, 0.15),
        ("immune", "mrna:ENSG2", 1.0, 0.05),
        ("mofa", "Factor1", -1.0, 0.3),
        ("clinical", "sex", np.nan, -0.1),
    ],
    HOSTILE: [
        (BASELINE, BASELINE, np.nan, -0.4),
        ("mrna", NOT_MEASURED, np.nan, 0.1),
        ("clinical", HOSTILE, 1.0, -0.5),
    ],
}
KINDS = {"mrna": "layer", "mofa": "factor", "clinical": "predictor", "immune": "panel"}
KINDS[BASELINE] = BASELINE


def table_of(rows_of):
    rows = [(p, KINDS[row[0]], *row) for p, rows in rows_of.items() for row in rows]
    return pd.DataFrame(rows, columns=CONTRIBUTIONS)


TABLE = table_of(TERMS)
LOG_ODDS = TABLE.groupby("patient_id", sort=False)["contribution"].sum()
PREDICTIONS = pd.DataFrame(
    {
        "patient_id": list(TERMS),
        "label": [1.0, np.nan],
        "probability": expit(LOG_ODDS.to_numpy()),
        "probability_lower": [0.4, 0.1],
        "probability_upper": [0.8, 0.5],
        "probability_at_target_prevalence": [0.3, 0.1],
        "probability_at_target_prevalence_lower": [0.22, 0.05],
        "probability_at_target_prevalence_upper": [0.63, 0.3],
        "layers_used": ["mrna", "-"],
        "layers_missing": ["-", "mrna"],
        "missing_features_share": [0.0, 0.9],
        "expected_auroc": [0.7, 0.6],
        "outlier_vs_training": [1.0, np.nan],
        "outlier_vs_training_p": [0.002, np.nan],
        "outlier_vs_training_in": ["mrna", None],
        "factor_distance": [3.2, np.nan],
        "factor_distance_limit": [3.0, np.nan],
    }
)
MISMATCHES = pd.DataFrame(
    {
        "patient_id": ["P1", "P1"],
        "drug": ["escitalopram", "sertraline"],
        "gene": ["CYP2C19", "CYP2B6"],
        "phenotype_with_drugs": ["poor metaboliser", "normal metaboliser"],
        "recommendation": ["lower the dose", "no change"],
        "mismatch": [1, 0],
    }
)


def context():
    symbols = {"ENSG1": "IL7R"}
    return patients_context("small", SUMMARY, PREDICTIONS, TABLE, symbols, MISMATCHES)


def page():
    return render(shipped("workflow/report/scoring_patients.html.j2"), context())


def number(text):
    return float(text.replace("−", "-"))


def test_groups_with_the_baseline_are_the_log_odds():
    for patient in context()["patients"]:
        shown = [number(row["contribution"]) for row in patient["groups"]]
        total = number(patient["baseline"]) + sum(shown)
        assert total == pytest.approx(LOG_ODDS[patient["id"]], abs=0.02)
        assert number(patient["log_odds"]) == pytest.approx(LOG_ODDS[patient["id"]], abs=0.006)
    first = context()["patients"][0]
    names = [row["name"] for row in first["groups"]]
    assert names == ["mRNA", "Factor 1", "immune", "sex"]
    assert [(row["name"], row["value"]) for row in first["features"]] == [
        ("IL7R (ENSG1)", "+2.1 SD"),
        ("IL7R (mRNA)", "+2.1 SD"),
        ("ENSG2 (mRNA)", "+1.0 SD"),
    ]


def test_many_predictors_are_cut_and_the_rest_is_one_row():
    rows = [("clinical", f"c{i}", 0.0, 0.1 * (i + 1)) for i in range(GROUPS + 5)]
    found = terms(table_of({"P": rows}), {})
    assert len(found["groups"]) == GROUPS + 1
    assert found["groups"][-1]["name"] == OTHERS
    assert found["groups"][-1]["contribution"] == "+1.50"
    assert float(found["groups"][0]["width"]) == 50


def test_what_a_reader_must_know_first_is_said():
    unlike, lacking = (" ".join(row["warnings"]) for row in context()["patients"])
    assert "Out-of-distribution in mRNA (p = 0.002)" in unlike
    assert "escitalopram and CYP2C19 (poor metaboliser) do not match: lower the dose." in unlike
    assert "sertraline" not in unlike
    assert "Not measured: mRNA. Expected AUROC without it: 0.60." in lacking
    assert "90 % of the features that the model uses are missing" in lacking
    places = [row["place"] for row in context()["patients"]]
    assert "is unusual: distance from their mean 3.2 (99 % of them have less than 3.0" in places[0]
    assert places[1].startswith("Could not be compared")


def test_both_prevalences_have_an_interval():
    rows = context()["patients"][0]["probabilities"]
    assert rows[0]["interval"] == "40 to 80 %"
    assert (rows[1]["percent"], rows[1]["interval"]) == ("30 %", "22 to 63 %")


def test_hostile_ids_are_inert_and_each_patient_is_marked_as_no_care():
    html = page()
    assert HOSTILE not in html and "<script>alert" not in html
    assert html.count("<section id=") == 2 + 1  # and the glossary
    assert html.count("not for use in patient care") == 2
    assert "mRNA (not measured)" in html
    assert re.search(r"section \{[^}]*break-before: page", html)


@pytest.mark.skipif(not shutil.which("chromium"), reason="no chromium here")
def test_a_browser_finds_the_patient_of_a_link(tmp_path):
    path = tmp_path / "patients.html"
    probe = "<script>for (const a of document.querySelectorAll('.index a')) { location.hash = "
    probe += "a.hash; a.dataset.found = document.querySelector(':target')?.dataset.patient === "
    probe += "a.textContent; } box.value = 'p1'; box.dispatchEvent(new Event('input'));</script>"
    path.write_text(page().replace("</body>", probe + "</body>"), encoding="utf-8")
    done = subprocess.run(
        [
            *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
            *(f"--user-data-dir={tmp_path / 'chromium'}", "--virtual-time-budget=4000"),
            path.as_uri(),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.count('data-found="true"') == 2
    assert "1 found" in done.stdout
    assert len(re.findall(r"<section[^>]*hidden", done.stdout)) == 1


def test_every_patient_is_in_the_figure_of_probabilities():
    predictions = pd.DataFrame({"label": [1, 1, 0, np.nan], "probability": [0.99, 1.0, 0.0, 0.97]})
    found = histogram(predictions, SUMMARY)
    assert [(row["name"], row["n"]) for row in found["groups"]] == [
        ("resistant", 2),
        ("responder", 1),
        ("without a label", 1),
    ]
    assert found["most"] == 3
    heights = [float(bar["height"]) for bar in found["bars"]]
    assert heights == [100, 50, 50]


def test_why_a_probability_is_high_is_said_in_words():
    first, second = context()["patients"]
    assert first["baseline_percent"] == "40 %"
    assert first["raised"] == (
        "mRNA (odds × 2), Factor 1 (−1.0 SD, odds × 1.3), panel immune (odds × 1.2)"
    )
    assert first["lowered"] == "sex (odds × 0.9)"
    assert first["acted_on"] == "30 % at the target prevalence is at or above the threshold of 30 %"
    assert second["acted_on"].endswith("is below the threshold of 30 %")
    assert "Why 67\N{NO-BREAK SPACE}%?" in page()
