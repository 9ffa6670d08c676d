"""Reads the manifest of a frozen model, which is not trusted.

Separate from its creation, so that a config that names a model can be checked without
machine-learning libraries.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trdomics.config_types import LabelConfig
from trdomics.errors import InputError
from trdomics.layers.types import with_layer_types
from trdomics.partner_json import parse_partner_json
from trdomics.schema import load_schema

MODEL, MANIFEST = "model.safetensors", "model.json"
OLD_MODEL = "model.skops"
MAX_BYTES = 2**25
AGAIN = "copy the model's folder again"


def read_manifest(path: Path) -> dict[str, Any]:
    """Read a model's manifest, which may be damaged or malicious.

    Raises
    ------
    InputError
        If it is not JSON, has another format, or has other keys.
    """
    refuse_old(path.parent)
    where = str(path)
    if path.stat().st_size > MAX_BYTES:
        raise InputError(where, f"is larger than {MAX_BYTES // 2**20} MiB", AGAIN)
    schema = with_layer_types(load_schema("model"))
    return parse_partner_json(path.read_bytes(), schema, where, AGAIN)


def refuse_old(folder: Path) -> None:
    """Raise InputError if a folder holds a model of the workflow's earlier versions only."""
    old = folder / OLD_MODEL
    if old.is_file() and not (folder / MODEL).is_file():
        raise InputError(
            str(old), "is a model of an earlier version, which is not supported", "refit the model"
        )


def compare_labels(label: LabelConfig, manifest: Mapping[str, Any]) -> str | None:
    """Check that a cohort's classes are not the model's classes swapped.

    Parameters
    ----------
    manifest : mapping
        The model's.

    Returns
    -------
    str or None
        A warning if the classes have other names, so that this cannot be checked.

    Raises
    ------
    InputError
        If the cohort's positive class is the model's negative one, or the reverse.
    """
    theirs = manifest["label"]
    if label["column"] is None:
        return None
    same = {key: _plain(label[key]) == _plain(theirs[key]) for key in ("positive", "negative")}
    if _plain(label["positive"]) == _plain(theirs["negative"]) or (
        _plain(label["negative"]) == _plain(theirs["positive"])
    ):
        raise InputError(
            "config `label`",
            f"positive is {label['positive']} and negative {label['negative']}, while the "
            f"model's probabilities refer to {theirs['positive']} against {theirs['negative']}",
            "exchange `label.positive` and `label.negative`",
        )
    if all(same.values()):
        return None
    return (
        f"The model's probabilities refer to {theirs['positive']} (against {theirs['negative']}); "
        f"this cohort calls its classes {label['positive']} and {label['negative']}. Make sure "
        f"that {label['positive']} is what the model means by {theirs['positive']}"
    )


def _plain(name: Any) -> str:
    return " ".join(str(name).split()).casefold()
