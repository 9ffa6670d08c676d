"""Planted truths: what the combination of the sets must reach, and what must not hurt it."""

import numpy as np
from sklearn.linear_model import LogisticRegressionCV
from sklearn.model_selection import StratifiedKFold

from trdomics.classification.candidates import mean_auroc
from trdomics.classification.feature_blocks import DenseBlocks
from trdomics.classification.feature_sets import FeatureSet
from trdomics.classification.inner_search import FoldRepresentations, NestedSearch

LAYERS = ("one", "two", "three")
N_TRAINING, N_UNSEEN, N_FEATURES = 160, 1000, 300


def cohort(informative, effect, seed=0, noise_layers=0):
    """Draw layers with common factors of noise and as many informative features each."""
    rng = np.random.default_rng(seed)
    n = N_TRAINING + N_UNSEEN
    labels = rng.permutation(np.arange(n) % 2)
    values = {}
    for position, layer in enumerate(LAYERS):
        table = rng.normal(size=(n, 5)) @ rng.normal(size=(5, N_FEATURES)) * 0.25
        table += rng.normal(size=(n, N_FEATURES))
        if position < len(LAYERS) - noise_layers:
            columns = rng.choice(N_FEATURES, informative, replace=False)
            signs = rng.choice([-1, 1], informative)
            table[:, columns] += (2 * labels[:, None] - 1) * effect * signs
        values[layer] = table / table.std(axis=0)
    values["clinical"] = rng.normal(size=(n, 4))
    values["clinical"][:, 0] += labels - 0.5
    present = {name: rng.random(n) > 0.05 for name in LAYERS} | {"clinical": np.ones(n, bool)}
    values = {name: np.where(present[name][:, None], values[name], 0) for name in values}
    return DenseBlocks(values, present), labels


def auroc(decision, labels):
    return mean_auroc(decision, labels, [np.arange(len(labels))])


def searched(blocks, labels):
    """Return what is selected, learned from the first patients, on the others: AUROC by set."""
    seen, truth = blocks.take(np.arange(N_TRAINING)), labels[:N_TRAINING]
    dealt = StratifiedKFold(4, shuffle=True, random_state=1).split(truth, truth)
    folds = [(a, b, seen.take(a), seen.take(b)) for a, b in dealt]
    sets = [
        *(FeatureSet(name, (name,)) for name in ("clinical", *LAYERS)),
        FeatureSet("early", LAYERS),
    ]
    search = NestedSearch(None, sets, models=("elastic_net", "ridge"))
    search.fit_from(FoldRepresentations(folds, None, seen, []), truth)
    unseen = blocks.take(np.arange(N_TRAINING, len(labels)))
    return {
        name: auroc(model.decision_function(unseen), labels[N_TRAINING:])
        for name, model in search.models_.items()
    } | {"weights": search.weights()}


def plain(blocks, labels, names):
    """Return the AUROC of a late fusion of ridge regressions on all features, written plainly."""
    total = np.zeros(len(labels) - N_TRAINING)
    for name in names:
        model = LogisticRegressionCV(
            Cs=np.logspace(-4, 0, 5),
            cv=4,
            scoring="neg_log_loss",
            l1_ratios=(0,),
            use_legacy_attributes=False,
        )
        has = blocks.present[name][:N_TRAINING]
        model.fit(blocks.values[name][:N_TRAINING][has], labels[:N_TRAINING][has])
        total += model.decision_function(blocks.values[name][N_TRAINING:])
    return auroc(total, labels[N_TRAINING:])


def test_many_weak_features_are_used_as_by_a_plain_late_fusion_of_ridge_regressions():
    dense = cohort(100, 0.12)
    found = searched(*dense)
    assert found["combined"] > plain(*dense, (*LAYERS, "clinical")) - 0.02
    assert found["combined"] > max(found[name] for name in LAYERS) + 0.03


def test_a_few_strong_features_are_used_better_than_by_ridge_on_all_features():
    sparse = cohort(3, 0.45)
    assert searched(*sparse)["combined"] > plain(*sparse, (*LAYERS, "clinical")) + 0.05


def test_layers_of_noise_hardly_hurt():
    noise = cohort(1, 0.0, noise_layers=3)
    found = searched(*noise)
    assert found["combined"] > found["clinical"] - 0.03
    assert found["weights"]["clinical"] > 0.5
