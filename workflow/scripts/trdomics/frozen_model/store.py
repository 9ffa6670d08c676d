"""Frozen models on disk: arrays and text under a closed schema, without patient-level data.

``model.safetensors`` (https://github.com/huggingface/safetensors) is a JSON header with name,
type, shape and offset of each array, then their bytes. Under ``__metadata__`` the header has the
model's names and single numbers (see :mod:`trdomics.parts`). Nothing in it is executable.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors import numpy as safetensors
from scipy.special import expit

from trdomics.archive import sha256_of
from trdomics.errors import InputError
from trdomics.files import replacing, write_json
from trdomics.frozen_model.manifest import AGAIN, MANIFEST, MODEL, read_manifest, refuse_old
from trdomics.frozen_model.model import FrozenModel
from trdomics.frozen_model.self_test import TOLERANCE, probe_probabilities, worst_difference
from trdomics.partner_json import strict_json, with_checksum
from trdomics.parts import Arrays, put_together, take_apart

MAX_MODEL_BYTES, MAX_HEADER_BYTES = 2**29, 2**25
MAX_ARRAYS = 20_000
TYPES = {"F64", "I64", "BOOL"}
TREE = "model"
# Shared models have rounded numbers of patients; the prevalence differs among those with a layer.
MAX_DEVIATION = 0.2


def dumps(frozen: FrozenModel) -> bytes:
    """Return a model as safetensors; the same model gives the same bytes."""
    tree, arrays = take_apart(frozen)
    text = json.dumps(tree, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return safetensors.save(arrays, metadata={TREE: text})


def loads(content: bytes, where: str) -> FrozenModel:
    """Return the model in a file that may be damaged or malicious, without using it.

    The header is read first: a file that declares too many arrays, other types, or larger shapes
    than it has bytes for is refused before anything is created from it.

    Raises
    ------
    InputError
        If it is not a valid model.
    """
    try:
        tree, arrays = _parsed(content)
        return put_together(FrozenModel, tree, arrays)
    except (ValueError, OverflowError, RecursionError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(where, f"is not a frozen model ({reason})", AGAIN) from error


def _parsed(content: bytes) -> tuple[Any, Arrays]:
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 + length or length > MAX_HEADER_BYTES:
        raise ValueError("its header is cut short, or too long")
    header = strict_json(content[8 : 8 + length])
    metadata = header.pop("__metadata__", None) if isinstance(header, dict) else None
    if not isinstance(metadata, dict) or not isinstance(metadata.get(TREE), str):
        raise ValueError("it has no description")
    if len(header) > MAX_ARRAYS:
        raise ValueError(f"it has more than {MAX_ARRAYS} arrays")
    for entry in header.values():
        if not isinstance(entry, dict) or str(entry.get("dtype")) not in TYPES:
            raise ValueError("an array is of a type that no model has")
    tree = strict_json(metadata[TREE].encode())
    # which checks that shapes and offsets fit the bytes
    return tree, safetensors.load(content)


def save_model(
    frozen: FrozenModel,
    description: Mapping[str, Any],
    model_path: str | os.PathLike[str],
    manifest_path: str | os.PathLike[str],
) -> None:
    """Write ``model.safetensors`` and its manifest, with the model's checksum and predictions.

    The predictions (``probe``) are of artificial patients, see
    :func:`trdomics.frozen_model.self_test.probe_tables`.
    """
    content = dumps(frozen)
    # errors that reading would refuse are found here
    written = loads(content, str(model_path))
    with replacing(model_path) as temporary:
        temporary.write_bytes(content)
    checks = {"sha256": sha256_of(content), "probe": probe_probabilities(written.risk)}
    write_json(with_checksum({**description, **checks}), manifest_path)


def load_model(folder: str | os.PathLike[str]) -> tuple[FrozenModel, dict[str, Any]]:
    """Load a frozen model and its manifest from a folder.

    Raises
    ------
    InputError
        If a file is missing, damaged or inconsistent with the manifest, if the model is invalid, or
        if it does not reproduce the probabilities stored with it.
    """
    paths = {name: Path(folder) / name for name in (MODEL, MANIFEST)}
    refuse_old(Path(folder))
    for path in paths.values():
        if not path.is_file():
            fix = f"name the folder that holds {MODEL} and {MANIFEST}"
            raise InputError(str(path), "no such file", fix)
    description = read_manifest(paths[MANIFEST])
    where = str(paths[MODEL])
    if paths[MODEL].stat().st_size > MAX_MODEL_BYTES:
        raise InputError(where, f"is larger than {MAX_MODEL_BYTES // 2**20} MiB", AGAIN)
    content = paths[MODEL].read_bytes()
    if sha256_of(content) != description["sha256"]:
        raise InputError(where, "is not the file its manifest describes", AGAIN)
    frozen = loads(content, where)
    for key, problem in contradictions(frozen, description):
        raise InputError(f"{paths[MANIFEST]} key `{key}`", problem, AGAIN)
    _check_predictions(frozen, description, where)
    return frozen, description


def contradictions(
    frozen: FrozenModel, description: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Yield the contradictions between a manifest and the arrays, by key."""
    used = frozen.risk.representation
    layers = {
        layer: {"type": used.types[layer], "features": list(fitted.features_)}
        for layer, fitted in used.normalisers_.items()
    }
    found = {"layers": layers, "predictors": used.sheet_columns(), "blocks": used.feature_names_}
    for key, value in found.items():
        if description[key] != value:
            yield key, "is not what the model has there"
    n, prevalence = description["n_training"], description["prevalence"]
    if abs(prevalence - description["n_positive"] / n) > MAX_DEVIATION:
        yield "prevalence", "is not the share of n_positive in n_training"
    priors = [expit(member.priors) for member in frozen.classifier.members]
    if any((np.abs(prior - prevalence) > MAX_DEVIATION).any() for prior in priors):
        yield "prevalence", "is not that of the model's classifiers"
    known = [summary["n"] for summary in frozen.reference.summaries()]
    if max(known, default=0) > n:
        yield "n_training", "is smaller than the number of patients that the model describes"


def _check_predictions(frozen: FrozenModel, description: Mapping[str, Any], where: str) -> None:
    try:
        worst = worst_difference(frozen.risk, description["probe"])
    except Exception as error:  # (whatever numbers that no fit gives make numpy raise)
        reason = " ".join(str(error).split())[:200]
        raise InputError(where, f"does not work ({reason})", AGAIN) from error
    if not worst <= TOLERANCE:
        used = ", ".join(f"{name} {found}" for name, found in description["libraries"].items())
        raise InputError(
            where,
            f"gives probabilities that differ by {worst:.1g} from those stored with it",
            f"install what it was written with ({used})",
        )
