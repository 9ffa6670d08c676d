"""Measure the model without pseudo-resistant patients, and write the page of pharmacogenes."""

from trdomics.scripting import start

start(snakemake)

from trdomics.cohort.load import load_labels
from trdomics.evaluation.restricted import auroc_without
from trdomics.files import read_json, read_table, save_figure, write_json
from trdomics.pharmacogenes.figures import draw_phenotypes
from trdomics.pharmacogenes.page import page_context
from trdomics.report.page import embedded, render, write_page
from trdomics.shipped import shipped
from trdomics.style import set_style

inputs, outputs, params = snakemake.input, snakemake.output, snakemake.params
labels = load_labels(inputs.patients)
calls, table = read_table(inputs.calls, dtype=str), read_table(inputs.mismatches)
flagged = set(table.loc[table["pseudo_resistance"] == 1, "patient_id"])
without = auroc_without(
    read_table(inputs.predictions),
    labels,
    flagged,
    n_samples=params.settings["bootstrap"],
    seed=params.settings["seed"],
)
set_style()
save_figure(draw_phenotypes(calls, labels, params.settings["label"]), outputs.figure)
context = page_context(
    read_json(inputs.called), read_json(inputs.drugs), without, table, params.settings
)
context["figure"] = embedded(outputs.figure)
write_json(context["summary"], outputs.summary)
write_page(render(shipped("workflow/report/pharmacogenes.html.j2"), context), outputs.page)
