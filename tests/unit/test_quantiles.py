"""Quantiles that are no patient's own value."""

import numpy as np
from classification_data import cohort

from trdomics.classification.block_estimators import ColumnBlock
from trdomics.quantiles import neighbour_quantiles

DECILES = np.arange(1, 10) / 10


def test_a_quantile_is_nobodys_value():
    rng = np.random.default_rng(0)
    for n in (50, 51, 71, 101, 120, 300):
        values = rng.normal(size=n)
        found = neighbour_quantiles(values, DECILES)
        assert not np.isin(found, values).any()
        # np.quantile gives somebody's wherever (n - 1) k / 10 is whole
        np.testing.assert_allclose(found, np.quantile(values, DECILES), atol=0.3)
        assert (np.diff(found) > 0).all()


def test_each_is_the_mean_of_at_least_five_neighbours():
    values = 2.0 ** np.arange(12)
    for share in (0, 0.1, 0.5, 0.77, 1):
        (found,) = neighbour_quantiles(values, [share])
        means = [values[i : i + k].mean() for k in (5, 6) for i in range(13 - k)]
        assert np.isclose(found, means).any()
    assert np.isnan(neighbour_quantiles(values[:4], [0.5])).all()
    assert neighbour_quantiles(np.r_[values, np.nan], [0.5]) == neighbour_quantiles(values, [0.5])


def test_what_stands_for_a_missing_number_is_nobodys_value():
    tables, _ = cohort()
    sheet = tables["clinical"]
    block = ColumnBlock(["age"]).fit(sheet)
    known = sheet["age"].dropna()
    assert len(known) % 2 == 0 or not np.isin(known.median(), block.medians_)
    assert not np.isin(block.medians_, known).any()
    assert abs(block.medians_[0] - known.median()) < 0.2 * known.std()
    few = ColumnBlock(["age"]).fit(sheet.iloc[:3])
    assert few.medians_[0] == sheet["age"].iloc[:3].mean()
