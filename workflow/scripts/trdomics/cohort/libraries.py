"""Libraries with next to no reads, which measure nothing of their patients."""

from __future__ import annotations

from trdomics.cohort.samples import EXCLUDE, read_sheet, sample_names
from trdomics.config_types import SheetConfig
from trdomics.errors import InputError
from trdomics.inputs.matrix import read_layer_matrix
from trdomics.layers.types import layer_type


def nearly_empty(settings: SheetConfig) -> dict[str, dict[str, str]]:
    """Find the samples of counts with fewer reads per feature than ``min_mean_count``.

    The decision on a sample takes its own reads and the config, no other patient and no label, so
    that it is the same in training, in every split and in another cohort that is scored.

    Returns
    -------
    dict
        Layer to sample to the reason; layers of counts only. A matrix that cannot be read has
        none here: what is wrong with it is said by the rule that reads it for all others.

    Raises
    ------
    InputError
        If a layer has nearly empty libraries only.
    """
    sheet = read_sheet(settings)
    sheet = sheet[~sheet[EXCLUDE]]
    found = {}
    for name, layer in settings["layers"].items():
        kind = layer_type(layer["type"])
        if not kind.is_counts:
            continue
        samples = sample_names(sheet, layer, settings["samples"]["patient_id"])
        try:
            matrix = read_layer_matrix(layer["file"], name, samples, kind.value_rules(layer))
        except InputError:
            continue
        least, reads = layer["min_mean_count"], matrix.values.sum(axis=1)
        few = reads[reads < least * matrix.values.shape[1]]
        if len(few) == len(reads):
            raise InputError(
                f"{layer['file']} (layer {name})",
                f"each of its {len(reads)} samples has fewer than {least:g} reads per feature",
                f"lower `layers.{name}.min_mean_count`, or leave features without reads out",
            )
        found[name] = {
            str(
                samples[str(patient)]
            ): f"nearly empty, {n:,.0f} reads, fewer than {least:g} for each "
            f"of {matrix.values.shape[1]:,} features"
            for patient, n in few.items()
        }
    return found
