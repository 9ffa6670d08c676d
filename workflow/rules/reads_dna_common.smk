import shlex
from shlex import quote

from trdomics.reads.tools import DNA_TOOLS, lost_tools

# From FASTQ or BAM files of DNA to one joint, annotated VCF; and the genotypes of RNA at its sites.
DNA_FASTQ_LAYERS = [layer for layer in DNA_READ_LAYERS if not UNITS[layer].aligned]
DNA_BAM_LAYERS = [layer for layer in DNA_READ_LAYERS if UNITS[layer].aligned]
# samples per part of the regions in which variants are called
SAMPLES_PER_PART = 10


def n_parts(layer):
    """Return the number of parts in which a layer's variants are called."""
    return -(-len(UNITS[layer].samples) // SAMPLES_PER_PART)


def calling_parts(wildcards):
    """Return the calls of all parts of a layer's regions."""
    return expand(
        "results/{{cohort}}/reads/{{layer}}/parts/{part}.bcf",
        part=range(n_parts(wildcards.layer)),
    )


def own_bam(wildcards):
    """Return the user's BAM file of a sample."""
    return UNITS[wildcards.layer].of(wildcards.sample)[0].bam


def dna_regions(wildcards):
    """Return the BED file of a layer's regions, if it has one."""
    return config["layers"][wildcards.layer]["reads"]["regions"] or []


def dna_sites(wildcards):
    """Return the file of the sites to call in every sample, if there is one."""
    return config["layers"][wildcards.layer]["reads"]["sites"] or []


def site_calls(wildcards):
    """Return the calls at the sites that are called in every sample, if there are any."""
    if dna_sites(wildcards):
        return "results/{cohort}/reads/{layer}/named.records"
    return []


# This many RNA read pairs (or single reads) suffice to identify a person.
RNA_READS = 5_000_000


def rna_files(wildcards):
    """Return the alignments of an RNA sample if there are any, otherwise its FASTQ files."""
    if wildcards.layer in ALIGNED_LAYERS:
        return alignment(wildcards)
    units = UNITS[wildcards.layer].of(wildcards.sample)
    return [file for unit in units for file in unit.files]


def rna_index(wildcards):
    """Return the index that an RNA sample's FASTQ files are aligned with."""
    return [] if wildcards.layer in ALIGNED_LAYERS else BWA_INDEX


def rna_reads(wildcards, input):
    """Return the command that prints an RNA sample's sorted alignments."""
    if wildcards.layer in ALIGNED_LAYERS:
        return f"samtools view -u {quote(input.files[0])}"
    units = UNITS[wildcards.layer].of(wildcards.sample)
    ends = [[unit.fq1 for unit in units], [unit.fq2 for unit in units if unit.fq2]]
    # head ends the stream before gzip has written all of it
    streams = " ".join(
        f"<(gzip -cdf {shlex.join(files)} 2> /dev/null | head -n {4 * RNA_READS})"
        for files in ends
        if files
    )
    return f"bwa mem -v 2 -t 2 {quote(input.genome)} {streams} | samtools sort -u -m 512M -"


GENOME = f"{REFERENCES}/genome.fa"
BWA_INDEX = multiext(GENOME, ".amb", ".ann", ".bwt", ".pac", ".sa")


def dna_tools_lost():
    """Return an error for required programs that are not on the path."""
    made = [config["layers"][layer]["file"] for layer in DNA_READ_LAYERS]
    made += [f"{READS}/{layer}/genotypes.parquet" for layer in RNA_GENOTYPE_LAYERS]
    made += [f"{READS}/{layer}/annotated.vcf.gz" for layer in BARE_VCF_LAYERS]
    needed = any(not Path(file).exists() for file in made)
    return lost_tools(DNA_TOOLS) if needed else []


# conda and containers provide the programs
if workflow.is_main_process and not workflow.deployment_settings.deployment_method:
    stop_at(dna_tools_lost())
