"""Say whether patients are groups on the factors or one cloud, and what groups go with."""

from trdomics.scripting import start

start(snakemake)

import pandas as pd

from trdomics.cohort.load import read_patients
from trdomics.files import read_table, write_json, write_matrix, write_table
from trdomics.integration.associations import variable_kinds
from trdomics.subtypes.associations import subtype_associations
from trdomics.subtypes.selection import find_subtypes, weigh
from trdomics.subtypes.summary import headline

params, inputs, outputs = snakemake.params, snakemake.input, snakemake.output
factors = read_table(inputs.factors).set_index("patient_id")
weighted = weigh(factors, read_table(inputs.variance))
found = find_subtypes(weighted.to_numpy(dtype=float), params.seed)

subtypes = pd.Series([f"S{i + 1}" for i in found.labels], index=factors.index, name="subtype")
kinds = variable_kinds(params.clinical, params.sheet["samples"])
kinds |= {f"in_{layer}": "profiled" for layer in params.sheet["layers"]}
patients = read_patients(inputs.patients, params.sheet)
associations = subtype_associations(subtypes, patients, kinds, params.seed, found.reason)

write_table(
    pd.DataFrame({"subtype": subtypes, "consensus": found.consensus}).reset_index(),
    outputs.subtypes,
)
write_table(found.table, outputs.selection)
write_table(associations, outputs.associations)
write_matrix(
    pd.DataFrame(found.matrix, index=factors.index, columns=list(factors.index)),
    outputs.consensus,
)
write_json(headline(found, associations, list(weighted.columns), params.seed), outputs.summary)
