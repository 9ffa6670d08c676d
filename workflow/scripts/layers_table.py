from trdomics.scripting import start

start(snakemake)

from trdomics.cohort.samples import sample_names
from trdomics.files import read_table, write_matrix, write_table
from trdomics.inputs.annotation import read_annotation
from trdomics.inputs.matrix import read_layer_matrix
from trdomics.layers.types import layer_type

layer, settings = snakemake.params.layer, snakemake.params.settings
patients = read_table(snakemake.input.patients, dtype=str).set_index("patient_id")
names = sample_names(patients, settings, snakemake.params.patient_id)
rules = layer_type(settings["type"]).value_rules(settings)
matrix = read_layer_matrix(settings["file"], layer, names, rules)
features = list(matrix.values.columns)
annotation = read_annotation(settings["features"], layer, features, matrix.annotation)

write_matrix(matrix.values, snakemake.output.table)
write_table(annotation, snakemake.output.annotation)
print(f"{len(matrix.values)} patients × {len(features)} features")
print(f"{len(matrix.ignored)} samples left out: {', '.join(matrix.ignored) or 'none'}")
print(*([f"read as {matrix.layout}"] if matrix.layout else []), *matrix.notes, sep="\n")
