"""Deal the labelled patients into the outer folds, and leave each site out once."""

from trdomics.scripting import start

start(snakemake)

import pandas as pd

from trdomics.classification.splits import repeated_splits, site_splits
from trdomics.cohort.load import load_labels, read_patients
from trdomics.files import write_table

params, patients = snakemake.params, snakemake.input.patients
labels, site = load_labels(patients), params.config["samples"]["site"]
sites = read_patients(patients, params.config)[site] if site else None
folds = repeated_splits(labels, repeats=params.repeats, folds=params.folds, seed=params.seed)
left_out = site_splits(labels, sites, params.left_out)
splits = pd.concat([folds, left_out]) if len(left_out) else folds
write_table(splits, snakemake.output[0])
