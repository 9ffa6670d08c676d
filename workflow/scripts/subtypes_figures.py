"""Figures of the subtypes: associations, number, stability."""

from trdomics.scripting import start

start(snakemake)

import pandas as pd

from trdomics.files import read_json, read_matrix, read_table, save_figure
from trdomics.style import set_style
from trdomics.subtypes import figures
from trdomics.subtypes.consensus import consensus_labels

set_style()
inputs, outputs = snakemake.input, snakemake.output
summary = read_json(inputs.summary)
n_subtypes, k = summary["n_subtypes"], summary["best_k"]
title = f"{n_subtypes} subtypes" if n_subtypes > 1 else "No subtypes"
matrix = read_matrix(inputs.consensus).to_numpy(dtype=float)
if n_subtypes > 1:
    labels = read_table(inputs.subtypes).set_index("patient_id")["subtype"].dropna()
    heading = title
else:
    labels = pd.Series([f"cluster {i + 1}" for i in consensus_labels(matrix, k)])
    heading = f"No subtypes; for comparison {k} clusters" if k > 1 else "No subtypes: not tested"

save_figure(
    figures.association_figure(read_table(inputs.associations), title), outputs.associations
)
save_figure(figures.criterion_figure(read_table(inputs.selection)), outputs.criterion)
save_figure(figures.consensus_figure(matrix, labels, heading), outputs.consensus)
