"""Test one layer for the label with growing sets of covariates."""

from trdomics.scripting import start

start(snakemake)

from trdomics.cohort.load import read_patients
from trdomics.confounding.adjustment import TESTS, adjusted_layer, headline
from trdomics.confounding.figures import attrition_figure
from trdomics.differential.symbols import with_symbols
from trdomics.files import read_matrix, read_table, save_figure, write_json, write_table
from trdomics.layers.types import layer_type
from trdomics.layers.counts import refused_warning
from trdomics.style import set_style

set_style()
inputs, outputs, layer = snakemake.input, snakemake.output, snakemake.wildcards.layer
settings = dict(snakemake.params.settings) | {"filter": snakemake.params.filter}
fdr, groups = settings["fdr"], settings["contrast"][1:]
settings["type"] = snakemake.params.type
found = adjusted_layer(
    read_matrix(inputs.table),
    read_patients(inputs.patients, snakemake.params.sheet),
    read_table(inputs.fractions).set_index("patient_id"),
    settings,
)
write_table(with_symbols(found.table, read_table(inputs.annotation)), outputs.table)
write_table(found.summary, outputs.summary)
write_json(
    headline(found.summary, found.left_out, fdr, layer, groups, found.without)
    | {
        "test": TESTS[layer_type(settings["type"]).is_counts],
        "refused_warning": refused_warning(found.refused),
    },
    outputs.headline,
)
save_figure(attrition_figure(found.summary, fdr, layer), outputs.figure)
