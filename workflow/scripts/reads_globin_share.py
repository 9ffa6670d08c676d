"""Compute the globin share of each sample, for a matrix that was not made from reads."""

from trdomics.scripting import start

start(snakemake)

import pandas as pd

from trdomics.files import write_table
from trdomics.inputs.annotation import read_annotation
from trdomics.inputs.matrix import read_header, read_layer_matrix
from trdomics.layers.types import layer_type
from trdomics.reads.quality import globin_genes, share_of

layer, settings = snakemake.wildcards.layer, snakemake.params.settings
samples = read_header(settings["file"], layer)
names = pd.Series(samples, samples, dtype=object)
rules = layer_type(settings["type"]).value_rules(settings)
matrix = read_layer_matrix(settings["file"], layer, names, rules)
features = [str(name) for name in matrix.values.columns]
symbols = read_annotation(snakemake.input.features or None, layer, features, matrix.annotation)
globins = globin_genes(features, list(symbols["symbol"]))
quality = pd.DataFrame({"globin_share": share_of(matrix.values.T, globins)})
write_table(quality.rename_axis("sample").reset_index(), snakemake.output[0])
print(f"{globins.sum()} globin genes")
