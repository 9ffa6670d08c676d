import numpy as np
import pandas as pd
import pytest

from trdomics.report import words
from trdomics.report.context import cohort_sentence, facts, performance_rows, site_table


def performance(value=0.74, lower=0.68, upper=0.79, role="selected"):
    return pd.DataFrame(
        {
            "feature_set": ["selected", "confounders", "clinical_circular"],
            "role": [role, "baseline", "circular"],
            "metric": "auroc",
            "value": [value, 0.6, 0.99],
            "lower": [lower, 0.53, 0.98],
            "upper": [upper, 0.66, 1.0],
            "reason": np.nan,
        }
    )


def gains(lower, upper):
    return pd.DataFrame(
        {
            "feature_set": ["selected"],
            "baseline": ["clinical"],
            "metric": ["auroc"],
            "gain": [(lower + upper) / 2],
            "lower": [lower],
            "upper": [upper],
            "pvalue": [0.03],
        }
    )


def test_headline_holds_value_and_interval():
    said = words.headline(performance(), "TRD", "responder")
    assert "In 74 of 100 pairs of a TRD and a responder patient" in said
    assert "0.74 (0.68 to 0.79)" in said


@pytest.mark.parametrize(
    ("lower", "upper", "said"),
    [
        (
            0.01,
            0.11,
            "Compared with the clinical predictors alone, it gains 6 of 100 pairs (1 to 11, ",
        ),
        (-0.02, 0.11, "No gain over"),
        (
            -0.2,
            -0.1,
            "Compared with the clinical predictors alone, it loses 15 of 100 pairs (10 to 20, ",
        ),
    ],
)
def test_a_gain_is_claimed_only_when_its_interval_is_above_zero(lower, upper, said):
    assert said in words.gain(gains(lower, upper), "clinical", "the clinical predictors alone")


def test_a_label_told_by_who_has_which_layer_is_a_doubt():
    def presence(lower):
        row = performance().iloc[[1]].assign(feature_set="layers_present", value=0.7, lower=lower)
        return pd.concat([performance(), row])

    assert (
        "The pattern of measured layers alone predicts the label" in words.doubts(presence(0.61))[0]
    )
    assert not words.doubts(presence(0.48))
    assert [fact["value"] for fact in facts(presence(0.61)) if "layers" in fact["name"]] == ["0.70"]
    assert not [fact for fact in facts(performance()) if "layers" in fact["name"]]


def test_what_was_read_otherwise_is_said_without_the_names_of_samples():
    notes = [
        "its samples are in rows (`p01`, `p02`, …): it was transposed",
        "20 samples are matched by case or barcode (such as p022 with P022)",
        "2 of 9 samples of the file are not in the list (file: a, b); 1 of 8 of the list (list: c)",
        "5 of 5 alleles are called in fewer than 90% of the patients (call rate 8%)",
    ]
    assert words.read_as("small_rna", notes) == [
        "small RNA: its samples are in rows: it was transposed.",
        "small RNA: 20 samples are matched by case or barcode.",
        "small RNA: 2 of 9 samples of the file are not in the list; 1 of 8 of the list.",
        f"small RNA: {notes[-1]}.",
    ]


def test_a_gain_that_is_missing_is_said_to_be():
    rows, described = gains(0.1, 0.2), "the clinical predictors alone"
    told = words.gain(rows.assign(gain=np.nan), "clinical", described)
    assert told == f"The gain over {described} could not be computed."
    told = words.gain(rows.iloc[:0], "clinical", described)
    assert told == f"No gain over {described} is computed: the config names none."


def test_a_metric_without_a_value_says_why():
    row = {"value": np.nan, "lower": np.nan, "upper": np.nan, "reason": "one class only"}
    assert words.interval(row) == "not available (one class only)"
    row = {"value": 1.2, "lower": np.nan, "upper": np.nan, "reason": "near separation"}
    assert words.interval(row) == "1.20 (no interval: near separation)"


def test_no_permutations_are_said_not_hidden():
    test = {"n_permutations": 0, "reason": "no permutations were requested"}
    told = words.null(test, ["elastic_net"])
    assert told == "There is no label-permutation null: no permutations were requested."


def test_the_null_names_its_restriction_and_the_smallest_p_it_can_give():
    test = {"n_permutations": 30, "mean": 0.5, "upper": 0.57, "observed": 0.77, "pvalue": 1 / 31}
    told = words.null(test, ["elastic_net"])
    assert "with elastic net models reached an AUROC" in told
    assert "p = 0.032, the smallest possible with so few permutations" in told
    assert "stayed below 0.57 in 95 % of the permutations" in told
    assert "smallest" not in words.null({**test, "pvalue": 0.2}, ["elastic_net"])


def test_of_few_tries_the_largest_is_told_and_no_percentile():
    test = {"n_permutations": 2, "mean": 0.49, "upper": 0.507, "largest": 0.51, "observed": 0.99}
    told = words.null({**test, "pvalue": 1 / 3}, ["elastic_net"])
    assert "permuted 2 times" in told
    assert "reached an AUROC of 0.49 on average, and 0.51 in the largest of 2. The true" in told
    assert "95 %" not in told
    once = words.null({**test, "n_permutations": 1, "pvalue": 0.5}, ["elastic_net"])
    assert "permuted once" in once
    assert "reached an AUROC of 0.49. The true labels" in once


def test_the_target_prevalence_is_told_only_where_it_is_another_one():
    told = words.prevalence({"cohort": 0.551, "target": 0.3}, "ill")
    assert "from the cohort's prevalence of 55 % ill to 30 %" in told
    same = words.prevalence({"cohort": 0.551, "target": 0.5513}, "ill")
    assert "55 % of patients are expected to be ill where the model is used" in same
    assert "moved" not in same


@pytest.mark.parametrize(
    ("value", "lower", "upper", "said"),
    [
        (0.57, np.nan, np.nan, "seem too extreme"),
        (0.85, 0.75, 0.95, "are too extreme"),
        (1.6, 1.2, 2.1, "are not extreme enough"),
        (0.6, 0.3, 1.1, "seem too extreme"),
        (0.89, 0.70, 1.11, None),
        (1.2, np.nan, np.nan, None),
        (np.nan, np.nan, np.nan, None),
    ],
)
def test_a_calibration_that_is_off_is_among_the_doubts(value, lower, upper, said):
    slope = performance(value, lower, upper).head(1).assign(metric="calibration_slope")
    told = words.doubts(pd.concat([performance(), slope]))
    if said is None:
        assert told == []
    else:
        assert len(told) == 1
        assert said in told[0]
        limits = "no interval" if np.isnan(lower) else f"{lower:.2f} to {upper:.2f}"
        assert f"calibration slope {value:.2f}, {limits}; 1 is ideal" in told[0]


def test_a_gain_without_an_interval_claims_nothing():
    same = gains(0.0, 0.0).assign(lower=np.nan, upper=np.nan, pvalue=np.nan, reason="equal folds")
    told = words.gain(same, "clinical", "the clinical predictors alone")
    assert told == (
        "The gain over the clinical predictors alone is 0.00 (no interval: equal folds)."
    )


def test_confounders_named_as_limits_are_those_of_the_config():
    told = words.cautions(performance(), 300, 0, False, ["debulking", "batch"])[-1]
    assert "debulking and batch may differ" in told
    assert "no confounders" in words.cautions(performance(), 300, 0, False)[-1]


def test_too_good_an_auroc_asks_for_an_audit():
    def limits(frame):
        return " ".join(words.cautions(frame, 300, 5, simulated=False))

    assert "check for leakage" in limits(performance(0.95, 0.9, 0.98))
    assert "check for leakage" not in limits(performance())


def test_simulated_patients_and_mixed_sites_are_named_as_limits():
    told = words.cautions(performance(), 300, 5, simulated=True)
    assert told[0].startswith("These patients are simulated")
    assert any("5 sites are mixed" in limit for limit in told)
    assert not any("sites" in limit for limit in words.cautions(performance(), 300, 0, False))


def test_the_selected_row_comes_first_whatever_is_better():
    rows = performance_rows(performance(), {"confounders": "ridge, all features: 6"})
    assert [row["role"] for row in rows] == ["selected", "baseline", "circular"]
    assert [row["models"] for row in rows] == ["", "ridge, all features: 6", ""]


def test_sites_are_counted_by_label_and_missing_ones_named():
    patients = pd.DataFrame({"label": [1, 0, 1, None], "centre": ["a", "a", None, "b"]})
    assert site_table(patients, "centre") == [
        {"site": "a", "negative": 1, "positive": 1, "share": "50 %"},
        {"site": "unknown", "negative": 0, "positive": 1, "share": "100 %"},
    ]
    assert site_table(patients, None) == []


@pytest.mark.parametrize(
    ("value", "said"), [(0.0001, "p < 0.001"), (0.034, "p = 0.034"), (0.51, "p = 0.51")]
)
def test_p_values(value, said):
    assert words.p_value(value) == said


def test_layers_stand_in_the_order_of_the_config():
    shares = {"dna": 0.01, "rna": 0.62, "small_rna": 0.44}
    summary = {"n_patients": 9, "n_factors": 2, "stable_factors": None}
    told = words.factors(
        {**summary, "variance_explained": shares}, ["rna", "small_rna", "dna", "met"]
    )
    assert "explain 62 % of RNA, 44 % of small RNA and 1 % of DNA (" in told


def test_few_splits_are_called_a_quick_look():
    assert "Only 3 splits" in words.quick_look(3)[0]
    assert words.quick_look(10) == []


def test_what_spoils_a_test_is_said_beside_its_numbers():
    summary = {
        "contrast": ["label", "case", "control"],
        **dict.fromkeys(("n_significant", "n_up"), 3),
        **{"n_tested": 60, "n_down": 0, "share_tested": 0.05, "fdr": 0.05, "n_patients": 90},
        "refused_warning": "1 library is left out of the test",
        "winsorise_warning": "the smaller group is 5 % of the patients",
    }
    said = words.differential("small_rna", summary)
    assert said.endswith(
        " 1 library is left out of the test. The smaller group is 5 % of the patients."
    )
    clean = words.differential("small_rna", summary | dict.fromkeys(list(summary)[-2:]))
    assert clean.endswith("than in control (90 patients).")


def test_values_of_the_label_that_are_no_class_are_named_with_counts():
    patients = pd.DataFrame(
        {
            "label": [1, 0, np.nan, np.nan, np.nan, np.nan],
            "response": ["TRD", "well", "partial", "partial", "lost", np.nan],
            "in_rna": 1,
        }
    )
    label = {"column": "response", "positive": "TRD", "negative": "well"}
    sentence = cohort_sentence(patients, {"rna": {}}, label)
    assert (
        "4 without a label (scored, not used for training); of them with another value of "
        "response: " in (sentence)
    )
    assert "partial (2) and lost (1)" in sentence
    assert "another value" not in cohort_sentence(patients[:2], {"rna": {}}, label)


def test_no_estimate_is_minus_zero():
    assert words.number(-0.001) == "0.00"
    row = {"value": -0.001, "lower": -0.2, "upper": -0.001, "reason": None}
    assert words.interval(row) == "0.00 (-0.20 to 0.00)"
    assert words.cell(row) == {"value": "0.00", "range": "-0.20 to 0.00", "reason": ""}
