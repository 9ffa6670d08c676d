"""Planted diplotypes: called from the VCF, tilted by the label where exposure acts."""

import numpy as np
import pandas as pd
import pytest

from trdomics.pharmacogenes.calling import call_patients
from trdomics.pharmacogenes.definitions import read_genes
from trdomics.simulation.cohort import draw_cohort
from trdomics.simulation.diplotypes import diplotype_recovery
from trdomics.simulation.pharmacogenes import (
    ACTS_ON,
    draw_medication,
    draw_pharmacogenes,
    site_frequencies,
)


@pytest.fixture(scope="module")
def cohort():
    return draw_cohort(200)


@pytest.fixture(scope="module")
def medication(cohort):
    return draw_medication(cohort, np.random.default_rng(1))


@pytest.fixture(scope="module")
def drawn(cohort, medication):
    return draw_pharmacogenes(cohort, medication, np.random.default_rng(2))


def test_every_planted_diplotype_is_among_those_called_and_every_phenotype_right(drawn):
    dosages = drawn.dosages.astype(float).where(drawn.dosages >= 0)
    found = diplotype_recovery(call_patients(read_genes(), dosages), drawn.diplotypes)
    assert list(found) == ["CYP2C19", "CYP2D6", "CYP2B6"]
    for part in found.values():
        assert part["n"] == part["n_called"] == part["n_contain"] == part["n_right"]
    assert found["CYP2D6"]["n_deleted"] > 0
    assert found["CYP2D6"]["n_deleted_missed"] == 0


def test_sites_without_calls_leave_the_planted_diplotype_possible(drawn):
    unseen = np.random.default_rng(3).random(drawn.dosages.shape) < 0.2
    dosages = drawn.dosages.astype(float).mask((drawn.dosages < 0) | unseen)
    found = diplotype_recovery(call_patients(read_genes(), dosages), drawn.diplotypes)
    for part in found.values():
        assert part["n"] == part["n_contain"] > part["n_called"] == part["n_right"]


def test_alleles_have_the_frequencies_of_the_population(drawn):
    seen = drawn.dosages.where(drawn.dosages >= 0).mean() / 2
    common = site_frequencies()
    # a deleted copy shows the other one twice, which leaves frequencies of the rest nearly as is
    np.testing.assert_allclose(seen[common.index], common, atol=0.09)


def test_fast_clearance_goes_with_the_positive_label_in_patients_on_the_drug_only(cohort):
    drugs = pd.DataFrame({"patient": cohort.patients.index, "drug": ACTS_ON[0]})
    ratios, shares = [], []
    for seed in range(20):
        exposed = draw_pharmacogenes(cohort, drugs, np.random.default_rng(seed))
        own = exposed.diplotypes[exposed.diplotypes["gene"] == "CYP2C19"]
        fast = own["phenotype"].isin(["RM", "UM"]).to_numpy()
        shares.append((fast[cohort.positive].mean(), fast[~cohort.positive].mean()))
        ratios.append(
            exposed.log_ratio[cohort.positive].mean() - exposed.log_ratio[~cohort.positive].mean()
        )
    positive, negative = np.mean(shares, axis=0)
    assert positive > negative + 0.05
    assert np.mean(ratios) > 0
    none = draw_pharmacogenes(cohort, drugs.head(0), np.random.default_rng(0))
    assert (none.log_ratio == 0).all()


def test_drugs_are_of_the_class_that_the_sheet_has(cohort, medication):
    untreated = cohort.patients.index[cohort.patients["medication"] == "none"]
    assert not set(untreated) & set(medication["patient"])
    first = medication.drop_duplicates("patient").set_index("patient")["drug"]
    tricyclic = cohort.patients.index[cohort.patients["medication"] == "tricyclic"]
    assert set(first[tricyclic]) <= {"amitriptyline", "nortriptyline"}
