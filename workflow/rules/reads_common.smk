from pathlib import Path

from trdomics.cohort.config import RNASEQ, from_reads
from trdomics.reads.small_rna import PROTOCOLS
from trdomics.reads.tools import lost_tools, rna_tools
from trdomics.reads.units import read_units

# Of each layer from reads; precheck has already read them and reported any errors.
UNITS = {
    name: read_units(layer["reads"]["units"], name)
    for name, layer in config["layers"].items()
    if from_reads(layer)
}
DNA_READ_LAYERS = [layer for layer in UNITS if layer in VARIANT_LAYERS]
RNA_READ_LAYERS = [
    layer
    for layer in UNITS
    if layer in MATRIX_LAYERS and config["layers"][layer]["reads"]["protocol"] == RNASEQ
]
SMALL_RNA_READ_LAYERS = [
    layer for layer in UNITS if layer not in DNA_READ_LAYERS + RNA_READ_LAYERS
]


def aligner_of(layer):
    """Return how a layer's reads are assigned to genes: salmon, star, hisat2, or bam (as given)."""
    if UNITS[layer].aligned:
        return "bam"
    return config["layers"][layer]["reads"]["aligner"]


SALMON_LAYERS = [layer for layer in RNA_READ_LAYERS if aligner_of(layer) == "salmon"]
ALIGNED_LAYERS = [layer for layer in RNA_READ_LAYERS if layer not in SALMON_LAYERS]
READS = f"results/{COHORT}/reads"
REFERENCES = "results/{cohort}/reads/references"


def needed_tools():
    """Return the programs needed by the layers whose reads are not counted yet."""
    tools = []
    for layer in RNA_READ_LAYERS + SMALL_RNA_READ_LAYERS:
        if not Path(config["layers"][layer]["file"]).exists():
            reads = config["layers"][layer]["reads"]
            tools += [*rna_tools(reads, UNITS[layer].aligned), "multiqc"]
    return tools


# conda and containers provide the programs
if workflow.is_main_process and not workflow.deployment_settings.deployment_method:
    stop_at(lost_tools(needed_tools()))


wildcard_constraints:
    sample=layer_pattern(
        dict.fromkeys(s for units in UNITS.values() for s in units.samples)
    ),
    lane=layer_pattern(
        dict.fromkeys(u.lane for units in UNITS.values() for u in units.rows)
    ),


def growing_with(amount, share, name):
    """Return a resource function that grows with an input's size in MB and doubles per attempt."""

    def resource(wildcards, input, attempt):
        size = Path(input[name]).stat().st_size / 1e6
        return int(amount + share * size) * 2 ** (attempt - 1)

    return resource


def unit_of(wildcards):
    """Return the files of a sample on a lane."""
    return UNITS[wildcards.layer].unit(wildcards.sample, wildcards.lane)


def unit_files(wildcards):
    """Return the names of a unit's files."""
    return list(unit_of(wildcards).files)


def per_lane(pattern):
    """Return an input function: a file for each lane of a sample."""

    def files(wildcards):
        return [
            pattern.format(**wildcards, lane=unit.lane)
            for unit in UNITS[wildcards.layer].of(wildcards.sample)
        ]

    return files


def per_sample(pattern):
    """Return an input function: a file for each sample of a layer."""

    def files(wildcards):
        return [
            pattern.format(**wildcards, sample=sample)
            for sample in UNITS[wildcards.layer].samples
        ]

    return files


def samples_of(wildcards):
    """Return the samples of a layer."""
    return list(UNITS[wildcards.layer].samples)


def trimmed(mate):
    """Return an input function: the trimmed reads of a sample's lanes, first or second ones."""
    folder = "results/{cohort}/reads/{layer}/trimmed/{sample}/{lane}"

    def files(wildcards):
        paired = UNITS[wildcards.layer].paired(wildcards.sample)
        if not paired and mate == 2:
            return []
        return per_lane(
            f"{folder}.{mate}.fastq.gz" if paired else f"{folder}.fastq.gz"
        )(wildcards)

    return files


def mate_options(first, second, single):
    """Return a params function: the options that name trimmed reads, lanes joined by commas."""

    def options(wildcards, input):
        if input.second:
            return [first, ",".join(input.first), second, ",".join(input.second)]
        return [single, ",".join(input.first)]

    return options


def salmon_options(wildcards, input):
    """Return the options for the reads and for their strandedness in the config."""
    stated = layer_settings(wildcards)["reads"]["strandedness"]
    letter = {"forward": "SF", "reverse": "SR", "unstranded": "U", None: ""}[stated]
    kind = f"I{letter}" if input.second else letter
    options = ["--libType", kind if stated else "A"]
    if input.second:
        return [*options, "--mates1", *input.first, "--mates2", *input.second]
    return [*options, "--unmatedReads", *input.first]


def counting_settings(wildcards):
    """Return what a layer's counts depend on besides the reads, and what errors name."""
    settings = layer_settings(wildcards)["reads"]
    units = UNITS[wildcards.layer]
    keys = ("protocol", "strandedness", "min_reads", "min_mapped")
    return {
        "layer": wildcards.layer,
        "files": {
            s: [f for unit in units.of(s) for f in unit.files] for s in units.samples
        },
        **{key: settings[key] for key in keys if key in settings},
    }


def fastp_reports(wildcards):
    """Return fastp's reports of each sample, by lane; BAM files have none."""
    units = UNITS[wildcards.layer]
    folder = f"results/{COHORT}/reads/{wildcards.layer}/trimmed"
    return {
        sample: (
            []
            if units.aligned
            else [f"{folder}/{sample}.{unit.lane}.json" for unit in units.of(sample)]
        )
        for sample in units.samples
    }


def all_fastp_reports(wildcards):
    """Return fastp's reports of a layer as one list."""
    return [path for paths in fastp_reports(wildcards).values() for path in paths]


def alignment(wildcards):
    """Return the BAM file of a sample: its own, or that of the aligner."""
    units = UNITS[wildcards.layer]
    if units.aligned:
        return units.of(wildcards.sample)[0].bam
    return "results/{cohort}/reads/{layer}/aligned/{sample}.bam"


ALIGNER_REPORTS = {
    "star": ["aligned/{}.Log.final.out"],
    "hisat2": ["aligned/{}.hisat2.txt"],
}


def tool_reports(wildcards):
    """Return the tools' reports of each sample, for MultiQC."""
    found = []
    for layer, units in UNITS.items():
        folder = f"{READS}/{layer}"
        if layer in DNA_READ_LAYERS:
            found += [f"{folder}/stats/{sample}.stats" for sample in units.samples]
            continue
        kind = "txt" if layer in SMALL_RNA_READ_LAYERS else "json"
        if not units.aligned:
            found += [
                f"{folder}/trimmed/{unit.sample}.{unit.lane}.{kind}"
                for unit in units.rows
            ]
        if layer in SMALL_RNA_READ_LAYERS:
            kinds = ["counted/{}.bowtie.txt"]
        elif layer in SALMON_LAYERS:
            kinds = ["salmon/{}"]
        else:
            kinds = ["counted/{}", *ALIGNER_REPORTS.get(aligner_of(layer), [])]
        found += [
            f"{folder}/{kind.format(sample)}"
            for kind in kinds
            for sample in units.samples
        ]
    return found


MULTIQC_PAGE = f"{READS}/multiqc.html"
