"""Compute ancestry components from a variant layer, or give the reason why not."""

from trdomics.scripting import start

start(snakemake)

from trdomics.cohort.samples import sample_names
from trdomics.differential.ancestry import ancestry_components, no_ancestry, unsuited
from trdomics.files import read_table, write_json, write_table
from trdomics.identity.genotypes import read_genotypes

settings, layer = snakemake.params.settings, snakemake.wildcards.layer
patients = read_table(snakemake.input.patients, dtype=str).set_index("patient_id")
patients = patients[patients[f"in_{layer}"] == "1"]
reason = unsuited(settings)
if reason:
    found = no_ancestry(patients.index, reason)
else:
    names = sample_names(patients, settings, snakemake.params.patient_id)
    found = ancestry_components(read_genotypes(snakemake.input.calls, settings, names))

write_table(found.components.reset_index(), snakemake.output.ancestry)
write_json({"layer": layer, **found.summary()}, snakemake.output.summary)
