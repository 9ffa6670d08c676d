"""Look up symbols and chromosomes of a matrix layer's features."""

from trdomics.scripting import start

start(snakemake)

from trdomics.files import read_matrix, write_table
from trdomics.inputs.matrix import read_annotation

features = [str(name) for name in read_matrix(snakemake.input.table).columns]
path = snakemake.input.features or None
write_table(read_annotation(path, snakemake.wildcards.layer, features), snakemake.output[0])
