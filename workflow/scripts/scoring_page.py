"""Write the page of a scored cohort, and the page of its patients."""

from trdomics.scripting import start

start(snakemake)

from trdomics.files import read_json, read_table
from trdomics.report.render import render, write_page
from trdomics.scoring.page import page_context
from trdomics.scoring.patients import patients_context
from trdomics.shipped import shipped

inputs, outputs, cohort = snakemake.input, snakemake.output, snakemake.params.cohort
summary, predictions = read_json(inputs.summary), read_table(inputs.predictions)
symbols = {}
for path in inputs.annotation:
    annotation = read_table(path, dtype=str).dropna(subset="symbol")
    symbols |= dict(zip(annotation["feature"], annotation["symbol"], strict=True))
drugs = {"mismatches": read_table(inputs.mismatches)} if inputs.mismatches else {}
contributions = read_table(inputs.contributions)
context = page_context(cohort, summary, read_table(inputs.shift), predictions)
patients = patients_context(cohort, summary, predictions, contributions, symbols, **drugs)
write_page(render(shipped("workflow/report/scoring.html.j2"), context), outputs.page)
write_page(render(shipped("workflow/report/scoring_patients.html.j2"), patients), outputs.patients)
