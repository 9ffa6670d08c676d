"""Reduce a VCF or a MAF to the dosages of the variants that later stages can use."""

from trdomics.scripting import start

start(snakemake)

import pandas as pd

from trdomics.files import read_table, write_matrix, write_table
from trdomics.inputs.maf import read_maf, read_profiled
from trdomics.inputs.vcf import read_vcf

settings, layer = snakemake.params.settings, snakemake.wildcards.layer
# the sheet's own column of patient ids is called patient_id in the harmonised table
id_column = settings["id_column"]
if id_column == snakemake.params.patient_id:
    id_column = "patient_id"
patients = read_table(snakemake.input.patients, dtype={"patient_id": str, id_column: str})
patients = patients[patients[f"in_{layer}"] == 1]
sample_names = pd.Series(patients[id_column].to_numpy(), index=patients["patient_id"])

if settings["format"] == "vcf":
    calls = read_vcf(snakemake.input.calls, settings, sample_names)
else:
    listed = snakemake.input.profiled
    profiled = read_profiled(listed) if listed else None
    calls = read_maf(snakemake.input.calls, settings, sample_names, profiled)

write_matrix(calls.dosages, snakemake.output.table)
write_table(calls.annotation, snakemake.output.annotation)
write_table(calls.patients, snakemake.output.calls)
