"""Repeat the search of one repeat's splits with permuted labels, for the null."""

from trdomics.scripting import start

start(snakemake)

import pandas as pd

from trdomics.classification.run_split import run_permutation
from trdomics.classification.splits import draw_split
from trdomics.classification.stored_blocks import load_blocks
from trdomics.cohort.load import load_labels
from trdomics.files import write_table
from trdomics.tables import LayerTables

params, config = snakemake.params, snakemake.params.config
labels = load_labels(snakemake.input.patients)
empty = LayerTables({}, labels.index)
null = []
for name, path in zip(params.splits, snakemake.input.blocks, strict=True):
    blocks = load_blocks(path)
    split = draw_split(name, labels, folds=config["classification"]["folds"], seed=config["seed"])
    null += [
        run_permutation(empty, labels, split, permutation, config, blocks)
        for permutation in params.permutations
    ]
write_table(pd.concat(null, ignore_index=True), snakemake.output[0])
