"""Errors in the config, the sheet and the headers of the layers, found before any job."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from trdomics.check.covariates import (
    check_classes,
    check_covariates,
    check_design,
    check_layer_classes,
)
from trdomics.classification.derived import derived_tables
from trdomics.classification.feature_sets import feature_sets
from trdomics.cohort.config import (
    REFERENCE_FILES,
    from_reads,
    is_made,
    is_simulated,
    layer_files,
    needed_references,
    sheet_settings,
)
from trdomics.cohort.membership import has_header, layer_samples, memberships, with_layers
from trdomics.cohort.samples import EXCLUDE, labels, read_sheet, sample_names, typed_names
from trdomics.config_types import CohortConfig, ReadsConfig
from trdomics.confounding.plan import own_signature
from trdomics.enrichment.sources import is_url
from trdomics.errors import InputError
from trdomics.files import starting_from, why_no_file
from trdomics.frozen_model.manifest import MANIFEST, compare_labels, read_manifest
from trdomics.inputs.text_table import of_layer
from trdomics.mechanism.specification import read_specification, specification_file
from trdomics.panels.panel import FOLDER, panel_files, read_panel, shipped_panels
from trdomics.reads.callset import is_bare_vcf
from trdomics.reads.units import missing_files, read_units
from trdomics.schema import did_you_mean
from trdomics.scoring.feature_names import read_names


def problems(config: CohortConfig) -> Iterator[InputError]:
    """Yield all errors that can be found independently.

    Layers that are yet to be simulated, and the content of all, are left to the jobs that read
    them. A cohort to be scored (`scoring.model`) needs no classes or varying covariates.
    """
    settings = sheet_settings(config)
    broken = []
    model = config["mechanism"]["model"]
    yield from _problem(read_specification, specification_file(model)) if model else []
    for name, problem in _file_problems(config):
        broken.append(name)
        yield problem
    yield from _panel_problems(config)
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
        # nothing else can be checked without the patients
        yield error
        return
    scoring = config["scoring"]["model"] is not None
    wrong = [] if scoring else _problem(_check_patients, sheet, config)
    yield from wrong
    samples: dict[str, list[str]] = {}
    has = pd.DataFrame(index=sheet.index)
    for name, layer in config["layers"].items():
        if name in broken or is_simulated(config, layer["file"]):
            continue
        if not from_reads(layer) and not has_header(layer):
            continue
        try:
            names = sample_names(sheet, layer, config["samples"]["patient_id"])
            samples[name] = known_samples(config, name, names.dropna())
            has[name] = memberships(sheet, settings, {name: samples[name]})[name]
        except InputError as error:
            yield error
    if len(has.columns) == len(config["layers"]):
        profiled = has.any(axis=1)
        # the others are checked as if these had been left out
        yield from _problem(with_layers, has, settings, whole, samples)
        if not profiled.all() and not scoring and not wrong:
            wrong = _problem(_check_patients, sheet[profiled], config)
            yield from wrong
        sheet, has = sheet[profiled], has[profiled]
    if not scoring and not wrong:
        yield from _problem(check_layer_classes, has, labels(sheet, config["label"]), config)
        yield from _problem(check_design, sheet, has, config)


def known_samples(config: CohortConfig, name: str, known: Collection[str]) -> list[str]:
    """Return the samples of a layer: those of its units if it is made from reads."""
    layer = config["layers"][name]
    reads = layer.get("reads")
    if reads is not None:
        return list(read_units(reads["units"], name).samples)
    if is_bare_vcf(config, layer):
        # the workflow annotates it
        layer = layer.copy()
        del layer["dosages"]
    return layer_samples(layer, name, known)


def _panel_problems(config: CohortConfig) -> Iterator[InputError]:
    """Yield the errors in the panels."""
    files = panel_files(config["panels"])
    if len(files) < len(config["panels"]):
        yield InputError("`panels`", "two of them have the same name", "rename a file")
    clinical = config["clinical"]
    taken = {f.name for f in feature_sets(config["layers"], clinical, derived_tables(config))}
    for name, path in files.items():
        if name in taken:
            yield InputError("`panels`", f"{name} is the name of a feature set", "rename the file")
        elif path.parent == FOLDER and name not in shipped_panels():
            fix = did_you_mean(name, shipped_panels(), "those that come with the workflow are")
            yield InputError("`panels`", f"there is no panel {name}", fix)
        else:
            yield from _problem(read_panel, path)


def _problem(check: Callable[..., object], *arguments: Any) -> list[InputError]:
    """Return the error that a check raises, if it does."""
    try:
        check(*arguments)
    except InputError as error:
        return [error]
    return []


def _check_patients(sheet: pd.DataFrame, config: CohortConfig) -> None:
    label = labels(sheet, config["label"])
    check_classes(label, config)
    check_covariates(sheet, label, config)


def _named_files(config: CohortConfig) -> Iterator[tuple[str, str]]:
    """Yield the keys of files other than the layers', with the file; URLs are left out."""
    files = {
        "cells.signature": own_signature(config),
        "differential.burden_gene_sets": config["differential"]["burden_gene_sets"],
        "enrichment.mirna.targets": config["enrichment"]["mirna"]["targets"],
    }
    drugs = config["pharmacogenes"]["medication"]
    if drugs is not None and not is_simulated(config, drugs):
        files["pharmacogenes.medication"] = drugs
    yield from ((key, file) for key, file in files.items() if file is not None)
    for entry in config["enrichment"]["gene_sets"]:
        file = entry if isinstance(entry, str) else entry["file"]
        if not is_url(file):
            yield "enrichment.gene_sets", file


def _unit_problems(name: str, reads: ReadsConfig, config: CohortConfig) -> Iterator[InputError]:
    try:
        units = read_units(reads["units"], name)
    except InputError as error:
        yield from error.errors
        return
    yield from missing_files(units, name, lambda file: is_made(config, file))
    for key in needed_references(reads, units.aligned):
        if config["references"][key] is None:
            problem = f"`references.{key}` is missing"
            yield InputError(f"{units.path} (layer {name})", problem, "give the file in the config")
    for part, file in (("regions", reads.get("regions")), ("sites", reads.get("sites"))):
        if file is not None and not is_made(config, file):
            yield from _missing(file, of_layer(file, name), f"`layers.{name}.reads.{part}`")


def _missing(file: str, where: str, named: str) -> Iterator[InputError]:
    """Yield why a file cannot be an input, if it cannot."""
    problem = why_no_file(file)
    if set("{}") & set(file):
        fix = "rename the file: Snakemake reads braces as wildcards"
        yield InputError(where, "its name has a brace", fix)
    elif problem is not None:
        yield InputError(where, problem, f"correct {named}{starting_from(file)}")


def _file_problems(config: CohortConfig) -> Iterator[tuple[str | None, InputError]]:
    """Yield missing and mistaken files, with their layer."""
    sheet = config["samples"]["file"]
    if why_no_file(sheet) is None:
        yield from ((None, error) for error in _missing(sheet, sheet, "`samples.file`"))
    for key, file in _named_files(config):
        yield from ((None, error) for error in _missing(file, f"{file} ({key})", f"`{key}`"))
    for name, layer in config["layers"].items():
        for part, path in layer_files(layer).items():
            if is_made(config, path):
                continue
            named = f"`layers.{name}.{part}`"
            if config["simulation"] is not None:
                named += f"; simulated files are in results/{config['cohort']}/simulation/"
            where = of_layer(path, name)
            if os.path.abspath(path) == os.path.abspath(sheet):
                yield name, InputError(where, "it is the sample sheet", f"correct {named}")
            yield from ((name, error) for error in _missing(path, where, named))
        if reads := layer.get("reads"):
            yield from ((name, error) for error in _unit_problems(name, reads, config))
    for reference in REFERENCE_FILES:
        given = config["references"][reference]
        if given is not None and not is_made(config, given):
            where, named = f"{given} (references.{reference})", f"`references.{reference}`"
            yield from ((None, error) for error in _missing(given, where, named))
    model = config["scoring"]["model"]
    if model is not None and why_no_file(os.path.join(model, MANIFEST)):
        problem = f"has no {MANIFEST}" if os.path.exists(model) else "no such model"
        yield None, InputError(model, problem, "correct `scoring.model`" + starting_from(model))
    elif model is not None:
        unlike = _problem(
            lambda: compare_labels(config["label"], read_manifest(Path(model, MANIFEST)))
        )
        yield from ((None, error) for error in unlike)
    for name, path in config["scoring"]["feature_names"].items():
        if name not in config["layers"]:
            fix = did_you_mean(name, config["layers"], "its layers are")
            yield None, InputError(f"`scoring.feature_names.{name}`", "no such layer", fix)
            continue
        yield from ((None, error) for error in _problem(read_names, path, name))
