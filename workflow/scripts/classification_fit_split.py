"""Tune on the training patients of one split and predict its test patients."""

from trdomics.scripting import start

start(snakemake)

from pathlib import Path

from trdomics.classification.run_split import run_split, split_representations
from trdomics.classification.splits import draw_split
from trdomics.classification.stored_blocks import save_blocks
from trdomics.cohort.load import load_fit_inputs, read_patients
from trdomics.files import write_table

params, paths, outputs = snakemake.params, snakemake.input, snakemake.output
config, tables, labels = load_fit_inputs(paths, params.config)
sites = read_patients(paths.patients, config)[config["samples"]["site"]] if params.site else None
split = draw_split(
    snakemake.wildcards.split,
    labels,
    folds=config["classification"]["folds"],
    seed=config["seed"],
    sites=sites,
    site=params.site,
)
representations = split_representations(tables, labels, split, config)
results = run_split(tables, labels, split, config, representations)
for name, table in results.items():
    write_table(table, outputs[name])
if params.permuted:
    test = representations.transform(tables.select(split.test))
    save_blocks(outputs.blocks, representations, test)
else:
    # they hold patients' values, tens of megabytes, and are needed only for permutations
    Path(outputs.blocks).touch()
