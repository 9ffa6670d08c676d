"""Size of the page of all features, and how long a browser takes to open it.

Fills the page with drawn results for as many features of three layers as asked, opens it in
headless Chromium at one feature, and prints its size and the seconds from its first line to the
feature's card, and until every layer can be searched.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "workflow" / "scripts"))

from trdomics.report.genes import LayerResults, compact, feature_table
from trdomics.report.render import render
from trdomics.shipped import shipped

SETS = ("minimal", "technical", "cells", "medication", "all")
FACTORS, PATIENTS = 12, 40
LOGGED = re.compile(r"\d{4}/(\d{2})(\d{2})(\d{2})\.(\d{6}).*\"(opened|shown|ready)\"")


def draw(layer: str, n_features: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return a layer's table with every column filled."""
    names = pd.Series([f"{layer.upper()}{i:05}" for i in range(n_features)], name="feature")
    numbers = rng.normal(size=(n_features, 60))
    column = iter(numbers.T)
    results = pd.DataFrame(
        {
            "feature": names,
            "base_mean": 100 * np.abs(next(column)),
            "log2_fold_change": next(column),
            "lfc_se": np.abs(next(column)),
            "padj": rng.uniform(size=n_features),
        }
    )
    adjustment = {"feature": names}
    for name in SETS:
        adjustment |= {f"effect_{name}": next(column), f"se_{name}": np.abs(next(column))}
        adjustment |= {f"padj_{name}": rng.uniform(size=n_features)}
    parts = {part: np.abs(next(column)) for part in ("label", "cells", "site", "residual")}
    weights = {f"factor_{k + 1}": next(column) for k in range(FACTORS)}
    patients = [f"P{i}" for i in range(PATIENTS)]
    known = LayerResults(
        results=results,
        values=pd.DataFrame(rng.normal(size=(PATIENTS, n_features)), patients, names),
        annotation=pd.DataFrame({"feature": names, "symbol": names, "chromosome": "1"}),
        weights=pd.DataFrame({"feature": names, "symbol": names, **weights}),
        adjustment=pd.DataFrame(adjustment),
        variance=pd.DataFrame({"feature": names, "symbol": names, **parts}),
    )
    importance = pd.DataFrame({"feature_set": "all", "block": layer, "feature": names})
    importance["share"], importance["used"] = np.abs(next(column)), rng.uniform(size=n_features)
    sets = pd.DataFrame({"set": [f"set {i % 50}" for i in range(n_features)], "gene": names})
    labels = pd.Series(np.arange(PATIENTS) % 2, patients)
    return feature_table(layer, known, labels, importance, sets, {})


def seconds_to_open(page: Path, feature: str, folder: str) -> tuple[float, float]:
    """Return wall-clock seconds from the page's first line to the card, and to the search."""
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu"]
    command += ["--remote-debugging-port=0", "--enable-logging=stderr"]  # stays open and logs
    command += [f"--user-data-dir={folder}", f"{page.as_uri()}#{feature}"]
    times = {}
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as browser:
        for line in browser.stderr or ():
            if found := LOGGED.search(line):
                hours, minutes, seconds, micro = map(int, found.groups()[:4])
                times[found[5]] = 3600 * hours + 60 * minutes + seconds + micro / 1e6
            if {"shown", "ready"} <= set(times):
                break
        browser.terminate()
    return times["shown"] - times["opened"], times["ready"] - times["opened"]


def main() -> None:
    """Print one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    rng = np.random.default_rng(1)
    started = time.perf_counter()
    tables = {layer: draw(layer, options.features, rng) for layer in ("mrna", "mirna", "protein")}
    html = render(
        shipped("workflow/report/genes.html.j2"),
        {
            "cohort": "benchmark",
            "positive": "TRD",
            "negative": "responder",
            "tables": {layer: compact(table) for layer, table in tables.items()},
            "covariates": {},
            "design": "~ response",
            "fdr": 0.05,
            "sizes": {layer: len(table) for layer, table in tables.items()},
        },
    )
    took = time.perf_counter() - started
    shown = (
        "<script>for (const [word, there] of [['shown', () => document.querySelector('#card h2')], "
        "['ready', () => document.body.dataset.ready]]) { const watch = setInterval(() => "
        "{ if (there()) { clearInterval(watch); console.log(word); } }, 5); }</script></body>"
    )
    html = html.replace("<head>", "<head><script>console.log('opened')</script>", 1)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "genes.html")
        page.write_text(html.replace("</body>", shown), encoding="utf-8")
        feature = f"protein/PROTEIN{options.features // 2:05}"
        runs = [seconds_to_open(page, feature, f"{folder}/chromium") for _ in range(options.runs)]
        card, search = np.median(runs, axis=0)
        print(
            f"3 × {options.features:,} features: {page.stat().st_size / 1e6:.1f} MB, written in "
            f"{took:.1f} s; the card after {card:.2f} s, all layers after {search:.2f} s "
            f"(medians of {options.runs})"
        )


if __name__ == "__main__":
    main()
