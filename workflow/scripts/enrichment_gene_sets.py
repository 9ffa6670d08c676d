"""Combine the curated gene sets with the user's."""

from trdomics.scripting import start

start(snakemake)

from trdomics.inputs.gene_sets import CURATED, collect, write_gmt
from trdomics.enrichment.sources import check_sum
from trdomics.files import replacing, write_table

sources = snakemake.params.sources
files = dict(zip(sources, snakemake.input.files, strict=True))
for name, path in files.items():
    check_sum(path, sources[name]["sha256"])

sets, collections = collect(files)
write_table(sets, snakemake.output.sets)
write_table(collections, snakemake.output.collections)
with replacing(snakemake.output.gmt) as path:
    write_gmt(sets[sets["collection"] == CURATED], path)
