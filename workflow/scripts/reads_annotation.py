"""Write the annotation in each tool's format, and a table of its genes."""

from trdomics.scripting import start

start(snakemake)

from pathlib import Path

from trdomics.files import write_table
from trdomics.reads.annotation import ends, gtf_lines, read_annotation, splice_sites

annotation = read_annotation(snakemake.input.annotation)
output = snakemake.output
Path(output.gtf).write_text("".join(gtf_lines(annotation)), encoding="utf-8")
Path(output.splice_sites).write_text("".join(splice_sites(annotation)), encoding="utf-8")
Path(output.ends).write_text("".join(ends(annotation)), encoding="utf-8")
write_table(annotation.genes, output.genes)
print(f"{len(annotation.genes)} genes, {len(annotation.transcripts)} transcripts")
