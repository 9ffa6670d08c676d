"""Compare carriers of variants or binary features between the groups in one layer."""

from trdomics.scripting import start

start(snakemake)

from trdomics.cohort.load import read_patients
from trdomics.differential.ancestry import with_ancestry
from trdomics.differential.burden import burden_design, carrier_table, differential_carriers
from trdomics.differential.summary import headline
from trdomics.files import read_matrix, read_table, write_json, write_table

params = snakemake.params
carriers = carrier_table(read_matrix(snakemake.input.table), params.carriers)
components = read_table(snakemake.input.ancestry).set_index("patient_id")
patients, ancestry = with_ancestry(
    read_patients(snakemake.input.patients, params.sheet).loc[carriers.index], components
)
design = burden_design(patients, params.contrast, [*params.covariates, *ancestry])
results = differential_carriers(carriers, design, min_carriers=params.min_carriers)
summary = headline(
    results, design, effect="log_odds_ratio", fdr=params.fdr, layer=snakemake.wildcards.layer
)
method = results["method"].dropna().unique()
write_table(results, snakemake.output.results)
write_json(
    {**summary, "min_carriers": params.min_carriers, "method": method[0] if len(method) else None},
    snakemake.output.summary,
)
