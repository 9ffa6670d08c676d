"""Write the integrated object: normalised layers, factors and weights."""

from trdomics.scripting import start

start(snakemake)

from trdomics.cohort.load import read_patients
from trdomics.files import read_matrix, read_table
from trdomics.integration.characterise import write_h5mu

inputs, layers = snakemake.input, snakemake.params.layers

write_h5mu(
    snakemake.output[0],
    {layer: read_matrix(path) for layer, path in zip(layers, inputs.normalised, strict=True)},
    read_table(inputs.factors).set_index("patient_id"),
    {layer: read_table(path) for layer, path in zip(layers, inputs.weights, strict=True)},
    read_patients(inputs.patients, snakemake.params.sheet),
)
