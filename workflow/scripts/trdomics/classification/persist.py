"""Frozen models on disk: exchangeable, without pickle and without anything about a patient."""

from __future__ import annotations

import copy
import hashlib
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
from trdomics.classification.search import NestedSearch, RiskModel
from trdomics.errors import InputError
from trdomics.files import read_json, replacing, write_json
from trdomics.layers.burden import GeneBurden

MODEL, MANIFEST = "model.skops", "model.json"
FORMAT = 1
# Rare variants tell who was among the training patients; a file that is passed on names none.
MIN_CARRIERS = 5
LIBRARIES = ("numpy", "scipy", "pandas", "scikit-learn", "pydeseq2", "mofapy2", "skops")
# What a model may consist of beyond skops' own list of safe types. Anything else is refused.
TRUSTED = (
    "numpy.dtype",
    "sklearn.tree._tree.Tree",
    "trdomics.classification.blocks.ColumnBlock",
    "trdomics.classification.blocks.LayerBlock",
    "trdomics.classification.fusion.LateFusion",
    "trdomics.classification.models.BlockModel",
    "trdomics.classification.models.Platt",
    "trdomics.classification.models.anova_f",
    "trdomics.classification.representation.MultiOmicsRepresentation",
    "trdomics.classification.search.RiskModel",
    "trdomics.integration.mofa.MOFATransformer",
    "trdomics.integration.views.IntegrationViews",
    "trdomics.layers.burden.GeneBurden",
    "trdomics.layers.counts.CountsNormaliser",
    "trdomics.layers.residualise.CovariateResidualiser",
    "trdomics.layers.select.TopVariance",
    "trdomics.layers.values.BinaryNormaliser",
    "trdomics.layers.values.ContinuousNormaliser",
)


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
    contents |= {new: stored.read(old) for old, new in members.items()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return buffer.getvalue()


def loads(content: bytes, where: str) -> Any:
    """Return the estimator of a skops file that holds trusted types only.

    Raises
    ------
    InputError
        If it is no skops file, or has types that no model of this workflow has.
    """
    mend = "use a model that this workflow wrote"
    try:
        unknown = set(sio.get_untrusted_types(data=content)) - set(TRUSTED)
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise InputError(where, f"is no frozen model ({error})", mend) from error
    if unknown:
        raise InputError(where, f"holds types that are not trusted: {sorted(unknown)[:3]}", mend)
    return sio.loads(content, trusted=list(TRUSTED))


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


def anonymous(model: RiskModel) -> RiskModel:
    """Return the model without variants that fewer than five training patients carry."""
    representation = copy.copy(model.representation)
    representation.normalisers_ = {
        layer: fitted.without_rare(MIN_CARRIERS) if isinstance(fitted, GeneBurden) else fitted
        for layer, fitted in representation.normalisers_.items()
    }
    return RiskModel(representation, model.model, model.calibration)


def save_model(
    model: RiskModel,
    description: Mapping[str, Any],
    model_path: str | os.PathLike[str],
    manifest_path: str | os.PathLike[str],
) -> None:
    """Write ``model.skops`` and its manifest, which has the checksum of the former."""
    content = dumps(anonymous(model))
    unknown = set(sio.get_untrusted_types(data=content)) - set(TRUSTED)
    if unknown:
        raise ValueError(f"not on the list of trusted types: {sorted(unknown)}")
    with replacing(model_path) as temporary:
        temporary.write_bytes(content)
    checksum = hashlib.sha256(content).hexdigest()
    write_json({**description, "sha256": checksum}, manifest_path)


def load_model(folder: str | os.PathLike[str]) -> tuple[RiskModel, dict[str, Any]]:
    """Load a frozen model and its manifest from a folder.

    Raises
    ------
    InputError
        If a file is missing or not what the manifest says, or the model is not to be trusted.
    """
    paths = {name: Path(folder) / name for name in (MODEL, MANIFEST)}
    for path in paths.values():
        if not path.is_file():
            mend = f"name the folder that holds {MODEL} and {MANIFEST}"
            raise InputError(str(path), "no such file", mend)
    again = "copy the model's folder again"
    try:
        description = read_json(paths[MANIFEST])
    except ValueError as error:
        raise InputError(str(paths[MANIFEST]), f"is no JSON ({error})", again) from error
    if description.get("format") != FORMAT:
        raise InputError(
            str(paths[MANIFEST]),
            f"has format {description.get('format')}, this version reads {FORMAT}",
            "use the version of the workflow that wrote it",
        )
    content = paths[MODEL].read_bytes()
    if hashlib.sha256(content).hexdigest() != description["sha256"]:
        raise InputError(str(paths[MODEL]), "is not the file its manifest describes", again)
    model = loads(content, str(paths[MODEL]))
    if not isinstance(model, RiskModel):
        raise InputError(str(paths[MODEL]), f"holds a {type(model).__name__}, no model", again)
    return model, description
