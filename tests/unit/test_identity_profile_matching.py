import numpy as np
import pandas as pd
import pytest

from trdomics.identity.genotype_matching import concordance, match_genotypes
from trdomics.identity.genotypes import LEVELS
from trdomics.identity.pairs import COLUMNS, match_all
from trdomics.identity.profile_matching import _pairs, why_not
from trdomics.identity.profile_matching import match_layers as match_with_trials


def two_layers(seed, n=150, shared=5, noise=1.0):
    """Draw two layers that share some factors, in 100 and 60 features."""
    rng = np.random.default_rng(seed)
    names = [f"P{i:03d}" for i in range(n)]
    factors = rng.normal(size=(n, shared))
    layers = []
    for d in (100, 60):
        own = rng.normal(size=(n, 2)) @ rng.normal(size=(2, d))
        values = factors @ rng.normal(size=(shared, d)) + own
        layers.append(pd.DataFrame(values + noise * rng.normal(size=(n, d)), index=names))
    return layers[0].add_prefix("a"), layers[1].add_prefix("b")


def match_layers(first, second, seed):
    """Match without the trials of planted exchanges, which take most of the time."""
    return match_with_trials(first, second, seed, planted=0)


def swapped(table, *pairs):
    order = list(table.index)
    for a, b in pairs:
        i, j = order.index(a), order.index(b)
        order[i], order[j] = order[j], order[i]
    return table.loc[order].set_axis(table.index)


PAIRS = [("P003", "P077"), ("P042", "P140")]


def test_planted_swaps_are_found_and_named():
    first, second = two_layers(0)
    match = match_layers(first, swapped(second, *PAIRS), seed=1)
    assert match.summary["usable"]
    assert match.summary["flagged"] == ["P003", "P042", "P077", "P140"]
    assert match.summary["swaps"] == [list(pair) for pair in PAIRS]
    partner = match.patients.set_index("patient_id")["likely_partner"]
    assert partner["P077"] == "P003"
    assert partner.notna().sum() == 4


def test_clean_layers_flag_at_most_one_in_a_hundred():
    flagged, tested = 0, 0
    for seed in range(4):
        match = match_layers(*two_layers(seed, n=100), seed=1)
        assert match.summary["usable"]
        flagged += len(match.summary["flagged"])
        tested += match.summary["n_patients"]
    assert flagged <= 0.01 * tested


def test_layers_with_nothing_in_common_flag_nobody_and_say_their_power():
    first, second = two_layers(1, shared=0)
    match = match_layers(first, swapped(second, *PAIRS), seed=1)
    assert match.summary["power"] < 0.1
    assert not match.summary["usable"]
    assert match.summary["flagged"] == []


def test_power_grows_with_what_layers_share():
    power = [
        match_layers(*two_layers(2, shared=shared, noise=2.0), seed=1).summary["power"]
        for shared in (1, 6)
    ]
    assert power[0] < power[1]
    assert power[1] > 0.8


def test_planted_exchanges_tell_the_power():
    first, second = two_layers(0, n=80)
    found = match_with_trials(first, second, seed=1, planted=4)
    assert found.summary["power"] > 0.7
    assert found.summary["flagged"] == []


def test_swaps_are_planted_within_a_site():
    site = np.array(["x"] * 6 + ["y"] * 4 + ["alone"])
    for seed in range(20):
        rng = np.random.default_rng(seed)
        pairs = _pairs(np.arange(11), 3, rng, site)
        assert len(np.unique(pairs)) == 6
        assert (site[pairs[:, 0]] == site[pairs[:, 1]]).all()
        # with everybody alone there is no other way than between sites
        assert _pairs(np.arange(11), 3, rng, np.arange(11)).shape == (3, 2)


def test_a_foreign_sample_is_flagged_without_a_partner():
    first, second = two_layers(3)
    second = second.copy()
    # the layer's loadings, but factors that are nobody's: the opposite of the patient's
    second.loc["P010"] = 2 * second.mean().to_numpy() - second.loc["P010"].to_numpy()
    match = match_layers(first, second, seed=1)
    assert match.summary["flagged"] == ["P010"]
    assert match.summary["swaps"] == []


def test_the_order_of_patients_and_who_lacks_a_layer_do_not_matter():
    first, second = two_layers(0)
    match = match_layers(first.iloc[10:], second.iloc[:-10].sample(frac=1, random_state=0), seed=1)
    assert match.summary["n_patients"] == 130
    assert match.summary["flagged"] == []
    assert (match.patients["rank_first"] == 1).mean() > 0.5


def test_the_same_seed_gives_the_same_result():
    results = [match_layers(*two_layers(5), seed=3).patients for _ in range(2)]
    pd.testing.assert_frame_equal(*results)


def test_few_patients_are_refused_with_the_reason():
    first, second = two_layers(0, n=30)
    assert why_not(first, second) == "30 patients have both layers, 40 are needed"
    with pytest.raises(ValueError, match="30 patients"):
        match_layers(first, second, seed=1)


def genotypes(seed, n=30, sites=100, errors=0.03):
    """Draw the same people's genotypes twice, with errors of calling and gaps."""
    rng = np.random.default_rng(seed)
    columns = pd.MultiIndex.from_tuples(
        [("1", 1000 * i, "A", "G") for i in range(sites)], names=LEVELS
    )
    true = rng.binomial(2, rng.uniform(0.1, 0.9, sites), (n, sites))
    tables = []
    for _ in range(2):
        noise = rng.random(true.shape)
        seen = np.where(noise < errors, rng.integers(0, 3, true.shape), true).astype(np.float32)
        seen[noise > 0.97] = np.nan
        tables.append(pd.DataFrame(seen, [f"P{i:03d}" for i in range(n)], columns))
    return tables


def test_genotypes_find_a_swap_and_nothing_else():
    first, second = genotypes(0)
    assert match_genotypes(first, second).summary["flagged"] == []
    match = match_genotypes(first, swapped(second, ("P003", "P017")))
    assert match.summary["swaps"] == [["P003", "P017"]]
    assert match.summary["flagged"] == ["P003", "P017"]
    assert match.summary["power"] > 0.99


def test_concordance_is_the_share_of_equal_calls():
    first = np.array([[0, 1, 2, np.nan], [0, 0, 0, 0]], dtype=float)
    second = np.array([[0, 1, 0, 1], [np.nan] * 4], dtype=float)
    found = concordance(first, second)
    assert found[:, 0] == pytest.approx([2 / 3, 1 / 2])
    assert np.isnan(found[:, 1]).all()


def test_all_pairs_choose_their_method_and_give_reasons():
    first, second = two_layers(0, n=60)
    people, again = genotypes(1, n=60)
    rare = second.iloc[:5]
    layers = {
        "rna": first,
        "dna": second.set_axis(people.index),
        "calls": second.set_axis(people.index),
        "few": rare,
    }
    sex = pd.DataFrame(
        {
            "patient_id": [*first.index[:2], *first.index[:2]],
            "layer": ["rna", "rna", "dna", "dna"],
            "sex": ["female", "male", "male", "male"],
        }
    )
    table, summaries, matches = match_all(layers, {"dna": people, "calls": again}, sex, 1)
    assert list(table) == COLUMNS
    methods = {(s["first"], s["second"]): s["method"] for s in summaries}
    assert methods["dna", "calls"] == "genotypes"
    assert methods["rna", "dna"] == "profiles"
    reasons = {(s["first"], s["second"]): s["reason"] for s in summaries}
    assert reasons["rna", "few"] == "5 patients have both layers, 40 are needed"
    assert ("rna", "few") not in matches
    rows = table.query("first == 'rna' and second == 'dna'").set_index("patient_id")
    assert rows["sexes_differ"].tolist()[:2] == [1, 0]
    assert rows["sexes_differ"].isna().sum() == 58
