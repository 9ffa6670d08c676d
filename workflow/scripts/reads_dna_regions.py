"""Check that regions, genes and sites match the genome, and divide the regions into parts."""

from trdomics.scripting import start

start(snakemake)

from itertools import groupby
from pathlib import Path

from trdomics.files import replacing
from trdomics.reads.contigs import check_shared, first_column, genome_lengths
from trdomics.reads.regions import divided, read_regions, read_sites, whole

inputs, outputs = snakemake.input, snakemake.output
genome = genome_lengths(inputs.fai)
regions = read_regions(inputs.regions, genome) if inputs.regions else whole(genome)
sites = read_sites(inputs.sites, genome) if inputs.sites else []
genes = first_column(inputs.annotation)
check_shared(genes, genome, inputs.annotation)


def write_lines(rows, path):
    with replacing(path) as temporary:
        temporary.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))


write_lines(regions, outputs.targets)
Path(outputs.parts).mkdir(parents=True, exist_ok=True)
for number, part in enumerate(divided(regions, snakemake.params.n_parts)):
    write_lines(part, Path(outputs.parts) / f"{number}.bed")
rows = []
for key, group in groupby(sites, key=lambda site: (site.chromosome, site.position, site.reference)):
    alleles = [key[2], *(site.alternative for site in group)]
    rows.append((*key[:2], ",".join(alleles)))
write_lines(rows, outputs.sites)
print(f"{sum(end - start for _, start, end in regions)} bases in {len(regions)} regions")
