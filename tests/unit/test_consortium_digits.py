"""As few digits as are needed: the last one is worth a minimum of patients."""

import numpy as np
import pytest

from trdomics.consortium.digits import on_grid, scale_on_grid, significant, step_of


@pytest.mark.parametrize(
    ("spread", "n", "step"),
    [(1.0, 500, 0.01), (1.0, 300, 0.02), (1.0, 100, 0.05), (12.0, 300, 0.2), (3e4, 300, 500)],
)
def test_a_step_is_the_next_round_number_that_so_many_patients_are_worth(spread, n, step):
    assert step_of(spread, n, 5) == pytest.approx(step, rel=1e-12)


def test_no_patient_moves_a_rounded_mean_by_more_than_a_step():
    rng = np.random.default_rng(0)
    values = rng.normal(10, 3, size=(200, 500))
    step = step_of(values.std(axis=0), 200, 5)
    whole, without = (on_grid(part.mean(axis=0), step) for part in (values, values[1:]))
    moved = np.abs(whole - without)
    # and nine in ten not at all
    assert (moved <= step * (1 + 1e-9)).all()
    assert (moved > 0).mean() < 0.15
    # twice the error of rounding is far below the standard error
    assert (step / np.sqrt(12) < 0.3 * values.std(axis=0) / np.sqrt(200)).all()


def test_rounded_numbers_are_short_and_nothing_stays_nothing():
    assert on_grid([0.123, 17.77, -3.1, 1234.5], [0.02, 0.05, 0.5, 200]).tolist() == [
        *(0.12, 17.75, -3.0, 1200.0)
    ]
    assert on_grid([1.23456], 0.0).tolist() == [1.23456]
    assert step_of(0.0, 100, 5) == 0
    assert significant([0.0, -0.012345, 98765.0, 1.0]).tolist() == [0.0, -0.012, 99000.0, 1.0]
    # a standard deviation does not become 0
    assert scale_on_grid(0.4, 1.0) == 1.0
