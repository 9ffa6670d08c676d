"""The normaliser and the likelihood of a layer, chosen by its type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trdomics.layers.base import LayerNormaliser
from trdomics.layers.burden import DOSAGE_PREFIX, GeneBurden
from trdomics.layers.counts import CountsNormaliser
from trdomics.layers.values import BinaryNormaliser, ContinuousNormaliser

__all__ = [
    "DOSAGE_PREFIX",
    "BinaryNormaliser",
    "ContinuousNormaliser",
    "CountsNormaliser",
    "GeneBurden",
    "LayerNormaliser",
    "likelihood",
    "normaliser",
]

_NORMALISERS: dict[str, type[LayerNormaliser]] = {
    "counts": CountsNormaliser,
    "continuous": ContinuousNormaliser,
    "binary": BinaryNormaliser,
    "variants": GeneBurden,
}


def normaliser(settings: Mapping[str, Any]) -> LayerNormaliser:
    """Return the unfitted normaliser of a layer.

    Parameters
    ----------
    settings : mapping
        The layer's block of the config: ``type``, and the keys that the normaliser of that type
        takes. Absent keys have the normaliser's defaults, other keys are for others. Somatic
        calls (``no_call: reference``) are not filtered by their frequency in the patients.
    """
    kind = _NORMALISERS[settings["type"]]
    # get_params lists the parameters without reading the signature by hand
    taken = {key: settings[key] for key in kind().get_params() if key in settings}
    if settings.get("no_call") == "reference" and "max_allele_frequency" in kind().get_params():
        # a somatic mutation that recurs is a hotspot, not a polymorphism
        taken["max_allele_frequency"] = 1.0
    return kind(**taken)


def likelihood(settings: Mapping[str, Any]) -> str:
    """Return MOFA's likelihood of a normalised layer: ``gaussian`` or ``bernoulli``.

    Of a variants layer this holds for the carrier columns; dosages (``dosage:`` prefix) have
    three values and stay out of the integration.
    """
    return "bernoulli" if settings["type"] in ("binary", "variants") else "gaussian"
