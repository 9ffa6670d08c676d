"""Test the associations of the chosen model's factors."""

from trdomics.scripting import start

start(snakemake)

from trdomics.cohort.load import read_patients
from trdomics.files import read_table, write_json, write_table
from trdomics.integration.associations import associations, variable_kinds
from trdomics.integration.characterise import summary, top_weights

params, inputs, outputs = snakemake.params, snakemake.input, snakemake.output
label = params.sheet["label"]
factors = read_table(inputs.factors).set_index("patient_id")
weights = {
    layer: read_table(path) for layer, path in zip(params.layers, inputs.weights, strict=True)
}

found = associations(
    factors,
    read_patients(inputs.patients, params.sheet),
    variable_kinds(params.clinical, params.sheet["samples"]["site"]),
    label_names=(label["negative"], label["positive"]),
    confounders=params.clinical["confounders"],
)
headline = summary(
    models=read_table(inputs.models),
    stability=read_table(inputs.stability),
    variance=read_table(inputs.variance),
    associations=found,
    views=read_table(inputs.views),
    n_patients=len(factors),
)

write_table(found, outputs.associations)
write_table(top_weights(weights), outputs.top_weights)
write_json(headline, outputs.summary)
