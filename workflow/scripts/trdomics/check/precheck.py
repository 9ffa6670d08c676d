"""Everything that can be found wrong before a job starts."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from trdomics.frozen_model.manifest import MANIFEST, compare_labels, read_manifest
from trdomics.cohort.config import LAYER_FILES, is_simulated, sheet_settings
from trdomics.check.covariates import (
    check_classes,
    check_covariates,
    check_design,
    check_layer_classes,
)
from trdomics.check.sheet_values import is_constant
from trdomics.cohort.membership import layer_samples, memberships, with_layers
from trdomics.cohort.samples import EXCLUDE, labels, read_sheet, sample_names, typed_names
from trdomics.schema import did_you_mean
from trdomics.errors import InputError
from trdomics.files import read_json, write_json
from trdomics.inputs.annotation import read_annotation
from trdomics.inputs.matrix import read_layer_matrix
from trdomics.scoring.feature_names import read_names

# Raise when a check is added: what passed the old ones is then looked at again.
CHECKS = 2
# The settings that decide whether a layer's content is right.
CONTENT_KEYS = ("type", "file", "features", "log2", "format", "profiled", "sample_column")


def check_inputs(config: Mapping[str, Any]) -> None:
    """Check sheet, labels, covariates and layers of a cohort.

    Layers that the cohort's simulation is yet to draw are left to the job that reads them. A
    cohort that a model is applied to (`scoring.model`) needs no classes and no covariates that
    vary. What matrices passed is kept in ``results/<cohort>/cohort/checked.json``, so that the
    next start does not read those again that did not change.

    Parameters
    ----------
    config : mapping
        A resolved config.

    Raises
    ------
    InputError
        At the first thing that is wrong.
    """
    for problem in problems(config):
        raise problem


def problems(config: Mapping[str, Any], remember: bool = True) -> Iterator[InputError]:
    """Yield what is wrong, one thing after another, as far as each can be told by itself.

    Parameters
    ----------
    config : mapping
        A resolved config.
    remember : bool
        Whether matrices that passed are noted in ``checked.json``.
    """
    settings = sheet_settings(config)
    broken = []
    for name, problem in _file_problems(config):
        broken.append(name)
        yield problem
    try:
        whole = read_sheet(settings)
        sheet = whole.loc[~whole[EXCLUDE], typed_names(settings)]
        if sheet.empty:
            raise InputError(
                config["samples"]["file"],
                "all patients are excluded",
                "set `exclude` to 0 for some",
            )
    except InputError as error:
        # nothing else can be told without the patients
        yield error
        return
    scoring = config["scoring"]["model"] is not None
    wrong = None if scoring else _problem(_check_patients, sheet, config)
    if wrong is not None:
        yield wrong
    known = {
        name: layer
        for name, layer in config["layers"].items()
        if name not in broken and not is_simulated(config, layer["file"])
    }
    samples: dict[str, list[str]] = {}
    for problem in _layer_problems(known, sheet, config, samples, remember):
        yield problem
    has = pd.DataFrame(index=sheet.index)
    for name, present in samples.items():
        try:
            has[name] = memberships(sheet, settings, {name: present})[name]
        except InputError as error:
            yield error
    if len(has.columns) == len(config["layers"]):
        profiled = has.any(axis=1)
        lost = _problem(with_layers, has, settings, whole, samples)
        if lost is not None:
            # the others are looked at as if these had been left out
            yield lost
        if not profiled.all() and not scoring and wrong is None:
            wrong = _problem(_check_patients, sheet[profiled], config)
            if wrong is not None:
                yield wrong
        sheet, has = sheet[profiled], has[profiled]
    if not scoring and wrong is None:
        telling = _problem(check_layer_classes, has, labels(sheet, config["label"]), config)
        if telling is not None:
            yield telling
        wrong = _problem(check_design, sheet, has, config)
        if wrong is not None:
            yield wrong


def _problem(check: Callable[..., object], *arguments: Any) -> InputError | None:
    try:
        check(*arguments)
    except InputError as error:
        return error
    return None


def _check_patients(sheet: pd.DataFrame, config: Mapping[str, Any]) -> None:
    label = labels(sheet, config["label"])
    check_classes(label, config)
    check_covariates(sheet, label, config)


def _file_problems(config: Mapping[str, Any]) -> Iterator[tuple[str | None, InputError]]:
    """Yield files that are not there, with the layer that they would be of."""
    for name, layer in config["layers"].items():
        for key in LAYER_FILES:
            file = layer.get(key)
            if file is None or is_simulated(config, file) or Path(file).is_file():
                continue
            mend = f"correct `layers.{name}.{key}`"
            if config["simulation"] is not None:
                mend += f"; what is simulated lies in results/{config['cohort']}/simulation/"
            yield name, InputError(f"{file} (layer {name})", "no such file", mend)
    model = config["scoring"]["model"]
    if model is not None and not Path(model, MANIFEST).is_file():
        problem = "no such model" if not Path(model).exists() else f"has no {MANIFEST}"
        yield None, InputError(model, problem, "correct `scoring.model`")
    elif model is not None:
        try:
            compare_labels(config["label"], read_manifest(Path(model, MANIFEST)))
        except InputError as error:
            yield None, error
    for layer, path in config["scoring"]["feature_names"].items():
        if layer not in config["layers"]:
            mend = did_you_mean(layer, config["layers"], "its layers are")
            yield None, InputError(f"`scoring.feature_names.{layer}`", "no such layer", mend)
            continue
        try:
            read_names(path, layer)
        except InputError as error:
            yield None, error


def _layer_problems(
    layers: Mapping[str, Mapping[str, Any]],
    sheet: pd.DataFrame,
    config: Mapping[str, Any],
    samples: dict[str, list[str]],
    remember: bool,
) -> Iterator[InputError]:
    """Check the content of layers that have changed; put the samples of sound ones in `samples`."""
    path = Path("results") / config["cohort"] / "cohort" / "checked.json"
    before = _checked_before(path)
    now: dict[str, dict[str, Any]] = {}
    for name, layer in layers.items():
        names = sample_names(sheet, layer, config["samples"]["patient_id"])
        try:
            key = _fingerprint(layer, names)
            if before.get(name, {}).get("key") == key:
                now[name] = before[name]
            else:
                now[name] = {"key": key, "samples": _check_content(name, layer, names)}
        except InputError as error:
            yield error
            continue
        samples[name] = now[name]["samples"]
    if remember and now != before:
        # a folder that cannot be written costs time at the next start, nothing else
        with contextlib.suppress(OSError):
            write_json(now, path)


def _checked_before(path: Path) -> dict[str, Any]:
    try:
        found = read_json(path)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _fingerprint(layer: Mapping[str, Any], names: pd.Series) -> str:
    """Return a hash of all that the outcome of the content check depends on."""
    state: list[Any] = [CHECKS, {key: layer.get(key) for key in CONTENT_KEYS}]
    for key in LAYER_FILES:
        if layer.get(key) is not None:
            file = Path(layer[key]).resolve()
            state.append([str(file), file.stat().st_size, file.stat().st_mtime_ns])
    state.append(sorted(names.dropna()))
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()


def _check_content(name: str, layer: Mapping[str, Any], names: pd.Series) -> list[str]:
    samples = layer_samples(layer, name, names.dropna())
    # a layer of nobody is told with the sheet's column, by memberships
    if layer["type"] != "variants" and names.isin(samples).any():
        matrix = read_layer_matrix(layer, name, names)
        read_annotation(layer["features"], name, list(matrix.values.columns))
        if is_constant(matrix.values):
            raise InputError(
                f"{layer['file']} (layer {name})",
                "constant: each feature has the same value in all patients",
                f"correct the file, or take the layer {name} out",
            )
    return samples
