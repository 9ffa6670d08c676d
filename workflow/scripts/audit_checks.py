"""Check predictions: performance, confounding, and whether the test was fair."""

from trdomics.scripting import start

start(snakemake)

from trdomics.audit.checks import check
from trdomics.audit.figures import forest_figure
from trdomics.audit.claim import MODEL
from trdomics.consortium.bundle import defused
from trdomics.evaluation.figures import calibration_figure, null_figure
from trdomics.files import save_figure, write_json, write_table
from trdomics.style import set_style

params, outputs = snakemake.params, snakemake.output
written = dict(zip(params.runs, snakemake.input.refits, strict=True))
found = check(params.audit, written)
for name, table in found.tables.items():
    # names are of others, and the tables are opened in spreadsheets
    write_table(defused(table), outputs[name])
write_json(found.summary, outputs.summary)
set_style()
tables = found.tables
forest = forest_figure(tables["performance"], tables["sites"], found.summary["within_sites"])
save_figure(forest, outputs.forest)
save_figure(
    calibration_figure(tables["calibration"], tables["performance"], MODEL), outputs.reliability
)
save_figure(null_figure(tables["null"]), outputs.shuffled)
