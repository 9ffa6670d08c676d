"""Compare the molecular sex of each layer with the sheet."""

from trdomics.scripting import start

start(snakemake)

import pandas as pd

from trdomics.cohort.samples import sample_names
from trdomics.files import read_matrix, read_table, save_figure, write_json, write_table
from trdomics.identity import sex
from trdomics.identity.figures import sex_figure
from trdomics.shipped import shipped
from trdomics.style import set_style

layers = snakemake.params.layers
sheet = read_table(snakemake.input.patients, dtype=str).set_index("patient_id")
recorded = sex.sheet_sex(sheet, snakemake.params.sex)
markers = read_table(shipped("resources/sex_markers.tsv"))

scores = {}
for layer, table, annotation in zip(
    snakemake.params.expression, snakemake.input.tables, snakemake.input.annotations, strict=True
):
    scores[layer] = sex.expression_score(
        read_matrix(table), read_table(annotation, dtype=str), layers[layer], markers
    )
for layer, path in zip(snakemake.params.genotyped, snakemake.input.genotypes, strict=True):
    scores[layer] = sex.genotype_score(read_matrix(path))
# the copy numbers of X and Y are clearer from read depth
for layer, path in zip(snakemake.params.from_reads, snakemake.input.reads, strict=True):
    names = sample_names(sheet, layers[layer], snakemake.params.patient_id)
    by_depth = sex.depth_score(read_table(path, dtype={"sample": str}), names)
    if not by_depth.reason:
        scores[layer] = by_depth

calls = {layer: sex.call_sex(score) for layer, score in scores.items()}
tables = {
    layer: sex.compare(layer, scores[layer], calls[layer], recorded)
    for layer in layers
    if layer in calls
}
summaries = [sex.summarise(layer, table, calls[layer]) for layer, table in tables.items()]
table = (
    pd.concat(tables.values(), ignore_index=True) if tables else pd.DataFrame(columns=sex.COLUMNS)
)

write_table(table, snakemake.output.table)
write_json(summaries, snakemake.output.summary)
set_style()
save_figure(sex_figure(table, summaries), snakemake.output.figure)
