"""Frozen models on disk: exchangeable, without pickle and without anything about a patient."""

from __future__ import annotations

import copy
import io
import json
import os
import zipfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import skops.io as sio

from trdomics import __version__
from trdomics.archive import pack, read_archive, sha256_of
from trdomics.classification.inner_search import NestedSearch, RiskModel
from trdomics.errors import InputError
from trdomics.files import replacing, write_json
from trdomics.frozen_model.frozen import FrozenModel, check_parts
from trdomics.frozen_model.manifest import AGAIN, FORMAT, MANIFEST, MODEL, read_manifest
from trdomics.frozen_model.self_test import TOLERANCE, probe_probabilities, worst_difference
from trdomics.frozen_model.skops_check import TYPES, check_members, check_schema
from trdomics.layers.burden import MIN_CARRIERS, GeneBurden

LIBRARIES = ("numpy", "scipy", "pandas", "scikit-learn", "pydeseq2", "mofapy2", "skops")
# What skops writes: a description of the objects, and their arrays.
MEMBERS = (r"schema\.json", r"[0-9]+\.npy")
MAX_MODEL_BYTES = 2**29


def dumps(estimator: Any) -> bytes:
    """Return an estimator as skops, the same bytes for the same estimator.

    skops names objects by their addresses in memory and dates the members of its archive; both
    are replaced, so that a repeated run gives an identical file.
    """
    stored = zipfile.ZipFile(io.BytesIO(sio.dumps(estimator)))
    schema = json.loads(stored.read("schema.json"))
    numbers: dict[int, int] = {}
    members: dict[str, str] = {}

    def renamed(node: Any) -> Any:
        if isinstance(node, list):
            return [renamed(item) for item in node]
        if not isinstance(node, dict):
            return node
        result: dict[str, Any] = {}
        for key, value in node.items():
            if key == "__id__":
                result[key] = numbers.setdefault(value, len(numbers) + 1)
            elif key == "file" and isinstance(value, str):
                suffix = Path(value).suffix
                result[key] = members.setdefault(value, f"{len(members) + 1}{suffix}")
            else:
                result[key] = renamed(value)
        return result

    contents = {"schema.json": json.dumps(renamed(schema), indent=1).encode()}
    return pack(contents | {new: stored.read(old) for old, new in members.items()})


def loads(content: bytes, where: str) -> Any:
    """Return the estimator of a skops file that holds the types of our models only.

    Raises
    ------
    InputError
        If it is no skops file, is damaged, or has types that no model of this workflow has. All
        of that is found before skops, which imports what a file names, sees it.
    """
    members = read_archive(content, MEMBERS, max_bytes=MAX_MODEL_BYTES, where=where)
    check_schema(members, where)
    check_members(members, where)
    try:
        return sio.loads(content, trusted=sorted(TYPES))
    except Exception as error:  # (what a malformed description makes skops raise)
        raise InputError(where, f"is no frozen model ({error})", AGAIN) from error


def checked(content: bytes, where: str) -> FrozenModel:
    """Return the frozen model of a skops file, which may be hostile, without using it.

    Raises
    ------
    InputError
        If :func:`loads` refuses it, or if it is not a frozen model through and through.
    """
    frozen = loads(content, where)
    try:
        check_parts(frozen)
    except Exception as error:  # (a part may break any assumption of the checks themselves)
        reason = " ".join(str(error).split())[:200]
        raise InputError(where, f"is no model of this workflow ({reason})", AGAIN) from error
    assert isinstance(frozen, FrozenModel)
    return frozen


def manifest(
    search: NestedSearch, model: RiskModel, *, labels: Any, label: Mapping[str, Any]
) -> dict[str, Any]:
    """Describe the winner of a search: what it needs, what it was fitted on, how it was chosen.

    Parameters
    ----------
    search : NestedSearch
        Fitted.
    model : RiskModel
        The search's winner.
    labels : array of int, shape (n_patients,)
        Of the training patients; only their numbers are written.
    label : mapping
        The config's ``label``: ``column``, ``positive``, ``negative``.

    Returns
    -------
    dict
        ``format``, ``version``, ``label``, ``prevalence`` (share of positives in training),
        ``n_training``, ``n_positive``, ``feature_set``, ``model``, ``params``, ``inner_auc``,
        ``layers`` (layer → ``type``, ``features`` that it needs), ``predictors`` (columns of the
        sheet), ``blocks`` (block → features after selection), ``libraries``.
    """
    representation = model.representation
    chosen = next(row for row in search.candidates_ if row["chosen"])
    total, positive = len(labels), int(sum(labels))
    return {
        "format": FORMAT,
        "version": __version__,
        "label": dict(label),
        "prevalence": positive / total,
        "n_training": total,
        "n_positive": positive,
        "feature_set": search.winner_,
        "model": chosen["model"],
        "params": json.loads(chosen["params"]),
        "inner_auc": chosen["inner_auc"],
        "layers": {
            layer: {"type": (representation.layers or {})[layer]["type"], "features": features}
            for layer, features in needed_features(representation).items()
        },
        "predictors": representation.sheet_columns(),
        "blocks": representation.feature_names_,
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def needed_features(representation: Any) -> dict[str, list[str]]:
    """Return the features by layer that the fitted representation looks for."""
    return {
        layer: [str(name) for name in normaliser.get_feature_names_out()]
        for layer, normaliser in representation.normalisers_.items()
    }


def anonymous(frozen: FrozenModel) -> FrozenModel:
    """Return the model without variants that fewer than five training patients carry."""
    representation = copy.copy(frozen.representation)
    representation.normalisers_ = {
        layer: fitted.without_rare(MIN_CARRIERS) if isinstance(fitted, GeneBurden) else fitted
        for layer, fitted in representation.normalisers_.items()
    }
    representation.layers = {
        layer: {**settings, "dosages": kept.dosages} if isinstance(kept, GeneBurden) else settings
        for layer, settings in (representation.layers or {}).items()
        for kept in [representation.normalisers_.get(layer)]
    }
    parts = {**frozen.get_params(deep=False), "representation": representation}
    return FrozenModel(**parts)


def save_model(
    frozen: FrozenModel,
    description: Mapping[str, Any],
    model_path: str | os.PathLike[str],
    manifest_path: str | os.PathLike[str],
) -> None:
    """Write ``model.skops`` and its manifest: the former's checksum, and what it predicts.

    The predictions (``probe``) are of made-up patients, see
    :func:`trdomics.frozen_model.self_test.probe_tables`.
    """
    frozen = anonymous(frozen)
    content = dumps(frozen)
    # what would be refused later is our mistake, found here
    checked(content, str(model_path))
    with replacing(model_path) as temporary:
        temporary.write_bytes(content)
    written = {"sha256": sha256_of(content), "probe": probe_probabilities(frozen.risk)}
    write_json({**description, **written}, manifest_path)


def load_model(folder: str | os.PathLike[str]) -> tuple[FrozenModel, dict[str, Any]]:
    """Load a frozen model and its manifest from a folder.

    Raises
    ------
    InputError
        If a file is missing, damaged or not what the manifest says, if the model is not to be
        trusted, or if it does not give here the probabilities that it gave where it was written.
    """
    paths = {name: Path(folder) / name for name in (MODEL, MANIFEST)}
    for path in paths.values():
        if not path.is_file():
            mend = f"name the folder that holds {MODEL} and {MANIFEST}"
            raise InputError(str(path), "no such file", mend)
    description = read_manifest(paths[MANIFEST])
    where = str(paths[MODEL])
    if paths[MODEL].stat().st_size > MAX_MODEL_BYTES:
        raise InputError(where, f"is larger than {MAX_MODEL_BYTES // 2**20} MiB", AGAIN)
    content = paths[MODEL].read_bytes()
    if sha256_of(content) != description["sha256"]:
        raise InputError(where, "is not the file its manifest describes", AGAIN)
    frozen = checked(content, where)
    _check_predictions(frozen, description, where)
    return frozen, description


def _check_predictions(frozen: FrozenModel, description: Mapping[str, Any], where: str) -> None:
    try:
        worst = worst_difference(frozen.risk, description["probe"])
    except Exception as error:  # (whatever parts that do not fit together raise)
        raise InputError(where, f"does not work ({error})", AGAIN) from error
    if not worst <= TOLERANCE:
        used = ", ".join(f"{name} {found}" for name, found in description["libraries"].items())
        raise InputError(
            where,
            f"gives probabilities that differ by {worst:.1g} from those where it was written",
            f"install what it was written with ({used})",
        )
