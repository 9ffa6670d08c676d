"""Carriers of one layer of variants or binary features, compared between the groups."""

from trdomics.scripting import start

start(snakemake)

from trdomics.differential.burden import burden_design, carrier_table, differential_carriers
from trdomics.differential.summary import headline
from trdomics.files import read_matrix, read_table, write_json, write_table

carriers = carrier_table(read_matrix(snakemake.input.table), snakemake.params.carriers)
patients = read_table(snakemake.input.patients).set_index("patient_id").loc[carriers.index]
params = snakemake.params
design = burden_design(patients, params.contrast, params.covariates, params.categorical)
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
