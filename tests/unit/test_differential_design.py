import numpy as np
import pandas as pd
import pytest
from formulaic import model_matrix

from trdomics.cohort.formula import quoted
from trdomics.differential.burden import burden_design
from trdomics.differential.design import build_design, plain_matrix, required_columns
from trdomics.errors import InputError

CONTRAST = ("group", "case", "control")


@pytest.fixture
def patients():
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "group": ["case", "control"] * 20,
            "age": rng.normal(50, 12, 40),
            "site": rng.choice(["A", "B", "C"], 40),
            "batch": rng.choice([11, 12, 13], 40),
            "smoker": rng.random(40) < 0.5,
            "body mass": rng.normal(25, 3, 40),
        },
        index=[f"P{i}" for i in range(40)],
    )


def test_the_contrast_is_tested_against_its_reference_whatever_the_alphabet_says(patients):
    for tested, reference in [("case", "control"), ("control", "case")]:
        design = build_design(patients, "~ age + group", ("group", tested, reference))
        column = design.matrix[design.coefficient]
        np.testing.assert_array_equal(column == 1, patients["group"] == tested)
        np.testing.assert_array_equal(design.positive, patients["group"] == tested)
        assert design.contrast_vector @ np.arange(3) == design.matrix.columns.get_loc(
            design.coefficient
        )


def test_centring_and_scaling_leave_the_contrast_alone(patients):
    outcome = np.random.default_rng(2).normal(size=40) + 0.01 * patients["age"].to_numpy()
    design = build_design(patients, "~ site + np.log(age) + age + group", CONTRAST)
    fitted = np.linalg.lstsq(design.matrix, outcome, rcond=None)[0] @ design.contrast_vector
    raw = np.column_stack(
        [
            np.ones(40),
            patients["site"] == "B",
            patients["site"] == "C",
            np.log(patients["age"]),
            patients["age"],
            patients["group"] == "case",
        ]
    ).astype(float)
    assert fitted == pytest.approx(np.linalg.lstsq(raw, outcome, rcond=None)[0][-1])
    assert design.matrix["age"].mean() == pytest.approx(0)
    assert design.matrix["age"].std(ddof=0) == pytest.approx(1)


def test_columns_added_up_are_coded_as_formulaic_does(patients):
    patients["group"] = pd.Categorical(patients["group"], categories=["control", "case"])
    patients["batch"] = patients["batch"].astype(str).replace("12", "9")
    names = ["age", "site", "group", "batch"]
    expected = pd.DataFrame(model_matrix(f"~ {' + '.join(names)}", patients)).astype(float)
    pd.testing.assert_frame_equal(plain_matrix(patients[names]), expected)


def test_text_and_truth_values_are_categories(patients):
    numeric = build_design(patients, "~ batch + group", CONTRAST)
    named = build_design(patients.astype({"batch": str}), "~ batch + smoker + group", CONTRAST)
    assert numeric.matrix.shape[1] == 3
    assert {"batch[T.12]", "batch[T.13]", "smoker[T.True]"} <= set(named.matrix.columns)


def test_columns_with_spaces_are_quoted(patients):
    design = build_design(patients, "~ `body mass` + group", CONTRAST)
    assert design.matrix.shape == (40, 3)
    assert required_columns("~ `body mass` + C(group)") == ["body mass", "group"]
    assert burden_design(patients, CONTRAST, ["body mass"]).matrix.shape == (40, 3)


@pytest.mark.parametrize(
    "name", ["C1A.C1B", "a-b/c", "class", "a__b", "dose (mg)", "it's", "größe", "Ärzte"]
)
def test_a_column_of_any_name_is_the_same_test(patients, name):
    plain = build_design(patients, "~ age + site + group", CONTRAST)
    renamed = patients.rename(columns={"group": name, "site": "SCNA.cluster"})
    formula = f"~ age + `SCNA.cluster` + {quoted(name)}"
    design = build_design(renamed, formula, (name, *CONTRAST[1:]))
    assert design.coefficient == f"{name}[T.case]"
    np.testing.assert_array_equal(design.matrix.to_numpy(), plain.matrix.to_numpy())
    np.testing.assert_array_equal(design.contrast_vector, plain.contrast_vector)


def test_numeric_groups_with_gaps_are_found_by_their_text(patients):
    patients["code"] = [1.0, 0.0] * 19 + [np.nan, 2.0]
    design = build_design(patients, "~ age + code", ("code", "1", "0"))
    assert design.summary()["n_positive"] == design.summary()["n_negative"] == 19
    assert design.summary()["n_left_out"] == 0  # whoever is in neither group is not left out


def test_patients_without_a_covariate_are_left_out_and_counted(patients):
    patients.loc[["P0", "P1"], "age"] = np.nan
    patients.loc[["P1", "P2"], "site"] = None
    summary = build_design(patients, "~ age + site + group", CONTRAST).summary()
    assert summary["n_patients"] == 37
    assert summary["left_out"] == {"age": 2, "site": 2}
    assert summary["n_left_out"] == 3
    assert summary["left_out_warning"] is None
    patients.loc["P3":"P6", "age"] = np.nan
    warning = build_design(patients, "~ age + site + group", CONTRAST).summary()["left_out_warning"]
    assert "7 of 40 patients" in warning
    assert "age (6), site (2)" in warning


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("~ age", "'group' is not in it"),
        ("~ weight + group", "no column 'weight'"),
        ("~ age + + * group)", "cannot be read"),
        ("~ age + )group", "is misplaced"),
        ("~ nonsense(age) + group", "the function nonsense"),
        ("~ np.save(age) + group", "the function np.save"),
        ("~ {__import__('os').getcwd()} + group", "which could run as code"),
        ("~ open('x') + group", "which could run as code"),
        ("~ age.__class__ + group", "which could run as code"),
        ("~ (lambda: 1)() + group", "which could run as code"),
        ("~ 0 + age + group", "separate term"),
        ("~ age:group + group", "separate term"),
        ("~ one + group", "'one' has the same value in all 40 patients"),
        ("~ age + twice + group", "rank deficient among the 40 patients"),
        ("~ C(id) + group", "coefficients for 40 patients"),
    ],
)
def test_a_design_that_cannot_be_fitted_is_told_in_one_line(patients, formula, said):
    patients["one"], patients["twice"], patients["id"] = "x", patients["age"] * 2, patients.index
    with pytest.raises(InputError, match=r"config differential\.design") as error:
        build_design(patients, formula, CONTRAST)
    assert said in str(error.value)
    assert str(error.value).isprintable()


def test_a_covariate_that_says_the_same_as_the_groups_is_named(patients):
    patients["centre"] = np.where(patients["group"] == "case", "X", "Y")
    with pytest.raises(InputError, match=r"determine group\[T.case\]"):
        build_design(patients, "~ centre + group", CONTRAST)


def test_a_group_lost_to_missing_covariates_is_an_error(patients):
    patients.loc[patients["group"] == "case", "age"] = np.nan
    with pytest.raises(InputError, match="only 0 of the 40 patients"):
        build_design(patients, "~ age + group", CONTRAST)
