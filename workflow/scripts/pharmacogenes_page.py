"""Write the page of pharmacogenes."""

from trdomics.scripting import start

start(snakemake)

from trdomics.files import read_json, read_table, save_figure, write_json
from trdomics.pharmacogenes.figures import draw_phenotypes
from trdomics.pharmacogenes.page import page_context
from trdomics.report.render import embedded, render, write_page
from trdomics.shipped import shipped
from trdomics.style import set_style

inputs, outputs, settings = snakemake.input, snakemake.output, snakemake.params.settings
set_style()
calls, patients = read_table(inputs.calls, dtype=str), read_table(inputs.patients)
labels = patients.set_index("patient_id")["label"]
save_figure(draw_phenotypes(calls, labels, settings["label"]), outputs.figure)
context = page_context(
    read_json(inputs.called),
    read_json(inputs.drugs),
    {**read_json(inputs.sensitivity), "features": read_json(inputs.differential)},
    read_table(inputs.mismatches),
    settings,
)
write_json(context["summary"], outputs.summary)
template = shipped("workflow/report/pharmacogenes.html.j2")
write_page(render(template, {**context, "figure": embedded(outputs.figure)}), outputs.page)
