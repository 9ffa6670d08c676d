"""From a finished search to the model that is passed on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trdomics.frozen_model.frozen import FrozenModel
from trdomics.classification.families import ELASTIC_NET, RIDGE
from trdomics.frozen_model.uncertainty import PAIRS, HalfSampleReplicates
from trdomics.classification.representation import MOFA
from trdomics.classification.stacking import LateFusion
from trdomics.classification.inner_search import FoldRepresentations, NestedSearch
from trdomics.frozen_model.training_reference import TrainingReference, without_layers
from trdomics.tables import LayerTables


def freeze(
    search: NestedSearch,
    representations: FoldRepresentations,
    tables: LayerTables,
    labels: NDArray[Any],
    pairs: int | None = None,
) -> FrozenModel:
    """Return the winner of a search with its training reference and its replicates.

    Parameters
    ----------
    search : NestedSearch
        Fitted from `representations`.
    representations : FoldRepresentations
        Of the training patients.
    tables : LayerTables
        Their raw layers and sheet.
    labels : array of int, shape (n_patients,)
    pairs : int, optional
        Of the replicates; by default ten, of stacks of trees, which take long to fit, five.
    """
    winner = search.features()
    risk = search.risk_model()
    layers = list(risk.representation.normalisers_)
    has = [tables.profiled(layer) for layer in layers]
    complete = np.logical_and.reduce(has) if has else np.ones(len(tables), dtype=bool)
    if pairs is None:
        members = risk.model.models_ if isinstance(risk.model, LateFusion) else []
        slow = any(member.kind not in (ELASTIC_NET, RIDGE) for member in members)
        pairs = PAIRS // 2 if slow else PAIRS
    replicates = HalfSampleReplicates(pairs, seed=search.seed).fit(
        representations.blocks,
        labels,
        search.refit,
        without=without_layers(risk.representation, tables),
        complete=complete,
    )
    return FrozenModel(
        search.representation_.restricted([*winner.blocks, MOFA]),
        risk.model,
        risk.calibration,
        list(winner.blocks),
        TrainingReference().fit(representations, tables),
        replicates,
    )
