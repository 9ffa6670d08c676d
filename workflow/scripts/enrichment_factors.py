"""Describe each factor in a sentence."""

from trdomics.scripting import start

start(snakemake)

from trdomics.enrichment.factors import FactorModel, factor_enrichment
from trdomics.enrichment.words import factor_words
from trdomics.files import read_matrix, read_table, write_table
from trdomics.integration.characterise import factors_of

inputs, params = snakemake.input, snakemake.params
weights = {
    layer: read_table(path) for layer, path in zip(params.layers, inputs.weights, strict=True)
}
factors = read_table(inputs.factors).set_index("patient_id")
models = {
    layer: FactorModel.of(read_matrix(path), factors)
    for layer, path in zip(params.layers, inputs.views, strict=True)
}
found = factor_enrichment(weights, read_table(inputs.sets), models, **params.options)
words = factor_words(
    factors_of(factors),
    read_table(inputs.associations),
    read_table(inputs.variance),
    read_table(inputs.top_weights),
    read_table(inputs.stability),
    found,
    str(params.label["positive"]),
)

write_table(found, snakemake.output.enrichment)
write_table(words, snakemake.output.words)
