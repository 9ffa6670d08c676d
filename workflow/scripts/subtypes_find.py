"""Look for subtypes of patients on the factors, and test their associations."""

from trdomics.scripting import start

start(snakemake)

import pandas as pd

from trdomics.cohort.load import read_patients
from trdomics.files import read_table, write_json, write_matrix, write_table
from trdomics.integration.associations import variable_kinds
from trdomics.subtypes.associations import subtype_associations
from trdomics.subtypes.selection import find_subtypes, lacking_layers, weigh
from trdomics.subtypes.summary import headline

params, inputs, outputs = snakemake.params, snakemake.input, snakemake.output
everybody = read_table(inputs.factors).set_index("patient_id")
variance = read_table(inputs.variance)
patients = read_patients(inputs.patients, params.sheet)
lacks = lacking_layers(patients.reindex(everybody.index), variance)
factors = everybody[lacks == ""]
weighted = weigh(factors, variance)
found = find_subtypes(weighted.to_numpy(dtype=float), params.seed)

subtypes = pd.Series([f"S{i + 1}" for i in found.labels], index=factors.index, name="subtype")
kinds = variable_kinds(params.clinical, params.sheet["samples"]["site"])
kinds |= {f"in_{layer}": "profiled" for layer in params.sheet["layers"]}
associations = subtype_associations(subtypes, patients, kinds, params.seed, found.reason)

table = pd.DataFrame({"subtype": subtypes, "consensus": found.consensus}).reindex(everybody.index)
table["reason"] = ("lacks " + lacks).where(lacks != "")
write_table(table.reset_index(), outputs.subtypes)
write_table(found.table, outputs.selection)
write_table(associations, outputs.associations)
write_matrix(
    pd.DataFrame(found.matrix, index=factors.index, columns=list(factors.index)),
    outputs.consensus,
)
write_json(
    headline(found, associations, list(weighted.columns), params.seed, int((lacks != "").sum())),
    outputs.summary,
)
