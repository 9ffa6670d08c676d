"""Train on a share of the patients only, and predict the others."""

from trdomics.scripting import start

start(snakemake)

from trdomics.classification.training_sizes import fit_share
from trdomics.cohort.load import load_labels, load_tables
from trdomics.files import read_json, write_table

params, paths = snakemake.params, snakemake.input
config = {**params.config, "panel_members": read_json(paths.members) if paths.members else {}}
layers = dict(zip(config["layers"], paths.layers, strict=True))
derived = dict(zip(config["derived"], paths.derived, strict=True))
tables, labels = load_tables(paths.patients, layers, config, derived), load_labels(paths.patients)

write_table(fit_share(tables, labels, int(snakemake.wildcards.share), config), snakemake.output[0])
