"""Fit MOFA with one seed."""

from trdomics.scripting import start

start(snakemake)

from trdomics.files import read_matrix, read_table, replacing
from trdomics.integration.choice import SeedModel
from trdomics.integration.mofa import fit_views
from trdomics.integration.mofa2_file import write_mofa2
from trdomics.tables import LayerTables

options = dict(snakemake.params.options)
overview = read_table(snakemake.input.overview)
likelihoods = dict(overview.loc[overview["reason"].isna(), ["view", "likelihood"]].to_numpy())
paths = dict(zip(snakemake.params.layers, snakemake.input.views, strict=True))
tables = {view: read_matrix(paths[view]) for view in likelihoods}
patients = sorted(set().union(*(table.index for table in tables.values())))

fitted = fit_views(
    LayerTables(tables, patients),
    likelihoods,
    n_factors=options.pop("factors"),
    seed=int(snakemake.wildcards.seed),
    # seeds show how stable the factors are, which identical PCA starts could not; but mofapy2's own
    # start is always among the candidates
    start="pca" if snakemake.params.from_pca == int(snakemake.wildcards.seed) else "random",
    **options,
)

SeedModel.of(fitted).save(snakemake.output.kept)
with replacing(snakemake.output.model) as path:
    write_mofa2(fitted.fit, path, fitted.features, fitted.patients)
