"""The layer from which pharmacogenes are called, from the config."""

from __future__ import annotations

from trdomics.config_types import CohortConfig

# Status of a site.
FOUND, ABSENT, FAILED = "found", "not in the file", "fails a filter of the layer"
# Why there are no calls.
NO_LAYER, MAF, NOT_GERMLINE, NO_SITE = "no_variants", "maf", "not_germline", "no_site"


def germline_layer(config: CohortConfig) -> tuple[str | None, str]:
    """Return the first germline VCF among the layers, or the reason why there is none.

    Returns
    -------
    layer : str or None
    reason : str
        Empty, ``no_variants``, ``maf`` or ``not_germline``.
    """
    variants = {name: s for name, s in config["layers"].items() if s["type"] == "variants"}
    vcfs = {name: s for name, s in variants.items() if s["format"] == "vcf"}
    for name, settings in vcfs.items():
        if settings["no_call"] == "missing":
            return name, ""
    if vcfs:
        return None, NOT_GERMLINE
    return None, MAF if variants else NO_LAYER
