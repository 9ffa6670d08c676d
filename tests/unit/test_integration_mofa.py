"""MOFA as an estimator: projection reproduces the fit, and learns nothing from new patients."""

import numpy as np
import pandas as pd
import pytest
from integration_data import LIKELIHOODS, planted
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from trdomics.integration.mofa import MOFATransformer, fit_views, signs
from trdomics.integration.projection import MOFAProjection, correlations
from trdomics.parts import put_together, take_apart
from trdomics.tables import LayerTables

GAUSSIAN = {view: kind for view, kind in LIKELIHOODS.items() if kind == "gaussian"}


@pytest.fixture(scope="module")
def cohort():
    return planted()


@pytest.fixture(scope="module")
def views(cohort):
    return cohort[0]


@pytest.fixture(scope="module")
def fitted(views):
    return MOFATransformer(6, LIKELIHOODS, seed=1).fit(views)


def state(estimator):
    """Return the fitted arrays as one list."""
    parts = []
    for name in ("w_", "w2_", "tau_", "intercepts_", "variance_explained_"):
        parts += [getattr(estimator, name)[view].copy() for view in estimator.w_]
    return [*parts, estimator.elbo_.copy(), estimator.agreement_.copy()]


@pytest.mark.parametrize("likelihoods", [GAUSSIAN, LIKELIHOODS, {"mutation": "bernoulli"}])
def test_projecting_the_training_patients_reproduces_their_factors(views, likelihoods):
    options = {"seed": 1, "max_iterations": 1000, "convergence": "medium"}
    fitted = fit_views(views, likelihoods, n_factors=6, fast=True, **options)
    model = MOFATransformer(6, likelihoods, **options).fit(views)
    projected = model.transform(views).loc[fitted.patients].to_numpy()
    assert len(fitted.patients) > 50
    for k in range(projected.shape[1]):
        assert np.corrcoef(projected[:, k], fitted.fit.z[:, k])[0, 1] >= 0.999
        # not only in proportion: the same size, too
        slope = np.polyfit(fitted.fit.z[:, k], projected[:, k], 1)[0]
        assert slope == pytest.approx(1, abs=0.02)
    np.testing.assert_array_less(0.999, model.agreement_)


def test_planted_factors_are_found(cohort, fitted):
    views, truth = cohort
    factors = fitted.transform(views)
    k = factors.shape[1]
    r = np.abs(np.corrcoef(factors.to_numpy().T, truth.to_numpy().T)[:k, k:])
    assert (r.max(axis=0) > 0.9).all()


def test_unseen_patients_get_the_factors_they_would_have_had(cohort):
    views, truth = cohort
    train, new = views.patients[:45], views.patients[45:]
    model = MOFATransformer(6, LIKELIHOODS).fit(views.select(train))
    factors = model.transform(views.select(new)).to_numpy()
    k = factors.shape[1]
    r = np.abs(np.corrcoef(factors.T, truth.loc[new].to_numpy().T)[:k, k:])
    assert (r.max(axis=0) > 0.8).all()


def test_fit_transform_and_transform_are_the_same(views, fitted):
    again = MOFATransformer(6, LIKELIHOODS, seed=1).fit_transform(views)
    pd.testing.assert_frame_equal(again, fitted.transform(views))


def test_inactive_factors_are_dropped_and_the_rest_ordered(fitted):
    assert 3 <= len(fitted.get_feature_names_out()) < 6
    r2 = np.stack(list(fitted.variance_explained_.values()))
    assert (np.diff(r2.sum(axis=0)) <= 1e-12).all()
    assert (r2.max(axis=0) >= 1e-3).all()


def test_the_largest_weight_of_every_factor_is_positive(fitted):
    np.testing.assert_array_equal(signs(fitted.w_), 1)
    flipped = {view: -w for view, w in fitted.w_.items()}
    np.testing.assert_array_equal(signs(flipped), -1)


def test_transforming_other_patients_changes_nothing_fitted(views, fitted):
    before = state(fitted)
    rng = np.random.default_rng(5)
    other = LayerTables({view: views[view] * rng.normal() for view in GAUSSIAN}, views.patients)
    fitted.transform(other)
    for old, new in zip(before, state(fitted), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_fit_is_a_function_of_its_seed(views, fitted):
    for old, new in zip(state(fitted), state(clone(fitted).fit(views)), strict=True):
        np.testing.assert_array_equal(old, new)


def test_features_come_in_any_order_and_others_are_ignored(views, fitted):
    shuffled = {
        view: views[view].sample(frac=1, axis=1, random_state=0).assign(other=1.0) for view in views
    }
    given = LayerTables(shuffled, views.patients)
    pd.testing.assert_frame_equal(fitted.transform(given), fitted.transform(views))


def test_patients_who_lack_all_views_get_zeros(views, fitted):
    patients = pd.Index([*views.patients[:3], "stranger"])
    tables = {view: table.loc[table.index.isin(patients)] for view, table in views.items()}
    factors = fitted.transform(LayerTables(tables, patients))
    assert (factors.loc["stranger"] == 0).all()
    assert (factors.loc[views.patients[0]] != 0).any()
    nothing = fitted.transform(LayerTables({}, pd.Index(["stranger"])))
    assert nothing.shape == (1, len(fitted.get_feature_names_out()))


def test_a_patient_without_views_does_not_disturb_the_fit(views, fitted):
    more = LayerTables(dict(views), views.patients.append(pd.Index(["stranger"])))
    for old, new in zip(state(fitted), state(clone(fitted).fit(more)), strict=True):
        np.testing.assert_array_equal(old, new)


def test_what_is_stored_of_it_projects_alike(views, fitted):
    restored = put_together(MOFAProjection, *take_apart(fitted))
    pd.testing.assert_frame_equal(restored.transform(views), fitted.transform(views))


def test_no_patient_is_kept(views, fitted):
    n = {len(views[view]) for view in views} | {len(views)}
    for value in vars(fitted).values():
        arrays = value.values() if isinstance(value, dict) else [value]
        for array in arrays:
            if isinstance(array, np.ndarray):
                assert not n & set(array.shape)
    text = str(vars(fitted))
    assert not any(patient in text for patient in views.patients)


def test_data_without_structure_leave_one_weak_factor(views):
    rng = np.random.default_rng(8)
    noise = pd.DataFrame(rng.normal(size=(50, 30)), columns=[f"g{i}" for i in range(30)])
    model = MOFATransformer(3, {"noise": "gaussian"}, max_iterations=60)
    factors = model.fit_transform(LayerTables({"noise": noise}, noise.index))
    assert factors.shape[1] == 1
    assert model.variance_explained_["noise"][0] < 0.05


def test_correlations_are_pearsons_and_zero_with_a_constant():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(20, 2)), rng.normal(size=(20, 3))
    np.testing.assert_allclose(correlations(a, b), np.corrcoef(a.T, b.T)[:2, 2:])
    assert correlations(np.ones((20, 1)), b).tolist() == [[0, 0, 0]]


def test_without_views_or_fit_it_says_so(views):
    with pytest.raises(ValueError, match="MOFA needs a view"):
        MOFATransformer(2, {"methylation": "gaussian"}).fit(views)
    with pytest.raises(NotFittedError):
        MOFATransformer(2, LIKELIHOODS).transform(views)


def test_absent_features_are_passed_over_not_taken_for_average(views, fitted):
    everything = fitted.transform(views)
    view = max(GAUSSIAN, key=lambda name: views[name].shape[1])
    dropped = list(views[view].columns[::3])
    fewer = views.replace(**{view: views[view].drop(columns=dropped)})
    average = views[view].assign(**views[view][dropped].mean().to_dict())
    filled = fitted.transform(views.replace(**{view: average}))
    projected = fitted.transform(fewer)
    has = views.profiled(view)
    spread = everything[has].std()
    assert np.abs(projected[has].std() / spread - 1).max() < 0.1
    # what the mean would do in their place: pull every factor of the view to zero
    assert (filled[has].std() / spread).min() < (projected[has].std() / spread).min()


def test_a_view_without_any_known_feature_is_lacked(views, fitted):
    view = next(iter(GAUSSIAN))
    strange = views.replace(**{view: views[view].add_prefix("other_")})
    without = LayerTables({k: views[k] for k in views if k != view}, views.patients)
    pd.testing.assert_frame_equal(fitted.transform(strange), fitted.transform(without))
