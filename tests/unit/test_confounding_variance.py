from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from trdomics.confounding.figures import variance_figure
from trdomics.confounding.variance import MAX_GROUPS, variance_groups, variance_partition
from trdomics.files import save_figure

N = 150


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(9)
    positive = np.arange(N) % 2 == 0
    patients = pd.DataFrame(
        {
            "site": rng.choice(list("abcd"), N),
            "neutro": rng.normal(size=N) + 0.7 * positive,
            "mono": rng.normal(size=N),
        },
        index=[f"P{i}" for i in range(N)],
    )
    values = pd.DataFrame(rng.normal(size=(N, 60)), index=patients.index)
    values.columns = [f"g{i}" for i in range(60)]
    values["g0"] += 2.0 * positive
    values["g1"] += 2.0 * patients["neutro"]
    values["g2"] = 3.0
    return values, patients, positive


GROUPS = {"site": ["site"], "cells": ["neutro", "mono"]}


def test_shares_are_positive_and_add_up(data):
    table, summary = variance_partition(*data, GROUPS)
    shares = table[["label", "site", "cells", "residual"]]
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert (shares.to_numpy() > -1e-12).all()
    assert summary["n_constant"] == 1 and "g2" not in set(table["feature"])
    rows = table.set_index("feature")
    assert rows.loc["g0", "label"] > 0.35 > rows.loc["g0", "cells"]
    assert rows.loc["g1", "cells"] > 0.5 > rows.loc["g1", "label_unique"]


def test_shares_are_the_gains_averaged_over_all_orders(data):
    values, patients, positive = data
    table, _ = variance_partition(values[["g1"]], patients, positive, GROUPS)
    blocks = {
        "label": positive[:, None].astype(float),
        "site": pd.get_dummies(patients["site"], drop_first=True).to_numpy(float),
        "cells": patients[["neutro", "mono"]].to_numpy(),
    }
    outcome = values["g1"].to_numpy()

    def r_squared(names):
        matrix = np.column_stack([np.ones(N), *(blocks[name] for name in names)])
        rest = outcome - matrix @ np.linalg.lstsq(matrix, outcome, rcond=None)[0]
        return 1 - rest.var() / outcome.var()

    expected = dict.fromkeys(blocks, 0.0)
    for order in permutations(blocks):
        for i, name in enumerate(order):
            expected[name] += (r_squared(order[: i + 1]) - r_squared(order[:i])) / 6
    for name, share in expected.items():
        assert table[name].iloc[0] == pytest.approx(share)
    assert table["label_unique"].iloc[0] == pytest.approx(
        r_squared(("label", "site", "cells")) - r_squared(("site", "cells"))
    )


def test_noise_has_the_share_expected_by_chance(data, tmp_path):
    values, patients, positive = data
    table, summary = variance_partition(values.iloc[:, 3:], patients, positive, GROUPS)
    for name, group in summary["groups"].items():
        assert table[name].mean() == pytest.approx(group["expected_by_chance"], rel=0.4)
    save_figure(variance_figure(table, summary), tmp_path / "v.svg")
    assert (tmp_path / "v.svg").stat().st_size > 1000


def test_too_few_patients_give_a_reason(data, tmp_path):
    values, patients, positive = data
    table, summary = variance_partition(values[:12], patients[:12], positive[:12], GROUPS)
    assert table.empty
    assert "degrees of freedom" in summary["reason"]
    save_figure(variance_figure(table, summary), tmp_path / "v.svg")
    assert (tmp_path / "v.svg").stat().st_size > 500


def test_sets_become_groups_and_the_site_stands_alone():
    sets = {"minimal": [], "technical": ["rin", "site"], "cells": ["n"], "all": ["sex", "age"]}
    assert variance_groups(sets, "site") == {
        "site": ["site"],
        "technical": ["rin"],
        "cells": ["n"],
        "sex": ["sex"],
        "age": ["age"],
    }


def test_many_groups_are_merged_into_one():
    sets = {"minimal": [], "all": [f"c{i}" for i in range(20)]}
    groups = variance_groups(sets, None)
    assert len(groups) + 1 == MAX_GROUPS
    assert sum(map(len, groups.values())) == 20
    assert list(groups)[-1] == "other"
