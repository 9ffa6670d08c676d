"""Write the hairpins of the species as DNA."""

from trdomics.scripting import start

start(snakemake)

from pathlib import Path

from trdomics.reads.small_rna import read_fasta

hairpins = read_fasta(snakemake.input.hairpin, snakemake.params.species, "hairpin")
text = "".join(f">{name}\n{sequence}\n" for name, sequence in hairpins.items())
Path(snakemake.output[0]).write_text(text, encoding="ascii")
print(f"{len(hairpins)} hairpins")
