"""Tune on all labelled patients and freeze the selected model."""

from trdomics.scripting import start

start(snakemake)

from trdomics.frozen_model.freeze import freeze, manifest
from trdomics.classification.run_split import nested_search
from trdomics.frozen_model.store import save_model
from trdomics.cohort.load import load_fit_inputs

config, tables, labels = load_fit_inputs(snakemake.input, snakemake.params.config)
labels = labels.dropna().sort_index()
tables = tables.select(labels.index)
truth = labels.to_numpy(dtype=int)

search = nested_search(config)
representations = search.representations(tables, truth)
search.fit_from(representations, truth)
frozen = freeze(search, representations, tables, truth)
description = manifest(search, frozen, labels=labels, label=config["label"])
save_model(frozen, description, snakemake.output.model, snakemake.output.manifest)
