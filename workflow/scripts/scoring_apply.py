"""Score patients with a frozen model: the cohort's unlabelled ones, or all of another cohort."""

from trdomics.scripting import start

start(snakemake)

from pathlib import Path

from trdomics.frozen_model.read_missing_layer_cost import read_missing_layer_cost
from trdomics.frozen_model.manifest import compare_labels
from trdomics.frozen_model.store import load_model
from trdomics.cohort.load import load_labels, load_tables
from trdomics.files import write_json, write_table
from trdomics.scoring.apply import check_layers, compare_features, refuse
from trdomics.scoring.cohort import rename_features, score_cohort, tell
from trdomics.scoring.summary import scoring_summary

params, paths = snakemake.params, snakemake.input
folder = Path(paths.model).parent
frozen, description = load_model(folder)
label_note = compare_labels(params.config["label"], description)
losses = read_missing_layer_cost(folder, description)
types = {name: layer["type"] for name, layer in params.config["layers"].items()}
files = dict(zip(types, paths.layers, strict=True))
labels = load_labels(paths.patients)
derived = dict(zip(params.derived, paths.derived, strict=True))
tables = load_tables(paths.patients, files, params.config, derived)
tables, names = rename_features(tables, params.feature_names, types)
check_layers(tables, types, description)
features = compare_features(frozen.risk, tables, params.max_missing)
if not params.external:
    tables = tables.select(tables.patients[labels.reindex(tables.patients).isna()])
if len(tables):
    refuse(features, params.max_missing)
scored = score_cohort(
    frozen, description, tables, labels, features, losses, params.config["layers"], params.settings
)
summary = scoring_summary(
    scored.predictions,
    features,
    description,
    external=params.external,
    target_prevalence=params.settings["target_prevalence"],
    threshold=params.threshold,
    n_samples=params.bootstrap,
    seed=params.settings["seed"],
    shift=scored.shift_headline,
    expected=scored.expected,
    recalibration=scored.recalibration,
    feature_names=names,
    label_note=label_note,
)
tell(summary)
write_table(scored.predictions, snakemake.output.predictions)
write_table(scored.contributions, snakemake.output.contributions)
write_table(features, snakemake.output.features)
write_table(scored.shift, snakemake.output.shift)
write_json(summary, snakemake.output.summary)
