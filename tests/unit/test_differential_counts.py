import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.stats import false_discovery_control

from trdomics.differential.counts import differential_counts, rare_class, winsorised
from trdomics.differential.design import build_design
from trdomics.differential.shrinkage import prior_scale, shrink
from trdomics.differential.summary import headline, inflation, share_null
from trdomics.errors import InputError

CONTRAST = ("group", "case", "control")
FILTER = {"min_count": 10, "min_share": 0.25, "fdr": 0.05}
N_PATIENTS, N_GENES = 48, 400


@pytest.fixture(scope="module")
def patients():
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "group": ["case", "control"] * (N_PATIENTS // 2),
            "age": rng.normal(50, 12, N_PATIENTS),
            "sex": rng.choice(["f", "m"], N_PATIENTS),
        },
        index=[f"P{i}" for i in range(N_PATIENTS)],
    )


@pytest.fixture(scope="module")
def effects():
    """Log2 fold changes: the first 60 genes are higher in cases, the next 60 lower."""
    return np.concatenate([np.full(60, 1.2), np.full(60, -1.2), np.zeros(N_GENES - 120)])


@pytest.fixture(scope="module")
def counts(patients, effects):
    rng = np.random.default_rng(4)
    mean = np.exp(rng.uniform(3, 8, N_GENES)) * np.exp(rng.normal(0, 0.3, (N_PATIENTS, 1)))
    mean = mean * 2.0 ** np.outer(patients["group"] == "case", effects)
    drawn = rng.negative_binomial(8, 8 / (8 + mean))
    drawn[:, -1] = 0
    drawn[:, -2] = rng.random(N_PATIENTS) < 0.2
    return pd.DataFrame(drawn, index=patients.index, columns=[f"g{i}" for i in range(N_GENES)])


@pytest.fixture(scope="module")
def fitted(counts, patients):
    return differential_counts(counts, build_design(patients, "~ age + group", CONTRAST), **FILTER)


def test_planted_genes_are_found_with_their_direction(fitted, effects):
    results, _ = fitted
    significant = (results["padj"] < 0.05).to_numpy()
    assert significant[effects != 0].mean() > 0.95
    assert significant[effects == 0].mean() < 0.05
    estimated = results.loc[effects != 0, "log2_fold_change"]
    assert np.abs(estimated - effects[effects != 0]).median() < 0.3


def test_features_that_are_not_tested_say_why(fitted):
    results, _ = fitted
    silent = results[results["feature"].isin(["g398", "g399"])]
    assert silent["reason"].tolist() == ["low count", "low count"]
    assert silent[["log2_fold_change", "pvalue", "padj"]].isna().all(axis=None)
    assert (results["reason"].notna() == results["padj"].isna()).all()
    assert results["base_mean"].notna().all()


def test_two_processes_give_the_numbers_of_one(fitted, counts, patients):
    design = build_design(patients, "~ age + group", CONTRAST)
    results, summary = differential_counts(counts, design, **FILTER, threads=2)
    pd.testing.assert_frame_equal(results, fitted[0], check_exact=True)
    assert summary == fitted[1]


def test_the_order_of_patients_and_further_patients_change_nothing(fitted, counts, patients):
    more = pd.concat([counts[::-1], counts.head(1).rename(index={"P0": "unlabelled"}) * 50])
    design = build_design(patients, "~ age + group", CONTRAST)
    results, _ = differential_counts(more, design, **FILTER)
    pd.testing.assert_frame_equal(results, fitted[0], check_exact=True)


def test_an_outlier_without_enough_replicates_is_not_tested(counts, patients):
    few = [f"P{i}" for i in range(10)]
    spiked = counts.loc[few].copy()
    spiked.loc["P0", "g200"] = 1_000_000
    design = build_design(patients.loc[few], "~ group", CONTRAST)
    results, summary = differential_counts(spiked, design, **FILTER)
    row = results.set_index("feature").loc["g200"]
    assert row["reason"] == "outlier"
    assert np.isnan(row["pvalue"])
    assert summary["n_outliers"] >= 1
    assert summary["n_refitted"] == 0


def test_an_outlier_among_many_replicates_is_replaced(counts, patients):
    spiked = counts.copy()
    spiked.loc["P0", "g200"] = 1_000_000
    design = build_design(patients, "~ group", CONTRAST)
    results, summary = differential_counts(spiked, design, **FILTER)
    row = results.set_index("feature").loc["g200"]
    assert abs(row["log2_fold_change"]) < 1
    assert row["pvalue"] > 0.01
    assert summary["n_refitted"] >= 1


def test_continuous_covariates_leave_no_replicates_and_the_summary_says_so(fitted):
    assert fitted[1]["n_outliers"] is None
    assert "continuous covariates" in fitted[1]["n_outliers_reason"]


def test_counts_with_a_zero_in_every_feature_have_size_factors(counts, patients):
    holed = counts.iloc[:, :60].copy()
    for i in range(60):
        holed.iloc[i % N_PATIENTS, i] = 0
    results, _ = differential_counts(holed, build_design(patients, "~ group", CONTRAST), **FILTER)
    assert results["pvalue"].notna().mean() > 0.9


def test_without_an_expressed_feature_there_is_nothing_to_test(counts, patients):
    with pytest.raises(InputError, match="no feature has 10 counts in 25% of 48 patients"):
        differential_counts(counts * 0, build_design(patients, "~ group", CONTRAST), **FILTER)


def test_the_headline_counts_what_the_table_says(fitted, patients):
    results, _ = fitted
    design = build_design(patients, "~ age + group", CONTRAST)
    summary = headline(results, design, effect="log2_fold_change", fdr=0.05, layer="rna")
    assert summary["n_features"] == N_GENES
    assert summary["n_expressed"] == N_GENES - summary["not_tested"]["low count"]
    assert summary["n_up"] + summary["n_down"] == summary["n_significant"]
    assert summary["share_tested"] == summary["n_significant"] / summary["n_tested"]
    assert 0.6 < summary["share_null"] < 0.8  # 280 of 398 have no effect
    assert (summary["n_positive"], summary["n_negative"]) == (24, 24)


def test_without_a_test_the_headline_says_so(fitted, patients):
    results = fitted[0].assign(log2_fold_change=np.nan, pvalue=np.nan, padj=np.nan)
    design = build_design(patients, "~ group", CONTRAST)
    summary = headline(results, design, effect="log2_fold_change", fdr=0.05, layer="rna")
    for key in ("share_tested", "share_expressed", "smallest_padj", "share_null", "inflation"):
        assert summary[key] is None
        assert summary[f"{key}_reason"]


def test_uniform_pvalues_are_all_null_without_inflation():
    pvalues = (np.arange(1000) + 0.5) / 1000
    assert share_null(pvalues) == pytest.approx(1.0)
    assert inflation(pvalues) == pytest.approx(1.0, abs=1e-3)


def test_shrinking_pulls_in_what_is_uncertain_and_leaves_what_is_sure(fitted, effects):
    results, summary = fitted
    tested = results[results["pvalue"].notna()]
    ratio = tested["log2_fold_change_shrunken"] / tested["log2_fold_change"]
    assert summary["n_not_shrunken"] == 0
    shorter = tested["log2_fold_change"].abs() - tested["log2_fold_change_shrunken"].abs()
    assert shorter.min() > -0.01
    planted = effects[tested.index] != 0
    assert ratio[planted].median() > 0.95
    assert ratio[~planted].median() < 0.93


def test_the_mode_is_that_of_a_general_optimiser_and_its_error_that_of_the_hessian():
    rng = np.random.default_rng(5)
    design = np.column_stack([np.ones(40), rng.normal(size=40), np.arange(40) % 2])
    size_factors = np.exp(rng.normal(0, 0.2, 40))
    dispersions, scale = np.array([0.1, 0.4, 0.02]), 0.3
    mean = size_factors[:, None] * np.exp(design @ np.array([[3, 7, 10], [0.5, 0, 1], [1, 0.4, 0]]))
    counts = rng.negative_binomial(1 / dispersions, 1 / (1 + dispersions * mean))
    start = np.column_stack([np.log(counts.mean(axis=0)), np.zeros(3), np.ones(3)])
    modes, errors = shrink(counts, design, size_factors, dispersions, start, 2, scale)

    for gene in range(3):
        size = 1 / dispersions[gene]

        def loss(beta, gene=gene, size=size):
            eta = design @ beta + np.log(size_factors)
            y = counts[:, gene]
            likelihood = y * eta - (y + size) * np.logaddexp(np.log(size), eta)
            prior = (beta[:2] ** 2).sum() / 450 + np.log1p((beta[2] / scale) ** 2)
            return prior - likelihood.sum()

        best = minimize(
            loss,
            start[gene],
            method="Nelder-Mead",
            options={"xatol": 1e-9, "fatol": 1e-10, "maxiter": 5000, "maxfev": 9000},
        ).x
        assert modes[gene] == pytest.approx(best[2], abs=1e-5)
        step = 1e-3 * np.eye(3)
        hessian = np.array(
            [
                [
                    (
                        loss(best + a + b)
                        - loss(best + a - b)
                        - loss(best - a + b)
                        + loss(best - a - b)
                    )
                    / 4e-6
                    for a in step
                ]
                for b in step
            ]
        )
        assert errors[gene] == pytest.approx(np.sqrt(np.linalg.inv(hessian)[2, 2]), rel=1e-3)


def test_the_prior_is_as_wide_as_the_effects():
    rng = np.random.default_rng(6)
    errors = rng.uniform(0.05, 0.3, 4000)
    for width in (0.1, 0.4):
        estimates = rng.normal(0, width, 4000) + rng.normal(0, errors)
        assert prior_scale(estimates, errors) == pytest.approx(width, rel=0.08)
    assert prior_scale(rng.normal(0, 0.5 * errors), errors) == pytest.approx(1e-3)
    assert prior_scale(rng.normal(0, 3, 4000), errors) == 1.0


def test_adjusted_pvalues_are_those_of_benjamini_and_hochberg(fitted):
    adjusted = fitted[0].dropna(subset=["padj"])
    np.testing.assert_allclose(adjusted["padj"], false_discovery_control(adjusted["pvalue"]))


def test_winsorising_lowers_only_the_highest_counts(counts):
    spiked = counts.copy()
    spiked.iloc[0, 0] = spiked.to_numpy().max() * 50
    capped = winsorised(spiked, 0.95)
    assert (capped <= spiked).all(axis=None)
    assert capped.iloc[0, 0] < spiked.iloc[0, 0] / 20
    share_changed = (capped != spiked).mean(axis=0)
    assert share_changed.max() <= 0.05 + 1 / len(spiked)


def test_winsorising_a_rare_class_is_warned_of(patients):
    design = build_design(patients, "~ group", CONTRAST)
    assert rare_class(design, 0.95) is None
    cases = patients.index[patients["group"] == "case"][3:]
    rare = build_design(patients.drop(cases), "~ group", CONTRAST)
    assert "11 % of the patients" in rare_class(rare, 0.95)
    assert rare_class(rare, None) is None


def test_an_extreme_count_makes_a_null_gene_significant_unless_winsorised(counts, patients):
    design = build_design(patients, "~ age + group", CONTRAST)
    spiked = counts.copy()
    cases = np.flatnonzero(patients["group"] == "case")[:2]
    spiked.iloc[cases, 200:230] *= 200
    plain, _ = differential_counts(spiked, design, **FILTER)
    capped, _ = differential_counts(spiked, design, **FILTER, winsorise=0.95)
    assert (plain["pvalue"][200:230] < 0.001).sum() > 10
    assert (capped["pvalue"][200:230] < 0.001).sum() <= 1
