"""Collect quality and identity of every sample in one table."""

from trdomics.scripting import start

start(snakemake)

from trdomics.files import read_json, read_matrix, read_table, save_figure, write_json, write_table
from trdomics.identity.figures import haemolysis_figure
from trdomics.identity.headline import headline
from trdomics.identity.quality import haemolysis_index, haemolysis_limit, sample_quality
from trdomics.shipped import shipped
from trdomics.style import set_style

kinds = snakemake.params.kinds
sheet = read_table(snakemake.input.patients, dtype=str).set_index("patient_id")
qc = {layer: read_table(path) for layer, path in zip(kinds, snakemake.input.qc, strict=True)}
markers = read_table(shipped("resources/haemolysis.tsv"))
index = {}
for layer, path in zip(snakemake.params.counts, snakemake.input.tables, strict=True):
    found = haemolysis_index(read_matrix(path), markers)
    if found is not None:
        index[layer] = found
limits = {layer: haemolysis_limit(values) for layer, values in index.items()}

table = sample_quality(
    qc,
    kinds,
    sheet,
    snakemake.params.samples,
    index,
    read_table(snakemake.input.sex),
    read_table(snakemake.input.matching),
)
write_table(table, snakemake.output.table)
haemolysis = {
    layer: {
        "median": values.median(),
        "limit": limits[layer][0],
        "limit_from": limits[layer][1],
        "n_above": int((values > limits[layer][0]).sum()),
    }
    for layer, values in index.items()
}
sex, pairs = read_json(snakemake.input.sex_summary), read_json(snakemake.input.match_summary)
write_json(headline(sex, pairs, table, haemolysis), snakemake.output.summary)
set_style()
save_figure(haemolysis_figure(index, limits), snakemake.output.figure)
