"""Two blocks that tell a label, models of them, and how those are calibrated."""

import numpy as np
from scipy.special import expit
from sklearn.model_selection import StratifiedKFold

from trdomics.classification.calibration import Platt, prior_log_odds
from trdomics.classification.candidates import Fits
from trdomics.classification.families import FAMILIES
from trdomics.classification.feature_blocks import DenseBlocks
from trdomics.classification.stacking import LateFusion

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
    params = tuple(FAMILIES[kind].grid[0].items())

    def refit(blocks, labels):
        fits = Fits(blocks, labels, 0)
        if not fusion:
            return fits.model(("a", "b"), kind, 20, params)
        members = [fits.model((name,), kind, 20, params) for name in ("a", "b")]
        stack = LateFusion()
        stack.models_, stack.weights_, stack.classes_ = members, np.ones(2), np.array([0, 1])
        stack.intercept_ = prior_log_odds(labels)
        return stack

    return refit


def calibrated(blocks, labels, refit):
    """Return the predictions of a model trained and calibrated as the inner search does."""
    decision = np.zeros(len(labels))
    for train, test in StratifiedKFold(4, shuffle=True, random_state=0).split(labels, labels):
        fold = refit(blocks.take(train), labels[train])
        decision[test] = fold.decision_function(blocks.take(test))
    head, curve = refit(blocks, labels), Platt().fit(decision, labels)
    return lambda new: curve.predict(head.decision_function(new))
