import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from trdomics.errors import InputError
from trdomics.simulation.cohort import (
    COHORT_SEED,
    FACTORS,
    NEUTROPHIL_DIFFERENCE,
    YES_NO,
    Cohort,
    draw_cohort,
)
from trdomics.simulation.sheet import DRIVERS, MISSING, check_sheet, make_sheet


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return draw_cohort(300)


@pytest.fixture(scope="module")
def sheet(cohort: Cohort) -> pd.DataFrame:
    return make_sheet(cohort, COHORT_SEED)


def odds_ratio(value: pd.Series, positive: np.ndarray) -> float:
    first, second = value[positive].mean(), value[~positive].mean()
    return first / (1 - first) / (second / (1 - second))


def test_numbers_of_the_two_classes(cohort):
    assert cohort.patients["response"].value_counts().to_dict() == {"TRD": 153, "responder": 147}


def test_best_reachable_auc(cohort):
    assert 0.78 <= cohort.best_auc <= 0.82
    assert cohort.best_auc == roc_auc_score(cohort.positive, cohort.risk)


def test_true_risk_is_calibrated():
    cohort = draw_cohort(20_000, seed=3)
    for low in np.arange(0.1, 0.9, 0.1):
        group = (cohort.risk >= low) & (cohort.risk < low + 0.1)
        error = np.sqrt(0.25 / group.sum())
        assert abs(cohort.positive[group].mean() - cohort.risk[group].mean()) < 4 * error


@pytest.mark.parametrize("name", list(YES_NO))
def test_predictors_have_the_published_odds_ratios(name):
    cohort = draw_cohort(20_000, seed=3)
    base, published = YES_NO[name]
    spread = np.sqrt(4 / (20_000 * base * (1 - base)))
    estimate = odds_ratio(cohort.patients[name], cohort.positive)
    assert abs(np.log(estimate / published)) < 4 * spread


def test_immune_factor_is_lower_in_the_resistant(cohort):
    means = cohort.factors["immune"].groupby(cohort.positive).mean()
    assert means[True] < means[False] - 0.75


def test_the_neutrophil_factor_confounds(cohort):
    factor = cohort.factors["neutrophil_medication"]
    assert factor.corr(cohort.patients["neutrophils"]) > 0.5
    assert factor[cohort.positive].mean() > factor[~cohort.positive].mean() + NEUTROPHIL_DIFFERENCE
    by_medication = factor.groupby(cohort.patients["medication"]).mean()
    assert by_medication["tricyclic"] > by_medication["none"] + 1


def test_the_site_factor_is_the_site(cohort):
    spread = cohort.factors["site_batch"].groupby(cohort.patients["site"]).std()
    assert spread.max() < 1e-12
    share = cohort.patients.groupby("site")["response"].agg(lambda label: (label == "TRD").mean())
    assert share.max() - share.min() > 0.15


def test_factors_without_an_effect_do_not_move_with_the_label_given_the_covariates(cohort):
    covariates = pd.get_dummies(
        cohort.patients[["sex", "age", "bmi", "rin", "site", "neutrophils", "medication"]],
        drop_first=True,
    )
    design = np.column_stack([np.ones(300), cohort.positive, covariates]).astype(float)
    effects, *_ = np.linalg.lstsq(design, cohort.factors[FACTORS].to_numpy(), rcond=None)
    found = dict(zip(FACTORS, effects[1], strict=True))
    for name in ("erythroid", "site_batch"):
        assert abs(found[name]) < 1e-8
    # rounding of the neutrophil fraction is in the sheet, so nothing is left here either
    assert abs(found["neutrophil_medication"]) < 1e-8
    assert found["immune"] < -0.75


def test_the_same_seed_is_the_same_cohort():
    first, second, other = (draw_cohort(60, seed) for seed in (5, 5, 6))
    pd.testing.assert_frame_equal(first.patients, second.patients)
    pd.testing.assert_frame_equal(first.factors, second.factors)
    assert not first.factors.equals(other.factors)


def test_small_cohorts_are_refused():
    with pytest.raises(ValueError, match="at least 40"):
        draw_cohort(20)


def test_circular_predictors_encode_the_label(cohort):
    assert (cohort.patients["current_madrs"] >= 22).equals(cohort.patients["response"] == "TRD")
    assert (cohort.patients["failed_trials"] >= 2).equals(cohort.patients["response"] == "TRD")


def test_sheet_has_gaps_but_not_where_they_would_hurt(sheet):
    complete = ["patient_id", "response", "site", "mrna_id", "small_rna_id"]
    assert sheet[complete].notna().all(axis=None)
    shares = sheet.isna().mean()
    assert shares[list(MISSING)].gt(0).all()
    assert shares.max() < 0.1
    assert sheet["neutrophils"].isna().equals(sheet["monocytes"].isna())


def test_one_patient_has_the_wrong_sex(sheet, cohort):
    told = sheet.set_index("patient_id")["sex"]
    assert told.index[told != cohort.patients["sex"]].tolist() == [cohort.wrong_sex]


def test_layers_call_patients_otherwise(sheet):
    for column in ("mrna_id", "small_rna_id"):
        assert sheet[column].is_unique
        assert not sheet[column].isin(sheet["patient_id"]).any()


def test_committed_sheet_is_the_drawn_one(sheet, tmp_path, request):
    from trdomics.files import write_table

    write_table(sheet, tmp_path / "samples.tsv")
    committed = request.config.rootpath / "config" / "samples.tsv"
    assert committed.read_bytes() == (tmp_path / "samples.tsv").read_bytes()


def test_a_sheet_with_other_labels_is_accepted(sheet, cohort):
    changed = sheet.assign(response=sheet["response"].sample(frac=1, random_state=1).to_numpy())
    check_sheet(changed.iloc[::-1], cohort, "samples.tsv")


@pytest.mark.parametrize("column", DRIVERS)
def test_a_sheet_with_other_covariates_is_refused(column, sheet, cohort):
    changed = sheet.assign(**{column: sheet[column].iloc[::-1].to_numpy()})
    with pytest.raises(InputError, match=rf"samples.tsv: {column} of PT-.* was simulated"):
        check_sheet(changed, cohort, "samples.tsv")


def test_a_patient_who_was_not_simulated_is_refused(sheet, cohort):
    changed = sheet.replace({"patient_id": {"PT-0007": "PT-9999"}})
    with pytest.raises(InputError, match="patient PT-9999 was not simulated"):
        check_sheet(changed, cohort, "samples.tsv")


def test_a_sheet_without_a_column_is_refused(sheet, cohort):
    with pytest.raises(InputError, match="needs the column medication"):
        check_sheet(sheet.drop(columns="medication"), cohort, "samples.tsv")
