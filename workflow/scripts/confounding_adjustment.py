"""Test one layer for the label with growing sets of covariates."""

from trdomics.scripting import start

start(snakemake)

from trdomics.cohort.load import read_patients
from trdomics.confounding.adjustment import (
    TESTS,
    adjustment,
    headline,
    prepared_counts,
    prepared_values,
)
from trdomics.confounding.figures import attrition_figure
from trdomics.confounding.plan import cumulative, with_estimated
from trdomics.confounding.sets import compared_patients
from trdomics.differential.symbols import with_symbols
from trdomics.files import read_matrix, read_table, save_figure, write_json, write_table
from trdomics.layers.types import layer_type
from trdomics.layers.counts import refused_warning, without_empty_libraries
from trdomics.style import set_style

set_style()
params, layer = snakemake.params, snakemake.wildcards.layer
is_counts = layer_type(params.type).is_counts
values, refused = read_matrix(snakemake.input.table), {}
if is_counts:
    values, refused = without_empty_libraries(values)
patients = read_patients(snakemake.input.patients, params.sheet).loc[values.index]
fractions = read_table(snakemake.input.fractions).set_index("patient_id")
sets, without = with_estimated(params.sets, list(fractions.columns))
patients = patients.join(fractions)
complete, positive, left_out = compared_patients(patients, params.contrast, cumulative(sets))
prepare = prepared_counts if is_counts else prepared_values
table, summary = adjustment(
    patients.loc[complete],
    positive,
    sets,
    prepare(values.loc[complete], **params.filter),
    params.fdr,
)
write_table(with_symbols(table, read_table(snakemake.input.annotation)), snakemake.output.table)
write_table(summary, snakemake.output.summary)
write_json(
    headline(summary, left_out, params.fdr, layer, params.contrast[1:], without)
    | {"test": TESTS[is_counts], "refused_warning": refused_warning(refused)},
    snakemake.output.headline,
)
save_figure(attrition_figure(summary, params.fdr, layer), snakemake.output.figure)
