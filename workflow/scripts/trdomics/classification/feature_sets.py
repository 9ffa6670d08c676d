"""The feature sets that are always compared, derived from the config."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from trdomics.config_types import ModelColumns

CANDIDATE, BASELINE, CIRCULAR = "candidate", "baseline", "circular"
SELECTED = "selected"
# The pattern of measured layers can predict the label by itself.
PRESENCE = "layers_present"
# Shown as `model` of a stack; name of the selected stack.
STACK, COMBINED = "stack", "combined"


@dataclass(frozen=True)
class FeatureSet:
    """A set of blocks used by a model.

    Attributes
    ----------
    blocks : tuple of str
        Blocks of the representation; concatenated, or each a member of a stack.
    role : {"candidate", "baseline", "circular"}
        Its role in tables and figures.
    fusion : bool
        Whether the blocks are members of a stack (late fusion).
    selectable : bool
        Whether it may enter the selected stack.
    """

    name: str
    blocks: tuple[str, ...]
    role: str = CANDIDATE
    fusion: bool = False
    selectable: bool = True


def feature_sets(
    layers: Iterable[str],
    clinical: ModelColumns,
    derived: Mapping[str, bool] | None = None,
    incomplete: Iterable[str] = (),
    panels: Iterable[str] = (),
) -> list[FeatureSet]:
    """Return the feature sets of a cohort, simple ones first.

    The clinical set is a baseline that may also enter the selected stack. Confounders may not: a
    model that predicts from site or medication is a comparator for the others. Neither may the
    pattern of measured layers, circular predictors, or stacks, since their members may.

    Parameters
    ----------
    derived : mapping of str to bool, optional
        Derived tables, and whether each is part of the stack. One that is not is shown beside
        the baselines.
    incomplete : iterable of str
        Layers that some patients lack; if there are any, the pattern of measured layers is a
        baseline.
    panels : iterable of str
        Named lists of features; each is a candidate.
    """
    layers = tuple(layers)
    sheet = ("clinical",) if clinical["predictors"] else ()
    sets = [FeatureSet("clinical", sheet, BASELINE)] if sheet else []
    if clinical["confounders"]:
        sets.append(FeatureSet("confounders", ("confounders",), BASELINE, selectable=False))
    for name, selectable in (derived or {}).items():
        role = CANDIDATE if selectable else BASELINE
        sets.append(FeatureSet(name, (name,), role, selectable=selectable))
    if list(incomplete):
        sets.append(FeatureSet(PRESENCE, (PRESENCE,), BASELINE, selectable=False))
    sets += [FeatureSet(layer, (layer,)) for layer in layers]
    sets += [FeatureSet(panel, (panel,)) for panel in panels]
    sets.append(FeatureSet("mofa", ("mofa",)))
    if sheet:
        sets.append(FeatureSet("mofa_clinical", ("mofa", *sheet)))
    if len(layers) > 1:
        sets.append(FeatureSet("early", layers))
    if len(layers) + len(sheet) > 1:
        sets.append(FeatureSet("late_fusion", (*layers, *sheet), fusion=True))
    sets.append(FeatureSet("late_fusion_mofa", (*layers, *sheet, "mofa"), fusion=True))
    if clinical["circular"]:
        blocks = (*sheet, "circular")
        sets.append(FeatureSet("clinical_circular", blocks, CIRCULAR, selectable=False))
    return sets
