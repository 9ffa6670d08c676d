"""Collect the quality of a layer's DNA reads in one table."""

from trdomics.scripting import start

start(snakemake)

import pandas as pd

from trdomics.files import read_json, write_json, write_table
from trdomics.reads.dna_quality import dna_quality
from trdomics.reads.quality import check_samples

settings = snakemake.params.settings
rows = [
    {"sample": sample, **dna_quality(read_json(flagstat), bedcov)}
    for sample, flagstat, bedcov in zip(
        snakemake.params.samples, snakemake.input.flagstat, snakemake.input.bedcov, strict=True
    )
]
table = pd.DataFrame(rows)
numbers = table.set_index("sample").assign(kept=table["fragments"].to_numpy())
check_samples(numbers, settings, f"layer {settings['layer']}")
write_table(table, snakemake.output.quality)
said = {"counted_by": "bwa mem, samtools markdup and bedcov", "quality_reasons": {}}
write_json(said, snakemake.output.summary)
