"""Closed JSON schemas with defaults and readable errors."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from trdomics.errors import InputError

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a group of keys",
    "null": "null",
}
IN_WORDS = {2: "two", 3: "three"}
# A misspelt key is also a missing one: report the misspelling.
URGENCY = {"additionalProperties": 0, "propertyNames": 1, "required": 2, "type": 3}


@cache
def load_schema(name: str) -> dict[str, Any]:
    """Return ``workflow/schemas/<name>.schema.yaml``."""
    with open(SCHEMAS / f"{name}.schema.yaml", encoding="utf-8") as handle:
        schema: dict[str, Any] = yaml.load(handle, Loader=yaml.CSafeLoader)
    return schema


def did_you_mean(name: str, known: Iterable[str], what: str) -> str:
    """Return the fix for an unknown name: the nearest one, or all names."""
    names = [str(each) for each in known]
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{close[0]}`?"
    shown = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
    return f"{what}: {shown or 'none'}"


class ClosedSchema:
    """A schema with defaults and readable errors.

    Parameters
    ----------
    schema : dict
        A draft 2020-12 schema; ``$ref`` only to its own ``$defs``.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.schema = schema
        self.validator = Draft202012Validator(schema)

    def resolve(self, value: Any, where: str) -> Any:
        """Return a copy of `value` with the defaults of the schema filled in.

        Raises
        ------
        InputError
            Naming `where` and the first invalid key.
        """
        value = self._without_empty_groups(_text_keys(value), self.schema)
        errors = sorted(
            self.validator.iter_errors(value),
            key=lambda e: (self._urgency(e), [str(part) for part in e.absolute_path]),
        )
        if errors:
            raise self._readable(errors[0], where)
        return self._filled(value, self.schema)

    def _flat(self, schema: Mapping[str, Any], value: Any) -> dict[str, Any]:
        """Return a schema with its ``$ref`` and the branches that apply to `value` merged in."""
        flat = {k: v for k, v in schema.items() if k not in ("$ref", "allOf")}
        parts = []
        if "$ref" in schema:
            parts.append(self.schema["$defs"][schema["$ref"].rsplit("/", 1)[1]])
        parts += [
            branch["then"]
            for branch in schema.get("allOf", [])
            if self.validator.evolve(schema=branch["if"]).is_valid(value)
        ]
        for part in parts:
            merged = self._flat(part, value)
            properties = {**flat.get("properties", {}), **merged.get("properties", {})}
            flat = {**merged, **flat}
            if properties:
                flat["properties"] = properties
        return flat

    def _children(self, value: Any, schema: Mapping[str, Any]) -> dict[str, Any]:
        """Return the schema of each key that an object has or could have."""
        flat = self._flat(schema, value)
        children = dict(flat.get("properties", {}))
        if isinstance(flat.get("additionalProperties"), dict):
            children |= {k: flat["additionalProperties"] for k in value if k not in children}
        return children

    def _without_empty_groups(self, value: Any, schema: Mapping[str, Any]) -> Any:
        """Drop empty keys, as when a whole group is commented out."""
        if not isinstance(value, dict):
            return value
        for key, child in self._children(value, schema).items():
            if key not in value:
                continue
            if value[key] is None and self._flat(child, None).get("type") == "object":
                del value[key]
            else:
                value[key] = self._without_empty_groups(value[key], child)
        return value

    def _filled(self, value: Any, schema: Mapping[str, Any]) -> Any:
        if isinstance(value, dict):
            for key, child in self._children(value, schema).items():
                flat = self._flat(child, value.get(key))
                if key not in value and "default" in flat:
                    value[key] = copy.deepcopy(flat["default"])
                if key in value:
                    value[key] = self._filled(value[key], child)
        elif isinstance(value, float) and self._flat(schema, value).get("type") == "integer":
            return int(value)  # JSON schema accepts 5.0 as an integer, range() does not
        return value

    @staticmethod
    def _urgency(error: ValidationError) -> int:
        names = "propertyNames" in error.absolute_schema_path
        return URGENCY.get("propertyNames" if names else str(error.validator), 4)

    def _readable(self, error: ValidationError, where: str) -> InputError:
        path = [str(part) for part in error.absolute_path]
        key = _dotted(path)
        rule, value = str(error.validator), error.instance
        if "propertyNames" in error.absolute_schema_path:
            if rule == "not":
                return InputError(
                    where,
                    f"`{key}.{value}`: the name `{value}` is reserved",
                    "rename the layer",
                )
            return InputError(
                where,
                f"`{key}.{value}`: a name here may have letters, digits and _ only",
                "rename it",
            )
        if rule == "additionalProperties":
            known = list(error.schema["properties"])
            unknown = next(str(k) for k in value if k not in error.schema["properties"])
            fix = did_you_mean(unknown, known, "the allowed keys are")
            return InputError(where, f"unknown key `{_dotted([*path, unknown])}`", fix)
        if rule == "required":
            missing = next(name for name in error.validator_value if name not in value)
            child = self._children(value, error.schema).get(missing, {})
            what = self._flat(child, None).get("description", f"`{missing}:`")
            return InputError(where, f"`{_dotted([*path, missing])}` is missing", f"add it: {what}")
        return InputError(where, *self._range(error, f"`{key}`" if key else "the config"))

    @staticmethod
    def _range(error: ValidationError, key: str) -> tuple[str, str]:
        rule, wanted, value = str(error.validator), error.validator_value, error.instance
        shown = "nothing" if value is None else repr(value)
        if rule == "type":
            kinds = [wanted] if isinstance(wanted, str) else wanted
            if value is None:
                return f"{key} is empty", f"give {' or '.join(TYPES[kind] for kind in kinds)}"
            if isinstance(value, bool) and "string" in kinds:
                fix = "YAML reads yes, no, on and off as true and false: put it in quotes"
            elif isinstance(value, str) and {"number", "integer"} & set(kinds):
                fix = f"write it without quotes, such as {0.01 if 'number' in kinds else 5}"
            else:
                fix = "config/README.md explains it"
            return f"{key} is {shown}, not {' or '.join(TYPES[kind] for kind in kinds)}", fix
        if rule == "enum":
            options = [str(option) for option in wanted if option is not None]
            return f"{key} cannot be {shown}", did_you_mean(str(value), options, "it can be one of")
        limits = {
            "minimum": "at least {}",
            "maximum": "at most {}",
            "exclusiveMinimum": "greater than {}",
            "exclusiveMaximum": "less than {}",
        }
        if rule in limits:
            return f"{key} is {shown}", f"it must be {limits[rule].format(wanted)}"
        if rule in ("minLength", "minItems", "minProperties") and wanted == 1:
            return f"{key} is empty", "give at least one"
        if rule in ("minItems", "maxItems"):
            name = key.strip("`").rpartition(".")[2]
            things = name if name.endswith("s") else "entries"
            bound = {"minItems": "at least ", "maxItems": "at most "}[rule]
            if error.schema.get("minItems") == error.schema.get("maxItems"):
                bound = ""
            have = "1 entry" if len(value) == 1 else f"{len(value)} entries"
            return (
                f"{key} has {have}",
                f"it must have {bound}{IN_WORDS.get(wanted, wanted)} {things}",
            )
        if rule == "uniqueItems":
            twice = next(item for item in value if value.count(item) > 1)
            return f"{key} lists {twice!r} twice", "list it once"
        if rule == "pattern" and key == "`differential.design`":
            return f"{key} is {shown}", "a formula starts with ~, as in `~ age + response`"
        return f"{key} is {shown}", "use letters, digits, _, - and . only"


def _text_keys(value: Any) -> Any:
    """Return a copy with text keys: YAML reads a layer called 16 as a number."""
    if isinstance(value, Mapping):
        return {str(key): _text_keys(item) for key, item in value.items()}
    return [_text_keys(item) for item in value] if isinstance(value, list) else value


def _dotted(path: list[str]) -> str:
    """Return ``layers.mrna.min_count`` or ``classification.models[0]``."""
    text = ""
    for part in path:
        text += f"[{part}]" if part.isdigit() and text else f".{part}" if text else part
    return text
