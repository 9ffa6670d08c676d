"""Write the tables of Snakemake's report as pages in which one can search and sort."""

from trdomics.scripting import start

start(snakemake)

from trdomics.report.outputs import read_outputs
from trdomics.report.render import render, write_page
from trdomics.report.tables import shown_table, table_context
from trdomics.shipped import shipped

params = snakemake.params
described = read_outputs()
pages = zip(params.tables, snakemake.input, snakemake.output, strict=True)
for (title, file), table, page in pages:
    output = next(output for output in described if output.fits(file))
    context = table_context(shown_table(table), output, title)
    write_page(
        render(shipped("workflow/report/table.html.j2"), {"cohort": params.cohort, **context}),
        page,
    )
