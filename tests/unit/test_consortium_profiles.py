"""A patient's values in what leaves, exact or rounded."""

import numpy as np
import pandas as pd

from trdomics.consortium.audit import audit
from trdomics.consortium.bundle import table_bytes
from trdomics.consortium.digits import on_grid, step_of
from trdomics.consortium.profiles import Profiles

N, FEATURES = 80, 60
NAMES = [f"g{i}" for i in range(FEATURES)]


def values():
    rng = np.random.default_rng(0)
    table = rng.normal(rng.normal(8, 3, FEATURES), 1.5, size=(N, FEATURES))
    return pd.DataFrame(table, [f"patient-{i:03d}" for i in range(N)], NAMES)


def carriers():
    rng = np.random.default_rng(1)
    drawn = (rng.random((N, FEATURES)) < 0.3).astype(float)
    return pd.DataFrame(drawn, [f"patient-{i:03d}" for i in range(N)], NAMES)


PROFILES = Profiles([values(), carriers()])


def test_a_patients_row_is_found_exact_and_rounded_and_in_any_order():
    row = values().loc["patient-033"]
    rounded = on_grid(row, step_of(values().std(), N, 2))
    assert PROFILES.row_in(row.to_numpy()) == "patient-033"
    assert PROFILES.row_in(rounded) == "patient-033"
    assert PROFILES.row_in(np.stack([np.zeros(FEATURES), row])) == "patient-033"
    assert PROFILES.row_in(np.stack([np.zeros(FEATURES), row]).T) == "patient-033"
    some = row.sample(20, random_state=1)
    assert PROFILES.row_in(some.to_numpy(), list(some.index)) == "patient-033"
    assert PROFILES.row_in(carriers().loc["patient-007"].to_numpy()) == "patient-007"


def test_statistics_of_many_are_nobodys():
    table = values()
    for found in (
        table.mean(),
        table.median(),
        table.std(),
        carriers().mean(),
        table.iloc[:5].mean(),
    ):
        assert PROFILES.row_in(found.to_numpy()) is None
    assert PROFILES.row_in(np.zeros((3, FEATURES))) is None
    assert PROFILES.row_in(np.float64(1.0)) is None


def test_a_bundle_with_a_patients_row_is_refused():
    rng = np.random.default_rng(2)
    table = pd.DataFrame({"feature": NAMES, "symbol": NAMES})
    table = table.assign(effect=rng.normal(size=FEATURES), se=0.1)
    name = "effects/rna.tsv"
    assert audit({name: table_bytes(table)}, [], [], 5, (), PROFILES) == []
    planted = table.assign(effect=values().loc["patient-012"].to_numpy())
    (found,) = audit({name: table_bytes(planted)}, [], [], 5, (), PROFILES)
    assert found == f"{name} column effect holds values of one patient ('patient-012')"
