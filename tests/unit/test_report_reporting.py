"""Model card and TRIPOD+AI table, filled from a run."""

import pytest

from trdomics.report.page import render
from trdomics.report.reporting import ANSWERED, OPEN, PARTLY, facts, tripod_table
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
