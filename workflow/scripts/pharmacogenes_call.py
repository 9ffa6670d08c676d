"""Call diplotypes and phenotypes of the pharmacogenes."""

from trdomics.scripting import start

start(snakemake)

import pandas as pd

from trdomics.cohort.samples import sample_names
from trdomics.files import read_table, write_json, write_table
from trdomics.pharmacogenes.calling import CALLS, call_patients, clearance
from trdomics.pharmacogenes.definitions import read_genes, read_sites
from trdomics.pharmacogenes.settings import NO_SITE
from trdomics.pharmacogenes.sites import SITES, read_site_genotypes
from trdomics.pharmacogenes.summary import calls_summary

inputs, outputs, params = snakemake.input, snakemake.output, snakemake.params
genes, reason = read_genes(), params.reason
genotypes, sites = None, pd.DataFrame(columns=SITES)
calls = pd.DataFrame(columns=CALLS)
if not reason:
    patients = read_table(inputs.patients, dtype=str).set_index("patient_id")
    patients = patients[patients[f"in_{params.layer}"] == "1"]
    names = sample_names(patients, params.settings, params.patient_id)
    genotypes = read_site_genotypes(inputs.calls, params.settings, names, read_sites())
    sites = genotypes.sites
    if genotypes.build is None:
        reason = NO_SITE
    else:
        calls = call_patients(genes, genotypes.dosages)
summary = calls_summary(genotypes, calls, reason)

write_table(sites, outputs.sites)
write_table(calls, outputs.calls)
write_table(clearance(calls, genes), outputs.features)
write_json(summary, outputs.summary)
print(summary["sentence"] or f"{summary['n_patients']} patients, {summary['build']}")
