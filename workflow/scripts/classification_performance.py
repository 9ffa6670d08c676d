"""Evaluate out-of-fold predictions: performance, gains, null, calibration, decision curves."""

from trdomics.scripting import start

start(snakemake)

import pandas as pd

from trdomics.evaluation.calibration_curve import calibration_table
from trdomics.evaluation.contributions import contributions_table
from trdomics.evaluation.decision_curve import decision_table
from trdomics.classification.feature_sets import SELECTED
from trdomics.evaluation.importance import chosen_table, importance_table
from trdomics.evaluation.bootstrap import performance_table
from trdomics.evaluation.missing_layer_cost import missing_layer_cost_table
from trdomics.evaluation.out_of_fold import feature_sets, of_splits, out_of_fold
from trdomics.evaluation.paired_gains import gains_table
from trdomics.evaluation.summary import classification_summary
from trdomics.evaluation.permutation_null import null_distribution
from trdomics.files import read_table, write_json, write_table

params, paths = snakemake.params, snakemake.input
splits = [read_table(path) for path in paths.predictions]
predictions = pd.concat(splits, ignore_index=True)
chosen, importance = (
    of_splits(map(read_table, files), splits) for files in (paths.chosen, paths.importance)
)
null = pd.DataFrame(columns=["permutation", "repeat", "label_permuted", "probability"])
if paths.null:
    null = pd.concat(map(read_table, paths.null), ignore_index=True)
without_layers = pd.concat(map(read_table, paths.without_layers), ignore_index=True)
labels = read_table(paths.patients).set_index("patient_id")["label"]
# without a target, the training prevalence applies
target_prevalence = params.target_prevalence or labels.mean()

contributions = pd.concat(map(read_table, paths.contributions), ignore_index=True)
draws = {"n_samples": params.settings["bootstrap"], "seed": params.seed}
performance = performance_table(predictions, labels, **draws)
gains = gains_table(predictions, labels)
# models with calibration and decision curves: the headline and its comparators
shown = {
    name: out_of_fold(predictions, labels, name)
    for name, role in feature_sets(predictions).items()
    if role == "baseline" or name == SELECTED
}
shown = {SELECTED: shown.pop(SELECTED), **shown}
tables = {
    "predictions": predictions,
    "performance": performance,
    "gains": gains,
    "null": null_distribution(null),
    "calibration": pd.concat(
        calibration_table(*values, name, target_prevalence) for name, values in shown.items()
    ),
    "decision": decision_table(shown, target_prevalence),
    "importance": importance_table(importance, chosen),
    "contributions": contributions_table(contributions, labels),
    "chosen": chosen_table(chosen),
    "missing_layer_cost": missing_layer_cost_table(without_layers, labels, **draws),
}
for name, table in tables.items():
    write_table(table, snakemake.output[name])
summary = classification_summary(
    predictions=predictions,
    performance=performance,
    gains=gains,
    null=tables["null"],
    chosen=chosen,
    chosen_table=tables["chosen"],
    importance=tables["importance"],
    target_prevalence=target_prevalence,
)
write_json(summary, snakemake.output.summary)
