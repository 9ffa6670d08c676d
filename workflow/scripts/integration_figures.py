"""Draw the figures of the chosen MOFA model."""

from trdomics.scripting import start

start(snakemake)

from trdomics.cohort.load import load_labels
from trdomics.files import read_table, save_figure
from trdomics.integration import figures

inputs, outputs, label = snakemake.input, snakemake.output, snakemake.params.label
variance = read_table(inputs.variance)
associations = read_table(inputs.associations)
factors = read_table(inputs.factors).set_index("patient_id")
known = load_labels(inputs.patients)
shown = figures.interesting(associations, variance, figures.PANELS)

save_figure(figures.variance_figure(variance), outputs.variance)
save_figure(figures.stability_figure(read_table(inputs.stability)), outputs.stability)
save_figure(figures.association_figure(associations), outputs.associations)
save_figure(figures.weights_figure(read_table(inputs.top_weights), shown), outputs.weights)
save_figure(
    figures.scatter_figure(
        factors, known, (label["negative"], label["positive"]), associations, variance
    ),
    outputs.scatter,
)
