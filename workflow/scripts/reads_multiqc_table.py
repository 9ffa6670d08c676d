"""Write a layer's read quality as a custom table for MultiQC."""

from trdomics.scripting import start

start(snakemake)

from trdomics.files import read_json, read_table, write_json
from trdomics.reads.report import multiqc_table

quality = read_table(snakemake.input.quality, dtype={"sample": str}).set_index("sample")
summary = read_json(snakemake.input.summary)
write_json(multiqc_table(quality, summary, snakemake.wildcards.layer), snakemake.output[0])
