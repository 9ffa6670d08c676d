"""Write the texts for a paper: model card, TRIPOD+AI, PROBAST+AI, methods, references."""

from trdomics.scripting import start

start(snakemake)

from trdomics import __version__
from trdomics.files import read_json, replacing, write_table
from trdomics.report.card import card_html
from trdomics.report.methods import bibtex, methods
from trdomics.report.render import render, write_page
from trdomics.report.reporting import facts, probast_table, tripod_table
from trdomics.shipped import shipped

outputs, settings = snakemake.output, snakemake.params.settings
summary = read_json(snakemake.input.summary)
known = facts(settings, summary)
write_table(tripod_table(known), outputs.tripod)
write_table(probast_table(known), outputs.probast)
card = render(shipped("workflow/report/model_card.md.j2"), {**known, "version": __version__})
with replacing(outputs.card) as path:
    path.write_text(card + "\n", encoding="utf-8")
page = render(shipped("workflow/report/model_card.html.j2"), {**known, "card": card_html(card)})
write_page(page, outputs.page)
text = methods(settings, summary)
with replacing(outputs.methods) as path:
    path.write_text(text + "\n", encoding="utf-8")
with replacing(outputs.references) as path:
    path.write_text(bibtex(text), encoding="utf-8")
