"""Build MOFA's views of the whole cohort (descriptive; never used for classification)."""

from trdomics.scripting import start

start(snakemake)

from trdomics.cohort.load import load_tables
from trdomics.files import write_matrix, write_table
from trdomics.integration.views import IntegrationViews, overview

params = snakemake.params
paths = dict(zip(params.layers, snakemake.input.tables, strict=True))
tables = load_tables(snakemake.input.patients, paths, params.sheet)

estimator = IntegrationViews(params.layers, params.regress_out)
views = estimator.fit_transform(tables)

write_table(overview(views, estimator), snakemake.output.overview)
for layer, path in zip(params.layers, snakemake.output.views, strict=True):
    # a layer without a view gives a table without columns
    write_matrix(views[layer] if layer in views else tables[layer].iloc[:, :0], path)
