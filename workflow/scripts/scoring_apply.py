"""Score patients with a frozen model: the own unlabelled ones, or all of another cohort."""

from trdomics.scripting import start

start(snakemake)

from pathlib import Path

from trdomics.classification.persist import load_model
from trdomics.cohort.load import load_labels, load_tables
from trdomics.files import write_json, write_table
from trdomics.scoring.apply import (
    check_layers,
    compare_features,
    refuse,
    score,
    scoring_summary,
)

params, paths = snakemake.params, snakemake.input
model, description = load_model(Path(paths.model).parent)
types = {name: layer["type"] for name, layer in params.config["layers"].items()}
files = dict(zip(types, paths.layers, strict=True))
labels = load_labels(paths.patients)
tables = load_tables(paths.patients, files, params.config)
check_layers(tables, types, description)
features = compare_features(model, tables, params.max_missing)
if not params.external:
    tables = tables.select(tables.patients[labels.reindex(tables.patients).isna()])
if len(tables):
    refuse(features, params.max_missing)
predictions = score(model, description, tables, labels, features, params.target_prevalence)
write_table(predictions, snakemake.output.predictions)
write_table(features, snakemake.output.features)
summary = scoring_summary(
    predictions,
    features,
    description,
    external=params.external,
    target_prevalence=params.target_prevalence,
    n_samples=params.bootstrap,
    seed=params.seed,
)
write_json(summary, snakemake.output.summary)
