"""Test associations of the label, and predict it from site and technical columns alone."""

from trdomics.scripting import start

start(snakemake)

from trdomics.cohort.load import read_patients
from trdomics.confounding.figures import love_figure
from trdomics.confounding.predictability import predictability
from trdomics.confounding.table import confounding_table, table_summary
from trdomics.files import save_figure, write_json, write_table
from trdomics.style import set_style

set_style()
params = snakemake.params
patients = read_patients(snakemake.input.patients, params.sheet)
table = confounding_table(patients, params.roles, params.seed)
auc = predictability(
    patients,
    params.technical,
    params.sheet["samples"]["categorical"],
    n_samples=params.bootstrap,
    seed=params.seed,
)
write_table(table, snakemake.output.table)
write_json({**table_summary(table, params.fdr), "technical": auc}, snakemake.output.summary)
save_figure(love_figure(table, params.fdr, auc), snakemake.output.figure)
