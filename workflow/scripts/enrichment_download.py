"""Download a file of gene sets."""

from trdomics.scripting import start

start(snakemake)

from trdomics.enrichment.sources import download

source = snakemake.params.source
download(source["file"], snakemake.output[0], source["sha256"])
