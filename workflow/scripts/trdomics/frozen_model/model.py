"""The parts of a frozen model."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trdomics.classification.feature_blocks import DenseBlocks, Floats
from trdomics.classification.fitted_representation import FittedRepresentation
from trdomics.frozen_model.classifiers import CalibratedClassifiers
from trdomics.frozen_model.training_reference import TrainingReference
from trdomics.frozen_model.uncertainty import Replicates
from trdomics.layers.transforms import BurdenTransform
from trdomics.parts import NAMES, part, stored
from trdomics.tables import LayerTables


@dataclass(frozen=True)
class FrozenRisk:
    """From raw layer tables to calibrated probabilities, without anything else."""

    representation: FittedRepresentation
    classifier: CalibratedClassifiers

    def predict_proba(self, tables: LayerTables) -> Floats:
        """Return calibrated probabilities of both classes, shape (n_patients, 2)."""
        blocks = DenseBlocks.of(self.representation.transform(tables))
        positive = self.classifier.probability(blocks)
        return np.column_stack([1 - positive, positive])


@dataclass(eq=False, repr=False)
class FrozenModel:
    """A risk model with a training reference and the uncertainty of its predictions.

    Attributes
    ----------
    representation : FittedRepresentation
        With the model's blocks, and the factors, whether or not the model uses them.
    classifier : CalibratedClassifiers
        A single one.
    blocks : list of str
        The blocks that the model uses.
    reference : TrainingReference
        Summaries of the training patients.
    replicates : Replicates
        Replicates that show how probabilities depend on the training sample.
    """

    representation: Any = stored(part(FittedRepresentation))
    classifier: CalibratedClassifiers = stored(part(CalibratedClassifiers))
    blocks: list[str] = stored(NAMES)
    reference: Any = stored(part(TrainingReference))
    replicates: Any = stored(part(Replicates))

    def check(self) -> None:
        """Raise ValueError if classifier or replicates use blocks that the representation lacks."""
        if len(self.classifier.intercepts) != 1:
            raise ValueError("it has not one classifier")
        sizes = {name: len(names) for name, names in self.representation.feature_names_.items()}
        for classifiers in (self.classifier, self.replicates.models_):
            classifiers.check_blocks(sizes, self.blocks)

    @property
    def risk(self) -> FrozenRisk:
        """Return the risk model, with only what it needs."""
        return FrozenRisk(self.representation.restricted(self.blocks), self.classifier)


def without_rare_variants(
    frozen: FrozenModel, tables: Mapping[str, pd.DataFrame], min_carriers: int
) -> FrozenModel:
    """Return a copy that names no variant with fewer carriers among the training patients.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Raw layers of variants of the training patients.
    """
    representation = copy.copy(frozen.representation)
    representation.normalisers_ = {
        layer: fitted.without_rare(tables[layer], min_carriers)
        if isinstance(fitted, BurdenTransform)
        else fitted
        for layer, fitted in representation.normalisers_.items()
    }
    return dataclasses.replace(frozen, representation=representation)
