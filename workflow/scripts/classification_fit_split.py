"""Search on the training patients of one split, predict its test patients; the same permuted."""

from trdomics.scripting import start

start(snakemake)

import pandas as pd

from trdomics.classification.outer_split import NULL, run_permutation, run_split
from trdomics.classification.outer_split import split_representations
from trdomics.classification.splits import draw_split, permutations_of
from trdomics.cohort.load import load_labels, load_tables, read_patients
from trdomics.files import read_table, write_table

params, paths = snakemake.params, snakemake.input
config, name = params.config, snakemake.wildcards.split
layers = dict(zip(config["layers"], paths.layers, strict=True))
tables, labels = load_tables(paths.patients, layers, config), load_labels(paths.patients)
draw = {"folds": config["classification"]["folds"], "seed": config["seed"]}
if name.startswith("s"):
    splits = read_table(paths.splits)
    sites = read_patients(paths.patients, config)[config["samples"]["site"]]
    tested = splits.loc[splits["split"] == name, "patient_id"].iloc[0]
    draw |= {"sites": sites, "site": sites[tested]}
split = draw_split(name, labels, **draw)
asked = config["classification"]
permutations = permutations_of(split.repeat, asked["repeats"], asked["permutations"])
representations = split_representations(tables, labels, split, config)
results = run_split(tables, labels, split, config, representations)
null = [
    run_permutation(tables, labels, split, permutation, config, representations)
    for permutation in permutations
]
results["null"] = pd.concat(null) if null else pd.DataFrame(columns=NULL)
for table, rows in results.items():
    write_table(rows, snakemake.output[table])
