"""Call the genotypes of all RNA samples at the common variants."""

from trdomics.scripting import start

start(snakemake)

from trdomics.cohort.samples import sample_names
from trdomics.files import read_matrix, read_table, write_matrix
from trdomics.reads.rna_genotypes import read_rna_genotypes

inputs, params = snakemake.input, snakemake.params
patients = read_table(inputs.patients, dtype=str).set_index("patient_id")
names = sample_names(patients, params.settings, params.patient_id).dropna()
sites = read_matrix(inputs.genotypes[0]).columns
paths = dict(zip(params.samples, inputs.alleles, strict=True))
genotypes = read_rna_genotypes(paths, names.to_dict(), sites)
write_matrix(genotypes, snakemake.output[0])
called = genotypes.notna().sum(axis=1)
print(f"{len(genotypes)} samples, a median of {called.median():.0f} of {len(sites)} sites called")
