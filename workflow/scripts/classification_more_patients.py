"""Fit the learning curve and extrapolate it to more patients."""

from trdomics.scripting import start

start(snakemake)

from trdomics.cohort.load import load_labels
from trdomics.evaluation.learning_curve import curve_table, learning_curve, learning_summary
from trdomics.files import read_table, write_json, write_table

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

write_table(curve_table(sizes, curve, n, reason), outputs.table)
write_json(learning_summary(curve, read_table(inputs.gains), n, reason), outputs.summary)
