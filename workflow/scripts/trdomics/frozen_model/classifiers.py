"""Fitted classifiers as arrays: single ones and stacks, with their calibration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from trdomics.classification.feature_blocks import DenseBlocks, Floats
from trdomics.frozen_model.decoders import DECODERS
from trdomics.parts import NAMES, array, one_of, optional, part, sequence, stored

MAX_MODELS = 200


@dataclass(eq=False, repr=False)
class Member:
    """The same member of several models: the same blocks, the same family.

    Attributes
    ----------
    columns : array of int, shape (n_columns,)
        Columns of the joined blocks that any of the models uses.
    priors : array, shape (n_models,)
        Log odds relative to which the evidence is measured.
    fitted : array of bool, shape (n_models,)
        False if there was nothing to learn from; the evidence is then 0.
    models : Linear or Trees, or None
        None if none was fitted.
    """

    blocks: list[str] = stored(NAMES)
    columns: NDArray[np.int_] = stored(array("columns", dtype="int"))
    priors: Floats = stored(array("priors"))
    fitted: NDArray[np.bool_] = stored(array("priors", dtype="bool"))
    models: Any = stored(optional(one_of(DECODERS)))

    def check(self) -> None:
        """Raise ValueError if its arrays have other numbers of models or columns."""
        if not (np.diff(self.columns, prepend=-1) > 0).all():
            raise ValueError("its columns are not in order")
        if self.models is None:
            if self.fitted.any():
                raise ValueError("nothing was fitted")
        elif (len(self.models.constants), self.models.n_columns) != (
            len(self.priors),
            len(self.columns),
        ):
            raise ValueError("its models are of other numbers of models or columns")

    def evidence(self, blocks: DenseBlocks) -> Floats:
        """Return each model's contribution to the log odds, shape (n_patients, n_models)."""
        values, has = blocks.joined(self.blocks)
        result = np.zeros((len(has), len(self.priors)))
        if self.models is not None and has.any():
            decision = self.models.decision(values[has][:, self.columns])
            result[has] = np.where(self.fitted, decision - self.priors, 0.0)
        return result


@dataclass(eq=False, repr=False)
class CalibratedClassifiers:
    """One classifier, or several fitted in the same way on other patients.

    Calibrated log odds are ``slope * (intercept + weights @ evidences) + offset``: for a stack its
    members' evidences, for a single classifier its own with weight 1.

    Attributes
    ----------
    weights : array, shape (n_members, n_models)
    intercepts, slopes, offsets : array, shape (n_models,)
    """

    members: list[Member] = stored(sequence(part(Member)))
    weights: Floats = stored(array("members", "intercepts"))
    intercepts: Floats = stored(array("intercepts"))
    slopes: Floats = stored(array("intercepts"))
    offsets: Floats = stored(array("intercepts"))

    def check(self) -> None:
        """Raise ValueError if its members have other numbers of models."""
        if {len(member.priors) for member in self.members} != {len(self.intercepts)}:
            raise ValueError("its members are of other models")
        if len(self.intercepts) > MAX_MODELS:
            raise ValueError(f"it has more than {MAX_MODELS} models")

    def check_blocks(self, sizes: Mapping[str, int], used: list[str]) -> None:
        """Raise ValueError if it uses blocks or columns that do not exist."""
        for member in self.members:
            width = sum(sizes.get(name, 0) for name in member.blocks)
            if not set(member.blocks) <= set(used) or (member.columns >= width).any():
                raise ValueError("a classifier uses blocks that the representation does not have")

    def calibrated_log_odds(self, blocks: DenseBlocks) -> Floats:
        """Return each model's calibrated log odds, shape (n_patients, n_models)."""
        decision = np.tile(self.intercepts, (len(blocks), 1))
        for member, weights in zip(self.members, self.weights, strict=True):
            decision += weights * member.evidence(blocks)
        return np.asarray(self.slopes * decision + self.offsets)

    def probability(self, blocks: DenseBlocks) -> Floats:
        """Return the first model's probability of the positive class, shape (n_patients,)."""
        return np.asarray(expit(self.calibrated_log_odds(blocks)[:, 0]))
