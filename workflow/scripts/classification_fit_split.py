"""Search on the training patients of one split, predict its test patients; the same permuted."""

from trdomics.scripting import start

start(snakemake)

from trdomics.classification.outer_split import run_split
from trdomics.cohort.load import load_labels, load_tables
from trdomics.files import read_table, write_table

params, paths = snakemake.params, snakemake.input
layers = dict(zip(params.config["layers"], paths.layers, strict=True))
results = run_split(
    load_tables(paths.patients, layers, params.config),
    load_labels(paths.patients),
    read_table(paths.splits),
    snakemake.wildcards.split,
    params.config,
)
for name, table in results.items():
    write_table(table, snakemake.output[name])
