"""Write the summary page."""

from trdomics.scripting import start

start(snakemake)

from trdomics.files import read_json, read_table
from trdomics.report.context import page_context
from trdomics.report.page import embedded, render, write_page
from trdomics.report.words import read_as
from trdomics.shipped import shipped

inputs, settings = snakemake.input, snakemake.params.settings
summary = read_json(inputs.summary)
figures = {
    name: embedded(inputs[name])
    for name in (
        "layers",
        "confounding",
        "variance",
        "associations",
        "performance",
        "calibration",
        "decision",
        "importance",
        "sites",
        "missing_layer_cost",
        "learning_curve",
    )
}
figures["recovery"] = embedded(inputs.recovery) if settings["simulated"] else None
shuffled = summary["classification"]["null"]["n_permutations"]
figures["null"] = embedded(inputs.null) if shuffled else None
figures["differential"] = [
    {"source": embedded(path), "caption": f"{layer}: effect of every feature and its evidence."}
    for layer, path in zip(settings["layers"], inputs.volcanos, strict=True)
]
figures["attrition"] = [
    {"source": embedded(path), "caption": f"{layer}: what is left under each set of covariates."}
    for layer, path in zip(settings["adjusted_layers"], inputs.attrition, strict=True)
]
sites = [settings["site"]] if settings["site"] else []
context = page_context(
    settings,
    read_table(inputs.patients, dtype=dict.fromkeys(["patient_id", *sites], str)),
    summary,
    read_table(inputs.performance_table),
    read_table(inputs.gains),
    read_table(inputs.missing_layer_cost_table),
)
reading = [
    sentence
    for layer, path in zip(settings["layers"], inputs.readings, strict=True)
    for sentence in read_as(layer, read_json(path)["notes"])
]
template = shipped("workflow/report/summary.html.j2")
write_page(
    render(template, {**context, "figures": figures, "reading": reading}), snakemake.output[0]
)
