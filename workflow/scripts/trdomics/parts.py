"""Parts of a model as plain data with declared fields, read back without trust.

A part is a dataclass whose fields have a :class:`Kind`. Its texts and numbers become JSON, its
arrays named arrays; data read back must have exactly these fields, and every array the dtype and
axes declared by its field. Nothing in a file determines what is executed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]
T = TypeVar("T")

DTYPES = {"float": np.float64, "int": np.int64, "bool": np.bool_}
MAX_NAME = 1000
MAX_INT = 2**53


@dataclass(frozen=True)
class Kind:
    """Writing and reading of a value.

    Attributes
    ----------
    write : callable
        Value, path and arrays (to add to) → JSON.
    read : callable
        JSON, path and arrays (to take from) → value; raises ValueError.
    axes : sequence of str or int, optional
        For an array: names of attributes of its part with the same length, or lengths.
    """

    write: Callable[[Any, str, Arrays], Any]
    read: Callable[[Any, str, Arrays], Any]
    axes: tuple[str | int, ...] | None = None


def stored(kind: Kind) -> Any:
    """Return a dataclass field of a kind."""
    return dataclasses.field(metadata={"kind": kind})


def kinds_of(part: Any) -> dict[str, Kind]:
    """Return the kinds of a part's fields by name."""
    return {field.name: field.metadata["kind"] for field in dataclasses.fields(part)}


def wrong(path: str, what: str) -> NoReturn:
    """Raise ValueError about the value at a path."""
    raise ValueError(f"{path.strip('/')[:120]} {what}")


def _plain(type_: type, convert: Callable[[Any], Any], fine: Callable[[Any], bool]) -> Kind:
    def read(node: Any, path: str, arrays: Arrays) -> Any:
        # True is an int to Python, and 1 a float to JSON
        if type(node) not in {type_, int if type_ is float else type_} or not fine(node):
            wrong(path, "is not what a model has there")
        return convert(node)

    return Kind(lambda value, path, arrays: convert(value), read)


FLAG = _plain(bool, bool, lambda value: True)
COUNT = _plain(int, int, lambda value: 0 <= value <= MAX_INT)
NUMBER = _plain(float, float, lambda value: bool(abs(value) < 1e300))


# NaN is null in JSON.
NUMBER_OR_GAP = Kind(
    lambda value, path, arrays: None if np.isnan(value) else float(value),
    lambda node, path, arrays: np.nan if node is None else NUMBER.read(node, path, arrays),
)


def text(*choices: str) -> Kind:
    """Return the kind of a text from a list."""
    return _plain(str, str, lambda value: value in choices)


def _read_names(node: Any, path: str, arrays: Arrays) -> list[str]:
    if not isinstance(node, list) or not all(isinstance(name, str) for name in node):
        wrong(path, "is not a list of names")
    if len(set(node)) != len(node) or max(map(len, node), default=0) > MAX_NAME:
        wrong(path, f"has a name twice, or one of more than {MAX_NAME} letters")
    return list(node)


# Distinct texts.
NAMES = Kind(lambda value, path, arrays: [str(name) for name in value], _read_names)


def array(*axes: str | int, dtype: str = "float", gaps: bool = False) -> Kind:
    """Return the kind of an array.

    Parameters
    ----------
    *axes : str or int
        See :class:`Kind`.
    dtype : {"float", "int", "bool"}
    gaps : bool
        Whether NaN is allowed; infinities never are.
    """

    def write(value: Any, path: str, arrays: Arrays) -> None:
        arrays[path] = np.ascontiguousarray(value, dtype=DTYPES[dtype])

    def read(node: Any, path: str, arrays: Arrays) -> Any:
        if node is not None or path not in arrays:
            wrong(path, "is missing")
        found = arrays.pop(path)
        if found.dtype != DTYPES[dtype] or found.ndim != len(axes):
            wrong(path, f"is not an array of type {dtype} with {len(axes)} axes")
        if not (~np.isinf(found) if gaps else np.isfinite(found)).all():
            wrong(path, "has a value that is not a number")
        return found

    return Kind(write, read, axes)


def optional(kind: Kind) -> Kind:
    """Return the kind of a value that may be None."""
    return Kind(
        lambda value, path, arrays: None if value is None else kind.write(value, path, arrays),
        lambda node, path, arrays: None if node is None else kind.read(node, path, arrays),
    )


def mapping(kind: Kind) -> Kind:
    """Return the kind of a dict from names to values of a kind."""

    def read(node: Any, path: str, arrays: Arrays) -> dict[str, Any]:
        if not isinstance(node, dict) or max(map(len, node), default=0) > MAX_NAME:
            wrong(path, "is not a group of names")
        return {key: kind.read(item, f"{path}/{key}", arrays) for key, item in node.items()}

    return Kind(
        lambda value, path, arrays: {
            str(key): kind.write(item, f"{path}/{key}", arrays) for key, item in value.items()
        },
        read,
    )


def sequence(kind: Kind) -> Kind:
    """Return the kind of a list of values of a kind."""

    def read(node: Any, path: str, arrays: Arrays) -> list[Any]:
        if not isinstance(node, list):
            wrong(path, "is not a list")
        return [kind.read(item, f"{path}/{i}", arrays) for i, item in enumerate(node)]

    return Kind(
        lambda value, path, arrays: [
            kind.write(item, f"{path}/{i}", arrays) for i, item in enumerate(value)
        ],
        read,
    )


def group(required: Mapping[str, Kind], more: Mapping[str, Kind] | None = None) -> Kind:
    """Return the kind of a dict with some keys; those of arrays in `more` are optional."""
    kinds = {**required, **(more or {})}

    def write(value: Any, path: str, arrays: Arrays) -> dict[str, Any]:
        return {key: kinds[key].write(item, f"{path}/{key}", arrays) for key, item in value.items()}

    def read(node: Any, path: str, arrays: Arrays) -> dict[str, Any]:
        if not isinstance(node, dict) or node.keys() - kinds.keys():
            wrong(path, "has a key that no model has there")
        kept = [key for key in kinds if key in required or f"{path}/{key}" in arrays]
        return {key: kinds[key].read(node.get(key), f"{path}/{key}", arrays) for key in kept}

    return Kind(write, read)


def part(cls: type) -> Kind:
    """Return the kind of a part of a class."""
    return Kind(
        lambda value, path, arrays: _write_part(cls, value, path, arrays),
        lambda node, path, arrays: _read_part(cls, node, path, arrays),
    )


def one_of(classes: Mapping[str, type]) -> Kind:
    """Return the kind of a part of one of some classes, with the name stored as ``type``."""

    def write(value: Any, path: str, arrays: Arrays) -> Any:
        name = next(name for name, cls in classes.items() if isinstance(value, cls))
        return {"type": name, **_write_part(classes[name], value, path, arrays)}

    def read(node: Any, path: str, arrays: Arrays) -> Any:
        name = node.get("type") if isinstance(node, dict) else None
        if not isinstance(name, str) or name not in classes:
            wrong(path, "is of no type that a model has there")
        rest = {key: item for key, item in node.items() if key != "type"}
        return _read_part(classes[name], rest, path, arrays)

    return Kind(write, read)


def _write_part(cls: type, value: Any, path: str, arrays: Arrays) -> dict[str, Any]:
    written = {
        name: kind.write(getattr(value, name), f"{path}/{name}", arrays)
        for name, kind in kinds_of(cls).items()
    }
    return {name: node for name, node in written.items() if node is not None}


def _read_part(cls: type, node: Any, path: str, arrays: Arrays) -> Any:
    kinds = kinds_of(cls)
    if not isinstance(node, dict) or node.keys() - kinds.keys():
        wrong(path, "has a key that no model has there")
    found = cls(
        **{name: k.read(node.get(name), f"{path}/{name}", arrays) for name, k in kinds.items()}
    )
    for name, kind in kinds.items():
        if kind.axes is not None:
            shape = tuple(_length(found, axis) for axis in kind.axes)
            if getattr(found, name).shape != shape:
                wrong(f"{path}/{name}", f"is not of the shape {shape}")
    if hasattr(found, "check"):
        try:
            found.check()
        except ValueError as error:
            wrong(path, f"does not fit together: {error}")
    return found


def _length(part: Any, axis: str | int) -> int:
    size = axis if isinstance(axis, int) else getattr(part, axis)
    return size if isinstance(size, int) else len(size)


def take_apart(value: Any) -> tuple[Any, Arrays]:
    """Return the JSON and the arrays of a part.

    Parts may be fitted estimators that inherit from the declared classes: only the fields of these
    classes are written.
    """
    arrays: Arrays = {}
    tree = _write_part(type(value), value, "", arrays)
    return tree, {path.strip("/"): found for path, found in arrays.items()}


def put_together(cls: type[T], tree: Any, arrays: Mapping[str, NDArray[Any]]) -> T:
    """Return the part of a class that :func:`take_apart` wrote, or raise ValueError."""
    left = {f"/{name}": found for name, found in arrays.items()}
    found = _read_part(cls, tree, "", left)
    if left:
        wrong(min(left), "is an array that no model has")
    assert isinstance(found, cls)
    return found
