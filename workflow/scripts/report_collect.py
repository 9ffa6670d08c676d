"""Gather the stages' headline numbers in one file."""

from trdomics.scripting import start

start(snakemake)

from trdomics.files import read_json, write_json

inputs = dict(snakemake.input.items())
summary = {
    stage: read_json(inputs[stage])
    for stage in ("cohort", "integration", "classification", "scoring", "simulation")
    if inputs.get(stage)
}
for stage in ("layers", "differential"):
    summary[stage] = {
        layer: read_json(path)
        for layer, path in zip(snakemake.params.layers, inputs[stage], strict=True)
    }
write_json(summary, snakemake.output[0])
