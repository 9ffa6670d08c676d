"""Write the page of the mechanistic model."""

from trdomics.scripting import start

start(snakemake)

from trdomics.files import read_table, write_json
from trdomics.mechanism.specification import read_specification
from trdomics.mechanism.words import page_context, summary
from trdomics.report.render import embedded, render, write_page
from trdomics.shipped import shipped

inputs, outputs, params = snakemake.input, snakemake.output, snakemake.params
tables = {name: read_table(inputs[name]) for name in ("parameters", "statements", "links")}
found = summary(
    read_specification(inputs.specification),
    tables["statements"],
    tables["links"],
    read_table(inputs.responses),
)
context = page_context(params.cohort, found, **tables)
images = ("circuit", "courses", "map_figure", "statements_figure", "sensitivity", "trial")
context["images"] = {name: embedded(inputs[name]) for name in images}
write_page(render(shipped("workflow/report/mechanism.html.j2"), context), outputs.page)
write_json(found, outputs.summary)
