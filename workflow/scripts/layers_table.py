"""Read and check the matrix of a layer."""

from trdomics.scripting import start

start(snakemake)

from trdomics.cohort.samples import sample_names
from trdomics.files import read_table, write_matrix
from trdomics.inputs.matrix import read_layer_matrix

params, layer = snakemake.params, snakemake.wildcards.layer
patients = read_table(snakemake.input.patients, dtype=str).set_index("patient_id")
names = sample_names(patients, params.settings, params.patient_id)
matrix, ignored = read_layer_matrix(params.settings, layer, names)

write_matrix(matrix, snakemake.output[0])
print(f"{matrix.shape[0]} patients × {matrix.shape[1]} features")
print(f"{len(ignored)} sample columns left out: {', '.join(ignored) or 'none'}")
