"""Time MOFA's iterations: mofapy2's own updates against the fast ones, and against the floor.

    python benchmarks/mofa.py 300x8500x15 [1000x15000x20 3000x25000x25] [--iterations 10]
        [--threads 1] [--dtype float64] [--stock-iterations 3]

Each of stock, fast and floor runs in a process of its own, one after the other, so that peak
memory is its own. Seconds per iteration are medians, without the first; the bound is computed
every 5 iterations, as mofapy2 does. "outside" is everything around the iterations: checks,
centring, initialisation. The floor is the two products YᵀZ and Y(τW) of every view, once per
iteration, by numpy's BLAS.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

# of the features, by view
SHARES = {"rna": 0.6, "protein": 0.4}
LACKING = 0.1


def made(n: int, d: int) -> dict:
    """Return Gaussian views with ten planted factors; a tenth of the patients lacks the second."""
    import numpy as np

    rng = np.random.default_rng(0)
    z = rng.normal(size=(n, 10))
    views = {}
    for view, share in SHARES.items():
        size = round(d * share)
        w = rng.normal(size=(10, size)) * (rng.random((10, size)) < 0.3)
        views[view] = z @ w
        views[view] += rng.normal(size=(n, size))
    views["protein"][: round(n * LACKING)] = np.nan
    return views


def floor(views: dict, k: int, iterations: int, dtype: str) -> float:
    """Return the seconds of the two products of every view."""
    import numpy as np

    rng = np.random.default_rng(1)
    tables = [np.nan_to_num(values).astype(dtype) for values in views.values()]
    z = rng.normal(size=(len(tables[0]), k)).astype(dtype)
    weights = [rng.normal(size=(k, table.shape[1])).astype(dtype) for table in tables]
    best = []
    for _ in range(iterations):
        start = time.perf_counter()
        for table, w in zip(tables, weights, strict=True):
            _ = z.T @ table
            _ = table @ w.T
        best.append(time.perf_counter() - start)
    return float(np.median(best))


def measure(what: str, n: int, d: int, k: int, iterations: int, dtype: str) -> dict:
    """Return the seconds per iteration, and the last bound, of one implementation."""
    import numpy as np

    from trdomics.integration.engine import BOUND_EVERY, fit_mofa

    views = made(n, d)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if what == "floor":
        return {"seconds": floor(views, k, iterations, dtype), "iterations": iterations}

    start = time.perf_counter()
    fit = fit_mofa(
        views,
        dict.fromkeys(views, "gaussian"),
        n_factors=k,
        seed=1,
        max_iterations=iterations + 1,
        convergence="slow",
        dtype=dtype,
        fast=what == "fast",
    )
    total = time.perf_counter() - start
    seconds = fit.seconds[2:]
    # iterations with and without a bound differ: the median of each of the five kinds
    kinds = [np.median(seconds[i::BOUND_EVERY]) for i in range(min(BOUND_EVERY, len(seconds)))]
    bounds = fit.elbo[np.isfinite(fit.elbo)]
    return {
        "engine": fit.engine,
        "seconds": float(np.mean(kinds)),
        "iterations": len(seconds),
        "outside": total - float(np.nansum(fit.seconds)),
        "bound": float(bounds[-1]),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "input_mib": before,
    }


def alone(what: str, size: str, iterations: int, dtype: str, threads: int) -> dict:
    """Run one measurement in a process of its own."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    library = Path(__file__).resolve().parents[1] / "workflow" / "scripts"
    environment = os.environ | dict.fromkeys(names, str(threads)) | {"PYTHONPATH": str(library)}
    command = [sys.executable, __file__, size, "--only", what]
    command += ["--iterations", str(iterations), "--dtype", dtype]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def main() -> None:
    """Run the sizes asked for and print one line each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sizes", nargs="+", help="patients x features x factors")
    parser.add_argument("--iterations", type=int, default=20, help="of the fast updates")
    parser.add_argument("--stock-iterations", type=int, default=5)
    parser.add_argument("--dtype", choices=("float64", "float32"), default="float64")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", choices=("stock", "fast", "floor"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.only:
        n, d, k = map(int, asked.sizes[0].split("x"))
        print(json.dumps(measure(asked.only, n, d, k, asked.iterations, asked.dtype)))
        return
    print(
        "size\tdtype\tthreads\tstock_s\tfast_s\tratio\tfloor_s\tfast_to_floor\t"
        "stock_iterations\tfast_iterations\tstock_peak_mib\tfast_peak_mib\tfast_outside_s"
    )
    for size in asked.sizes:
        options = {"dtype": asked.dtype, "threads": asked.threads}
        stock = alone("stock", size, asked.stock_iterations, **options)
        fast = alone("fast", size, asked.iterations, **options)
        least = alone("floor", size, asked.iterations, **options)
        row = [
            size,
            asked.dtype,
            asked.threads,
            f"{stock['seconds']:.4f}",
            f"{fast['seconds']:.4f}",
            f"{stock['seconds'] / fast['seconds']:.1f}",
            f"{least['seconds']:.4f}",
            f"{fast['seconds'] / least['seconds']:.2f}",
            stock["iterations"],
            fast["iterations"],
            f"{stock['peak_mib']:.0f}",
            f"{fast['peak_mib']:.0f}",
            f"{fast['outside']:.2f}",
        ]
        print("\t".join(map(str, row)), flush=True)


if __name__ == "__main__":
    main()
