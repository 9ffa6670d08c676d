from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from classification_data import cohort, config

from trdomics.classification.run_split import nested_search
from trdomics.frozen_model.training_reference import distance_scores, squares_of_scores
from trdomics.frozen_model.training_summaries import DECILES, TrainingSummaries, summary_of
from trdomics.quantiles import neighbour_quantiles
from trdomics.scoring.out_of_distribution import PATIENTS, assess, compare, shift_summary
from trdomics.tables import LayerTables

POPULATIONS = 2
COHORTS = 12


def trained(seed, n=160):
    tables, labels = cohort(n=n, seed=1000 + seed, lacking=8)
    representations = nested_search(config()).representations(tables, labels.to_numpy())
    reference = TrainingSummaries().fit(representations, tables)
    return SimpleNamespace(representation=representations.representation, reference=reference)


@pytest.fixture(scope="module")
def models():
    return [trained(seed) for seed in range(POPULATIONS)]


def test_the_same_population_is_flagged_at_about_the_nominal_rate(models):
    flagged, warned = [], []
    for number, model in enumerate(models):
        for seed in range(COHORTS):
            new, _ = cohort(n=100, seed=100 * number + seed, prefix="new-", lacking=5)
            patients, shift = assess(model, new)
            flagged.append(patients["outlier_vs_training"].mean())
            warned.append(shift_summary(patients, shift)["warning"] is not None)
    # nominal 1 % of the patients and 5 % of the cohorts; two false alarms more among 24 cohorts
    # have a chance of 12 %, four of 1 %
    assert np.mean(flagged) < 0.03
    assert sum(warned) <= 3


def test_another_platform_is_found_in_its_layer(models):
    new, _ = cohort(n=80, seed=5, prefix="new-")
    factors = np.where(np.arange(40) % 2, 3, 1)
    patients, shift = assess(models[0], new.replace(rna=new["rna"] * factors))
    found = shift_summary(patients, shift)
    assert "layer rna: reproduction error" in found["shifted"]
    assert "protein: reproduction error" not in str(found["shifted"])
    assert found["warning"].startswith("these patients are out-of-distribution")
    profiled = new.profiled("rna")
    assert (patients["outlier_vs_training"][profiled] == 1).mean() > 0.8
    assert set(patients["outlier_vs_training_in"][profiled]) <= {"rna", "factor distance"}
    assert (patients["outlier_vs_training"][~profiled] == 1).mean() < 0.5


def test_deeper_sequencing_shows_as_level_and_nothing_else(models):
    new, _ = cohort(n=80, seed=6, prefix="new-")
    _, shift = assess(models[0], new.replace(rna=new["rna"] * 4))
    rows = shift.set_index("name")
    assert rows.loc["rna: level", "shifted"] == 1
    assert rows.loc["protein: level", "shifted"] == 0


def test_an_older_cohort_shows_in_its_column(models):
    new, _ = cohort(n=80, seed=7, prefix="new-")
    older = new["clinical"].assign(age=new["clinical"]["age"] + 15)
    _, shift = assess(models[0], new.replace(clinical=older))
    row = shift.set_index("name").loc["age"]
    assert row["shifted"] == 1
    assert row["mean_difference"] > 1


def test_one_strange_patient_is_flagged_among_others(models):
    new, _ = cohort(n=60, seed=8, prefix="new-", lacking=0)
    rna = new["rna"].copy()
    rna.iloc[10] = rna.iloc[10].to_numpy()[::-1]
    patients, _ = assess(models[0], new.replace(rna=rna))
    assert patients["outlier_vs_training"][10] == 1
    assert patients["outlier_vs_training_in"][10] == "rna"
    assert patients["outlier_vs_training"].sum() <= 4


def test_patients_without_anything_to_check_are_not_judged(models):
    new, _ = cohort(n=20, seed=9, prefix="new-")
    bare = LayerTables({"clinical": new["clinical"]}, new.patients)
    patients, shift = assess(models[0], bare)
    assert list(patients.columns) == PATIENTS
    assert patients["outlier_vs_training"].isna().all()
    row = shift.set_index("name").loc["unlike training"]
    assert row["reason"] == "no patient could be checked"


def test_a_single_patient_can_be_judged(models):
    new, _ = cohort(n=10, seed=10, prefix="new-", lacking=0)
    patients, shift = assess(models[0], new.take(np.array([0])))
    assert patients["outlier_vs_training"].notna().all()
    assert shift["p"].notna().any()


def test_factors_have_one_reference_per_set_of_layers(models):
    reference = models[0].reference
    assert "dna+protein+rna" in reference.patterns_
    full, part = reference.patterns_["dna+protein+rna"], reference.patterns_["dna"]
    assert full["mean"].shape == part["mean"].shape
    # a projection from a layer of little information stays near the centre
    spread = [pattern["factors"]["Factor1"]["sd"] for pattern in (full, part)]
    assert spread[1] < 0.7 * spread[0]


def test_distances_become_normal_whatever_the_number_of_factors():
    rng = np.random.default_rng(1)
    for k in (2, 12):
        squares = rng.chisquare(k, size=20000)
        scores = distance_scores(squares, k)
        assert abs(scores.mean()) < 0.03
        assert scores.std() == pytest.approx(1, abs=0.03)
        np.testing.assert_allclose(squares_of_scores(scores, k), squares)


def with_deciles(values):
    return summary_of(values) | {"deciles": neighbour_quantiles(values, DECILES)}


def test_comparisons_keep_their_level_and_see_a_difference():
    rng = np.random.default_rng(2)
    ps = []
    for _ in range(400):
        training = with_deciles(rng.normal(size=200))
        ps.append(compare(rng.normal(size=80), training)["p"])
    assert np.mean(np.array(ps) < 0.05) < 0.08
    training = with_deciles(rng.normal(size=200))
    assert compare(rng.normal(loc=0.7, size=80), training)["p"] < 1e-3
    # the same mean, another spread
    assert compare(rng.normal(scale=2.5, size=80), training)["p"] < 1e-3


def test_what_cannot_be_compared_says_why():
    assert compare(np.array([]), summary_of(np.arange(5.0)))["reason"] == "no patient has it"
    constant = compare(np.array([1.0, 2.0]), summary_of(np.ones(5)))
    assert constant["reason"] == "constant in training"
    assert pd.isna(constant["p"])
