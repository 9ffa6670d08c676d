"""The virtual trial: what patients' data set, and what that changes."""

import pandas as pd
import pytest

from trdomics.mechanism.simulation import Simulator
from trdomics.mechanism.specification import read_specification
from trdomics.mechanism.trial import Evidence, link_settings, own_responses, run_trial
from trdomics.mechanism.uncertainty import draw_parameters
from trdomics.shipped import shipped

PATIENTS = pd.Index(["A", "B", "C", "D"], name="patient_id")


@pytest.fixture(scope="module")
def simulator():
    return Simulator(read_specification(shipped("resources/models/serotonin.yaml")))


@pytest.fixture
def evidence():
    return Evidence(
        phenotypes=pd.DataFrame(
            {
                "patient_id": ["A", "B", "C", "D"],
                "gene": "CYP2C19",
                "phenotype": ["NM", "PM", "RM; UM", None],
            }
        ),
        carriers=pd.DataFrame({"HTR2B": [0, 0, 1, None]}, index=PATIENTS),
        genotypes=pd.DataFrame(
            [[0.0, 1.0, 2.0, None, "rs6295"]],
            pd.MultiIndex.from_tuples([("5", "63962738", "C", "G")]),
            [*PATIENTS, "rsid"],
        ),
        scores=pd.DataFrame({"NF-κB signalling": [-1.0, 0.0, 0.0, 1.0]}, index=PATIENTS),
    )


def settings_of(simulator, evidence, name):
    values, reason = link_settings(simulator.specification.links[name], evidence)
    return values.round(3).to_dict(), reason


def test_phenotypes_set_the_exposure_and_alternatives_are_averaged(simulator, evidence):
    values, reason = settings_of(simulator, evidence, "exposure")
    assert values == {"A": 1.0, "B": 3.3, "C": pytest.approx((0.9 * 0.8) ** 0.5, abs=1e-3)}
    assert reason == ""


def test_carriers_alleles_and_scores_set_their_parameters(simulator, evidence):
    assert settings_of(simulator, evidence, "receptor")[0] == {"A": 1.0, "B": 1.0, "C": 0.5}
    # copies of C, where G is the alternative that was counted
    assert settings_of(simulator, evidence, "autoreceptor")[0] == {"A": 1.21, "B": 1.1, "C": 1.0}
    inflamed = settings_of(simulator, evidence, "inflammation")[0]
    assert inflamed["A"] == 0 and inflamed["D"] > 0


def test_what_was_not_measured_says_why(simulator):
    nothing = Evidence(
        pd.DataFrame(columns=["patient_id", "gene", "phenotype"]),
        pd.DataFrame(),
        pd.DataFrame(columns=["rsid"]),
        pd.DataFrame(),
    )
    reasons = {n: settings_of(simulator, nothing, n) for n in simulator.specification.links}
    assert all(values == {} and reason for values, reason in reasons.values())
    assert own_responses(simulator, PATIENTS, nothing).empty
    drawn = draw_parameters(simulator.specification, 2, seed=1)
    responses, links = run_trial(simulator, PATIENTS, nothing, drawn)
    assert responses["response"].max() == responses["response"].min()
    assert links["contribution"].isna().all() and (links["reason"] != "").all()


def test_slow_metabolisers_respond_more_and_the_link_counts_them(simulator, evidence):
    drawn = draw_parameters(simulator.specification, 3, seed=1)
    responses, links = run_trial(simulator, PATIENTS, evidence, drawn)
    by_patient = responses.set_index("patient_id")["response"]
    assert by_patient["B"] > by_patient["A"]
    exposure = links.set_index("link").loc["exposure"]
    assert (exposure["n_measured"], exposure["n_concerned"]) == (3, 2)
    assert exposure["lower"] <= exposure["upper"]


def test_predictor_of_a_patient_does_not_depend_on_the_others(simulator, evidence):
    whole = own_responses(simulator, PATIENTS, evidence).set_index("patient_id")["response"]
    alone = own_responses(simulator, PATIENTS[1:2], evidence).set_index("patient_id")["response"]
    assert alone["B"] == whole["B"]
    # D has neither phenotype, nor variants, nor genotypes; the score does not count
    assert "D" not in whole
