"""The virtual trial: what patients' data set, and what that changes."""

import pandas as pd
import pytest

from trdomics.mechanism.evidence import read_evidence
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
    assert responses["predicted_response"].max() == responses["predicted_response"].min()
    assert links["contribution"].isna().all() and (links["reason"] != "").all()


def test_slow_metabolisers_respond_more_and_the_link_counts_them(simulator, evidence):
    drawn = draw_parameters(simulator.specification, 3, seed=1)
    responses, links = run_trial(simulator, PATIENTS, evidence, drawn)
    by_patient = responses.set_index("patient_id")["predicted_response"]
    assert by_patient["B"] > by_patient["A"]
    exposure = links.set_index("link").loc["exposure"]
    assert (exposure["n_measured"], exposure["n_concerned"]) == (3, 2)
    assert exposure["lower"] <= exposure["upper"]


def test_predictor_of_a_patient_does_not_depend_on_the_others(simulator, evidence):
    whole = own_responses(simulator, PATIENTS, evidence).set_index("patient_id")[
        "predicted_response"
    ]
    alone = own_responses(simulator, PATIENTS[1:2], evidence).set_index("patient_id")[
        "predicted_response"
    ]
    assert alone["B"] == whole["B"]
    # D has neither phenotype, nor variants, nor genotypes; the score does not count
    assert "D" not in whole


def test_named_variants_and_damaging_ones_are_read_from_the_layers_tables(tmp_path):
    index = pd.MultiIndex.from_tuples(
        [("rs6295", "HTR1A", "other"), ("2:9:C:T", "HTR2B", "lof"), ("2:8:C:T", "HTR2B", "other")],
        names=["variant", "gene", "consequence_class"],
    )
    dosages = pd.DataFrame({"A": [0.0, 1.0, 0.0], "B": [2.0, 0.0, 2.0]}, index)
    dosages.to_parquet(tmp_path / "table.parquet")
    annotation = pd.DataFrame(
        {
            "variant": ["rs6295", "2:9:C:T", "2:8:C:T"],
            "rsid": ["rs6295", None, None],
            "chromosome": ["5", "2", "2"],
            "position": [63962738, 9, 8],
            "reference": ["C", "C", "C"],
            "alternative": ["G", "T", "T"],
        }
    )
    annotation.to_csv(tmp_path / "annotation.tsv", sep="\t", index=False, na_rep="NA")
    calls = pd.DataFrame({"patient_id": ["A"], "gene": ["CYP2C19"], "phenotype": ["NM"]})
    calls.to_csv(tmp_path / "calls.tsv", sep="\t", index=False)
    read = read_evidence(
        tmp_path / "calls.tsv", tmp_path / "table.parquet", tmp_path / "annotation.tsv"
    )
    simulator = Simulator(read_specification(shipped("resources/models/serotonin.yaml")))
    assert settings_of(simulator, read, "receptor")[0] == {"A": 0.5, "B": 1.0}
    assert settings_of(simulator, read, "autoreceptor")[0] == {"A": 1.21, "B": 1.0}
