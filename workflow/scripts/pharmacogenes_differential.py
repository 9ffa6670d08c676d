"""Count the features that differ without the patients who may be resistant in name only."""

from trdomics.scripting import start

start(snakemake)

from trdomics.cohort.load import read_patients
from trdomics.confounding.adjustment import adjusted_layer, found_without
from trdomics.files import read_json, read_matrix, read_table, write_json

inputs, params = snakemake.input, snakemake.params
mismatches = read_table(inputs.mismatches, dtype={"patient_id": str})
named = set(mismatches.loc[mismatches["pseudo_resistance"] == 1, "patient_id"])
patients = read_patients(inputs.patients, params.sheet)
fractions = read_table(inputs.fractions).set_index("patient_id")
result = {}
for layer, table, adjusted in zip(params.layers, inputs.tables, inputs.adjusted, strict=True):
    values, whole = read_matrix(table), read_json(adjusted)
    rest = adjusted_layer(
        values[~values.index.isin(named)],
        patients,
        fractions,
        params.settings | params.layers[layer],
    )
    result[layer] = found_without(whole["n_significant"], rest, whole["n_patients"])
write_json(result, snakemake.output[0])
