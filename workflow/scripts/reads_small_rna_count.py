"""Count the mature miRNAs of a sample: collapse, align to the hairpins, assign."""

from trdomics.scripting import start

start(snakemake)

from trdomics.files import read_json, write_json
from trdomics.reads.small_rna import PROTOCOLS, collapse, count_sample, read_fasta
from trdomics.reads.quality import small_rna_quality

given, params, output = snakemake.input, snakemake.params, snakemake.output
umi = PROTOCOLS[params.protocol].umi
hairpins = read_fasta(given.hairpin, params.species, "hairpin")
matures = read_fasta(given.mature, params.species, "mature")
collapsed = collapse(given.reads, umi)
counted = count_sample(collapsed, (matures, hairpins), params.index, umi, output.bowtie)
reports = [read_json(path) for path in given.reports]
quality = small_rna_quality(reports, collapsed, counted.assigned, counted.aligned, umi)
write_json(
    {
        "counts": dict(zip(counted.matures.features, counted.counts, strict=True)),
        "quality": quality,
        "lengths": collapsed.lengths,
        "unreadable_umis": collapsed.unreadable,
        "matures_on_no_hairpin": counted.matures.lost,
    },
    output.counts,
)
print(quality)
