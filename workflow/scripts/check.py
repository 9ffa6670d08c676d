"""Print what a run would do; every file was checked by the jobs before this one."""

from trdomics.scripting import start

start(snakemake)

import sys

import pyarrow.parquet as pq

from trdomics.check.plan import cohort_plan, plan_in_words

config, tables = snakemake.params.config, snakemake.input.tables
# a table has a row per feature, see trdomics.files.write_matrix
n_features = {
    layer: pq.read_metadata(path).num_rows
    for layer, path in zip(config["layers"], tables, strict=bool(tables))
}
# to the terminal, not to the log, which is where print goes in a script
print(*plan_in_words(cohort_plan(config, n_features), config), sep="\n", file=sys.__stdout__)
