"""Choice among seeds, stability, and the tables and file of the chosen model."""

import dataclasses

import h5py
import mudata
import numpy as np
import pandas as pd
import pytest
from integration_data import LIKELIHOODS, planted

from trdomics.differential.symbols import symbols_of
from trdomics.integration import choice
from trdomics.integration.associations import associations
from trdomics.integration.characterise import doubts, in_words, summary, top_weights, write_h5mu
from trdomics.integration.mofa import fit_views
from trdomics.integration.mofa2_file import write_mofa2

SEEDS = ("1", "2", "3")


@pytest.fixture(scope="module")
def cohort():
    return planted()


@pytest.fixture(scope="module")
def fits(cohort):
    options = {"max_iterations": 200, "convergence": "fast", "dtype": "float64", "fast": True}
    return {
        seed: fit_views(cohort[0], LIKELIHOODS, n_factors=5, seed=int(seed), **options)
        for seed in SEEDS
    }


@pytest.fixture(scope="module")
def models(fits):
    return {seed: choice.SeedModel.of(fitted) for seed, fitted in fits.items()}


@pytest.fixture(scope="module")
def model(models):
    return models[choice.best_seed(models)]


def test_a_seed_model_survives_its_file(tmp_path, models):
    path = tmp_path / "1.npz"
    models["1"].save(path)
    loaded = choice.SeedModel.load(path)
    np.testing.assert_array_equal(loaded.z, models["1"].z)
    for view, w in models["1"].w.items():
        np.testing.assert_array_equal(loaded.w[view], w)
        np.testing.assert_array_equal(loaded.by_factor[view], models["1"].by_factor[view])
    for name in ("patients", "features", "together", "likelihoods", "converged", "engine"):
        assert getattr(loaded, name) == getattr(models["1"], name)


def test_equal_models_are_equal_files(tmp_path, models):
    for name in ("a", "b"):
        models["1"].save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_highest_bound_is_chosen(models):
    raised = dataclasses.replace(models["2"], elbo=np.array([-1e9, 1e9]))
    changed = {**models, "2": raised}
    assert choice.best_seed(changed) == "2"
    table = choice.models_table(changed, "2").set_index("seed")
    assert table.loc["2", ["elbo", "iterations", "chosen"]].tolist() == [1e9, 2, 1]
    assert table["chosen"].sum() == 1


def test_planted_factors_are_stable_across_seeds(models):
    chosen = choice.best_seed(models)
    table = choice.stability(models, chosen)
    assert set(table["seed"]) == set(SEEDS) - {chosen}
    assert table["r"].between(0, 1).all()
    top = table[table["factor"].isin(["Factor1", "Factor2", "Factor3"])]
    assert len(top) == 6
    assert (top["r"] > 0.95).all()
    for seed, rows in table.groupby("seed"):
        assert (rows["elbo"] == models[seed].bound).all()
        assert (rows["n_factors"] == len(models[seed].factors)).all()


def test_a_model_compared_with_its_mirror_image_is_perfectly_stable(models):
    turned = dataclasses.replace(models["1"], z=-models["1"].z[:, ::-1])
    table = choice.stability({"1": models["1"], "9": turned}, "1")
    np.testing.assert_allclose(table["r"], 1)
    assert table["matched"].tolist() == models["1"].factors[::-1]


def test_one_seed_has_no_stability(models):
    assert choice.stability({"1": models["1"]}, "1").empty


def test_other_patients_are_refused(models):
    other = dataclasses.replace(models["2"], patients=models["2"].patients[::-1])
    with pytest.raises(ValueError, match="seed 2 was fitted on different patients from seed 1"):
        choice.stability({"1": models["1"], "2": other}, "1")


def test_tables_have_their_columns(model):
    factors = choice.factor_table(model)
    assert factors.columns.tolist() == ["patient_id", *model.factors]
    weights = choice.weight_table(model, "protein", {"protein_0": "IL6"})
    assert weights.columns.tolist() == ["feature", "symbol", *model.factors]
    assert weights["symbol"].tolist()[:2] == ["IL6", "protein_1"]
    assert choice.weight_table(model, "methylation", {}).empty
    variance = choice.variance_table(model).set_index(["view", "factor"])["r2"]
    assert variance["expression", "total"] == model.together["expression"]
    assert variance["expression", "Factor1"] == model.by_factor["expression"][0]


def test_symbols_are_those_that_are_known():
    features = pd.DataFrame({"feature": ["a", "b"], "symbol": ["A", np.nan]})
    assert symbols_of(features) == {"a": "A"}
    assert symbols_of(features[["feature"]]) == {}


def test_top_weights_are_the_largest_by_size(model):
    weights = {view: choice.weight_table(model, view, {}) for view in model.w}
    top = top_weights(weights, 5)
    part = top[(top["factor"] == "Factor2") & (top["view"] == "expression")]
    values = weights["expression"].set_index("feature")["Factor2"]
    assert part["feature"].tolist() == values.abs().nlargest(5).index.tolist()
    np.testing.assert_allclose(part["weight"], values[part["feature"]])
    assert np.abs(part["scaled"].iloc[0]) == 1
    assert list(top["factor"].unique()) == model.factors


def test_the_saved_model_has_mofa2s_layout(tmp_path, fits):
    path = tmp_path / "model.hdf5"
    fitted = fits["1"]
    write_mofa2(fitted.fit, path, fitted.features, fitted.patients)
    with h5py.File(path) as file:
        for key in ("features", "samples", "views", "groups", "intercepts", "training_stats"):
            assert key in file, key
        assert {"r2_total", "r2_per_factor"} <= set(file["variance_explained"])
        assert {"W", "Z", "Tau"} <= set(file["expectations"])
        assert [name.decode() for name in file["views/views"]] == list(fitted.features)
        group = file["groups/groups"][0].decode()
        assert [p.decode() for p in file[f"samples/{group}"]] == fitted.patients
        names = [f.decode() for f in file["features/protein"]]
        assert names == fitted.features["protein"]
        # what R reads is what the tables say: same factors, order and signs
        np.testing.assert_allclose(file[f"expectations/Z/{group}"][:].T, fitted.fit.z)
        for view, w in fitted.fit.w.items():
            np.testing.assert_allclose(file[f"expectations/W/{view}"][:].T, w)
        k = fitted.fit.z.shape[1]
        assert file[f"variance_explained/r2_per_factor/{group}"].shape == (len(LIKELIHOODS), k)


def test_the_mudata_file_reads_back(tmp_path, cohort, model):
    views, _ = cohort
    path = tmp_path / "cohort.h5mu"
    factors = choice.factor_table(model).set_index("patient_id")
    normalised = {view: views[view].assign(extra=1.0) for view in views}
    weights = {view: choice.weight_table(model, view, {}) for view in model.w}
    patients = pd.DataFrame(
        {"label": 1.0, "site": ["a", None] * 30, "age": 40.0}, index=views.patients
    )
    write_h5mu(path, normalised, factors, weights, patients)
    loaded = mudata.read_h5mu(path)
    assert list(loaded.mod) == list(LIKELIHOODS)
    at = loaded.obs_names.get_indexer(factors.index)
    np.testing.assert_allclose(loaded.obsm["X_mofa"][at], factors)
    protein = loaded["protein"]
    np.testing.assert_allclose(protein.X, normalised["protein"], rtol=1e-6)
    assert protein.obs_names.tolist() == views["protein"].index.tolist()
    assert protein.var["in_model"].tolist() == [True] * 40 + [False]
    assert protein.var_names[[0, 40]].tolist() == ["protein_0", "protein:extra"]
    np.testing.assert_allclose(protein.varm["LFs"][:40], model.w["protein"])
    assert np.isnan(protein.varm["LFs"][40]).all()
    assert loaded.obs["site"].isna().sum() == 30
    assert (loaded.obs["age"] == 40).all()


def test_the_summary_holds_the_headline(cohort, models):
    chosen = choice.best_seed(models)
    model = models[chosen]
    factors = choice.factor_table(model).set_index("patient_id")
    patients = pd.DataFrame({"label": (factors["Factor2"] > 0).astype(float)})
    views = pd.DataFrame(
        {
            "view": [*LIKELIHOODS, "empty"],
            "features": [80, 40, 50, 0],
            "reason": [np.nan] * 3 + ["no feature varies"],
        }
    )
    parts = {
        "models": choice.models_table(models, chosen),
        "variance": choice.variance_table(model),
        "associations": associations(factors, patients, {"label": "label"}),
        "views": views,
        "n_patients": len(factors),
    }
    found = summary(stability=choice.stability(models, chosen), **parts)
    assert found["chosen_seed"] == chosen
    assert found["n_factors"] == len(model.factors)
    assert found["label_factors"][0] == "Factor2"
    assert found["label_associations"][0].startswith("Factor 2 with label: AUC 1.00")
    assert ", higher in positive than in negative, adjusted p" in found["label_associations"][0]
    assert found["variance_explained"] == model.together
    assert found["views_left_out"] == {"empty": "no feature varies"}
    assert found["stable_factors"] >= 3
    alone = summary(stability=choice.stability({chosen: model}, chosen), **parts)
    assert alone["stability"] is None
    assert alone["stability_reason"] == "one seed was fitted"


def test_an_association_is_told_so_that_an_auc_of_1_is_the_strongest():
    row = pd.Series(
        {
            "factor": "Factor2",
            "variable": "sex",
            "effect_name": "auc",
            "effect": 0.02,
            "lower": 0.0,
            "upper": 0.05,
            "contrast": "ill vs well",
            "padj": 1e-11,
        }
    )
    assert in_words(row) == (
        "Factor 2 with sex: AUC 0.98 (0.95 to 1.00), higher in well than in ill, adjusted p < 0.001"
    )
    # which group is which cannot be told: the contrast as it is
    odd = row.copy()
    odd["contrast"] = "ill vs well vs young"
    assert in_words(odd) == (
        "Factor 2 with sex (ill vs well vs young): AUC 0.02 (0.00 to 0.05), adjusted p < 0.001"
    )
    rho = row.copy()
    rho[["effect_name", "effect", "lower", "upper"]] = ["rho", -0.3, -0.5, -0.1]
    rho["contrast"] = np.nan
    assert in_words(rho) == "Factor 2 with sex: ρ -0.30 (-0.50 to -0.10), adjusted p < 0.001"


def test_views_without_factors_and_seeds_that_disagree_are_warned_of():
    models = pd.DataFrame({"seed": [1, 2], "n_factors": [3, 3], "elbo": [-2.0, -1.0]})
    totals = pd.DataFrame({"view": ["a", "b"], "r2": [0.5, 0.3]})
    assert doubts(models, totals) == []
    assert doubts(models, totals.assign(r2=[0.5, 0.001])) == [
        "the factors explain less than 1 % of b"
    ]
    assert "found no factor" in doubts(models, totals.assign(r2=[0.0, np.nan]))[0]
    (found,) = doubts(models.assign(n_factors=[3, 5]), totals)
    assert found.endswith("3 from seed 1, 5 from seed 2")
