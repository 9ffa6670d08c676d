"""Search on all labelled patients and freeze what is selected."""

from trdomics.scripting import start

start(snakemake)

from trdomics.frozen_model.freeze import freeze, manifest
from trdomics.classification.outer_split import nested_search
from trdomics.frozen_model.store import save_model
from trdomics.files import read_json
from trdomics.cohort.load import load_labels, load_tables

params, paths = snakemake.params, snakemake.input
config = {**params.config, "panel_members": read_json(paths.members) if paths.members else {}}
layers = dict(zip(config["layers"], paths.layers, strict=True))
derived = dict(zip(config["derived"], paths.derived, strict=True))
labels = load_labels(paths.patients).dropna().sort_index()
tables = load_tables(paths.patients, layers, config, derived).select(labels.index)
truth = labels.to_numpy(dtype=int)

search = nested_search(config)
representations = search.representations(tables, truth)
search.fit_from(representations, truth)
frozen = freeze(search, representations, tables, truth)
description = manifest(search, frozen, labels=labels, label=config["label"])
save_model(frozen, description, snakemake.output.model, snakemake.output.manifest)
