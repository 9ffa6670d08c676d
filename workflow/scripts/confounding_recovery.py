"""Compare the effect of adjustment with the planted truth."""

from trdomics.scripting import start

start(snakemake)

import pandas as pd

from trdomics.confounding.recovery import adjustment_recovery, recovery_summary
from trdomics.files import read_table, write_json, write_table

truth = read_table(snakemake.input.features)
parts, summary, order = [], {}, {}
for layer, path in zip(snakemake.params.layers, snakemake.input.tables, strict=True):
    table = read_table(path)
    sets = [name.removeprefix("padj_") for name in table.columns if name.startswith("padj_")]
    of_layer = truth[truth["layer"] == layer]
    recovery = adjustment_recovery(table, of_layer, sets, snakemake.params.fdr)
    summary[layer], order[layer] = recovery_summary(recovery), sets
    parts.append(recovery.assign(layer=layer))
write_table(pd.concat(parts, ignore_index=True), snakemake.output.table)
write_json(
    {"fdr": snakemake.params.fdr, "sets": order, "layers": summary}, snakemake.output.summary
)
