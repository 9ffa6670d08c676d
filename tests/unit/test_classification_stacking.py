import numpy as np
import pytest
from sklearn.base import clone
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from trdomics.classification.calibration import MIN_SLOPE, Platt, prior_log_odds
from trdomics.classification.candidates import Fits, candidates, fit_candidate, mean_auroc
from trdomics.classification.classifiers import BlockModel, TopFeatures, anova_f
from trdomics.classification.families import FAMILIES, TrainingValues
from trdomics.classification.feature_blocks import DenseBlocks
from trdomics.classification.feature_sets import FeatureSet
from trdomics.classification.stacking import LateFusion, stack_weights

N = 120
RNG = np.random.default_rng(3)
LABELS = RNG.permutation(np.arange(N) % 2)


def blocks(labels=LABELS, strength=1.0):
    """Return a block with signal, one of noise, and one with signal that a third lacks."""
    rng = np.random.default_rng(4)
    signal = strength * (labels - 0.5)[:, None]
    has = np.arange(len(labels)) % 3 > 0
    values = {
        "good": signal + rng.normal(size=(len(labels), 6)),
        "noise": rng.normal(size=(len(labels), 6)),
        "part": np.where(has[:, None], signal + rng.normal(size=(len(labels), 4)), 0),
    }
    everyone = np.ones(len(labels), dtype=bool)
    return DenseBlocks(values, {"good": everyone, "noise": everyone, "part": has})


def members(*names, labels=LABELS):
    return [BlockModel([name]).fit(blocks(), labels) for name in names]


def stack(*names):
    """Return a stack whose weights are learned from out-of-fold evidence."""
    evidence = np.zeros((N, len(names)))
    for kept, held_out in StratifiedKFold(3, shuffle=True, random_state=0).split(LABELS, LABELS):
        for column, name in enumerate(names):
            model = BlockModel([name]).fit(blocks().take(kept), LABELS[kept])
            evidence[held_out, column] = model.evidence(blocks().take(held_out))
    return LateFusion().fit(members(*names), evidence, LABELS)


def test_anova_is_that_of_sklearn_and_bears_constants():
    values = blocks().joined(["good", "noise"])[0]
    np.testing.assert_allclose(anova_f(values, LABELS), f_classif(values, LABELS)[0])
    assert anova_f(np.ones((N, 1)), LABELS) == [0]


@pytest.mark.parametrize("kind", FAMILIES)
def test_block_model_learns_and_leaves_those_without_blocks_at_the_prior(kind):
    model = BlockModel(["part"], kind, n_features=3).fit(blocks(), LABELS)
    decision = model.decision_function(blocks())
    has = blocks().present["part"]
    assert roc_auc_score(LABELS[has], decision[has]) > 0.75
    np.testing.assert_array_equal(decision[~has], prior_log_odds(LABELS))
    assert (model.evidence(blocks())[~has] == 0).all()
    assert np.count_nonzero(model.importance()) <= 3
    np.testing.assert_allclose(model.predict_proba(blocks()).sum(axis=1), 1)


def test_block_model_is_fitted_on_those_who_have_the_block():
    whole, has = blocks(), blocks().present["part"]
    model = BlockModel(["part"]).fit(whole, LABELS)
    part = BlockModel(["part"]).fit(whole.take(has), LABELS[has])
    np.testing.assert_allclose(
        model.decision_function(whole)[has], part.decision_function(whole)[has]
    )


@pytest.mark.parametrize("case", ["nobody", "one class", "unknown block"])
def test_block_model_without_anything_to_learn_from_predicts_the_prior(case):
    data, names = blocks(), ["part"]
    if case == "nobody":
        data.present["part"][:] = False
    elif case == "one class":
        data.present["part"] = LABELS == 1
    else:
        names = ["elsewhere"]
    model = BlockModel(names).fit(data, LABELS)
    np.testing.assert_array_equal(model.decision_function(data), prior_log_odds(LABELS))
    assert model.importance().size == 0


def test_stack_weighs_signal_and_never_negatively():
    fusion = stack("good", "noise", "part")
    good, noise, part = fusion.weights_
    assert min(good, part) > 0
    assert noise >= 0
    spread = [np.std(model.evidence(blocks())) for model in fusion.models_]
    assert noise * spread[1] < 0.3 * min(good * spread[0], part * spread[2])
    against, _ = stack_weights(-(LABELS - 0.5)[:, None], LABELS)
    assert against == [0]


def test_a_member_adds_nothing_for_who_lacks_its_block():
    fusion = stack("good", "part")
    data = blocks()
    lacking = ~data.present["part"]
    decision = fusion.decision_function(data)
    alone = fusion.intercept_ + fusion.weights_[0] * fusion.models_[0].evidence(data)
    np.testing.assert_allclose(decision[lacking], alone[lacking])
    # a value that stands where nothing was measured cannot matter
    data.values["part"][lacking] = 99
    np.testing.assert_array_equal(fusion.decision_function(data), decision)


def test_candidates_are_values_in_the_order_of_sets_kinds_and_grids():
    sets = [FeatureSet("good", ("good",)), FeatureSet("stack", ("good", "part"), fusion=True)]
    found = candidates(sets, FAMILIES)
    assert found == candidates(list(sets), FAMILIES)
    assert len(set(found)) == len(found)
    assert {c.features.name for c in found} == {"good"}
    assert len(found) == sum(len(f.grid) * len(f.sizes) for f in FAMILIES.values())


def test_what_is_the_same_fit_is_fitted_once():
    """A block of six features is the same whether 20 of them may be kept or all."""
    fits = Fits(blocks(), LABELS, 0)
    ridge = candidates([FeatureSet("good", ("good",))], ["ridge"])
    models = {id(fit_candidate(candidate, fits)) for candidate in ridge}
    assert len(models) == len(FAMILIES["ridge"].grid)


def test_features_are_selected_within_each_block_as_sklearn_selects_them():
    values = blocks().joined(["good", "part"])[0]
    kept = TopFeatures([6, 4], 2).fit(values, LABELS).get_support()
    for start, end in ((0, 6), (6, 10)):
        expected = SelectKBest(f_classif, k=2).fit(values[:, start:end], LABELS).get_support()
        np.testing.assert_array_equal(kept[start:end], expected)
    assert TopFeatures([6, 4]).fit(values, LABELS).get_support().all()


@pytest.mark.parametrize("width", [10, 300], ids=["fewer features", "more features"])
@pytest.mark.parametrize("variance", [0.1, 30.0])
def test_ridge_is_sklearns_with_a_penalty_per_feature(width, variance):
    rng = np.random.default_rng(width)
    values = rng.normal(size=(N, width)) + rng.normal(size=(N, 1)) + 0.5
    # a constant and a repeated feature leave the axes short of the full rank
    values[:, 0], values[:, 1] = 1.0, values[:, 2]
    training = TrainingValues(values, LABELS)
    ours = FAMILIES["ridge"].fit({"variance": variance}, 0, training)
    theirs = LogisticRegression(C=variance / width, tol=1e-10, max_iter=10_000)
    theirs.fit(values, LABELS)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-5)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-4)
    np.testing.assert_allclose(ours.predict_proba(values), theirs.predict_proba(values), atol=1e-5)
    assert clone(ours).get_params() == {"variance": variance}


def test_mean_auroc_is_that_of_the_parts_ties_included():
    rng = np.random.default_rng(5)
    decision = rng.normal(size=N).round(1)
    parts = np.array_split(np.arange(N), 4)
    expected = np.mean([roc_auc_score(LABELS[rows], decision[rows]) for rows in parts])
    assert mean_auroc(decision, LABELS, parts) == pytest.approx(expected, abs=1e-12)
    one_class = np.flatnonzero(LABELS == 1)
    assert mean_auroc(decision, LABELS, [*parts, one_class]) == pytest.approx(expected, abs=1e-12)
    assert mean_auroc(decision, LABELS, [one_class]) == 0.5


def test_platt_finds_the_curve_of_decisions():
    rng = np.random.default_rng(1)
    decision = rng.normal(scale=3, size=4000)
    labels = (rng.random(4000) < 1 / (1 + np.exp(-(0.5 * decision - 1)))).astype(int)
    curve = Platt().fit(decision, labels)
    assert curve.slope_ == pytest.approx(0.5, abs=0.05)
    assert curve.intercept_ == pytest.approx(-1, abs=0.1)


def test_platt_never_turns_a_ranking_round():
    curve = Platt().fit(-(LABELS - 0.5), LABELS)
    assert curve.slope_ == MIN_SLOPE
    assert curve.predict(np.array([1.0])) > curve.predict(np.array([-1.0]))
    constant = Platt().fit(np.zeros(N), LABELS)
    assert constant.predict(np.zeros(1)) == pytest.approx(LABELS.mean(), abs=0.01)
