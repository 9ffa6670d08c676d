"""Two blocks that tell a label, models of them, and how those are calibrated."""

import numpy as np
from scipy.special import expit
from sklearn.model_selection import StratifiedKFold

from trdomics.classification.classifiers import Platt
from trdomics.classification.feature_blocks import DenseBlocks
from trdomics.classification.stacking import BlockFits, LateFusion

KINDS = ["elastic_net", "random_forest", "gradient_boosting"]
RNG = np.random.default_rng(7)
BETA = {
    "a": RNG.normal(size=30) * (np.arange(30) < 6) * 0.5,
    "b": RNG.normal(size=12) * (np.arange(12) < 4) * 0.5,
}


def draw(n, seed):
    rng = np.random.default_rng(seed)
    values = {name: rng.normal(size=(n, len(beta))) for name, beta in BETA.items()}
    present = {name: rng.random(n) > 0.08 for name in BETA}
    odds = sum(values[name] @ beta for name, beta in BETA.items())
    labels = (rng.random(n) < expit(odds)).astype(int)
    zeroed = {name: np.where(present[name][:, None], values[name], 0) for name in BETA}
    return DenseBlocks(zeroed, present), labels


def refitter(kind, fusion=False):
    def refit(blocks, labels):
        fits = BlockFits(blocks, labels, 20, 0)
        if fusion:
            return LateFusion(["a", "b"], kind, 20, 0).fit(blocks, labels, fits=fits)
        return fits.model(("a", "b"), kind, 0)

    return refit


def calibrated(blocks, labels, refit):
    """Return the predictions of a model trained and calibrated as the inner search does."""
    decision = np.zeros(len(labels))
    for train, test in StratifiedKFold(4, shuffle=True, random_state=0).split(labels, labels):
        fold = refit(blocks.take(train), labels[train])
        decision[test] = fold.decision_function(blocks.take(test))
    head, curve = refit(blocks, labels), Platt().fit(decision, labels)
    return lambda new: curve.predict(head.decision_function(new))
