"""Draw the figures of the classification from its tables."""

from trdomics.scripting import start

start(snakemake)

from trdomics.evaluation import figures
from trdomics.evaluation.site_figures import (
    learning_curve_figure,
    missing_layer_cost_figure,
    sites_figure,
)
from trdomics.files import read_table, save_figure
from trdomics.style import set_style

set_style()
# a site may be called 1
names = {"patient_id": str, "site": str}
tables = {name: read_table(path, dtype=names) for name, path in snakemake.input.items()}
tables["performance"]["reason"] = tables["performance"]["reason"].fillna("")
n_patients = int(tables["performance"]["n_patients"].iloc[0])

drawn = {
    "performance": figures.performance_figure(tables["performance"]),
    "null": figures.null_figure(tables["null"]),
    "calibration": figures.calibration_figure(tables["calibration"], tables["performance"]),
    "decision": figures.decision_figure(tables["decision"]),
    "importance": figures.importance_figure(tables["importance"]),
    "contributions": figures.contributions_figure(tables["contributions"]),
    "chosen": figures.chosen_figure(tables["chosen"]),
    "sites": sites_figure(tables["sites"], tables["pooled"]),
    "missing_layer_cost": missing_layer_cost_figure(tables["missing_layer_cost"]),
    "learning_curve": learning_curve_figure(tables["learning_curve"], n_patients),
}
for name, figure in drawn.items():
    save_figure(figure, snakemake.output[name])
