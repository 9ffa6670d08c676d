"""Combine featureCounts' gene counts of the whole cohort."""

from trdomics.scripting import start

start(snakemake)

from trdomics.files import read_json, read_table, write_counts, write_json, write_table
from trdomics.reads.matrix import aligned_cohort

params, given, output = snakemake.params, snakemake.input, snakemake.output
genes = read_table(given.genes, dtype=str).set_index("feature")
reports = {s: [read_json(path) for path in paths] for s, paths in params.reports.items()}
folders = dict(zip(params.samples, given.counted, strict=True))
cohort = aligned_cohort(folders, reports, genes, params.settings)
write_counts(cohort.counts, output.counts)
write_table(cohort.features, output.features)
write_table(cohort.quality.rename_axis("sample").reset_index(), output.quality)
write_json(cohort.summary, output.summary)
print(f"{cohort.counts.shape[0]} genes × {cohort.counts.shape[1]} samples")
