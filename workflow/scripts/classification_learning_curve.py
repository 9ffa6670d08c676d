"""Train on a fraction of the patients and predict the others."""

from trdomics.scripting import start

start(snakemake)

from trdomics.classification.training_sizes import fit_share
from trdomics.cohort.load import load_fit_inputs
from trdomics.files import write_table

config, tables, labels = load_fit_inputs(snakemake.input, snakemake.params.config)
write_table(fit_share(tables, labels, int(snakemake.wildcards.share), config), snakemake.output[0])
