"""Reads per second and core of a finished run, by rule, and what 300 patients would take.

python benchmarks/reads.py results/<cohort> --rna 40e6 --small 10e6 --patients 300

Of few reads the start of a program is most of its time: it is then faster than the numbers say.
"""

from __future__ import annotations

import argparse
import re
from collections import defaultdict
from pathlib import Path

import pandas as pd

from trdomics.files import read_json

# rule.layer.sample[.lane].tsv, of the rules whose time grows with the reads
NAME = re.compile(
    r"(reads_(?:trim|salmon|star|hisat2|feature_counts|small_rna_count))\.(\w+)\.(.+)"
)


def measured(results: Path) -> pd.DataFrame:
    """Return reads, CPU seconds and peak memory (MB) of every rule and layer of a run."""
    reads: dict[tuple[str, str], int] = defaultdict(int)
    for path in sorted(results.glob("reads/*/verified/*.json")):
        unit = path.stem
        found = int(read_json(path)["reads"])
        layer = path.parents[1].name
        for name in (unit, unit.rpartition(".")[0]):
            reads[layer, name] += found
    rows = []
    folder = results.parents[1] / "benchmarks" / results.name
    for path in sorted(folder.glob("reads_*.tsv")):
        match = NAME.fullmatch(path.stem)
        if match is None:
            continue
        table = pd.read_csv(path, sep="\t", na_values="-")
        rule, layer, name = match.groups()
        rows.append((rule, layer, reads[layer, name], table["cpu_time"][0], table["max_rss"][0]))
    return pd.DataFrame(rows, columns=["rule", "layer", "reads", "cpu_seconds", "memory_mb"])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="results/<cohort> of a run")
    parser.add_argument("--rna", type=float, default=40e6, help="pairs of reads of a patient")
    parser.add_argument("--small", type=float, default=10e6, help="reads of small RNA of a patient")
    parser.add_argument("--patients", type=int, default=300)
    options = parser.parse_args()
    table = measured(options.results)
    by_rule = table.groupby(["rule", "layer"], as_index=False).agg(
        reads=("reads", "sum"), cpu_seconds=("cpu_seconds", "sum"), memory_mb=("memory_mb", "max")
    )
    by_rule["reads_per_core_second"] = by_rule["reads"] / by_rule["cpu_seconds"]
    small = set(by_rule.loc[by_rule["rule"] == "reads_small_rna_count", "layer"])
    wanted = by_rule["layer"].map(lambda layer: options.small if layer in small else options.rna)
    hours = options.patients * wanted / by_rule["reads_per_core_second"] / 3600
    by_rule["core_hours"] = hours
    print(by_rule.round(1).to_string(index=False))


if __name__ == "__main__":
    main()
