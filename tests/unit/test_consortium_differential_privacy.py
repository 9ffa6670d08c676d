"""Effects under differential privacy: what one patient can change, and what is accounted."""

import json

import numpy as np
import pandas as pd
import pytest
from export_data import LABEL, MINIMUM, TABLES, patients_sheet, read

from trdomics.archive import write_archive
from trdomics.consortium.bundle import MANIFEST, read_bundle
from trdomics.consortium.differential_privacy import (
    DELTA,
    Budget,
    cost,
    normal_scores,
    private_effects,
    with_noise,
)
from trdomics.consortium.export import Export
from trdomics.errors import InputError

POSITIVE = np.arange(200) % 2 == 1


def table(n=200, p=40, seed=0, effect=0.0):
    rng = np.random.default_rng(seed)
    values = rng.normal(rng.normal(0, 3, p), 1, size=(n, p))
    values[POSITIVE[:n], :5] += effect
    return pd.DataFrame(values, columns=[f"f{i}" for i in range(p)])


def test_no_values_make_a_patient_weigh_more_than_any_other():
    values = table()
    values.iloc[0] = np.r_[1e300, -1e300, np.zeros(38)]
    values.iloc[1, :20] = np.nan
    values.iloc[2] = 7.0
    lengths = (normal_scores(values) ** 2).sum(axis=1)
    assert lengths.max() <= 40 * (1 + 1e-9)
    np.testing.assert_allclose(lengths[[0, 3, 1]], [40, 40, 20])
    assert lengths[2] == 0


def test_noise_is_as_wide_as_the_budget_demands():
    values, scale = with_noise(np.zeros(4000), 3.0, 0.5)
    assert scale == 3.0
    assert values.std() == pytest.approx(3.0, rel=0.05)
    # zCDP to (epsilon, delta): Bun & Steinke 2016, proposition 1.3
    for epsilon in (0.5, 3, 30):
        rho = Budget(epsilon, 2).rho
        assert rho + 2 * np.sqrt(rho * np.log(1 / DELTA)) == pytest.approx(epsilon)
        assert 2 * (Budget(epsilon, 2).sums + Budget(epsilon, 2).sizes) == pytest.approx(rho)


def test_errors_hold_what_patients_and_noise_add():
    draws = [private_effects(table(seed=s), POSITIVE, Budget(60, 1), MINIMUM)[0] for s in range(20)]
    z = np.concatenate([draw["effect"] / draw["se"] for draw in draws])
    # 1.02 on average; 0.02 from draw to draw of the noise, which has no seed
    assert 0.75 < z.std() < 1.12
    wide = private_effects(table(), POSITIVE, Budget(1, 1), MINIMUM)[0]
    assert wide["se"].iloc[0] > 10 * draws[0]["se"].iloc[0]


def test_a_large_budget_finds_what_differs_and_a_small_one_nothing():
    values = table(effect=1.5)
    found, sizes = private_effects(values, POSITIVE, Budget(1000, 1), MINIMUM)
    z = (found["effect"] / found["se"]).abs()
    assert z[:5].min() > z[5:].max()
    assert abs(sizes["n_positive"] - 100) < 3
    nothing, _ = private_effects(values, POSITIVE, Budget(0.5, 1), MINIMUM)
    assert (nothing["effect"] / nothing["se"]).abs().max() < 5


def test_a_group_that_may_be_too_small_is_refused():
    with pytest.raises(InputError, match="fewer than 5 patients"):
        private_effects(table(), np.arange(200) < 1, Budget(1000, 1), MINIMUM)


def test_a_private_bundle_has_effects_only_and_says_what_it_costs(tmp_path):
    export = Export("one", LABEL, ["label", "1.0", "0.0"], patients_sheet(), MINIMUM)
    budget = Budget(30, 2)
    tested = pd.DataFrame({"feature": ["gene1"], "symbol": ["SYMBOL"]})
    export.private("rna", "counts", TABLES["rna"], budget, tested)
    export.private("dna", "variants", TABLES["dna"], budget, tested)
    privacy = cost(budget, [{"epsilon": 2.0}, {"epsilon": None}])
    assert privacy == {"epsilon": 30, "delta": DELTA, "spent": 32.0}
    members = export.members(TABLES.patients, privacy)
    assert set(members) == {MANIFEST, "effects/rna.tsv"}
    manifest = json.loads(members[MANIFEST])
    assert manifest["privacy"]["spent"] == 32
    assert manifest["layers"]["rna"]["effect"] == "difference of normal scores"
    assert any("dna" in reason for reason in manifest["left_out"])
    assert list(read(members, "effects/rna.tsv")["symbol"][:2]) == ["NA", "SYMBOL"]
    write_archive(members, tmp_path / "one.zip")
    assert read_bundle(tmp_path / "one.zip").cohort == "one"
