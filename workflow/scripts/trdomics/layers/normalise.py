"""The normaliser of a layer, chosen by its type."""

from __future__ import annotations

from trdomics.config_types import LayerConfig
from trdomics.layers.base import LayerNormaliser
from trdomics.layers.burden import GeneBurden
from trdomics.layers.counts import CountsNormaliser
from trdomics.layers.types import (
    GAUSSIAN,
    Binary,
    Continuous,
    Counts,
    Variants,
    layer_part,
    layer_type,
)
from trdomics.layers.values import BinaryNormaliser, ContinuousNormaliser

Binary.normaliser = BinaryNormaliser
Continuous.normaliser = ContinuousNormaliser
Counts.normaliser = CountsNormaliser
Variants.normaliser = GeneBurden


def normaliser(settings: LayerConfig) -> LayerNormaliser:
    """Return the unfitted normaliser of a layer.

    Parameters
    ----------
    settings : mapping
        The layer's block of the config: ``type`` and the keys of that type's normaliser. Absent
        keys have the normaliser's defaults, other keys are ignored. The somatic calls of a MAF are
        not filtered by their frequency in the patients.
    """
    kind: type[LayerNormaliser] = layer_type(settings["type"]).normaliser
    # get_params lists the parameters without reading the signature by hand
    taken = layer_part(settings, kind().get_params())
    if settings.get("format") == "maf" and "max_allele_frequency" in kind().get_params():
        # a somatic mutation that recurs is a hotspot, not a polymorphism
        taken["max_allele_frequency"] = 1.0
    return kind(**taken)


def already_normalised(name: str) -> LayerConfig:
    """Return settings with which the normaliser leaves a normalised layer unchanged."""
    plain = Continuous if layer_type(name).likelihood == GAUSSIAN else Binary
    return {"type": plain.name, "min_prevalence": 0.0, "max_missing": 1.0}
