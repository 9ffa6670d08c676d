"""Test one continuous layer for differences between the groups."""

from trdomics.scripting import start

start(snakemake)

from trdomics.cohort.load import read_patients
from trdomics.differential.continuous import differential_continuous
from trdomics.differential.design import build_design
from trdomics.differential.summary import headline
from trdomics.differential.symbols import with_symbols
from trdomics.files import read_matrix, read_table, write_json, write_table

values = read_matrix(snakemake.input.table)
params = snakemake.params
patients = read_patients(snakemake.input.patients, params.sheet).loc[values.index]
design = build_design(patients, params.design, params.contrast)
results = differential_continuous(values, design, **params.filter)
summary = headline(
    results, design, effect="log2_fold_change", fdr=params.fdr, layer=snakemake.wildcards.layer
)
write_table(with_symbols(results, read_table(snakemake.input.annotation)), snakemake.output.results)
write_json(summary, snakemake.output.summary)
