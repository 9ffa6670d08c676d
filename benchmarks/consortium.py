"""Meta-analysis of four simulated sites against the pooled analysis of all their patients.

    python benchmarks/consortium.py [--patients 700] [--genes 8000] [--seeds 1 2 3]
        [--output consortium.tsv]

One row per draw and method: what is called at a false discovery rate of 5 %, how much of it is
wrong by the planted truth, and which share of the pooled analysis' calls is found again.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
GENES = REPOSITORY / "resources" / "simulation_genes.tsv"


def main() -> None:
    """Compare the methods on every draw that was asked for."""
    sys.path.insert(0, str(REPOSITORY / "workflow" / "scripts"))
    import pandas as pd
    from consortium_pooled import compare_with_pooled, draw_consortium

    from trdomics.files import write_table
    from trdomics.simulation.features import read_genes

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patients", type=int, default=700, help="over five sites, four are kept")
    parser.add_argument("--genes", type=int, default=8000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--output", help="table to write")
    options = parser.parse_args()
    parts = []
    for seed in options.seeds:
        drawn = draw_consortium(options.patients, read_genes(GENES), options.genes, seed)
        parts.append(compare_with_pooled(drawn).assign(seed=seed))
        print(parts[-1].round(3).to_string(index=False), flush=True)
    if options.output:
        write_table(pd.concat(parts), options.output)


if __name__ == "__main__":
    main()
