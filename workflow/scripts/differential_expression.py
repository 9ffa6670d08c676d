"""Test one count layer for differential expression."""

from trdomics.scripting import start

start(snakemake)

from trdomics.cohort.load import read_patients
from trdomics.differential.counts import differential_counts
from trdomics.differential.design import build_design
from trdomics.differential.summary import headline
from trdomics.differential.symbols import with_symbols
from trdomics.layers.counts import refused_warning, without_empty_libraries
from trdomics.files import read_matrix, read_table, write_json, write_table

counts, refused = without_empty_libraries(read_matrix(snakemake.input.table))
params = snakemake.params
patients = read_patients(snakemake.input.patients, params.sheet).loc[counts.index]
design = build_design(patients, params.design, params.contrast)
results, fit = differential_counts(
    counts,
    design,
    **params.filter,
    fdr=params.fdr,
    winsorise=params.winsorise,
    deges=params.deges,
    threads=snakemake.threads,
)
summary = headline(
    results, design, effect="log2_fold_change", fdr=params.fdr, layer=snakemake.wildcards.layer
)
write_table(with_symbols(results, read_table(snakemake.input.annotation)), snakemake.output.results)
write_json(
    {**summary, **fit, "refused_warning": refused_warning(refused)}, snakemake.output.summary
)
