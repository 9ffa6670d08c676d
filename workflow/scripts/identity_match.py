"""Test whether a patient's samples in two layers come from the same person."""

from trdomics.scripting import start

start(snakemake)

from trdomics.files import read_matrix, read_table, save_figure, write_json, write_table
from trdomics.identity.figures import match_figure
from trdomics.identity.pairs import match_all
from trdomics.style import set_style

paths = zip(snakemake.params.layers, snakemake.input.normalised, strict=True)
normalised = {layer: read_matrix(path) for layer, path in paths}
files = [*snakemake.input.genotypes, *snakemake.input.rna_genotypes]
paths = zip(snakemake.params.genotyped, files, strict=True)
genotypes = {layer: read_matrix(path) for layer, path in paths}
sex = read_table(snakemake.input.sex)
column = snakemake.params.site
patients = read_table(snakemake.input.patients).set_index("patient_id")
place = patients[column] if column else None

table, summaries, matches = match_all(normalised, genotypes, sex, snakemake.params.seed, place)
write_table(table, snakemake.output.table)
write_json(summaries, snakemake.output.summary)
set_style()
save_figure(match_figure(matches), snakemake.output.figure)
