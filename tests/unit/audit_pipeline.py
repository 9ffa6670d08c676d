"""A small prediction pipeline with leaks to order, as a module and as a command.

Its predictions are calibrated in an inner cross-validation, so that without a leak nothing is wrong
with them. It imports no pandas: the audit starts it many times.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from scipy.special import expit

from trdomics.evaluation.logistic_recalibration import fit_recalibration

FOLDS, SELECTED = 5, 15
LEAKS = ("none", "selection", "supervised_scaling", "normalisation")


def draw(
    folder: Path, *, signal: float = 0.45, site: float = 0.5, n_features: int = 120, twice: int = 0
) -> None:
    """Write ``features.tsv`` and ``sheet.tsv`` of 160 patients.

    `signal` is the difference of the classes in ten features, in standard deviations; `site` the
    share of positive patients at the first of two sites, which differ in 30 features. `twice`
    patients have a second sample, measured with an error.
    """
    n = 160
    rng = np.random.default_rng(3)
    label = np.arange(n) % 2
    first = rng.random(n) < np.where(label == 1, site, 1 - site)
    values = rng.normal(size=(n, n_features))
    values[:, :10] += signal * label[:, None]
    values[:, 10:40] += 1.2 * first[:, None]
    ids = [f"p{i:03d}" for i in range(n)]
    names = [f"g{j}" for j in range(n_features)]
    again = values[:twice] + rng.normal(scale=0.2, size=(twice, n_features))
    samples = [*ids, *(f"{name}.b" for name in ids[:twice])]
    write(folder / "features.tsv", samples, np.vstack([values, again]), names)
    rows = zip(ids, label, np.where(first, "A", "B"), rng.integers(20, 70, n), strict=True)
    with open(folder / "sheet.tsv", "w", encoding="utf-8") as handle:
        handle.write("patient_id\tlabel\tsite\tage\n")
        handle.writelines("\t".join(map(str, row)) + "\n" for row in rows)


def write(path: Path, ids: list[str], values: np.ndarray, names: list[str]) -> None:
    with open(path, "w", encoding="utf-8") as handle:
        handle.write("\t".join(["patient_id", *names]) + "\n")
        for name, row in zip(ids, values, strict=True):
            handle.write("\t".join([name, *(f"{value:.5f}" for value in row)]) + "\n")


def read(path: Path) -> tuple[list[str], np.ndarray]:
    with open(path, encoding="utf-8") as handle:
        rows = list(csv.reader(handle, delimiter="\t"))[1:]
    return [row[0] for row in rows], np.array([row[1:] for row in rows], dtype=float)


def statistic(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return t statistics of the columns."""
    a, b = x[y == 1], x[y == 0]
    error = np.sqrt(a.var(axis=0) / len(a) + b.var(axis=0) / len(b))
    return (a.mean(axis=0) - b.mean(axis=0)) / error


def score(x: np.ndarray, y: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Select and weigh features in (x, y), and return the scores of new patients."""
    t = statistic(x, y)
    best = np.argsort(-np.abs(t))[:SELECTED]
    return (new[:, best] - x[:, best].mean(axis=0)) @ t[best] / SELECTED


def fit_predict(x: np.ndarray, y: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return calibrated probabilities of new patients."""
    inner = np.arange(len(y)) // 2 % FOLDS
    unseen = np.empty(len(y))
    for fold in range(FOLDS):
        out = inner == fold
        unseen[out] = score(x[~out], y[~out], x[out])
    unit = unseen.std()
    intercept, slope = fit_recalibration(unseen / unit, y.astype(float), np.ones((1, len(y))))
    return expit(intercept[0] + slope[0] * score(x, y, new) / unit)


def predict(labels: Path, features: Path, predictions: Path, leak: str = "none") -> None:
    """Write out-of-fold predictions of the samples of a table of features."""
    with open(labels, encoding="utf-8") as handle:
        known = {
            row["patient_id"]: int(row["label"]) for row in csv.DictReader(handle, delimiter="\t")
        }
    ids, x = read(features)
    # samples of one patient are called p001 and p001.b
    y = np.array([known[name.partition(".")[0]] for name in ids])
    second = np.array([name.endswith(".b") for name in ids])
    fold = (np.arange(len(ids)) // 2 + second) % FOLDS
    if leak == "selection":
        x = x[:, np.argsort(-np.abs(statistic(x, y)))[:SELECTED]]
    with open(predictions, "w", encoding="utf-8") as handle:
        handle.write("patient_id\tsample\tfold\tlabel\tprobability\n")
        for number in range(FOLDS):
            test = fold == number
            seen = np.ones(len(ids), bool) if leak == "normalisation" else ~test
            z = (x - x[seen].mean(axis=0)) / x[seen].std(axis=0)
            if leak == "supervised_scaling":
                z *= np.abs(statistic(x, y))
            probability = fit_predict(z[~test], y[~test], z[test])
            for row, p in zip(np.flatnonzero(test), probability, strict=True):
                patient = ids[row].partition(".")[0]
                handle.write(f"{patient}\t{ids[row]}\t{number}\t{y[row]}\t{p:.6f}\n")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--features", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--leak", choices=LEAKS, default="none")
    given = parser.parse_args()
    predict(given.labels, given.features, given.out, given.leak)


if __name__ == "__main__":
    main()
