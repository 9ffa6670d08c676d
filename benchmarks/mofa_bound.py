"""Compare the bound that the workflow's seeds reach with stock mofapy2's own.

    python benchmarks/mofa_bound.py drawn --cohorts 20
    python benchmarks/mofa_bound.py views results/simulated/integration/views --factors 12

The workflow fits the seeds 1 (from principal components), 2 and 3 (at random), "medium"
convergence, at most 500 iterations, and keeps the highest bound. Stock mofapy2 is called as its
manual does, with its defaults ("fast" convergence, at most 1,000 iterations, its own PCA start), on
the views as they are and on views scaled to unit variance (its `scale_views`). A bound of values
divided by s is that of the values + N log s for N of them; all are given for the scaled values.
Factors are counted by one rule: those that explain 0.1 % of a view or more.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trdomics.files import read_matrix
from trdomics.integration.engine import collected, contained, entry_point, fit_mofa, scale
from trdomics.integration.mofa import arranged

Views = dict[str, NDArray[np.floating]]
SEEDS = {1: "pca", 2: "random", 3: "random"}
# relative difference of bounds that rounding of a randomised PCA and of two convergences makes
SAME = 1e-4


def drawn(seed: int) -> tuple[Views, int]:
    """Draw a small cohort of two or three views, one of them binary, and the factors to start with.

    Patients, sizes, sparsity, the scale of each continuous view, and who lacks a view vary.
    """
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(60, 200)), int(rng.integers(2, 6))
    z = rng.normal(size=(n, k))
    views: Views = {}
    for name in ("drugs", "expression", "mutations"):
        if name == "expression" and seed % 2:
            continue
        d = int(rng.integers(40, 200))
        w = rng.normal(size=(d, k)) * (rng.random((d, k)) < rng.uniform(0.1, 0.6))
        signal = z @ w.T
        if name == "mutations":
            chance = 1 / (1 + np.exp(rng.uniform(0.5, 3) - rng.uniform(0.5, 2) * signal))
            values = (rng.random((n, d)) < chance).astype(float)
        else:
            noise = rng.uniform(0.5, 2) * rng.normal(size=(n, d))
            values = 10 ** rng.uniform(-1.5, 1) * (signal + noise + rng.normal(size=d))
        if seed % 3 == 0:
            values[rng.choice(n, n // 10, replace=False)] = np.nan
        views[name] = values
    has_any = np.any([np.isfinite(a).all(axis=1) for a in views.values()], axis=0)
    views = {view: values[has_any] for view, values in views.items()}
    return {view: a[:, np.nanvar(a, axis=0) > 0] for view, a in views.items()}, 10


def read_views(folder: Path) -> Views:
    """Return the views of a run, patients × features."""
    tables = {path.stem: read_matrix(path) for path in sorted(folder.glob("*.parquet"))}
    patients = sorted(set().union(*(table.index for table in tables.values())))
    return {view: t.reindex(patients).to_numpy(float) for view, t in tables.items() if t.size}


def likelihoods_of(views: Views) -> dict[str, str]:
    """Return bernoulli for views of zeros and ones, gaussian for others."""
    binary = {view: np.isin(a[np.isfinite(a)], (0, 1)).all() for view, a in views.items()}
    return {view: "bernoulli" if binary[view] else "gaussian" for view in views}


def stock(views: Views, likelihoods: dict[str, str], k: int, seed: int = 1) -> tuple[float, int]:
    """Return the bound and the number of factors of mofapy2 with its own defaults."""
    with contained():
        model = entry_point()
        model.set_data_options()
        model.set_data_matrix(
            [[values] for values in views.values()],
            likelihoods=[likelihoods[view] for view in views],
            views_names=list(views),
        )
        model.set_model_options(factors=k)
        model.set_train_options(seed=seed, quiet=True)
        model.build()
        model.run()
    fit = collected(model.model, model, views, likelihoods, "stock", seed)
    return last(fit.elbo), arranged(fit, views, likelihoods)[0].z.shape[1]


def last(bounds: NDArray[np.floating]) -> float:
    """Return the last bound that was computed."""
    return float(bounds[np.isfinite(bounds)][-1])


def compare(views: Views, k: int) -> dict[str, object]:
    """Fit a cohort in all ways."""
    likelihoods = likelihoods_of(views)
    scales = {v: scale(a) for v, a in views.items() if likelihoods[v] == "gaussian"}
    jacobian = sum(np.isfinite(views[v]).sum() * np.log(s) for v, s in scales.items())
    scaled = {view: values / scales.get(view, 1.0) for view, values in views.items()}
    bounds, factors = {}, {}
    for seed, start in SEEDS.items():
        fit = fit_mofa(views, likelihoods, n_factors=k, seed=seed, start=start)
        bounds[seed] = last(fit.elbo)
        factors[seed] = arranged(fit, views, likelihoods)[0].z.shape[1]
    best = max(bounds, key=bounds.__getitem__)
    raw, raw_k = stock(views, likelihoods, k)
    unit, unit_k = stock(scaled, likelihoods, k)
    highest = max(raw + jacobian, unit)
    return {
        "patients": len(next(iter(views.values()))),
        "ours": round(bounds[best], 1),
        "seed": best,
        "from_pca": round(bounds[1], 1),
        "stock_scaled": round(unit, 1),
        "stock_as_is": round(raw + jacobian, 1),
        "k": factors[best],
        "k_by_seed": "/".join(map(str, factors.values())),
        "k_stock_scaled": unit_k,
        "k_stock_as_is": raw_k,
        "above_stock": round(bounds[best] - highest, 1),
        "below": int(bounds[best] < highest - SAME * abs(highest)),
    }


def main() -> None:
    """Print a row per cohort."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    several = commands.add_parser("drawn", help="cohorts drawn here")
    several.add_argument("--cohorts", type=int, default=20)
    one = commands.add_parser("views", help="the views of a finished run")
    one.add_argument("folder", type=Path)
    one.add_argument("--factors", type=int, default=12)
    asked = parser.parse_args()
    if asked.command == "views":
        rows = [compare(read_views(asked.folder), asked.factors)]
    else:
        rows = [compare(*drawn(seed)) for seed in range(asked.cohorts)]
    table = pd.DataFrame(rows).rename_axis("cohort")
    print(table.to_csv(sep="\t"), end="")
    print(f"below stock: {table['below'].sum()} of {len(table)}", file=sys.stderr)


if __name__ == "__main__":
    main()
