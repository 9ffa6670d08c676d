"""A split's blocks as a file, so label permutations need not refit them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trdomics.classification.feature_blocks import DenseBlocks
from trdomics.classification.inner_search import FoldRepresentations
from trdomics.files import replacing
from trdomics.tables import LayerTables

Fold = tuple[NDArray[np.int_], NDArray[np.int_], DenseBlocks, DenseBlocks]


@dataclass(frozen=True)
class StoredBlocks:
    """The output of :class:`FoldRepresentations` for a search, as arrays.

    Attributes
    ----------
    folds : list of (train positions, validation positions, train blocks, validation blocks)
    blocks : DenseBlocks
        Of all training patients.
    test : DenseBlocks
        Of the split's test patients.
    """

    folds: list[Fold]
    blocks: DenseBlocks
    test: DenseBlocks
    representation: None = field(default=None, init=False)

    def transform(self, tables: LayerTables) -> DenseBlocks:
        """Return the blocks of the test patients; `tables` must be theirs."""
        assert len(tables) == len(self.test)
        return self.test


def save_blocks(
    path: str | os.PathLike[str], representations: FoldRepresentations, test: DenseBlocks
) -> None:
    """Write a split's blocks as an uncompressed ``.npz`` (noise does not compress)."""
    arrays = {**_arrays("train", representations.blocks), **_arrays("test", test)}
    for number, (train, validation, seen, unseen) in enumerate(representations.folds):
        arrays |= {f"{number}/train": train, f"{number}/validation": validation}
        arrays |= _arrays(f"{number}/seen", seen) | _arrays(f"{number}/unseen", unseen)
    with replacing(path) as temporary:
        np.savez(temporary, allow_pickle=False, **arrays)


def load_blocks(path: str | os.PathLike[str]) -> StoredBlocks:
    """Read what :func:`save_blocks` wrote."""
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    folds: list[Fold] = []
    while f"{len(folds)}/train" in arrays:
        n = len(folds)
        seen, unseen = _blocks(f"{n}/seen", arrays), _blocks(f"{n}/unseen", arrays)
        folds.append((arrays[f"{n}/train"], arrays[f"{n}/validation"], seen, unseen))
    return StoredBlocks(folds, _blocks("train", arrays), _blocks("test", arrays))


def _arrays(part: str, blocks: DenseBlocks) -> dict[str, NDArray[Any]]:
    return {
        f"{part}/{kind}/{name}": array
        for kind, arrays in (("values", blocks.values), ("present", blocks.present))
        for name, array in arrays.items()
    }


def _blocks(part: str, arrays: dict[str, NDArray[Any]]) -> DenseBlocks:
    values, present = (
        {
            key.removeprefix(f"{part}/{kind}/"): array
            for key, array in arrays.items()
            if key.startswith(f"{part}/{kind}/")
        }
        for kind in ("values", "present")
    )
    return DenseBlocks(values, present)
