"""Combine the counts of all samples of a small RNA layer."""

from trdomics.scripting import start

start(snakemake)

from trdomics.files import read_json, write_counts, write_json, write_table
from trdomics.reads.matrix import small_rna_cohort

params, output = snakemake.params, snakemake.output
samples = {
    sample: read_json(path)
    for sample, path in zip(params.samples, snakemake.input.counts, strict=True)
}
cohort = small_rna_cohort(samples, params.settings)
write_counts(cohort.counts, output.counts)
write_table(cohort.features, output.features)
write_table(cohort.quality.rename_axis("sample").reset_index(), output.quality)
write_json(cohort.summary, output.summary)
print(f"{cohort.counts.shape[0]} miRNAs × {cohort.counts.shape[1]} samples")
