"""Read and check the matrix of a layer, once for all rules that use it."""

from trdomics.scripting import start

start(snakemake)

from trdomics.cohort.membership import LeftOut
from trdomics.cohort.samples import sample_names
from trdomics.files import read_table, write_json, write_matrix, write_table
from trdomics.inputs.checks import check_not_clinical, check_not_label, check_varies
from trdomics.inputs.matrix import read_layer_matrix
from trdomics.inputs.text_table import few, of_layer
from trdomics.layers.types import layer_type

params, layer = snakemake.params, snakemake.wildcards.layer
patients = read_table(snakemake.input.patients, dtype=str).set_index("patient_id")
excluded = read_table(snakemake.input.excluded, dtype=str)
mine = (excluded["where"] == layer) & (excluded["code"] == LeftOut.NEARLY_EMPTY)
empty = excluded.loc[mine, "id"].tolist()
patients = patients[patients[f"in_{layer}"] == "1"]
names = sample_names(patients, params.settings, params.patient_id)
rules = layer_type(params.settings["type"]).value_rules(params.settings)
matrix = read_layer_matrix(params.settings["file"], layer, names, rules)
where = of_layer(params.settings["file"], layer)
# a layer of mutations may well have the gene of a clinical column
if matrix.turned or params.settings["type"] != "binary":
    check_not_clinical(matrix.values, patients, where)
label = patients["label"].astype(float)
if params.label is not None:
    check_not_label(matrix.values, label, params.label, where)
check_varies(matrix.values.to_numpy(float), where)

write_matrix(matrix.values, snakemake.output.table)
write_table(matrix.annotation.rename_axis("feature").reset_index(), snakemake.output.annotation)
reading = {
    "n_features": matrix.values.shape[1],
    "layout": matrix.layout,
    "notes": matrix.notes,
    "nearly_empty": empty,
}
if empty:
    reading["notes"].append(
        f"samples with fewer reads per feature than `min_mean_count`, treated as not measured: "
        f"{len(empty)} ({few(empty)})"
    )
write_json(reading, snakemake.output.reading)
print(f"{matrix.values.shape[0]} patients × {matrix.values.shape[1]} features")
print(f"{len(matrix.ignored)} samples left out: {', '.join(matrix.ignored) or 'none'}")
print(*([f"read as {matrix.layout}"] if matrix.layout else []), *matrix.notes, sep="\n")
