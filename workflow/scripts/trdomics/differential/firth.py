"""Firth's penalised logistic regression, which separation cannot break.

Firth 1993 (Biometrika 80:27); Heinze & Schemper 2002 (doi 10.1002/sim.1047) for the penalised
likelihood-ratio test and the profile interval.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import chi2

MAX_ITERATIONS = 100
MAX_STEP = 5.0
MAX_BOUND = 60.0  # a log odds ratio beyond which no interval is followed


class NotConverged(ArithmeticError):
    """The likelihood was not maximised."""


@dataclass(frozen=True)
class FirthTest:
    """The effect of one covariate: a log odds ratio, its interval and its p-value."""

    log_odds_ratio: float
    lower: float
    upper: float
    pvalue: float


def penalised_likelihood(matrix: np.ndarray, outcome: np.ndarray, beta: np.ndarray) -> float:
    """Return log L(β) + ½ log |I(β)|."""
    eta = matrix @ beta
    likelihood = float(outcome @ eta - np.logaddexp(0, eta).sum())
    weights = expit(eta) * expit(-eta)
    return likelihood + 0.5 * float(np.linalg.slogdet((matrix.T * weights) @ matrix)[1])


def maximise(
    matrix: np.ndarray,
    outcome: np.ndarray,
    start: np.ndarray,
    fixed: int | None = None,
) -> tuple[np.ndarray, float]:
    """Maximise the penalised likelihood, one coefficient possibly held where it starts.

    Parameters
    ----------
    matrix : ndarray, shape (n_patients, n_coefficients)
        Full rank, with an intercept.
    outcome : ndarray, shape (n_patients,)
        0 or 1.
    start : ndarray, shape (n_coefficients,)
    fixed : int, optional
        The coefficient that is held. The penalty is that of the whole model all the same.

    Returns
    -------
    beta : ndarray, shape (n_coefficients,)
    value : float
        The penalised log likelihood.

    Raises
    ------
    NotConverged
    """
    beta = start.astype(float).copy()
    free = np.arange(len(beta)) != fixed
    value = penalised_likelihood(matrix, outcome, beta)
    if not free.any():
        return beta, value
    for _ in range(MAX_ITERATIONS):
        eta = matrix @ beta
        probability, weights = expit(eta), expit(eta) * expit(-eta)
        information = (matrix.T * weights) @ matrix
        leverage = weights * np.einsum("ij,ij->i", matrix @ np.linalg.inv(information), matrix)
        residual = outcome - probability + leverage * (0.5 - probability)
        score = (matrix.T @ residual)[free]
        step = np.zeros_like(beta)
        step[free] = np.linalg.solve(information[np.ix_(free, free)], score)
        step *= min(1.0, MAX_STEP / max(float(np.abs(step).max()), 1e-300))
        if np.abs(step).max() < 1e-7 and np.abs(score).max() < 1e-5:
            return beta, value
        for _ in range(25):
            candidate = penalised_likelihood(matrix, outcome, beta + step)
            if candidate >= value - 1e-10:
                break
            step /= 2
        beta, value = beta + step, candidate
    raise NotConverged


def firth_test(
    matrix: np.ndarray, outcome: np.ndarray, index: int, level: float = 0.95
) -> FirthTest:
    """Test one coefficient by the penalised likelihood ratio, with its profile interval.

    Parameters
    ----------
    matrix : ndarray, shape (n_patients, n_coefficients)
        Full rank, with an intercept; covariates centred and scaled.
    outcome : ndarray, shape (n_patients,)
        0 or 1.
    index : int
        The coefficient to test.
    level : float
        Coverage of the interval.

    Raises
    ------
    NotConverged
    """
    none = np.zeros(matrix.shape[1])
    best, highest = maximise(matrix, outcome, none)
    _, without = maximise(matrix, outcome, none, fixed=index)
    ratio = max(2 * (highest - without), 0.0)
    threshold = float(chi2.ppf(level, 1))

    def bound(direction: int) -> float:
        current = best.copy()

        def excess(position: float) -> float:
            nonlocal current
            start = current.copy()
            start[index] = position
            current, value = maximise(matrix, outcome, start, fixed=index)
            return 2 * (highest - value) - threshold

        near, far, reach = best[index], best[index] + direction, 1.0
        while excess(far) < 0:
            reach *= 2
            near, far = far, best[index] + direction * reach
            if reach > MAX_BOUND:
                raise NotConverged
        return float(brentq(excess, near, far, xtol=1e-6))

    return FirthTest(float(best[index]), bound(-1), bound(1), float(chi2.sf(ratio, 1)))
