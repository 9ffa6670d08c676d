"""Collect the stages' headline numbers in one file."""

from trdomics.scripting import start

start(snakemake)

from trdomics.files import read_json, write_json
from trdomics.report.trust import ENRICHMENT_KEYS, anonymous

inputs = dict(snakemake.input.items())
summary = {
    stage: read_json(inputs[stage])
    for stage in (
        *("cohort", "integration", "classification", "sites", "learning_curve", "scoring"),
        *("simulation", "pharmacogenes", "mechanism"),
    )
    if inputs.get(stage)
}
if inputs["simulated_reads"]:
    summary["simulated_reads"] = read_json(inputs["simulated_reads"])
for stage in ("layers", "differential"):
    summary[stage] = {
        layer: read_json(path)
        for layer, path in zip(snakemake.params.layers, inputs[stage], strict=True)
    }
summary["panels"] = {
    name: read_json(path)
    for name, path in zip(snakemake.params.panels, inputs["panels"], strict=True)
}
adjusted = zip(snakemake.params.adjusted_layers, inputs["adjustment"], strict=True)
enrichment = read_json(inputs["enrichment"])
summary["trust"] = {
    "identity": anonymous(read_json(inputs["identity"])),
    "confounding": read_json(inputs["confounding"]),
    "adjustment": {layer: read_json(path) for layer, path in adjusted},
    "enrichment": {key: enrichment[key] for key in ENRICHMENT_KEYS if key in enrichment},
    "subtypes": read_json(inputs["subtypes"]),
}
write_json(summary, snakemake.output[0])
