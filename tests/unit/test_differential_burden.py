import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq, minimize, minimize_scalar
from scipy.special import expit
from scipy.stats import chi2, fisher_exact
from statsmodels.api import Logit

from trdomics.differential.burden import (
    burden_design,
    carrier_table,
    differential_carriers,
    firth_test,
)
from trdomics.errors import InputError

CONTRAST = ("group", "case", "control")
TABLES = [(12, 8, 30, 50), (9, 0, 41, 50), (1, 6, 60, 40)]


def two_by_two(carriers_case, carriers_control, others_case, others_control):
    """Return (intercept, carrying, outcome) of a 2 × 2 table."""
    carrying = np.repeat(
        [1.0, 1.0, 0.0, 0.0], [carriers_case, carriers_control, others_case, others_control]
    )
    case = np.repeat(
        [1.0, 0.0, 1.0, 0.0], [carriers_case, carriers_control, others_case, others_control]
    )
    return np.ones((len(case), 1)), carrying, case == 1


@pytest.mark.parametrize("cells", TABLES)
def test_in_a_two_by_two_table_firth_adds_half_to_every_cell(cells):
    a, b, c, d = np.array(cells) + 0.5
    found = firth_test(*two_by_two(*cells), "")
    assert found["log_odds_ratio"] == pytest.approx(np.log(a * d / (b * c)), abs=1e-5)


@pytest.mark.parametrize("cells", TABLES)
def test_test_and_interval_are_those_of_the_profile_in_closed_form(cells):
    """The determinant of a saturated model's information is the product of two variances."""
    a, b, c, d = cells

    def value(log_odds, effect):
        carrier, other = expit(log_odds + effect), expit(log_odds)
        likelihood = (
            a * np.log(carrier) + b * np.log1p(-carrier) + c * np.log(other) + d * np.log1p(-other)
        )
        information = (a + b) * carrier * (1 - carrier) * (c + d) * other * (1 - other)
        return likelihood + 0.5 * np.log(information)

    def profile(effect):
        found = minimize_scalar(
            lambda x: -value(x, effect),
            bounds=(-12, 12),
            method="bounded",
            options={"xatol": 1e-10},
        )
        return -found.fun

    found = firth_test(*two_by_two(*cells), "")
    peak = profile(found["log_odds_ratio"])
    assert found["pvalue"] == pytest.approx(chi2.sf(2 * (peak - profile(0.0)), 1), rel=1e-5)
    drop = chi2.ppf(0.95, 1)

    def excess(effect):
        return 2 * (peak - profile(effect)) - drop

    centre = found["log_odds_ratio"]
    assert found["lower"] == pytest.approx(brentq(excess, centre - 9, centre), abs=1e-4)
    assert found["upper"] == pytest.approx(brentq(excess, centre, centre + 9), abs=1e-4)


def test_the_maximum_is_one_with_covariates_and_separation():
    rng = np.random.default_rng(1)
    covariates = np.column_stack([np.ones(80), rng.normal(size=(80, 2))])
    case = covariates[:, 1] + rng.normal(size=80) > 0
    carrying = case & (rng.random(80) < 0.3)  # every carrier is a case

    def penalised(beta):
        matrix = np.column_stack([carrying, covariates])
        eta = matrix @ beta
        weights = expit(eta) * expit(-eta)
        information = (matrix.T * weights) @ matrix
        return -(case @ eta - np.logaddexp(0, eta).sum() + 0.5 * np.linalg.slogdet(information)[1])

    best = minimize(penalised, np.zeros(4), method="BFGS", options={"gtol": 1e-8})
    without = minimize(lambda rest: penalised(np.r_[0.0, rest]), np.zeros(3), method="BFGS")
    found = firth_test(covariates, carrying, case, "")
    assert found["log_odds_ratio"] == pytest.approx(best.x[0], abs=1e-4)
    assert found["pvalue"] == pytest.approx(chi2.sf(2 * (without.fun - best.fun), 1), rel=1e-3)
    assert found["lower"] < found["log_odds_ratio"] < found["upper"] < 60
    assert found["pvalue"] < 0.05


def test_in_a_large_sample_it_is_the_ordinary_likelihood_ratio_test():
    rng = np.random.default_rng(2)
    n = 20_000
    matrix = np.column_stack([np.ones(n), rng.normal(size=n), rng.random(n) < 0.1])
    outcome = (rng.random(n) < expit(matrix @ [0.1, 0.4, 0.12])).astype(float)
    full = Logit(outcome, matrix).fit(disp=0)
    without = Logit(outcome, matrix[:, :2]).fit(disp=0)
    found = firth_test(matrix[:, :2], matrix[:, 2], outcome == 1, "")
    assert found["log_odds_ratio"] == pytest.approx(full.params[2], abs=1e-3)
    assert found["pvalue"] == pytest.approx(chi2.sf(2 * (full.llf - without.llf), 1), rel=0.02)
    np.testing.assert_allclose([found["lower"], found["upper"]], full.conf_int()[2], atol=2e-3)


def test_without_an_effect_five_percent_are_below_five_percent():
    rng = np.random.default_rng(3)
    outcome = np.repeat([0.0, 1.0], 60)
    covariate = rng.normal(size=120)
    pvalues = []
    for _ in range(300):
        carrying = rng.random(120) < 0.15
        covariates = np.column_stack([np.ones(120), covariate])
        pvalues.append(firth_test(covariates, carrying, outcome == 1, "")["pvalue"])
    assert 0.02 < np.mean(np.array(pvalues) < 0.05) < 0.08


@pytest.fixture
def patients():
    rng = np.random.default_rng(4)
    return pd.DataFrame(
        {"group": ["case", "control"] * 60 + ["unknown"] * 5, "age": rng.normal(50, 9, 125)},
        index=[f"P{i}" for i in range(125)],
    )


@pytest.fixture
def carriers(patients):
    rng = np.random.default_rng(5)
    case = (patients["group"] == "case").to_numpy()
    return pd.DataFrame(
        {
            "linked": rng.random(125) < np.where(case, 0.45, 0.1),
            "only_cases": case & (rng.random(125) < 0.2),
            "free": rng.random(125) < 0.2,
            "rare": np.arange(125) < 3,
            "nearly_all": np.arange(125) > 2,
            "dosage:rs1": rng.integers(0, 3, 125),
        },
        index=patients.index,
    ).astype(float)


def test_without_covariates_it_is_fishers_exact_test(patients, carriers):
    design = burden_design(patients, CONTRAST, [])
    results = differential_carriers(carriers, design, min_carriers=5).set_index("feature")
    row = results.loc["linked"]
    compared = carriers.loc[design.matrix.index, "linked"] == 1
    table = pd.crosstab(~compared, ~design.positive).to_numpy()
    assert row["method"] == "Fisher"
    assert (row["carriers_positive"], row["carriers_negative"]) == tuple(table[0])
    assert (row["others_positive"], row["others_negative"]) == tuple(table[1])
    assert row["pvalue"] == pytest.approx(fisher_exact(table)[1])
    assert row["lower"] < row["log_odds_ratio"] < row["upper"]
    assert results.loc["only_cases", "log_odds_ratio"] == np.inf
    assert np.isfinite(results.loc["only_cases", "lower"])


def test_with_covariates_it_is_firths_and_close_to_fishers(patients, carriers):
    plain = differential_carriers(
        carriers, burden_design(patients, CONTRAST, []), min_carriers=5
    ).set_index("feature")
    adjusted = differential_carriers(
        carriers, burden_design(patients, CONTRAST, ["age"]), min_carriers=5
    ).set_index("feature")
    assert adjusted.loc["linked", "method"] == "Firth"
    assert (
        abs(adjusted.loc["linked", "log_odds_ratio"] - plain.loc["linked", "log_odds_ratio"]) < 0.3
    )
    assert np.isfinite(
        adjusted.loc["only_cases", ["log_odds_ratio", "lower", "upper"]].astype(float)
    ).all()
    linked = ["linked", "only_cases"]
    ratio = np.log10(adjusted.loc[linked, "pvalue"]) / np.log10(plain.loc[linked, "pvalue"])
    assert ratio.between(0.8, 1.25).all()
    assert (adjusted.loc[linked, "padj"] < 0.05).all()
    assert min(adjusted.loc["free", "pvalue"], plain.loc["free", "pvalue"]) > 0.3


def test_what_too_few_carry_or_lack_is_not_tested_and_dosages_are_not_listed(patients, carriers):
    design = burden_design(patients, CONTRAST, ["age"])
    results = differential_carriers(carriers, design, min_carriers=5).set_index("feature")
    assert "dosage:rs1" not in results.index
    assert results.loc["rare", "reason"] == "fewer than 5 carriers"
    assert results.loc["nearly_all", "reason"] == "fewer than 5 non-carriers"
    assert results.loc[["rare", "nearly_all"], "pvalue"].isna().all()
    assert results.loc["linked", "reason"] is None


def test_patients_whose_state_is_not_known_are_left_out_of_that_feature(patients, carriers):
    design = burden_design(patients, CONTRAST, ["age"])
    gaps = carriers.assign(free=carriers["free"].where(np.arange(125) >= 20))
    known = gaps["free"].notna() & (patients["group"] != "unknown")
    results = differential_carriers(gaps, design, min_carriers=5).set_index("feature")
    expected = differential_carriers(
        carriers.loc[known, ["free"]],
        burden_design(patients[known], CONTRAST, ["age"]),
        min_carriers=5,
    )
    assert results.loc["free", "pvalue"] == pytest.approx(expected.loc[0, "pvalue"], rel=1e-6)


def test_a_feature_that_is_a_covariate_says_so(patients, carriers):
    patients["smoker"] = np.where(carriers["free"] == 1, "yes", "no")
    results = differential_carriers(
        carriers, burden_design(patients, CONTRAST, ["smoker"]), min_carriers=5
    ).set_index("feature")
    assert results.loc["free", "reason"] == "collinear with the covariates"


def test_genes_too_rare_for_modelling_are_tested():
    columns = pd.MultiIndex.from_tuples(
        [("1:1:A:T", "G1", "lof"), ("1:2:A:T", "G1", "damaging"), ("1:9:A:T", "G2", "other")],
        names=["variant", "gene", "consequence_class"],
    )
    dosages = np.zeros((200, 3), dtype="float32")
    dosages[0, 0] = dosages[1, 1] = dosages[2, 1] = dosages[3, 2] = 1
    settings = {"type": "variants", "burden": "damaging", "min_prevalence": 0.5}
    table = carrier_table(pd.DataFrame(dosages, columns=columns), settings)
    assert table.columns.tolist() == ["G1"]
    assert table["G1"].sum() == 3


def test_an_error_in_the_covariates_names_their_key(patients):
    with pytest.raises(InputError, match=r"config differential\.burden_covariates"):
        burden_design(patients, CONTRAST, ["weight"])


@pytest.mark.parametrize("covariates", [[], ["age"]])
def test_permuted_labels_reach_five_percent_no_more_than_five_times_in_a_hundred(covariates):
    """Fisher's exact test without covariates, Firth's regression with them; few carriers."""
    rng = np.random.default_rng(11)
    index = [f"P{i}" for i in range(150)]
    patients = pd.DataFrame({"age": rng.normal(size=150)}, index=index)
    share = rng.uniform(0.04, 0.2, 100)
    carriers = pd.DataFrame(rng.random((150, 100)) < share, index=index).astype(float)
    carriers.columns = [f"G{i}" for i in range(100)]
    pvalues, discoveries = [], 0
    for _ in range(5):
        patients["group"] = rng.permutation(["case"] * 75 + ["control"] * 75)
        design = burden_design(patients, CONTRAST, covariates)
        found = differential_carriers(carriers, design, min_carriers=5)
        pvalues += found["pvalue"].dropna().tolist()
        discoveries += int((found["padj"] < 0.05).any())
    assert len(pvalues) > 400
    # 400 tests and more: two standard errors are 2.2 %
    assert np.mean(np.array(pvalues) < 0.05) < 0.05 + 0.022
    assert discoveries <= 1
