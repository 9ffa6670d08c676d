"""Look up symbols and chromosomes of a matrix layer's features."""

from trdomics.scripting import start

start(snakemake)

from trdomics.files import read_matrix, read_table, write_table
from trdomics.inputs.annotation import read_annotation

features = [str(name) for name in read_matrix(snakemake.input.table).columns]
own = read_table(snakemake.input.own, dtype=str).set_index("feature")
path = snakemake.input.features or None
annotation = read_annotation(path, snakemake.wildcards.layer, features, own)
write_table(annotation, snakemake.output[0])
