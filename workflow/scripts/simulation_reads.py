"""Draw the FASTQ files of the raw cohort, their references, and their truth."""

from trdomics.scripting import start

start(snakemake, blas_threads=1)

from trdomics.files import read_table
from trdomics.reads.units import read_units
from trdomics.shipped import shipped
from trdomics.simulation.cohort import draw_cohort
from trdomics.simulation.features import read_genes, read_small_rnas
from trdomics.simulation.raw_cohort import draw_raw_cohort
from trdomics.simulation.raw_files import write_raw_truth, write_reads, write_references
from trdomics.simulation.sheet import check_sheet

sheet = read_table(snakemake.input.sheet)
seed = snakemake.params.settings["seed"]
units = {
    layer: [(unit.sample, unit.lane, unit.files) for unit in read_units(path, layer).rows]
    for layer, path in zip(snakemake.params.layers, snakemake.input.units, strict=True)
}

cohort = draw_cohort(len(sheet))
check_sheet(sheet, cohort, snakemake.input.sheet)
raw = draw_raw_cohort(
    cohort,
    read_genes(shipped("resources/simulation_genes.tsv")),
    read_small_rnas(shipped("resources/simulation_small_rnas.tsv")),
    seed,
)

write_references(raw, snakemake.output)
write_raw_truth(raw, cohort, seed, snakemake.params.layers, snakemake.output)
write_reads(raw, cohort, seed, units, snakemake.threads)
