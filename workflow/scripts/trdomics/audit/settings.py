"""The config of an audit."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from trdomics.cohort.config import check_values
from trdomics.config_types import AuditConfig
from trdomics.errors import InputError
from trdomics.schema import ClosedSchema, load_schema

LABELS, PREDICTIONS, FEATURES = "{labels}", "{predictions}", "{features}"


def resolve_audit(raw: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Validate the config of an audit and fill in its defaults.

    Raises
    ------
    InputError
        At the first key that is unknown, missing, out of range or at odds with another one.
    """
    where = where or "config"
    config: dict[str, Any] = ClosedSchema(load_schema("audit")).resolve(dict(raw), where)
    check_values(config, where)
    audit = config["audit"]
    label = audit["label"]
    if label["positive"] == label["negative"]:
        raise InputError(
            where, f"both groups of `audit.label` are `{label['positive']}`", "name two values"
        )
    named = [name for name in audit["columns"].values() if name is not None]
    if len(set(named)) < len(named):
        twice = next(name for name in named if named.count(name) > 1)
        raise InputError(
            where, f"`audit.columns` names column `{twice}` twice", "give each its own column"
        )
    if audit["columns"]["repeat"] is not None and audit["columns"]["fold"] is None:
        raise InputError(
            where, "`audit.columns.repeat` is given without `fold`", "name the column of folds too"
        )
    if audit["refit"] is not None:
        _check_command(audit, where)
    return config


def _check_command(audit: AuditConfig, where: str) -> None:
    where = f"{where} `audit.refit`"
    try:
        words = shlex.split(audit["refit"])
    except ValueError as error:
        raise InputError(where, f"cannot be split into words ({error})", "close quotes") from error
    for needed in (LABELS, PREDICTIONS):
        if not any(needed in word for word in words):
            raise InputError(
                where,
                f"`{needed}` is not in it",
                "the command reads its labels from {labels} and writes to {predictions}",
            )
    if any(FEATURES in word for word in words) and audit["features"] is None:
        raise InputError(
            where, f"`{FEATURES}` is in it, but `audit.features` is empty", "name the table"
        )


def takes_features(audit: AuditConfig) -> bool:
    """Return whether the refit command is told which features to read."""
    return audit["refit"] is not None and FEATURES in audit["refit"]


def refit_words(command: str, files: Mapping[str, str]) -> list[str]:
    """Return the words of a refit command with its files filled in; no shell reads them.

    Parameters
    ----------
    command : str
        `audit.refit`.
    files : mapping of str to str
        Placeholder, such as ``{labels}``, -> path.
    """
    words = shlex.split(command)
    for placeholder, path in files.items():
        words = [word.replace(placeholder, path) for word in words]
    return words
