"""Evaluate the model without patients with possible pseudo-resistance."""

from trdomics.scripting import start

start(snakemake)

from trdomics.cohort.load import load_labels
from trdomics.evaluation.restricted import auroc_without
from trdomics.files import read_table, write_json

inputs, params = snakemake.input, snakemake.params
table = read_table(inputs.mismatches)
without = auroc_without(
    read_table(inputs.predictions),
    load_labels(inputs.patients),
    set(table.loc[table["pseudo_resistance"] == 1, "patient_id"]),
    n_samples=params.bootstrap,
    seed=params.seed,
)
write_json(without, snakemake.output[0])
