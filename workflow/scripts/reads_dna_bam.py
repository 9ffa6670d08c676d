"""Check that a BAM file's read groups name its sample, and link to it."""

from trdomics.scripting import start

start(snakemake)

from pathlib import Path

from trdomics.files import read_json
from trdomics.reads.bam import check_sample, index_of

bam, sample = snakemake.input.bam, snakemake.wildcards.sample
check_sample(bam, sample, read_json(snakemake.input.verified[0])["samples"])
for target, source in ((snakemake.output.bam, bam), (snakemake.output.bai, index_of(bam))):
    Path(target).symlink_to(Path(source).resolve())
