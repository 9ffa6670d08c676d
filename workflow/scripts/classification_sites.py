"""Evaluate left-out sites: each, pooled, and compared with the cross-validation."""

from trdomics.scripting import start

start(snakemake)

import pandas as pd

from trdomics.cohort.site_plan import COLUMNS, site_plan
from trdomics.evaluation.left_out_sites import pooled_performance, site_performance, sites_summary
from trdomics.cohort.load import load_labels, read_patients
from trdomics.files import read_table, write_json, write_table

params, paths = snakemake.params, snakemake.input
settings, column = params.settings, params.config["samples"]["site"]
labels = load_labels(paths.patients)
plan = pd.DataFrame(columns=COLUMNS)
if column:
    plan = site_plan(
        labels,
        read_patients(paths.patients, params.config)[column],
        minimum=settings["min_site_class"],
        inner_folds=settings["inner_folds"],
        left_out=params.left_out,
    )
mixed = read_table(paths.mixed)
parts = [read_table(path) for path in paths.left_out]
left_out = pd.concat(parts, ignore_index=True) if parts else mixed.iloc[:0]
draws = {"n_samples": settings["bootstrap"], "seed": params.seed}
sites = site_performance(left_out, mixed, labels, plan, **draws)
pooled = pooled_performance(sites, left_out, mixed, labels, **draws)
write_table(sites, snakemake.output.sites)
write_table(pooled, snakemake.output.pooled)
summary = sites_summary(
    sites,
    pooled,
    plan,
    column=column,
    wanted=settings["leave_one_site_out"],
    confounders=params.confounders,
)
write_json(summary, snakemake.output.summary)
