"""What privacy costs a meta-analysis: rounded effects, and effects under differential privacy.

    python benchmarks/consortium_privacy.py [--patients 700] [--genes 8000] [--seeds 1 2 3 4 5]
        [--epsilons 1 3 10 30 100 300 1e6] [--output privacy.tsv]

Four simulated sites of one truth. A row per kind of bundle: what the meta-analysis calls at a false
discovery rate of 5 %, how much of it is wrong by the planted truth, which share of the pooled
analysis' calls it finds again, and how well the effects of three sites classify the fourth's
patients.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
GENES = REPOSITORY / "resources" / "simulation_genes.tsv"


def main() -> None:
    """Measure every kind of bundle."""
    sys.path.insert(0, str(REPOSITORY / "workflow" / "scripts"))
    import pandas as pd
    from consortium_pooled import draw_consortium

    from trdomics.files import write_table
    from trdomics.simulation.features import read_genes

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patients", type=int, default=700, help="over five sites, four are kept")
    parser.add_argument("--genes", type=int, default=8000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--epsilons", type=float, nargs="+", default=[1, 3, 10, 30, 100, 300, 1e6])
    parser.add_argument("--output", help="table to write")
    options = parser.parse_args()
    rows = []
    for seed in options.seeds:
        drawn = draw_consortium(options.patients, read_genes(GENES), options.genes, seed)
        for row in measured(drawn, options.epsilons):
            rows.append({"seed": seed, **row})
            print(pd.DataFrame(rows[-1:]).round(3).to_string(index=False), flush=True)
    table = pd.DataFrame(rows)
    summary = table.drop(columns="seed").groupby("bundle", sort=False).agg(["mean", "min", "max"])
    print(summary.round(3).to_string())
    if options.output:
        write_table(table, options.output)


def measured(consortium: Any, epsilons: list[float]) -> Iterator[dict[str, Any]]:
    """Yield a row per kind of bundle."""
    import numpy as np
    import pandas as pd
    from consortium_pooled import CONTRAST, COVARIATES, FDR, adjusted, recovered, tested
    from sklearn.metrics import roc_auc_score

    from trdomics.consortium.differential_privacy import Budget, normal_scores, private_effects
    from trdomics.consortium.digits import effect_step
    from trdomics.consortium.disclosure import expression_effects
    from trdomics.consortium.meta_analysis import combine_features

    column, positive, _ = CONTRAST
    pooled = tested(*consortium.pooled(), f"site + {COVARIATES}")
    called = pooled.index[pooled["padj"] < FDR]
    scores = {site: normal_scores(table) for site, table in consortium.counts.items()}
    truth = {s: (p[column] == positive).to_numpy() for s, p in consortium.patients.items()}

    def row(kind: str, tables: dict[str, pd.DataFrame], rounded: bool) -> dict[str, Any]:
        effects, errors = (
            pd.DataFrame({site: table[name] for site, table in tables.items()})
            for name in ("effect", "se")
        )
        steps = pd.DataFrame(effect_step(errors), errors.index, errors.columns)
        meta = combine_features(effects, errors, steps if rounded else None)
        results = adjusted(meta["pvalue"], meta["effect"])
        found = recovered(results, consortium)
        areas = []
        for site, values in scores.items():
            others = effects.drop(columns=site).mean(axis=1)
            weights = others.reindex(consortium.counts[site].columns).fillna(0).to_numpy()
            areas.append(roc_auc_score(truth[site], values @ weights))
        return {
            "bundle": kind,
            "n_called": found["n_discoveries"],
            "fdp": found["fdp"],
            "recovered": (results["padj"].reindex(called) < FDR).mean(),
            "auroc": float(np.mean(areas)),
        }

    by_site = {}
    for site, patients in consortium.patients.items():
        results = tested(patients, consortium.counts[site], COVARIATES).reset_index()
        by_site[site] = results.assign(symbol=results["feature"])
    names = {"log2_fold_change": "effect", "lfc_se": "se"}
    exact = {s: table.rename(columns=names).set_index("feature") for s, table in by_site.items()}
    yield row("exact", exact, False)
    short = {
        site: expression_effects(table, len(truth[site]), 5).set_index("feature")
        for site, table in by_site.items()
    }
    yield row("rounded", short, True)
    for epsilon in epsilons:
        private = {
            site: private_effects(table, truth[site], Budget(epsilon, 1), 5)[0].set_index("feature")
            for site, table in consortium.counts.items()
        }
        yield row(f"epsilon {epsilon:g}", private, True)


if __name__ == "__main__":
    main()
