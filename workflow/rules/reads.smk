from trdomics.cohort.config import RNASEQ, from_reads
from trdomics.reads.units import read_units

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
SAMPLES = list(
    dict.fromkeys(sample for units in UNITS.values() for sample in units.samples)
)
LANES = list(
    dict.fromkeys(unit.lane for units in UNITS.values() for unit in units.rows)
)


wildcard_constraints:
    sample=layer_pattern(SAMPLES),
    lane=layer_pattern(LANES),


def unit_of(wildcards):
    """Return the files of a sample on a lane."""
    return UNITS[wildcards.layer].unit(wildcards.sample, wildcards.lane)


rule reads:
    """Make the matrices and calls of all layers that come from reads, and stop there."""
    input:
        [config["layers"][layer]["file"] for layer in UNITS],
    localrule: True
