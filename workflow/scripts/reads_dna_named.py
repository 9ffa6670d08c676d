"""Write the calls at the named sites with the requested alleles."""

from trdomics.scripting import start

start(snakemake)

from trdomics.files import replacing
from trdomics.reads.contigs import genome_lengths, lines_of
from trdomics.reads.named_sites import named_records
from trdomics.reads.regions import read_sites

sites = read_sites(snakemake.input.sites, genome_lengths(snakemake.input.fai))
records = named_records(lines_of(snakemake.input.calls), sites)
with replacing(snakemake.output[0]) as temporary:
    temporary.write_text("".join(f"{record}\n" for record in records))
