"""Add the expected cost of missing layers to the frozen model's folder."""

from trdomics.scripting import start

start(snakemake)

from trdomics.evaluation.missing_layer_cost import missing_layer_cost_summary
from trdomics.files import read_json, read_table, write_json

table = read_table(snakemake.input.table)
table["reason"] = table["reason"].fillna("")
summary = missing_layer_cost_summary(
    table, snakemake.params.layers, read_json(snakemake.input.manifest)
)
write_json(summary, snakemake.output[0])
