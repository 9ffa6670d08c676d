from trdomics.identity.recovery import identity_recovery
from trdomics.report.context import adjustment_rows, identity_rows

TRUTH = {"swaps": {"layer": "small", "pairs": [["P1", "P2"], ["P4", "P3"]]}, "wrong_sex": ["P9"]}
SWAPS = [
    {"patients": ["P2", "P1"], "layers": ["large", "small"]},
    {"patients": ["P3", "P4"], "layers": ["large", "calls"]},
]
FOUND = {
    "mismatched": ["P1", "P2", "P3", "P7"],
    "n_match_tested": 104,
    "swaps": SWAPS,
    "sex_discordant": ["P9"],
    "n_sex_compared": 81,
}


def test_found_missed_and_falsely_flagged_are_counted():
    found = identity_recovery(FOUND, TRUTH)
    exchanged = found["exchanged"]
    assert (exchanged["n_planted"], exchanged["n_found"], exchanged["n_missed"]) == (4, 3, 1)
    assert (exchanged["n_false"], exchanged["sensitivity"]) == (1, 0.75)
    assert exchanged["specificity"] == 0.99
    # a pair named between other layers is not the one that was planted
    assert (exchanged["n_pairs"], exchanged["n_partners_named"]) == (2, 1)
    assert found["wrong_sex"]["sensitivity"] == found["wrong_sex"]["specificity"] == 1
    rows = identity_rows(found)
    assert rows[0]["found"] == "3, and 1 of 100 others" and rows[0]["truth"] == "4, and 0"


def test_what_was_not_tested_is_not_counted_as_missed():
    nothing = {"mismatched": None, "n_match_tested": None, "swaps": None}
    found = identity_recovery({**FOUND, **nothing, "mismatched_reason": "too weak"}, TRUTH)
    assert found["exchanged"]["n_found"] is None and found["exchanged"]["n_missed"] is None
    assert identity_rows(found)[0]["found"] == "not tested: too weak"


def test_the_page_shows_the_last_set_not_the_last_name():
    """JSON files are written with sorted keys."""
    sets = {
        "all": {"confounded_removed": 0.99, "label_kept": 0.9},
        "minimal": {"confounded_removed": 0.0, "label_kept": 1.0},
    }
    rows = adjustment_rows({"sets": {"rna": ["minimal", "all"]}, "layers": {"rna": sets}})
    assert [row["found"] for row in rows] == ["99 %", "90 %"]
    nothing = {"all": {"confounded_removed": None, "label_kept": None}}
    rows = adjustment_rows({"sets": {"rna": ["all"]}, "layers": {"rna": nothing}})
    assert rows[0]["found"] == "none differed without adjustment"
