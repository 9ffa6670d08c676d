"""No two bundles of a cohort differ by a few patients."""

import json
import stat

import numpy as np
import pandas as pd
import pytest

from trdomics.consortium.ledger import KEY, LEDGER, open_ledger
from trdomics.errors import InputError

MINIMUM = 5


def patients(n=40):
    index = pd.Index([f"patient-{i:03d}" for i in range(n)], name="patient_id")
    label = (np.arange(n) % 2).astype(float)
    table = pd.DataFrame({"label": label, "response": label, "in_rna": 1.0, "in_dna": 1.0}, index)
    table.iloc[:6, 3] = 0.0
    return table


@pytest.fixture
def exported(tmp_path):
    ledger = open_ledger(tmp_path)
    groups = ledger.groups(patients(), "response")
    ledger.check(groups, MINIMUM)
    ledger.record(groups, "a" * 64, MINIMUM)
    return tmp_path


def check(folder, table):
    ledger = open_ledger(folder)
    ledger.check(ledger.groups(table, "response"), MINIMUM)


def changed(table, column, rows, value):
    table.loc[table.index[rows], column] = value
    return table


@pytest.mark.parametrize(
    "table",
    [
        patients().iloc[1:],
        patients(41),
        patients(44),
        patients().iloc[2:].drop("patient-009"),
        changed(patients(), "label", [7, 8], np.nan),
        changed(patients(), "in_rna", [7], 0.0),
        changed(patients(), "in_dna", [0], 1.0),
        # another label is another patient
        changed(patients(), "label", [7], 0.0),
        changed(patients(), "response", [7, 8], 2.0),
    ],
)
def test_a_bundle_that_differs_by_a_few_patients_is_refused(exported, table):
    with pytest.raises(InputError, match=r"fewer than 5 patients.*delete its entry in .*ledger"):
        check(exported, table)


@pytest.mark.parametrize(
    "table", [patients(), patients(45), patients().iloc[5:], patients(100).iloc[50:]]
)
def test_the_same_patients_or_enough_others_are_exported(exported, table):
    check(exported, table)


def test_all_earlier_bundles_count(exported):
    ledger = open_ledger(exported)
    ledger.record(ledger.groups(patients(45), "response"), "b" * 64, MINIMUM)
    # five from the latter, one from the former
    with pytest.raises(InputError, match="1 fewer or more"):
        check(exported, patients().iloc[1:])


def test_a_private_bundle_may_differ_by_a_patient(tmp_path):
    ledger = open_ledger(tmp_path)
    ledger.record(ledger.groups(patients(), "response"), "a" * 64, MINIMUM, epsilon=3.0)
    check(tmp_path, patients().iloc[1:])


def test_the_ledger_tells_of_nobody(exported, tmp_path_factory):
    text = (exported / LEDGER).read_text("utf-8")
    assert "patient-0" not in text
    entry = json.loads(text)["exports"][0]
    assert len(entry["patients"]["patients with a label"]) == 40
    assert len(entry["patients"]["patients with dna"]) == 34
    assert stat.S_IMODE((exported / KEY).stat().st_mode) == 0o600
    # another cohort's hashes of the same ids are others
    other = open_ledger(tmp_path_factory.mktemp("other"))
    found = other.groups(patients(), "response")["patients with a label"]
    assert found.isdisjoint(entry["patients"]["patients with a label"])


def test_the_same_bundle_is_recorded_once(exported):
    ledger = open_ledger(exported)
    ledger.record(ledger.groups(patients(), "response"), "a" * 64, MINIMUM)
    assert len(json.loads((exported / LEDGER).read_text("utf-8"))["exports"]) == 1


def test_a_ledger_that_cannot_be_compared_stops_the_export(exported):
    (exported / KEY).rename(exported / "elsewhere")
    with pytest.raises(InputError, match=r"its key .* is missing"):
        open_ledger(exported)
    (exported / "elsewhere").rename(exported / KEY)
    (exported / LEDGER).write_text('{"exports": [{}]}', encoding="utf-8")
    with pytest.raises(InputError, match="damaged"):
        open_ledger(exported)
