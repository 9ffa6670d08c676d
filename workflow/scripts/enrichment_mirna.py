"""Test whether targets of differentially expressed miRNAs are anti-correlated with them."""

from trdomics.scripting import start

start(snakemake)

from trdomics.cohort.load import read_patients
from trdomics.enrichment.mirna import ExpressionLayer, cross_layers
from trdomics.enrichment.figures import target_figure
from trdomics.enrichment.summary import target_summary
from trdomics.enrichment.targets import read_targets
from trdomics.files import read_matrix, read_table, save_figure, write_json, write_table

inputs, outputs, params = snakemake.input, snakemake.output, snakemake.params
layers = {
    name: ExpressionLayer(read_table(results), read_matrix(normalised), name in params.counts)
    for name, results, normalised in zip(
        params.layers, inputs.results, inputs.normalised, strict=True
    )
}
table, pairs, about = cross_layers(
    layers,
    read_patients(inputs.patients, params.sheet),
    read_targets(inputs.targets or None),
    design=params.design,
    contrast=params.contrast,
    fdr=params.fdr,
    chosen=params.mirna,
    permutations=params.permutations,
    seed=params.seed,
)

write_table(table, outputs.table)
write_table(pairs, outputs.pairs)
write_json(target_summary(table, about, params.fdr), outputs.summary)
save_figure(target_figure(table, params.fdr, about.get("reason")), outputs.figure)
