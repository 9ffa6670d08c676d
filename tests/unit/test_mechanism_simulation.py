"""The serotonin neuron: its published steady state, what it must show, and drawn parameters."""

import numpy as np
import pandas as pd
import pytest
import yaml

from trdomics.errors import InputError
from trdomics.mechanism.simulation import Simulator
from trdomics.mechanism.specification import read_specification
from trdomics.mechanism.uncertainty import draw_parameters, sensitivity, share_of_draws
from trdomics.shipped import shipped

FILE = shipped("resources/models/serotonin.yaml")


@pytest.fixture(scope="module")
def specification():
    return read_specification(FILE)


@pytest.fixture(scope="module")
def simulator(specification):
    return Simulator(specification)


@pytest.fixture(scope="module")
def measured(simulator):
    return simulator.measure(simulator.defaults())


def test_the_normal_neuron_rests_at_the_published_steady_state(simulator, measured):
    # 60.1 nM outside (Mena 2024); firing is 1 by definition
    assert measured["normal"]["level", "base"] == pytest.approx(60.1, abs=0.1)
    assert measured["normal"]["firing", "base"] == pytest.approx(1, abs=0.01)


def test_published_terminal_is_unchanged_without_firing_and_drug_hypotheses(simulator):
    """Stored 5-HT and the tryptophan pool of the published steady state, without the new parts."""
    held = {"held": 1, "held_at": 1, "glial_uptake": 0.05}
    runner = simulator._runner
    runner.resetAll()
    for name, value in held.items():
        runner[name] = value
    runner.simulate(0, 2000, 2)
    published = {"vesicles": 67.43, "pool": 113.43, "htp": 1.611, "cytosol": 0.0376, "bh4": 0.9005}
    for name, value in published.items():
        assert runner[name] == pytest.approx(value, rel=2e-3), name


def test_usual_dose_blocks_the_transporter_as_measured_in_people(measured):
    # 76 to 85 % at the usual doses (Meyer 2004)
    assert 0.76 < measured["normal"]["occupancy", "chronic"] < 0.85


def test_every_statement_holds_at_the_central_values(simulator, specification):
    statements = share_of_draws(simulator, draw_parameters(specification, 5, seed=1))
    assert statements["holds_at_default"].tolist() == [1] * len(statements)
    assert statements["share"].between(0, 1).all()
    assert (statements["n_draws"] == 5).all()


def test_without_the_loop_the_receptor_does_nothing(simulator):
    """The statements can fail: without 5-HT2B's two effects its loss changes nothing."""
    settings = {**simulator.defaults(), "excitation": 0, "counter": 0}
    found = simulator.measure(settings, ["normal", "without_2b"])
    for measure in ("acute_rise", "chronic_rise"):
        assert found["without_2b"]["level", measure] == pytest.approx(
            found["normal"]["level", measure], rel=1e-3
        )


def test_draws_stay_in_their_ranges_and_repeat_with_the_seed(specification):
    drawn = draw_parameters(specification, 50, seed=3)
    for name, parameter in specification.parameters.items():
        assert drawn[name].between(parameter.low, parameter.high).all(), name
    pd.testing.assert_frame_equal(drawn, draw_parameters(specification, 50, seed=3))
    assert not drawn.equals(draw_parameters(specification, 50, seed=4))


def test_a_parameter_that_the_response_ignores_has_no_sensitivity(simulator):
    effects = sensitivity(simulator, "normal", seed=1, paths=2).set_index("parameter")["mu_star"]
    # no histamine in the normal condition
    assert effects["histamine_effect"] == pytest.approx(0, abs=1e-6)
    assert effects["clearance"] > 0.01
    assert effects.is_monotonic_decreasing


def changed(tmp_path, change):
    raw = yaml.safe_load(FILE.read_text("utf-8"))
    change(raw)
    (tmp_path / "serotonin.ant").write_text((FILE.parent / "serotonin.ant").read_text("utf-8"))
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump(raw), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda raw: raw["statements"][0].update(condition="nrmal"),
            "nrmal is not a condition; did",
        ),
        (lambda raw: raw["parameters"]["clearance"].update(value=99), "not in a range from 22"),
        (lambda raw: raw.pop("map"), "map"),
    ],
)
def test_what_is_wrong_in_a_specification_is_named(tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        read_specification(changed(tmp_path, change))


def test_a_name_that_the_equations_lack_is_named(tmp_path):
    path = changed(tmp_path, lambda raw: raw["treatment"].update(dosis=3))
    with pytest.raises(InputError, match="has no dosis"):
        Simulator(read_specification(path))


def test_values_of_the_specification_are_those_of_the_equations(simulator, specification):
    """A reader of either file sees the same constants."""
    runner = simulator._runner
    runner.resetAll()
    assert {name: runner[name] for name in specification.parameters} == {
        name: pytest.approx(p.value) for name, p in specification.parameters.items()
    }
    assert np.isfinite(list(simulator.defaults().values())).all()
