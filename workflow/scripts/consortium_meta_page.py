"""Draw the figures of a meta-analysis and write its page."""

from trdomics.scripting import start

start(snakemake)

from pathlib import Path

from trdomics.consortium.figures import agreement_figure, forest_figure, volcano_figure
from trdomics.consortium.page import page_context
from trdomics.files import read_json, read_table, save_figure
from trdomics.report.render import embedded, render, write_page
from trdomics.shipped import shipped
from trdomics.style import set_style

inputs, outputs, settings = snakemake.input, snakemake.output, snakemake.params.settings
text = {"dtype": {"feature": str, "symbol": str, "layer": str, "reason": str}}
effects, factors = read_table(inputs.effects, **text), read_table(inputs.factors)
performance, cohorts = read_table(inputs.performance), read_table(inputs.cohorts, dtype=str)
summary = read_json(inputs.summary)
groups = summary["contrast"]
set_style()
save_figure(forest_figure(performance), outputs.forest)
save_figure(agreement_figure(factors), outputs.agreement)
figures = {"forest": embedded(outputs.forest), "agreement": embedded(outputs.agreement)}
figures["volcanos"] = {}
# figures are numbered, since layer names come from untrusted files
Path(outputs.volcanos).mkdir(parents=True, exist_ok=True)
for number, (layer, table) in enumerate(effects.groupby("layer", sort=False), start=1):
    path = Path(outputs.volcanos) / f"{number}.png"
    effect = f"combined effect, {groups['positive']} against {groups['negative']}"
    save_figure(volcano_figure(table, summary["fdr"], effect), path)
    figures["volcanos"][layer] = embedded(path)
context = page_context(settings["name"], summary, cohorts, effects, factors)
template = shipped("workflow/report/meta.html.j2")
write_page(render(template, {**context, "figures": figures}), outputs.page)
