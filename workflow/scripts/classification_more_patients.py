"""Fit the learning curve and say what more patients would give."""

from trdomics.scripting import start

start(snakemake)

from trdomics.cohort.load import load_labels
from trdomics.evaluation.learning_curve import curve_table, learning_curve, learning_summary
from trdomics.evaluation.site_figures import learning_curve_figure
from trdomics.files import read_table, save_figure, write_json, write_table
from trdomics.style import set_style

inputs, outputs, params = snakemake.input, snakemake.output, snakemake.params
names = {"patient_id": str}
labels = load_labels(inputs.patients)
n = int(labels.notna().sum())
sizes, curve, reason = learning_curve(
    [read_table(path, dtype=names) for path in inputs.shares],
    read_table(inputs.predictions, dtype=names),
    labels,
    n_samples=params.bootstrap,
    seed=params.seed,
)
table = curve_table(sizes, curve, n, reason)

write_table(table, outputs.table)
write_json(learning_summary(curve, read_table(inputs.gains), n, reason), outputs.summary)
set_style()
save_figure(learning_curve_figure(table, n), outputs.figure)
