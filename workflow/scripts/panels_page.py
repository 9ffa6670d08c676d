"""Write the page of a panel."""

from trdomics.scripting import start

start(snakemake)

from trdomics.files import read_json, read_table, save_figure
from trdomics.panels.figures import draw_members
from trdomics.panels.page import page_context
from trdomics.report.render import embedded, render, write_page
from trdomics.shipped import shipped

inputs, outputs, settings = snakemake.input, snakemake.output, snakemake.params.settings
text = dict.fromkeys(("layer", "expected", "found", "measure", "evidence", "reason"), "")
rows, whole = read_table(inputs.members).fillna(text), read_table(inputs.whole).fillna(text)
groups = tuple(settings["groups"])
save_figure(draw_members(rows, settings["fdr"], groups), outputs.figure)
summary = read_json(inputs.summary)
context = page_context(snakemake.wildcards.panel, rows, whole, summary, settings)
template = shipped("workflow/report/panel.html.j2")
write_page(render(template, {**context, "figure": embedded(outputs.figure)}), outputs.page)
