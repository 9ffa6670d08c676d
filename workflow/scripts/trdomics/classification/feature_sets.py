"""The feature sets that are always compared, read off the config."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from trdomics.cohort.settings import Clinical

CANDIDATE, BASELINE, CIRCULAR = "candidate", "baseline", "circular"
SELECTED = "selected"
# Which layers a patient has can tell the label by itself.
PRESENCE = "layers_present"
# What is shown as `model` of a stack, and the name of the stack that is selected.
STACK, COMBINED = "stack", "combined"


@dataclass(frozen=True)
class FeatureSet:
    """Blocks that a model sees.

    Attributes
    ----------
    blocks : tuple of str
        Blocks of the representation; side by side, or each a member of a stack.
    role : {"candidate", "baseline", "circular"}
        What it is shown as.
    fusion : bool
        Whether the blocks are members of a stack (late fusion).
    selectable : bool
        Whether it may be part of what is selected.
    """

    name: str
    blocks: tuple[str, ...]
    role: str = CANDIDATE
    fusion: bool = False
    selectable: bool = True


def feature_sets(
    layers: Iterable[str],
    clinical: Clinical,
    derived: Mapping[str, bool] | None = None,
    incomplete: Iterable[str] = (),
    panels: Iterable[str] = (),
) -> list[FeatureSet]:
    """Return the feature sets of a cohort, simple ones first.

    The clinical set is a baseline that may also be part of what is selected. Confounders never
    are: a model that predicts by site or medication is what the others are compared with. Nor is
    which layers were measured, nor are circular predictors, and stacks, whose members are.

    Parameters
    ----------
    derived : mapping of str to bool, optional
        Derived tables, and whether each is part of the stack. One that is not is shown beside
        the baselines.
    incomplete : iterable of str
        Layers that some patients lack; with any, which layers a patient has is a baseline.
    panels : iterable of str
        Named lists of features, each a candidate.
    """
    layers = tuple(layers)
    sheet = ("clinical",) if clinical.predictors else ()
    sets = [FeatureSet("clinical", sheet, BASELINE)] if sheet else []
    if clinical.confounders:
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
    if clinical.circular:
        blocks = (*sheet, "circular")
        sets.append(FeatureSet("clinical_circular", blocks, CIRCULAR, selectable=False))
    return sets
