"""Write the summary page."""

from trdomics.scripting import start

start(snakemake)

from trdomics.files import read_json, read_table
from trdomics.report import explore
from trdomics.report.context import page_context
from trdomics.report.render import embedded, packed, render, write_page
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
        "calibration",
        "decision",
        "importance",
        "contributions",
        "sites",
        "missing_layer_cost",
        "learning_curve",
    )
}
figures["recovery"] = embedded(inputs.recovery) if settings["simulated"] else None
shuffled = summary["classification"]["null"]["n_permutations"]
figures["null"] = embedded(inputs.null) if shuffled else None
figures["differential"] = [
    {"layer": layer, "source": embedded(path)}
    for layer, path in zip(settings["layers"], inputs.volcanos, strict=True)
]
figures["attrition"] = [
    {"layer": layer, "source": embedded(path)}
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
context["reading"] = [
    sentence
    for layer, path in zip(settings["layers"], inputs.readings, strict=True)
    for sentence in read_as(layer, read_json(path)["notes"])
]
populations = explore.thresholds(read_table(inputs.decision_table))
context["consequences"] = explore.printed(populations)
names = {"dtype": {"feature": str, "symbol": str}}
volcanos = {
    layer: explore.volcano(
        read_table(path, **names),
        summary["differential"][layer]["contrast"][1:],
        summary["differential"][layer]["fdr"],
    )
    for layer, path in zip(settings["layers"], inputs.results, strict=True)
}
factors = explore.factors(
    read_table(inputs.variance_table),
    read_table(inputs.top_weights, **names),
    read_table(inputs.associations_table),
    read_table(inputs.factor_sets),
    read_table(inputs.factor_words),
)
context["data"] = {
    "volcano": packed(volcanos),
    "factors": packed(factors),
    "thresholds": packed(populations),
}
template = shipped("workflow/report/summary.html.j2")
write_page(render(template, {**context, "figures": figures}), snakemake.output[0])
