"""CPU seconds of one split of a cohort that has been run up to its layers.

    python benchmarks/split.py config/config.yaml results/simulated --split r1f1

`representation`: normalisers, MOFA and blocks of the inner folds and of all training patients;
`search`: every candidate in every inner fold, the best ones again, calibration; `permutation`:
the search of the null, once.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow" / "scripts"))

import yaml

from trdomics.classification.run_split import (
    nested_search,
    run_permutation,
    split_representations,
)
from trdomics.classification.splits import draw_split
from trdomics.cohort.config import resolve_config
from trdomics.cohort.load import load_labels, load_tables


def main() -> None:
    """Print a line per part."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config")
    parser.add_argument("results", type=Path)
    parser.add_argument("--split", default="r1f1")
    arguments = parser.parse_args()

    config = resolve_config(yaml.safe_load(Path(arguments.config).read_text()), arguments.config)
    patients = arguments.results / "cohort" / "patients.tsv"
    layers = {
        layer: arguments.results / "layers" / layer / "table.parquet" for layer in config["layers"]
    }
    tables, labels = load_tables(patients, layers, config), load_labels(patients)
    split = draw_split(
        arguments.split, labels, folds=config["classification"]["folds"], seed=config["seed"]
    )
    marks = [time.process_time()]
    shared = split_representations(tables, labels, split, config)
    marks.append(time.process_time())
    nested_search(config).fit_from(shared, labels[split.train].to_numpy(dtype=int))
    marks.append(time.process_time())
    run_permutation(tables, labels, split, 1, config, shared)
    marks.append(time.process_time())
    parts = ("representation", "search", "permutation")
    for part, before, after in zip(parts, marks[:-1], marks[1:], strict=True):
        print(f"{part}\t{after - before:.1f}")


if __name__ == "__main__":
    main()
