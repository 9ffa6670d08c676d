"""Write the page that says which claims of a prediction hold."""

from trdomics.scripting import start

start(snakemake)

from trdomics.audit.page import page_context
from trdomics.files import read_json, read_table
from trdomics.report.render import embedded, render, write_page
from trdomics.shipped import shipped

inputs = snakemake.input
context = page_context(
    snakemake.params.audit,
    read_table(inputs.claims, dtype=str),
    read_table(inputs.performance),
    read_json(inputs.summary),
)
figures = {name: embedded(inputs[name]) for name in ("forest", "reliability", "shuffled")}
template = shipped("workflow/report/audit.html.j2")
write_page(render(template, {**context, "figures": figures}), snakemake.output[0])
