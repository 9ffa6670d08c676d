"""Write the positions of variants that are common in the cohort's DNA."""

from trdomics.scripting import start

start(snakemake)

from trdomics.files import read_matrix, replacing
from trdomics.reads.contigs import genome_lengths
from trdomics.reads.rna_genotypes import exonic_sites, read_exons

sites = read_matrix(snakemake.input.genotypes[0]).columns
exons = read_exons(snakemake.input.annotation)
places = exonic_sites(sites, exons, list(genome_lengths(snakemake.input.fai)))
with replacing(snakemake.output[0]) as temporary:
    temporary.write_text("".join(f"{name}\t{position}\n" for name, position in places))
print(f"{len(places)} of {len(sites)} common variants are in exons of the genome")
