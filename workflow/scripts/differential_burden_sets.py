"""Compare the burden of gene sets between the groups in one variant layer."""

from trdomics.scripting import start

start(snakemake)

from trdomics.cohort.load import read_patients
from trdomics.differential.ancestry import with_ancestry
from trdomics.differential.burden import burden_design, carrier_table
from trdomics.differential.figures import forest_figure
from trdomics.differential.gene_sets import read_burden_sets, set_burden, set_summary
from trdomics.files import read_json, read_matrix, read_table, save_figure, write_json, write_table
from trdomics.shipped import shipped
from trdomics.style import set_style

params, inputs, outputs = snakemake.params, snakemake.input, snakemake.output
carriers = carrier_table(read_matrix(inputs.table), params.carriers)
components = read_table(inputs.ancestry).set_index("patient_id")
patients, ancestry = with_ancestry(
    read_patients(inputs.patients, params.sheet).loc[carriers.index], components
)
design = burden_design(patients, params.contrast, [*params.covariates, *ancestry])
sets = read_burden_sets(inputs.sets or shipped("resources/burden_gene_sets.tsv"))
results = set_burden(carriers, design, sets, min_carriers=params.min_carriers)
summary = {
    "layer": snakemake.wildcards.layer,
    "ancestry": read_json(inputs.ancestry_summary),
    **set_summary(results, design, params.fdr, len(ancestry)),
}
write_table(results, outputs.results)
write_json(summary, outputs.summary)
set_style()
figure = forest_figure(results.rename(columns={"set": "feature"}), params.fdr, params.contrast[1:])
save_figure(figure, outputs.forest)
