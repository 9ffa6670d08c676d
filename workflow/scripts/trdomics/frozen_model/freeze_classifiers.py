"""Conversion of fitted scikit-learn classifiers to arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trdomics.classification.calibration import Platt
from trdomics.classification.classifiers import BlockModel
from trdomics.classification.families import FAMILIES
from trdomics.classification.stacking import LateFusion
from trdomics.frozen_model.classifiers import CalibratedClassifiers, Member
from trdomics.frozen_model.decoders import DECODERS, ModelArrays


def frozen_classifiers(
    fitted: Sequence[BlockModel | LateFusion], calibrations: Sequence[Platt]
) -> CalibratedClassifiers:
    """Return classifiers fitted in the same way on several training sets.

    Parameters
    ----------
    fitted : sequence of BlockModel, or of LateFusion
    calibrations : sequence of Platt
        One each.
    """
    stacks = [model for model in fitted if isinstance(model, LateFusion)]
    if stacks:
        members = list(zip(*(stack.models_ for stack in stacks), strict=True))
        weights = np.column_stack([stack.weights_ for stack in stacks])
        intercepts = [stack.intercept_ for stack in stacks]
    else:
        single = [model for model in fitted if isinstance(model, BlockModel)]
        members, weights = [tuple(single)], np.ones((1, len(single)))
        intercepts = [model.prior_ for model in single]
    return CalibratedClassifiers(
        members=[frozen_member(models) for models in members],
        weights=weights,
        intercepts=np.array(intercepts),
        slopes=np.array([curve.slope_ for curve in calibrations]),
        offsets=np.array([curve.intercept_ for curve in calibrations]),
    )


def frozen_member(models: Sequence[BlockModel]) -> Member:
    """Return fitted models of the same blocks and family as one member."""
    family = FAMILIES[models[0].kind]
    found: list[ModelArrays] = []
    for model in models:
        if model.pipeline_ is None:
            found.append(None)
            continue
        select, classifier = model.pipeline_.named_steps.values()
        found.append((family.arrays(classifier), np.flatnonzero(select.get_support())))
    used = [model[1] for model in found if model is not None]
    columns = np.unique(np.concatenate([np.zeros(0, dtype=int), *used]))
    placed = [m and (m[0], np.searchsorted(columns, m[1])) for m in found]
    return Member(
        blocks=list(models[0].blocks),
        columns=columns,
        priors=np.array([model.prior_ for model in models]),
        fitted=np.array([model is not None for model in found]),
        models=DECODERS[family.decoder].joined(placed, len(columns)) if used else None,
    )
