"""Draw the raw layers of the simulated cohort, and their truth."""

from trdomics.scripting import start

start(snakemake)

from trdomics.files import read_table
from trdomics.shipped import shipped
from trdomics.simulation.cohort import draw_cohort
from trdomics.simulation.draw import simulate, write_raw, write_truth
from trdomics.simulation.features import read_genes, read_small_rnas
from trdomics.simulation.sheet import check_sheet

sheet = read_table(snakemake.input.sheet)
settings = snakemake.params.settings
seed = settings["seed"]

# The sheet says only who is simulated: truth and molecules must not follow a changed label.
cohort = draw_cohort(len(sheet))
check_sheet(sheet, cohort, snakemake.input.sheet)
simulation = simulate(
    cohort,
    settings,
    seed,
    read_genes(shipped("resources/simulation_genes.tsv")),
    read_small_rnas(shipped("resources/simulation_small_rnas.tsv")),
)

write_raw(simulation, snakemake.output)
write_truth(cohort, simulation, seed, snakemake.output)
