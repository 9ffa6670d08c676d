"""Reduce a VCF or a MAF to the dosages of the variants that later stages can use."""

from trdomics.scripting import start, warnings_of

start(snakemake)

from trdomics.cohort.membership import check_gzip, read_profiled
from trdomics.cohort.samples import sample_names
from trdomics.files import read_table, write_json, write_matrix, write_table
from trdomics.inputs.maf import read_maf
from trdomics.inputs.text_table import of_layer
from trdomics.inputs.vcf import read_vcf
from trdomics.layers.normalise import normaliser

settings, layer = snakemake.params.settings, snakemake.wildcards.layer
patients = read_table(snakemake.input.patients, dtype=str).set_index("patient_id")
patients = patients[patients[f"in_{layer}"] == "1"]
names = sample_names(patients, settings, snakemake.params.patient_id)

check_gzip(snakemake.input.calls, layer)
with warnings_of("trdomics") as notes:
    if settings["format"] == "vcf":
        calls = read_vcf(snakemake.input.calls, settings, names)
    else:
        listed = snakemake.input.profiled
        profiled = read_profiled(listed, layer) if listed else None
        calls = read_maf(snakemake.input.calls, settings, names, profiled)
    # whole-cohort numbers, descriptive: each training set decides separately
    reasons = normaliser(settings).burden_reasons(calls.dosages)
    calls = calls.with_reasons(reasons, settings["dosages"])
calls.check_any(of_layer(snakemake.input.calls, layer))
write_matrix(calls.dosages, snakemake.output.table)
write_table(calls.annotation, snakemake.output.annotation)
write_table(calls.patients, snakemake.output.calls)
reading = {"n_features": calls.dosages.shape[1], "layout": "", "notes": notes}
write_json(reading, snakemake.output.reading)
print(f"{calls.dosages.shape[0]} patients × {calls.dosages.shape[1]} variants kept")
