import copy

import numpy as np
import pandas as pd
import pytest

from trdomics.report.validation import layer_sentence, site_rows, site_sentences
from trdomics.report.words import cautions


def estimate(value, lower, upper, reason=None):
    return {"value": value, "lower": lower, "upper": upper, "reason": reason}


def pooled(auroc=0.74, q_pvalue=0.6, change=(-0.02, -0.06, 0.02), **more):
    row = {"auroc": auroc, "lower": 0.66, "upper": 0.81, "n_sites": 3, "i2": 0.1, "tau2": 0.0}
    row |= {"prediction_lower": 0.61, "prediction_upper": 0.84, "q_pvalue": q_pvalue}
    row |= dict(zip(("change", "change_lower", "change_upper"), change, strict=True))
    return {"left_out": {**row, "reason": None, **more}}


def site(name, intercept):
    return {
        "site": name,
        "n_patients": 40,
        "n_positive": 22,
        "auroc": estimate(0.7, 0.6, 0.8),
        "brier": estimate(0.2, 0.15, 0.25),
        "calibration_slope": estimate(None, None, None, "all predicted probabilities are equal"),
        "calibration_intercept": estimate(intercept, intercept - 0.3, intercept + 0.3),
    }


SITES = {
    "n_sites": 4,
    "n_left_out": 3,
    "reason": "",
    "not_left_out": [
        {"site": "tiny", "n_patients": 6, "n_positive": 2, "reason": "2 positive, 5 needed"},
        {"site": None, "n_patients": 3, "n_positive": 1, "reason": "their site is unknown"},
    ],
    "sites": [site("a", 0.1), site("b", -0.5), site("c", 0.0)],
    "together": {
        "selected": {
            "left_out": {"auroc": estimate(0.73, 0.67, 0.79)},
            "mixed": {"auroc": estimate(0.75, 0.69, 0.81)},
        }
    },
    "pooled": {"selected": pooled(), "clinical": pooled(0.66), "confounders": pooled(0.52)},
    "site_is_confounder": True,
}


def said(**changes):
    sites = copy.deepcopy(SITES)
    sites["pooled"]["selected"] = pooled(**changes)
    return " ".join(site_sentences(sites))


def test_both_numbers_the_mean_site_and_the_baselines_are_told():
    told = said()
    for part in ("0.73 (0.67 to 0.79)", "0.75 (0.69 to 0.81)", "0.74 (0.66 to 0.81)"):
        assert part in told
    assert "the 95 % prediction interval for a new site is 0.61 to 0.84" in told
    assert "0.66 for the clinical predictors alone and 0.52 for the confounders alone" in told
    assert "a new site is an unknown category" in told


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ((-0.1, -0.15, -0.05), "performance is lower at a new site"),
        ((-0.02, -0.06, 0.02), "no loss is shown"),
        ((0.04, 0.01, 0.07), "performance is not lower"),
    ],
)
def test_a_loss_is_claimed_only_when_its_interval_is_below_zero(change, part):
    assert part in said(change=change)


def test_a_loss_is_said_to_hold_a_shift_in_calibration():
    part = "includes shifts in calibration between sites"
    assert part in said(change=(-0.1, -0.15, -0.05))
    assert part not in said(change=(0.04, 0.01, 0.07))


def test_heterogeneity_is_claimed_by_its_test():
    assert "There is evidence of heterogeneity between sites (I" in said(q_pvalue=0.01)
    assert "There is no evidence of heterogeneity between sites (I" in said(q_pvalue=0.4)


def test_what_could_not_be_combined_says_why():
    assert "No mean over sites: fewer than two sites." in said(
        auroc=None, reason="fewer than two sites"
    )
    assert "fewer than three sites" in said(prediction_lower=None, reason="fewer than three sites")


def test_sites_whose_risks_are_off_are_named():
    assert "excludes 0 at b, which happens by chance at one site in twenty" in said()


def test_sites_that_were_not_left_out_are_named_with_the_reason():
    told = said()
    assert "Not left out: tiny (labelled patients: 6): 2 positive, 5 needed." in told
    assert "Not left out: patients without a site (labelled patients: 3)" in told


def test_without_sites_the_reason_stands_alone():
    nothing = {"reason": "there is one site only", "not_left_out": []}
    assert site_sentences(nothing) == ["No site was left out of training: there is one site only."]


def test_the_table_shows_why_a_value_is_missing():
    row = site_rows(SITES)[1]
    assert (row["site"], row["n"], row["positive"]) == ("b", 40, 22)
    slope = row["cells"][2]
    assert slope["value"] == "none"
    assert "equal" in slope["reason"]


def test_the_layer_that_is_missed_most_comes_first():
    table = pd.DataFrame(
        {
            "layers_missing": ["-", "small_rna", "mrna", "mrna+small_rna"],
            "n_missing": [0, 1, 1, 2],
            "loss": [0, 0.01, 0.08, 0.2],
            "loss_low": [0, np.nan, 0.02, 0.1],
            "loss_high": [0, np.nan, 0.14, 0.3],
            "n_patients": 150,
            "reason": ["", "3 splits, 5 needed", "", ""],
        }
    )
    told = layer_sentence(table)
    assert "-0.08 (-0.14 to -0.02) without mRNA and -0.01 without small RNA" in told
    assert told.endswith("No interval without small RNA: 3 splits, 5 needed.")
    table["loss"] = -table["loss"] * 0.1
    assert "+0.00 without small RNA" in layer_sentence(table)
    assert "150 labelled patients" in told
    assert "is unknown" in layer_sentence(table.iloc[:1])


def test_the_limits_point_to_the_left_out_sites():
    performance = pd.DataFrame(
        {
            "feature_set": ["selected"],
            "role": ["selected"],
            "metric": ["auroc"],
            "value": [0.7],
            "lower": [0.6],
            "upper": [0.8],
            "reason": [np.nan],
        }
    )
    with_sites = " ".join(cautions(performance, 300, 5, False, n_left_out=4))
    assert "see the 4 left-out sites" in with_sites
    assert "left-out" not in " ".join(cautions(performance, 300, 5, False))
