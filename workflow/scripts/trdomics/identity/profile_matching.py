"""Sample swaps: whether a patient's samples in two layers come from one person, without raw reads.

Layers of one person share between-person variation: blood cells, immune state, batch, sex.
Their relation is learned by canonical correlations of principal components (Hotelling 1936) from
other patients, and every pair of profiles is scored by the log likelihood ratio of one person
against two. For one person, a ratio below t has a probability of at most t, so the threshold limits
false alarms; the empirical tail of the cohort can only make it stricter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import logsumexp

from trdomics.layers.top_variance import TopVariance

MIN_PATIENTS = 40
# Below this power, the absence of flags is uninformative.
USEFUL_POWER = 0.5
FALSE_FLAGS = 0.01

_N_FEATURES, _MAX_CANONICAL = 2000, 12
# Numbers of principal components to choose from by held-out performance: too many add noise, too
# few miss shared variation.
_N_COMPONENTS = (4, 8, 16, 32)
_FOLDS, _INNER_FOLDS = 6, 5
# Share of the identity in the covariances that whiten the components: ridge-regularised CCA.
_RIDGE = 0.02
# Scores beyond are outliers of one layer, which would dominate.
_LIMIT = 4.0
# Tail of the cohort's own pairs: beyond the 10 % quantile an exponential with the slope between
# the quartile and that quantile, down to this probability.
_TAIL = 0.0025
# Swaps planted at a time to estimate the power, as a share of the patients.
_PLANTED_SHARE = 0.01
# If fewer wrong pairs than this are distinguished from own pairs, the trials are not run.
_HOPELESS = 0.2


@dataclass(frozen=True)
class Match:
    """The result of one pair of layers.

    Attributes
    ----------
    patients : DataFrame
        One row per patient with both layers: `patient_id`, `score` (log likelihood ratio of the
        own pair, relative to the patient's and the partner's other pairs), `rank_first` (rank of
        the own second profile among all for the first one, 1 is best), `rank_second`,
        `n_candidates`, `flagged` (0, 1), `likely_partner` (None where unclear).
    scores : DataFrame
        Score of every pair, first layer's patients in rows.
    summary : dict
        `n_patients`, `threshold`, `power` (share of planted swaps that are detected; without such
        trials, share of wrong pairs below the threshold), `usable`, `flagged`, `swaps` (pairs),
        `median_rank`, `canonical_correlations` (of held-out patients).
    """

    patients: pd.DataFrame
    scores: pd.DataFrame
    summary: dict[str, Any]

    @classmethod
    def of(
        cls,
        ranked: np.ndarray,
        scores: np.ndarray,
        flagged: np.ndarray,
        partner: Mapping[str, str | None],
        summary: Mapping[str, Any],
    ) -> Match:
        """Lay out a match: what pairs are ranked by, their scores, who is flagged, by patient."""
        names = list(partner)
        ranks = {"rank_first": own_ranks(ranked), "rank_second": own_ranks(ranked.T)}
        table = pd.DataFrame(
            {"patient_id": names, "score": np.diag(scores), **ranks, "n_candidates": len(names)}
            | {"flagged": flagged.astype(int), "likely_partner": list(partner.values())}
        )
        whole = {
            "n_patients": len(names),
            **summary,
            "flagged": [name for name, flag in zip(names, flagged, strict=True) if flag],
            "median_rank": float(np.nanmedian(list(ranks.values()))),
        }
        return cls(table, pd.DataFrame(scores, index=names, columns=names), whole)


@dataclass(frozen=True)
class _Relation:
    """Canonical weights of two layers with their held-out correlations."""

    first: np.ndarray
    second: np.ndarray
    correlation: np.ndarray
    centre: np.ndarray
    scale: np.ndarray

    def scores(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Return the log likelihood ratio of every pair, shape (n_first, n_second)."""
        u = self._standard(first[:, : len(self.first)] @ self.first, 0)[:, None, :]
        v = self._standard(second[:, : len(self.second)] @ self.second, 1)[None, :, :]
        rho = self.correlation
        rest = 1 - rho**2
        ratio = -0.5 * np.log(rest) - (rho**2 * (u**2 + v**2) - 2 * rho * u * v) / (2 * rest)
        return np.asarray(ratio.sum(axis=2))

    def _standard(self, values: np.ndarray, side: int) -> np.ndarray:
        scaled = (values - self.centre[side]) / self.scale[side]
        return np.clip(scaled, -_LIMIT, _LIMIT)


def match_layers(
    first: pd.DataFrame,
    second: pd.DataFrame,
    seed: int,
    planted: int = 20,
    place: pd.Series | None = None,
) -> Match:
    """Score every pair of profiles of two layers by models fitted without both patients.

    Parameters
    ----------
    first, second : DataFrame, patients × features
        Normalised layers without missing values.
    planted : int
        Swaps planted to estimate the power; 0 for no trial.
    place : Series, optional
        Site or plate by patient. Swaps are planted within a plate or site, where real swaps occur
        and profiles are more similar.

    Raises
    ------
    ValueError
        If fewer than ``MIN_PATIENTS`` have both layers; see :func:`why_not`.
    """
    reason = why_not(first, second)
    if reason:
        raise ValueError(reason)
    shared = first.index.intersection(second.index)
    limit = min(max(_N_COMPONENTS), len(shared) // 6)
    x, y = _components(first, shared, limit), _components(second, shared, limit)
    rng = np.random.default_rng(seed)
    folds = rng.permutation(np.arange(len(shared)) % _FOLDS)
    scored = _score(x, y, folds)
    power = float((scored.relative[~np.eye(len(shared), dtype=bool)] < scored.threshold).mean())
    if planted and power > _HOPELESS:
        places = None if place is None else place.reindex(shared).astype(str).to_numpy()
        power = _planted_power(x, y, folds, np.flatnonzero(~scored.flagged), planted, rng, places)
    return _result(scored, power, shared)


@dataclass(frozen=True)
class _Scored:
    """Scores of all pairs, and the flagged patients."""

    pairs: np.ndarray
    relative: np.ndarray
    threshold: float
    flagged: np.ndarray
    partner: np.ndarray
    correlation: np.ndarray


def _score(x: np.ndarray, y: np.ndarray, folds: np.ndarray) -> _Scored:
    suspects = np.zeros(len(x), dtype=bool)
    # a second time without apparent swaps, which would distort the relation
    for _ in range(2):
        pairs, correlation = _cross_fitted(x, y, folds, suspects)
        relative = _relative(pairs)
        threshold = _threshold(np.diag(relative))
        suspects = np.diag(relative) < threshold
        if not suspects.any():
            break
    flagged, partner = suspects.copy(), _partners(relative, suspects)
    for i in np.flatnonzero(suspects & (partner >= 0)):
        # the partner of a swap whose own pair alone was not conclusive
        flagged[partner[i]], partner[partner[i]] = True, i
    return _Scored(pairs, relative, threshold, flagged, partner, correlation)


def _planted_power(
    x: np.ndarray,
    y: np.ndarray,
    folds: np.ndarray,
    clean: np.ndarray,
    planted: int,
    rng: np.random.Generator,
    places: np.ndarray | None,
) -> float:
    """Return the share of detected patients among swaps planted within a place."""
    found = []
    at_once = max(1, round(_PLANTED_SHARE * len(x)))
    for _ in range(-(-planted // at_once)):
        pairs = _pairs(clean, at_once, rng, places)
        order = np.arange(len(y))
        order[pairs] = pairs[:, ::-1]
        found.append(_score(x, y[order], folds).flagged[pairs].mean())
    return float(np.mean(found))


def _pairs(
    clean: np.ndarray, n_pairs: int, rng: np.random.Generator, places: np.ndarray | None
) -> np.ndarray:
    """Draw disjoint pairs, shape (n_pairs or fewer, 2), of patients of the same place."""
    if places is None:
        return np.asarray(rng.choice(clean, (n_pairs, 2), replace=False))
    order = rng.permutation(clean)
    pairs: list[tuple[Any, Any]] = []
    for i in order:
        taken = np.ravel(pairs)
        partners = order[(places[order] == places[i]) & (order != i) & ~np.isin(order, taken)]
        if i not in taken and len(partners):
            pairs.append((i, partners[0]))
        if len(pairs) == n_pairs:
            break
    # places with one patient have no swaps
    return np.array(pairs) if pairs else _pairs(clean, n_pairs, rng, None)


def why_not(first: pd.DataFrame, second: pd.DataFrame) -> str:
    """Return why two layers cannot be matched, empty if they can."""
    n = len(first.index.intersection(second.index))
    if n < MIN_PATIENTS:
        return f"{n} patients have both layers, {MIN_PATIENTS} are needed"
    if min(first.shape[1], second.shape[1]) < 2:
        return "a layer has fewer than two features"
    return ""


def _components(table: pd.DataFrame, shared: pd.Index, limit: int) -> np.ndarray:
    """Return principal components of unit variance, independent of the other layer."""
    values = TopVariance(_N_FEATURES).fit(table).transform(table).to_numpy(dtype=float)
    values = values - values.mean(axis=0)
    left, singular, _ = np.linalg.svd(values, full_matrices=False)
    n_kept = min(limit, int((singular > 1e-8 * singular[0]).sum()))
    scores = left[:, :n_kept] * np.sqrt(len(values))
    return scores[table.index.get_indexer(shared)]


def _cross_fitted(
    x: np.ndarray, y: np.ndarray, folds: np.ndarray, suspects: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the scores of all pairs and the median held-out canonical correlations."""
    pairs = np.empty((len(x), len(x)))
    correlations = []
    for a, b in combinations_with_replacement(range(_FOLDS), 2):
        in_a, in_b = np.flatnonzero(folds == a), np.flatnonzero(folds == b)
        training = (folds != a) & (folds != b) & ~suspects
        relation = _relation(x[training], y[training])
        correlations.append(np.resize(relation.correlation, _MAX_CANONICAL))
        correlations[-1][len(relation.correlation) :] = 0
        pairs[np.ix_(in_a, in_b)] = relation.scores(x[in_a], y[in_b])
        pairs[np.ix_(in_b, in_a)] = relation.scores(x[in_b], y[in_a])
    return pairs, np.median(correlations, axis=0)


def _canonical(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return canonical weights of centred tables, shapes (p, K) and (q, K)."""
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    roots = [_inverse_root(t.T @ t / len(t)) for t in (x, y)]
    left, _, right = np.linalg.svd(roots[0] @ (x.T @ y / len(x)) @ roots[1], full_matrices=False)
    n_kept = min(_MAX_CANONICAL, len(right))
    return roots[0] @ left[:, :n_kept], roots[1] @ right[:n_kept].T


def _inverse_root(covariance: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh((1 - _RIDGE) * covariance + _RIDGE * np.eye(len(covariance)))
    return np.asarray(vectors / np.sqrt(values) @ vectors.T)


def _relation(x: np.ndarray, y: np.ndarray) -> _Relation:
    """Learn the relation with the number of components that is best for held-out patients."""
    sizes = [size for size in _N_COMPONENTS if size <= max(x.shape[1], y.shape[1])]
    relations = [_relation_of(x[:, :size], y[:, :size]) for size in sizes or [2]]
    return max(relations, key=lambda relation: -np.log(1 - relation.correlation**2).sum())


def _relation_of(x: np.ndarray, y: np.ndarray) -> _Relation:
    """Learn the relation; correlation and spread are those of inner held-out patients.

    Training correlations are too high, increasingly with more components.
    """
    inner = np.arange(len(x)) % _INNER_FOLDS
    first, second = _canonical(x, y)
    u, v = np.empty((len(x), first.shape[1])), np.empty((len(x), first.shape[1]))
    for fold in range(_INNER_FOLDS):
        out = inner == fold
        weights = _canonical(x[~out], y[~out])
        u[out], v[out] = x[out] @ weights[0], y[out] @ weights[1]
    middle = np.array([u.mean(axis=0), v.mean(axis=0)])
    scale = np.array([u.std(axis=0), v.std(axis=0)])
    correlation = ((u - middle[0]) * (v - middle[1])).mean(axis=0) / scale[0] / scale[1]
    # components compatible with chance are left out
    correlation = np.where(correlation > 2 / np.sqrt(len(x)), np.minimum(correlation, 0.99), 0.0)
    centre = np.array([x.mean(axis=0) @ first, y.mean(axis=0) @ second])
    return _Relation(first, second, correlation, centre, scale)


def _relative(pairs: np.ndarray) -> np.ndarray:
    """Normalise each pair by the mean likelihood ratio of its row and column.

    That mean is 1 if the model is right; an unusual profile lowers it.
    """
    n = np.log(len(pairs))
    rows = logsumexp(pairs, axis=1, keepdims=True) - n
    columns = logsumexp(pairs, axis=0, keepdims=True) - n
    return np.asarray(pairs - (rows + columns) / 2)


def _threshold(own: np.ndarray) -> float:
    low, quartile = np.quantile(own, [0.10, 0.25])
    slope = (quartile - low) / np.log(0.25 / 0.10)
    return float(min(np.log(FALSE_FLAGS), low - slope * np.log(0.10 / _TAIL)))


def _result(scored: _Scored, power: float, shared: pd.Index) -> Match:
    usable = power >= USEFUL_POWER
    flagged = scored.flagged & usable
    names = [str(name) for name in shared]
    partner = np.where(flagged, scored.partner, -1)
    summary = {
        "threshold": scored.threshold,
        "power": power,
        "usable": usable,
        "swaps": [[names[i], names[j]] for i, j in enumerate(partner) if j > i],
        "canonical_correlations": scored.correlation[scored.correlation > 0],
    }
    named = {name: names[j] if j >= 0 else None for name, j in zip(names, partner, strict=True)}
    return Match.of(scored.pairs, scored.relative, flagged, named, summary)


def own_ranks(pairs: np.ndarray) -> np.ndarray:
    """Return the rank of the diagonal among its row, 1 the highest, the middle of equal ones.

    NaN where the diagonal is.
    """
    own = np.diag(pairs)[:, None]
    rank = (pairs > own).sum(axis=1) + ((pairs == own).sum(axis=1) + 1) / 2
    return np.where(np.isnan(own[:, 0]), np.nan, rank)


def _partners(relative: np.ndarray, flagged: np.ndarray) -> np.ndarray:
    """Return the likely swap partner of each flagged patient, -1 if unclear.

    The likelihood of a swap with j is that of both new pairs relative to j's own pair. A priori, a
    swap within the cohort (with any patient) and a sample from elsewhere are equally likely. A
    partner is named if more likely than all alternatives together.
    """
    # a patient whose own pair is wrong anyway need not be the partner
    own = np.logaddexp(np.diag(relative), np.log(FALSE_FLAGS))
    partner = np.full(len(own), -1)
    for i in np.flatnonzero(flagged):
        evidence = relative[i] + relative[:, i] - own
        evidence[i] = -np.inf
        best = int(evidence.argmax())
        elsewhere = np.log(len(own) - 1)
        others = logsumexp(np.append(np.delete(evidence, best), elsewhere))
        if evidence[best] > others:
            partner[i] = best
    # a swap involves two patients
    mutual = [j >= 0 and (partner[j] == i or not flagged[j]) for i, j in enumerate(partner)]
    return np.where(mutual, partner, -1)
