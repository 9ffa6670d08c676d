from trdomics.scripting import start

start(snakemake)

from trdomics.cohort.samples import sample_names
from trdomics.files import read_table, write_matrix, write_table
from trdomics.inputs.matrix import read_annotation, read_layer_matrix
from trdomics.layers.types import layer_type

layer, settings = snakemake.params.layer, snakemake.params.settings
patients = read_table(snakemake.input.patients, dtype=str).set_index("patient_id")
names = sample_names(patients, settings, snakemake.params.patient_id)
rules = layer_type(settings["type"]).value_rules(settings)
matrix, ignored = read_layer_matrix(settings["file"], layer, names, rules)
annotation = read_annotation(settings["features"], layer, list(matrix.columns))

write_matrix(matrix, snakemake.output.table)
write_table(annotation, snakemake.output.annotation)
print(f"{matrix.shape[0]} patients × {matrix.shape[1]} features")
print(f"{len(ignored)} sample columns left out: {', '.join(ignored) or 'none'}")
