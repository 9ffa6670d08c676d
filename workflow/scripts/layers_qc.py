"""Describe one layer: whole-cohort normalisation, quality per patient, figures."""

from trdomics.scripting import start

start(snakemake)


from trdomics.files import read_matrix, read_table, save_figure, write_json, write_matrix
from trdomics.files import write_table
from trdomics.layers.figures import label_groups, pca_figure, quality_figure, site_groups
from trdomics.layers.quality import assess
from trdomics.style import set_style

settings, label, site = (snakemake.params[name] for name in ("settings", "label", "site"))
table = read_matrix(snakemake.input.table)
annotation = read_table(snakemake.input.annotation, low_memory=False)
calls = read_table(snakemake.input.calls) if snakemake.input.calls else None
# as text: a site 04 would lose its zero
sheet = read_table(snakemake.input.patients, dtype=str).set_index("patient_id").loc[table.index]

quality = assess(table, annotation, settings, calls)
write_matrix(quality.normalised, snakemake.output.normalised)
write_table(quality.features, snakemake.output.features)
write_table(quality.patients.rename_axis("patient_id").reset_index(), snakemake.output.qc)
write_json({"layer": snakemake.wildcards.layer, **quality.summary}, snakemake.output.summary)

set_style()
labels = label_groups(sheet["label"].astype(float), str(label["positive"]), str(label["negative"]))
sites = site_groups(sheet[site]) if site else None
shares = list(quality.summary["variance_explained"].values())
save_figure(
    quality_figure(quality.patients, settings["type"], labels, sites), snakemake.output.quality
)
save_figure(pca_figure(quality.patients, shares, labels, sites), snakemake.output.pca)
