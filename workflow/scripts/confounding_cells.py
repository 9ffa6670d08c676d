"""Estimate cell fractions from expression and compare them with measured ones."""

from trdomics.scripting import start

start(snakemake)

from trdomics.cohort.load import read_patients
from trdomics.confounding.cells import (
    PREFIX,
    best_layer,
    cells_summary,
    compare_measured,
    linear_expression,
    read_signature,
)
from trdomics.confounding.figures import cells_figure
from trdomics.files import read_matrix, read_table, save_figure, write_json, write_table
from trdomics.shipped import shipped
from trdomics.style import set_style

BLOOD_SIGNATURE = [
    shipped("resources/blood_signature.tsv"),
    shipped("resources/blood_cell_types.tsv"),
]

set_style()
params = snakemake.params
patients = read_patients(snakemake.input.patients, params.sheet)
signature = [snakemake.input.signature] if snakemake.input.signature else BLOOD_SIGNATURE
fractions, summary = None, {"reason": params.reason}
if params.reason is None:
    layers = {
        name: (linear_expression(read_matrix(table), kind), read_table(annotation))
        for (name, kind), table, annotation in zip(
            params.layers.items(), snakemake.input.tables, snakemake.input.annotations, strict=True
        )
    }
    fractions, summary = best_layer(layers, read_signature(*signature))
comparison = compare_measured(fractions, patients, params.measured)
table = patients[[]].reset_index()
if fractions is not None:
    table = table.merge(fractions.add_prefix(PREFIX), left_on="patient_id", right_index=True)
write_table(table, snakemake.output.fractions)
write_table(comparison, snakemake.output.comparison)
write_json(cells_summary(fractions, comparison, summary), snakemake.output.summary)
figure = cells_figure(fractions, comparison, patients, params.groups, summary["reason"])
save_figure(figure, snakemake.output.figure)
