import numpy as np
import pandas as pd
import pytest
from statsmodels.api import OLS

from trdomics.confounding.linear import label_test
from trdomics.differential.continuous import differential_continuous
from trdomics.differential.design import build_design
from trdomics.differential.symbols import with_symbols


@pytest.fixture
def design():
    rng = np.random.default_rng(1)
    patients = pd.DataFrame(
        {"group": ["a", "b"] * 25, "age": rng.normal(50, 9, 50)},
        index=[f"P{i}" for i in range(50)],
    )
    return build_design(patients, "~ age + group", ("group", "a", "b"))


@pytest.fixture
def values(design):
    rng = np.random.default_rng(2)
    table = pd.DataFrame(
        rng.normal(8, 1, (50, 6)),
        index=design.matrix.index,
        columns=["up", "gap1", "gap2", "flat", "missing", "same"],
    )
    table["up"] += 2 * design.positive
    table.iloc[:5, [1, 2]] = np.nan
    table.iloc[:20, 4] = np.nan
    table["flat"] = 3.0
    return table


def test_every_feature_has_the_numbers_of_statsmodels(values, design):
    results = differential_continuous(values, design, log2=False, max_missing=0.2, moderated=False)
    for row in results[results["pvalue"].notna()].itertuples():
        known = values[row.feature].notna()
        model = OLS(values.loc[known, row.feature], design.matrix[known]).fit()
        expected = [
            series[design.coefficient]
            for series in (model.params, model.bse, model.tvalues, model.pvalues)
        ]
        np.testing.assert_allclose(
            [row.log2_fold_change, row.lfc_se, row.stat, row.pvalue], expected, rtol=1e-9
        )
        assert row.n_patients == known.sum()
        assert row.base_mean == pytest.approx(values[row.feature].mean())


def test_the_moderated_t_is_that_of_the_adjustment_sets(design):
    rng = np.random.default_rng(5)
    table = pd.DataFrame(
        rng.normal(size=(50, 200)) * np.sqrt(4 / rng.chisquare(4, 200)),
        index=design.matrix.index,
    ).rename(columns=str)
    found = differential_continuous(table, design, log2=False, max_missing=0.2)
    first = [design.coefficient, *design.matrix.columns.drop(design.coefficient)]
    matrix = design.matrix[[first[1], first[0], *first[2:]]].to_numpy()
    expected = label_test(table.to_numpy(), matrix, np.ones(table.shape))
    np.testing.assert_allclose(found["log2_fold_change"], expected.effect, atol=1e-12)
    np.testing.assert_allclose(found["lfc_se"], expected.error, rtol=1e-9)
    np.testing.assert_allclose(found["pvalue"], expected.pvalue, rtol=1e-8)
    plain = differential_continuous(table, design, log2=False, max_missing=0.2, moderated=False)
    spread = [np.log(found["lfc_se"]).std(), np.log(plain["lfc_se"]).std()]
    assert spread[0] < spread[1]


def test_what_cannot_be_tested_says_why(values, design):
    results = differential_continuous(values, design, log2=False, max_missing=0.2)
    reasons = results.set_index("feature")["reason"].dropna().to_dict()
    assert reasons == {"flat": "no variation", "missing": "missing values"}
    assert (results["padj"].isna() == results["reason"].notna()).all()


def test_values_can_be_taken_as_logarithms(values, design):
    raw = 2**values - 1
    plain = differential_continuous(values, design, log2=False, max_missing=0.2)
    taken = differential_continuous(raw, design, log2=True, max_missing=0.2)
    np.testing.assert_allclose(taken["log2_fold_change"], plain["log2_fold_change"], rtol=1e-9)


def test_a_feature_known_in_one_group_only_has_no_test(values, design):
    values.loc[design.positive, "up"] = np.nan
    results = differential_continuous(values, design, log2=False, max_missing=0.9)
    assert results.set_index("feature").loc["up", "reason"] == "too few values"


def test_symbols_stand_beside_features_and_features_for_those_without():
    results = pd.DataFrame({"feature": ["E1", "E2", "E3"], "pvalue": [0.1, 0.2, 0.3]})
    annotation = pd.DataFrame({"feature": ["E1", "E2", "E2"], "symbol": ["TPH2", None, "x"]})
    named = with_symbols(results, annotation)
    assert named.columns.tolist() == ["feature", "symbol", "pvalue"]
    assert named["symbol"].tolist() == ["TPH2", "E2", "E3"]
    assert with_symbols(results, annotation[["feature"]])["symbol"].tolist() == ["E1", "E2", "E3"]
