"""Collect the headline numbers of the enrichment."""

from trdomics.scripting import start

start(snakemake)

from trdomics.enrichment.summary import headline
from trdomics.files import read_json, read_table, write_json

inputs, params = snakemake.input, snakemake.params
layers = {layer: read_json(path) for layer, path in zip(params.layers, inputs.layers, strict=True)}
result = headline(
    layers, read_json(inputs.mirna), read_table(inputs.words), read_table(inputs.collections)
)
write_json(result, snakemake.output[0])
