"""Deal the labelled patients into the outer folds of the cross-validation."""

from trdomics.scripting import start

start(snakemake)

from trdomics.classification.splits import repeated_splits
from trdomics.cohort.load import load_labels
from trdomics.files import write_table

params = snakemake.params
splits = repeated_splits(
    load_labels(snakemake.input.patients),
    repeats=params.repeats,
    folds=params.folds,
    seed=params.seed,
)
write_table(splits, snakemake.output[0])
