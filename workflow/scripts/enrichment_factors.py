"""Say in words what each factor is."""

from trdomics.scripting import start

start(snakemake)

from trdomics.enrichment.factors import factor_enrichment
from trdomics.enrichment.words import factor_words
from trdomics.files import read_table, write_table
from trdomics.integration.characterise import factors_of

inputs, params = snakemake.input, snakemake.params
weights = {
    layer: read_table(path) for layer, path in zip(params.layers, inputs.weights, strict=True)
}
found = factor_enrichment(weights, read_table(inputs.sets), **params.options)
words = factor_words(
    factors_of(read_table(inputs.factors)),
    read_table(inputs.associations),
    read_table(inputs.variance),
    read_table(inputs.top_weights),
    read_table(inputs.stability),
    found,
    str(params.label["positive"]),
)

write_table(found, snakemake.output.enrichment)
write_table(words, snakemake.output.words)
