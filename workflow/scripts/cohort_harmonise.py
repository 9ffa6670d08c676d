"""Join the sheet and the layers in one table of patients."""

from trdomics.scripting import start

start(snakemake)

from trdomics.cohort.figure import draw_layers
from trdomics.cohort.harmonise import harmonise, label_by_site, summarise
from trdomics.cohort.libraries import nearly_empty
from trdomics.files import read_table, save_figure, write_json, write_table
from trdomics.style import set_style

settings = snakemake.params.settings
quality = {
    layer: read_table(path, dtype={"sample": str}).set_index("sample")
    for layer, path in zip(snakemake.params.quality, snakemake.input.quality, strict=True)
}
patients, excluded = harmonise(settings, quality, nearly_empty(settings))
sites = label_by_site(patients, settings["samples"]["site"])

write_table(patients, snakemake.output.patients)
write_table(excluded, snakemake.output.excluded)
write_table(sites, snakemake.output.sites)
write_json(summarise(patients, excluded, sites, settings), snakemake.output.summary)
set_style()
figure = draw_layers(patients, list(settings["layers"]), settings["label"])
save_figure(figure, snakemake.output.figure)
print(f"{len(patients)} patients; {len(excluded)} samples or patients left out")
