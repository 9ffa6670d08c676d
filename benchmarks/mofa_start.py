"""Compare where MOFA's factors start from: iterations to settle, and the bound that is reached.

    python benchmarks/mofa_start.py results/simulated/integration/views [--factors 12]

The views of a finished run are fitted on five training sets of four fifths of the patients, as
in cross-validation. "warm" projects those patients by the weights of a fit on three quarters of
them, which is what an outer fold could take from an inner one without seeing a test patient.
Printed are iterations to "medium" convergence, at most 500, and how far the bound lies below the
best one of the same training set, in per cent of it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.model_selection import KFold

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from trdomics.files import read_matrix
from trdomics.integration.engine import MOFAFit, fit_mofa
from trdomics.integration.projection import project

Views = dict[str, NDArray[np.floating]]


def read_views(folder: Path) -> Views:
    """Return a run's views, patients × features."""
    tables = {path.stem: read_matrix(path) for path in sorted(folder.glob("*.parquet"))}
    patients = sorted(set().union(*(table.index for table in tables.values())))
    return {view: table.reindex(patients).to_numpy(float) for view, table in tables.items()}


def likelihoods(views: Views) -> dict[str, str]:
    """Return bernoulli for views of zeros and ones, gaussian for others."""
    binary = {v: np.isin(a[np.isfinite(a)], (0, 1)).all() for v, a in views.items()}
    return {view: "bernoulli" if binary[view] else "gaussian" for view in views}


def rows_of(views: Views, rows: NDArray[np.intp]) -> Views:
    """Return some patients, with the features that vary among them."""
    kept = {view: values[rows] for view, values in views.items()}
    return {view: values[:, np.nanvar(values, axis=0) > 0] for view, values in kept.items()}


def warm(views: Views, k: int, seed: int) -> NDArray[np.floating]:
    """Return factors projected by the weights that three quarters of the patients give."""
    n = len(next(iter(views.values())))
    some = np.random.default_rng(seed).permutation(n)[: n * 3 // 4]
    varies = {view: np.nanvar(values[some], axis=0) > 0 for view, values in views.items()}
    views = {view: values[:, varies[view]] for view, values in views.items()}
    kinds = likelihoods(views)
    part = {view: values[some] for view, values in views.items()}
    fit = fit_mofa(part, kinds, n_factors=k, seed=1)
    scores, _ = project(
        views, w=fit.w, w2=fit.w2, tau=fit.tau, intercepts=fit.intercepts, likelihoods=kinds
    )
    return scores


def unit_scores(views: Views, k: int) -> NDArray[np.floating]:
    """Return principal components of unit variance of the concatenated, mean-filled views."""
    centred = [np.nan_to_num(a - np.nanmean(a, axis=0)) for a in views.values()]
    scores = PCA(k, random_state=0).fit_transform(np.concatenate(centred, axis=1))
    return np.asarray(scores / scores.std(axis=0))


def bound(fit: MOFAFit) -> float:
    """Return the last evidence bound."""
    return float(fit.elbo[np.isfinite(fit.elbo)][-1])


def main() -> None:
    """Print a row per start."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("views", type=Path, help="folder of a run's views")
    parser.add_argument("--factors", type=int, default=12)
    asked = parser.parse_args()
    everyone, k = read_views(asked.views), asked.factors
    rows = []
    n = len(next(iter(everyone.values())))
    for fold, (train, _) in enumerate(KFold(5, shuffle=True, random_state=0).split(np.arange(n))):
        views = rows_of(everyone, train)
        has_any = np.any([np.isfinite(a).all(axis=1) for a in views.values()], axis=0)
        views = {view: values[has_any] for view, values in views.items()}
        starts: list[tuple[str, str | NDArray[np.floating], int]] = [
            *(("pca", "pca", seed) for seed in (1, 2)),
            *(("random", "random", seed) for seed in (1, 2, 3)),
            ("pca, unit variance", unit_scores(views, k), 1),
            ("warm", warm(views, k, fold), 1),
        ]
        for name, start, seed in starts:
            fit = fit_mofa(views, likelihoods(views), n_factors=k, seed=seed, start=start)
            rows.append((fold, name, len(fit.elbo) - 1, bound(fit)))
    table = pd.DataFrame(rows, columns=["fold", "start", "iterations", "bound"])
    best = table.groupby("fold")["bound"].transform("max")
    table["below_best_percent"] = 100 * (best - table["bound"]) / best.abs()
    kinds = table.groupby("start", sort=False)[["iterations", "below_best_percent"]]
    print(kinds.agg(["mean", "min", "max"]).round(4).to_string())


if __name__ == "__main__":
    main()
