"""Write who is tested in which fold, and where each site is left out."""

from trdomics.scripting import start

start(snakemake)

import pandas as pd

from trdomics.classification.splits import draw_split, split_names
from trdomics.cohort.load import load_labels, read_patients
from trdomics.files import write_table

params, patients = snakemake.params, snakemake.input.patients
labels, site = load_labels(patients), params.config["samples"]["site"]
sites = read_patients(patients, params.config)[site] if site else None
left_out = dict.fromkeys(split_names(params.repeats, params.folds)) | params.left_out
rows = []
for name, where in left_out.items():
    split = draw_split(name, labels, folds=params.folds, seed=params.seed, sites=sites, site=where)
    rows += [(name, split.repeat, split.fold, patient, "test", where) for patient in split.test]
columns = ["split", "repeat", "fold", "patient_id", "role", "site"]
write_table(pd.DataFrame(rows, columns=columns), snakemake.output[0])
