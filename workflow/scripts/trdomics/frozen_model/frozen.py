"""What a frozen model consists of, and how its loaded parts are checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sklearn.base import BaseEstimator

from trdomics.frozen_model.closed import Closed, check_part, part_of
from trdomics.frozen_model.closed_model import CLASSES
from trdomics.classification.stacking import LateFusion
from trdomics.frozen_model.kinds import names
from trdomics.classification.calibration import Platt
from trdomics.classification.classifiers import BlockModel
from trdomics.frozen_model.uncertainty import HalfSampleReplicates
from trdomics.classification.representation import MultiOmicsRepresentation
from trdomics.classification.inner_search import Classifier, RiskModel
from trdomics.frozen_model.training_reference import TrainingReference


class FrozenModel(BaseEstimator):
    """A risk model with what tells how much its predictions are worth; all parts come fitted.

    Parameters
    ----------
    representation : MultiOmicsRepresentation
        With the model's blocks, and the factors, whether or not the model uses them.
    model : BlockModel or LateFusion
    calibration : Platt
    blocks : sequence of str
        The blocks that the model uses.
    reference : TrainingReference
        What the training patients were like.
    replicates : HalfSampleReplicates
        What the probabilities owe to the choice of the training patients.
    """

    def __init__(
        self,
        representation: MultiOmicsRepresentation,
        model: Classifier,
        calibration: Platt,
        blocks: Sequence[str],
        reference: TrainingReference,
        replicates: HalfSampleReplicates,
    ) -> None:
        self.representation = representation
        self.model = model
        self.calibration = calibration
        self.blocks = blocks
        self.reference = reference
        self.replicates = replicates

    @property
    def risk(self) -> RiskModel:
        """Return the model of probabilities, with only what it needs."""
        return RiskModel(self.representation.restricted(self.blocks), self.model, self.calibration)


def _models(model: Any) -> list[BlockModel]:
    return [model] if type(model) is BlockModel else list(model.models_)


def _is_frozen(frozen: FrozenModel) -> bool:
    """Return whether classifier and replicates are of the representation's blocks."""
    models, members = _models(frozen.model), frozen.replicates.members_
    if len(models) != len(members):
        return False
    sizes = {name: len(names) for name, names in frozen.representation.feature_names_.items()}
    for model, member in zip(models, members, strict=True):
        width = sum(sizes.get(name, 0) for name in model.blocks)
        if not set(model.blocks) <= set(frozen.blocks):
            return False
        if model.pipeline_ is not None and model.pipeline_["select"].n_features_in_ != width:
            return False
        last = member.columns_[-1] if len(member.columns_) else -1
        if list(member.blocks_) != list(model.blocks) or last >= width:
            return False
    return True


CLASSES[FrozenModel] = Closed(
    {
        "representation": part_of(MultiOmicsRepresentation),
        "model": part_of(BlockModel, LateFusion),
        "calibration": part_of(Platt),
        "blocks": names,
        "reference": part_of(TrainingReference),
        "replicates": part_of(HalfSampleReplicates),
    },
    rule=_is_frozen,
)


def check_parts(frozen: Any) -> None:
    """Check that a loaded object is a frozen model, through and through, before it is used.

    scikit-learn takes its fitted estimators on trust: its compiled code follows the indices in
    trees, and fills arrays whose sizes other attributes tell. So every part has to be of the class
    that belongs there, with just the attributes of that class, and these have to fit together.

    Raises
    ------
    ValueError
        At the first that does not.
    """
    if type(frozen) is not FrozenModel:
        raise ValueError(f"holds a {type(frozen).__name__}, no model")
    check_part(frozen)
