"""Train on a share of the patients only, and predict the others."""

from trdomics.scripting import start

start(snakemake)

from trdomics.classification.training_sizes import fit_share
from trdomics.cohort.load import load_labels, load_tables
from trdomics.files import write_table

params, paths = snakemake.params, snakemake.input
layers = dict(zip(params.config["layers"], paths.layers, strict=True))
tables, labels = load_tables(paths.patients, layers, params.config), load_labels(paths.patients)

write_table(
    fit_share(tables, labels, int(snakemake.wildcards.share), params.config), snakemake.output[0]
)
