"""Partition the variance of every feature of one layer among label and confounders."""

from trdomics.scripting import start

start(snakemake)

from trdomics.cohort.load import read_patients
from trdomics.confounding.figures import variance_figure
from trdomics.confounding.plan import with_estimated
from trdomics.confounding.sets import compared_patients
from trdomics.confounding.variance import variance_groups, variance_partition
from trdomics.differential.symbols import with_symbols
from trdomics.files import read_matrix, read_table, save_figure, write_json, write_table
from trdomics.style import set_style

set_style()
params = snakemake.params
values = read_matrix(snakemake.input.normalised)
patients = read_patients(snakemake.input.patients, params.sheet).loc[values.index]
fractions = read_table(snakemake.input.fractions).set_index("patient_id")
sets, _ = with_estimated(params.sets, list(fractions.columns))
groups = variance_groups(sets, params.sheet["samples"]["site"])
patients = patients.join(fractions)
complete, positive, left_out = compared_patients(patients, params.contrast, groups)
table, summary = variance_partition(values.loc[complete], patients.loc[complete], positive, groups)
write_table(with_symbols(table, read_table(snakemake.input.annotation)), snakemake.output.table)
write_json(
    {**summary, "layer": snakemake.wildcards.layer, "columns": groups, "left_out": left_out},
    snakemake.output.summary,
)
save_figure(variance_figure(table, summary), snakemake.output.figure)
