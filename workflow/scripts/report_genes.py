"""Write the page for looking up every feature of every layer, and its table."""

from trdomics.scripting import start

start(snakemake)

import pandas as pd

from trdomics.cohort.load import load_labels
from trdomics.files import read_matrix, read_table, replacing
from trdomics.report.genes import LayerResults, compact, covariates_added, feature_table
from trdomics.report.render import render, write_page
from trdomics.shipped import shipped

inputs, outputs, params = snakemake.input, snakemake.output, snakemake.params
labels = load_labels(inputs.patients)
importance, sets = read_table(inputs.importance), read_table(inputs.sets)
pairs = read_table(inputs.pairs) if inputs.pairs else pd.DataFrame(columns=["mirna", "feature"])
partners = {
    **pairs.groupby("feature")["mirna"].agg(list).to_dict(),
    **pairs.groupby("mirna")["feature"].agg(list).to_dict(),
}
described = zip(inputs.adjustment, inputs.variance, strict=True)
adjusted = dict(zip(params.adjusted_layers, described, strict=True))
tables = {}
for place, layer in enumerate(params.layers):
    own = adjusted.get(layer)
    known = LayerResults(
        results=read_table(inputs.results[place]),
        values=read_matrix(inputs.normalised[place]),
        annotation=read_table(inputs.annotation[place]),
        weights=read_table(inputs.weights[place]),
        carriers=layer in params.carriers,
        **({"adjustment": read_table(own[0]), "variance": read_table(own[1])} if own else {}),
    )
    tables[layer] = feature_table(layer, known, labels, importance, sets, partners)
with replacing(outputs.table) as path:
    whole = pd.concat([table.dropna(axis=1, how="all") for table in tables.values()])
    whole.to_parquet(path, index=False)
context = {
    "cohort": params.cohort,
    "positive": params.label["positive"],
    "negative": params.label["negative"],
    "tables": {layer: compact(table) for layer, table in tables.items()},
    "covariates": {
        layer: covariates_added(read_table(path), params.cells)
        for layer, path in zip(params.adjusted_layers, inputs.sets_of_covariates, strict=True)
    },
    "design": params.design,
    "fdr": params.fdr,
    "sizes": {layer: len(table) for layer, table in tables.items()},
}
write_page(render(shipped("workflow/report/genes.html.j2"), context), outputs.page)
