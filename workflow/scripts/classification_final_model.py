"""Search on all labelled patients and freeze the winner."""

from trdomics.scripting import start

start(snakemake)

from trdomics.classification.nested import nested_search
from trdomics.classification.persist import manifest, save_model
from trdomics.cohort.load import load_labels, load_tables

params, paths = snakemake.params, snakemake.input
layers = dict(zip(params.config["layers"], paths.layers, strict=True))
tables = load_tables(paths.patients, layers, params.config)
labels = load_labels(paths.patients).dropna().sort_index()

search = nested_search(params.config).fit(tables.select(labels.index), labels.to_numpy(dtype=int))
model = search.risk_model()
description = manifest(search, model, labels=labels, label=params.config["label"])
save_model(model, description, snakemake.output.model, snakemake.output.manifest)
