"""Write the transcripts followed by the genome as decoys, for salmon."""

from trdomics.scripting import start

start(snakemake)

from trdomics.files import write_table
from trdomics.reads.annotation import read_annotation
from trdomics.reads.transcripts import write_gentrome

given, output = snakemake.input, snakemake.output
table, dropped = write_gentrome(
    read_annotation(given.gtf),
    given.genome,
    given.transcripts or None,
    (output.gentrome, output.decoys),
)
write_table(table, output.transcripts)
print(f"{len(table)} transcripts of {table['gene'].nunique()} genes")
print(*dropped, sep="\n")
