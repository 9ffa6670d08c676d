from trdomics.confounding.adjustment import TESTS
from trdomics.report.trust import anonymous, trust_sentences

IDENTITY = {
    "sex_discordant": ["PT-7"],
    "n_sex_discordant": 1,
    "n_sex_compared": 276,
    "mismatched": ["PT-1", "PT-2"],
    "n_mismatched": 2,
    "n_match_tested": 252,
    "best_power": 0.98,
    "untested": [{"first": "a", "second": "calls", "reason": "too little in common"}],
    "swaps": [{"patients": ["PT-1", "PT-2"], "layers": ["a", "b"]}],
    "n_samples": 828,
    "n_check": 25,
}
CONFOUNDING = {
    "differing": ["severity", "neutrophils"],
    "layers_differ": [],
    "fdr": 0.05,
    "technical": {"auc": 0.54, "lower": 0.48, "upper": 0.6, "columns": ["site"], "warning": None},
}


def sentences(**changes):
    trust = {
        "identity": anonymous(IDENTITY),
        "confounding": CONFOUNDING,
        "adjustment": {"mrna": {"finding": "Of 5 features 3 are left.", "test": TESTS[True]}},
        "enrichment": {"immune_sentence": "The immune response is lower."},
        "subtypes": {"sentence": "There are no subtypes."},
    }
    return trust_sentences({**trust, **changes})


def test_no_patient_is_named():
    assert "PT-" not in str(anonymous(IDENTITY))
    assert "PT-" not in str(sentences())


def test_every_question_is_answered():
    told = sentences()
    assert "1 of 276 patients" in told["samples"][0]
    assert "2 of 252 patients" in told["samples"][1]
    assert told["samples"][1].endswith(
        "Not evaluated (too little in common, or too few patients): a with calls."
    )
    assert "severity and neutrophils" in told["disease"][0]
    assert "0.54 (0.48 to 0.60)" in told["disease"][1]
    assert told["disease"][-2] == "mRNA: Of 5 features 3 are left."
    assert "voom" in told["disease"][-1]
    assert "PyDESeq2" in told["disease"][-1]
    assert told["meaning"] == ["The immune response is lower.", "There are no subtypes."]


def test_what_could_not_be_checked_says_why():
    missing = {"n_sex_discordant": None, "n_sex_discordant_reason": "no XIST"}
    missing |= {"n_mismatched": None, "n_mismatched_reason": "there is only one layer"}
    told = sentences(
        identity=anonymous({**IDENTITY, **missing}),
        confounding={
            **CONFOUNDING,
            "differing": [],
            "technical": {"auc": None, "auc_reason": "no site"},
        },
    )
    assert told["samples"][0].endswith("no XIST.")
    assert told["samples"][1].endswith("there is only one layer.")
    assert told["disease"][0].startswith("No covariate differs")
    assert told["disease"][1].endswith("no site.")


def test_layers_of_one_group_are_named():
    told = sentences(confounding={**CONFOUNDING, "layers_differ": ["small_rna"]})["disease"]
    assert told[1] == "One group was measured more often than the other in small RNA."


def test_a_warning_about_technical_columns_is_shown():
    technical = {**CONFOUNDING["technical"], "warning": "as a log says it", "pvalue": 0.001}
    told = sentences(confounding={**CONFOUNDING, "technical": technical})["disease"]
    # one line with what follows from it, not two with the same numbers
    assert told[1] == (
        "Technical columns alone (site) reach an AUROC of 0.54 (0.48 to 0.60; p = 0.001): "
        "differences between the groups may reflect where and how samples were taken."
    )
    # of the adjustment what is left, and by which test
    assert len(told) == 4
