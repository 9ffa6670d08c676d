"""Read the common variants of a germline VCF, which identify individuals."""

from trdomics.scripting import start

start(snakemake)

from trdomics.cohort.samples import sample_names
from trdomics.files import read_table, write_matrix
from trdomics.identity.genotypes import read_genotypes

settings = snakemake.params.settings
patients = read_table(snakemake.input.patients, dtype=str).set_index("patient_id")
names = sample_names(patients, settings, snakemake.params.patient_id)
genotypes = read_genotypes(snakemake.input.calls, settings, names)
write_matrix(genotypes, snakemake.output.genotypes)
print(f"{genotypes.shape[0]} patients × {genotypes.shape[1]} common variants")
