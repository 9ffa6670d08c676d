"""Specification of a mechanistic model: parameters, experiments, statements, links."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from trdomics.errors import InputError
from trdomics.schema import ClosedSchema, did_you_mean, load_schema
from trdomics.shipped import shipped_or_own

Settings = Mapping[str, float]


@dataclass(frozen=True)
class Parameter:
    """A constant of the model: its value, and the range in which it is drawn."""

    label: str
    value: float
    low: float
    high: float
    unit: str
    status: str
    source: str


@dataclass(frozen=True)
class Readout:
    """A variable of the model to report, multiplied by `factor` to be in `unit`."""

    variable: str
    name: str
    unit: str
    factor: float


@dataclass(frozen=True)
class Condition:
    """An experiment: initial settings, and when the drug starts.

    `take` sets a parameter to the baseline of a readout in another condition.
    """

    label: str
    set: Settings
    at_start: Settings = field(default_factory=dict)
    drug: bool = True
    take: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Statement:
    """A finding to reproduce: a measure compared with a number or a multiple of another measure."""

    name: str
    condition: str
    readout: str
    measure: str
    source: str
    above: float | None = None
    below: float | None = None
    against: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Link:
    """How a patient's data set a parameter of the model; exactly one of the four kinds is given."""

    label: str
    parameter: str
    source: str
    phenotype: str | None = None
    values: Settings | None = None
    gene: str | None = None
    carrier: float | None = None
    variant: str | None = None
    effect_allele: str | None = None
    per_allele: float | None = None
    gene_set: str | None = None
    per_sd: float | None = None

    @property
    def normal(self) -> float:
        """Value of the parameter in a patient who does not differ: factors are 1, sums 0."""
        return 0.0 if self.per_sd is not None else 1.0


@dataclass(frozen=True)
class Specification:
    """The content of a specification file."""

    path: Path
    title: str
    hypothesis: str
    model: Path
    settle: float
    acute_hours: float
    days: int
    treatment: Settings
    at_once: Mapping[str, str] | None
    circuit: Mapping[str, Any]
    readouts: Mapping[str, Readout]
    parameters: Mapping[str, Parameter]
    conditions: Mapping[str, Condition]
    statements: tuple[Statement, ...]
    map: Mapping[str, Any]
    links: Mapping[str, Link]
    response: tuple[str, str]


def specification_file(model: str) -> str:
    """Return the file of a specification, by its path or the name of one that is shipped."""
    path = shipped_or_own(model, "resources/models", ".yaml")
    return model if Path(model).suffix else os.path.relpath(path)


def read_specification(path: str | os.PathLike[str]) -> Specification:
    """Read and check a specification.

    Parameters
    ----------
    path : path
        A YAML file under ``workflow/schemas/mechanism.schema.yaml``.

    Raises
    ------
    InputError
        Naming the file and the key that does not fit.
    """
    path = Path(path)
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except OSError as error:
        raise InputError(str(path), "no such file", "check `mechanism.model`") from error
    except yaml.YAMLError as error:
        raise InputError(str(path), f"not valid YAML: {error}", "correct it") from error
    raw = ClosedSchema(load_schema("mechanism")).resolve(raw, str(path))
    trial = raw["trial"]
    found = Specification(
        path=path,
        title=raw["title"],
        hypothesis=raw["hypothesis"],
        model=path.parent / raw["model"],
        settle=raw["settle"],
        acute_hours=raw["acute_hours"],
        days=raw["days"],
        treatment=raw["treatment"],
        at_once=raw.get("at_once"),
        circuit=raw["circuit"],
        readouts={name: Readout(**values) for name, values in raw["readouts"].items()},
        parameters={name: Parameter(**values) for name, values in raw["parameters"].items()},
        conditions={name: Condition(**values) for name, values in raw["conditions"].items()},
        statements=tuple(Statement(**values) for values in raw["statements"]),
        map=raw["map"],
        links={name: Link(**values) for name, values in trial["links"].items()},
        response=(trial["readout"], trial["measure"]),
    )
    _check_names(found)
    return found


def _check_names(found: Specification) -> None:
    """Refuse undefined conditions or readouts, and empty ranges."""

    def known(name: str, names: Mapping[str, Any], what: str) -> None:
        if name not in names:
            fix = did_you_mean(name, names, f"there are the {what}s")
            raise InputError(str(found.path), f"{name} is not a {what}", fix)

    for statement in found.statements:
        known(statement.condition, found.conditions, "condition")
        known(statement.readout, found.readouts, "readout")
        if statement.against:
            known(statement.against["condition"], found.conditions, "condition")
    for condition in found.conditions.values():
        for taken in condition.take.values():
            known(taken["condition"], found.conditions, "condition")
            known(taken["readout"], found.readouts, "readout")
            if found.conditions[taken["condition"]].take:
                raise InputError(
                    str(found.path),
                    f"{condition.label} takes a value of a condition that takes one itself",
                    "take it of a condition without `take`",
                )
    for arrow in found.circuit["arrows"]:
        known(arrow["from"], found.circuit["boxes"], "box")
        known(arrow["to"], found.circuit["boxes"], "box")
    for readout in (found.map["readout"], found.response[0]):
        known(readout, found.readouts, "readout")
    for name, parameter in found.parameters.items():
        if (
            not parameter.low <= parameter.value <= parameter.high
            or parameter.low == parameter.high
        ):
            raise InputError(
                f"{found.path}, parameters.{name}",
                f"{parameter.value} is not in a range from {parameter.low} to {parameter.high}",
                "give low < high, and a value between them",
            )
