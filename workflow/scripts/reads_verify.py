"""Read a unit's files to their end: complete, one library, matching references."""

from trdomics.scripting import start

start(snakemake)

from trdomics.files import read_table, write_json
from trdomics.reads.fastq import check_unit

unit, wildcards, given = snakemake.params.unit, snakemake.wildcards, snakemake.input
where = f"layer {wildcards.layer}, sample {wildcards.sample}, lane {wildcards.lane}"
if unit["bam"] is None:
    first, second = check_unit(unit["fq1"], unit["fq2"], where)
    found = {"reads": first.reads, "longest": first.longest, "paired": second is not None}
else:
    from trdomics.reads.bam import check_bam

    chromosomes = list(read_table(given.genes)["chromosome"].unique()) if given.genes else []
    genome = read_table(given.genome, header=None, usecols=[0, 1]) if given.genome else None
    lengths = None if genome is None else dict(zip(genome[0], genome[1], strict=True))
    found = check_bam(unit["bam"], where, lengths, chromosomes)
write_json(found, snakemake.output[0])
print(found)
