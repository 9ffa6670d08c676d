"""Write the page of a scored cohort."""

from trdomics.scripting import start

start(snakemake)

from trdomics.files import read_json, read_table
from trdomics.report.page import render, write_page
from trdomics.scoring.page import page_context
from trdomics.shipped import shipped

inputs = snakemake.input
context = page_context(
    snakemake.params.cohort,
    read_json(inputs.summary),
    read_table(inputs.shift),
    read_table(inputs.predictions),
)
write_page(render(shipped("workflow/report/scoring.html.j2"), context), snakemake.output[0])
