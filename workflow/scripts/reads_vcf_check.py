"""Check that a VCF was called jointly over all samples, on this genome."""

from trdomics.scripting import start

start(snakemake)

from trdomics.files import write_json
from trdomics.reads.callset import called_on, check_joint
from trdomics.reads.contigs import check_shared, first_column, genome_lengths

inputs = snakemake.input
genome = genome_lengths(inputs.fai)
names = called_on(inputs.calls)
check_shared(names, genome, inputs.calls, every=True)
check_shared(first_column(inputs.annotation), genome, inputs.annotation)
# if a missing call means reference, single-sample calls may have been merged
missing = check_joint(inputs.calls) if snakemake.params.no_call == "missing" else None
write_json({"missing_rate": missing, "sequences": names}, snakemake.output[0])
