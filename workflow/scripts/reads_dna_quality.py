"""Collect the quality of a layer's DNA reads in one table."""

from trdomics.scripting import start

start(snakemake)

import pandas as pd

from trdomics.files import read_json, write_json, write_table
from trdomics.reads.dna_quality import dna_quality

rows = [
    {"sample": sample, **dna_quality(read_json(flagstat), bedcov)}
    for sample, flagstat, bedcov in zip(
        snakemake.params.samples, snakemake.input.flagstat, snakemake.input.bedcov, strict=True
    )
]
write_table(pd.DataFrame(rows), snakemake.output.quality)
said = {"counted_by": "bwa mem, samtools markdup and bedcov", "quality_reasons": {}}
write_json(said, snakemake.output.summary)
